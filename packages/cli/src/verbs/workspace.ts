// SPDX-License-Identifier: Apache-2.0
// `plinth workspace`: private places for programs, whose changes are kept apart from the host.

import { randomBytes } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import { PlinthError } from '@plinth/core';
import { nativeCalls } from '@plinth/linux';
import {
  checkHost,
  connectWatcher,
  DEFAULT_WORKSPACE,
  findRunNetwork,
  type HostFacts,
  hostFacts,
  type LayerCarrier,
  type RunNetwork,
  usualCarrier,
  Workspace,
  type WorkspaceOptions,
  watcherDirectory,
  workspacesDirectory,
} from '@plinth/sandbox';
import { EXIT } from '../report-error.js';
import { parseSize } from '../run/run-options.js';
import { describePlan } from '../workspace/describe-plan.js';
import { WATCHER_DESCRIPTOR, workspaceEnvironment } from '../workspace/environment.js';
import { givenTerminal } from '../workspace/given-terminal.js';
import { runToEnd } from '../workspace/run-to-end.js';
import { requireWorkspaceHost, tryWorkspace } from '../workspace/try-workspace.js';
import { formatReview, type Review, reviewOf } from '../workspace/review.js';

export interface CreateOptions {
  readonly deny?: readonly string[];
  readonly allowNet?: readonly string[];
  readonly home?: 'private' | 'cow';
  readonly folder?: readonly string[];
  readonly root?: boolean;
  readonly layers?: LayerCarrier;
  readonly denyExec?: readonly string[];
  readonly memory?: string;
  readonly pids?: string;
  readonly cpus?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export interface RunInOptions {
  readonly directory?: string;
  readonly layers?: LayerCarrier;
  readonly dryRun?: boolean;
  /** --no-watch */
  readonly watch?: boolean;
}

/** What of the options makes a workspace. */
export function workspaceOptions(options: CreateOptions, facts: HostFacts): WorkspaceOptions {
  const { denyExec = [], home = DEFAULT_WORKSPACE.home, folder = [], root = false } = options;
  const layers = options.layers ?? usualCarrier({ home }, facts);
  const { memory, pids, cpus } = options;
  const relative = denyExec.find((path) => !isAbsolute(path));
  if (relative !== undefined) {
    throw new PlinthError(
      'input',
      'deny-exec',
      `--deny-exec ${relative}: the whole path is wanted, such as /usr/bin/curl`,
    );
  }
  return {
    home,
    ...networkOptions(options),
    folders: folder.map(realFolder),
    deniedPrograms: denyExec,
    asRoot: root,
    layers,
    ...(pids === undefined ? {} : { processes: count(pids, '--pids') }),
    ...(cpus === undefined ? {} : { processors: fraction(cpus, '--cpus') }),
    ...(memory === undefined ? {} : { memory: parseSize(memory, '--memory') }),
  };
}

function networkOptions({
  deny = [],
  allowNet = [],
}: CreateOptions): Pick<WorkspaceOptions, 'network' | 'reachableHosts'> {
  for (const one of deny) {
    if (one !== 'net') throw new PlinthError('input', 'deny', `--deny ${one}: it denies net, and nothing else`);
  }
  if (allowNet.length === 0) return { network: deny.length > 0 ? 'none' : 'host' };
  if (deny.length > 0) {
    const why = 'all of the net is denied already: leave one of them out';
    throw new PlinthError('input', 'allow-net', `--allow-net ${allowNet[0]!} with --deny net: ${why}`);
  }
  for (const host of allowNet) checkHost(host);
  return { network: 'listed', reachableHosts: allowNet };
}

function realFolder(path: string): string {
  if (!existsSync(path))
    throw new PlinthError('input', 'workspace-folder', `--folder ${path}: there is no such directory`);
  return realpathSync(path);
}

function count(text: string, option: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new PlinthError('input', 'count', `${option} ${text}: a number from 1 on is wanted`);
}

/** One in which commands run, or none at all. */
async function createTried(
  name: string,
  options: CreateOptions,
  facts: HostFacts,
  network: RunNetwork | undefined,
): Promise<Workspace> {
  const workspace = Workspace.create(workspacesDirectory(), name, workspaceOptions(options, facts), facts);
  try {
    await tryWorkspace(workspace, facts, { layers: options.layers, network });
    return workspace;
  } catch (error) {
    workspace.remove(nativeCalls());
    throw error;
  }
}

function fraction(text: string, option: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (value >= 0.01 && value <= 4096) return value;
  throw new PlinthError('input', 'fraction', `${option} ${text}: a number from 0.01 on is wanted`);
}

export async function createVerb(name: string, options: CreateOptions): Promise<number> {
  requireWorkspaceHost();
  const facts = hostFacts();
  const wanted = workspaceOptions(options, facts);
  const network = await findRunNetwork(wanted);
  if (options.dryRun === true) {
    const plan = Workspace.planned(workspacesDirectory(), name, wanted, facts, network);
    process.stdout.write(describePlan(plan, options.layers === undefined));
    return EXIT.clean;
  }
  const workspace = await createTried(name, options, facts, network);
  if (options.json === true) process.stdout.write(`${JSON.stringify(summary(workspace))}\n`);
  else
    process.stdout.write(`workspace ${name}: made; "plinth workspace run ${name} -- COMMAND" runs a command in it\n`);
  return EXIT.clean;
}

/** Becomes the command, unless it throws. */
export async function runInVerb(name: string, command: readonly string[], options: RunInOptions): Promise<number> {
  requireWorkspaceHost();
  const workspace = Workspace.open(workspacesDirectory(), name);
  const layers = options.layers ?? workspace.options.layers;
  const network = await findRunNetwork(workspace.options);
  const calls = nativeCalls();
  const isNeeded = options.dryRun !== true && (options.watch !== false || layers === 'fuse');
  const socket = isNeeded ? await connectWatcher(calls, watcherDirectory()) : undefined;
  // Read last: what is mounted after that, no plan knows.
  const facts = hostFacts();
  const directory = options.directory ?? startDirectory(workspace, facts);
  const place = { directory, layers, ...givenTerminal(), ...(network === undefined ? {} : { network }) };
  if (options.dryRun === true) {
    process.stdout.write(describePlan(workspace.plan(facts, place)));
    return EXIT.clean;
  }
  const told = options.watch === false ? {} : { line: workspace.watchedLine(facts, network) };
  const watcher = socket === undefined ? {} : { watcher: { socket, ...told } };
  const launcher = workspace.launcher(facts, { ...place, ...watcher });
  for (const fd of [0, 1, 2, ...(socket === undefined ? [] : [socket])]) calls.handOver(fd);
  const error = calls.execve(launcher, ['plinth-launch', ...command], workspaceEnvironment(name, facts, process.env));
  throw new PlinthError('host', 'launch', `workspace ${name}: ${launcher}: cannot be executed (error ${-error})`);
}

export interface UntrustedOptions {
  readonly json?: boolean;
  readonly keep?: boolean;
  readonly pids: string;
  readonly folder?: readonly string[];
  readonly layers?: LayerCarrier;
  readonly allowNet?: readonly string[];
}

/** One command in a workspace of its own that has no network, or a list of hosts, and what it did. 0 if it gave 0, else 1. */
export async function runUntrustedVerb(command: readonly string[], options: UntrustedOptions): Promise<number> {
  requireWorkspaceHost();
  const { json = false, keep = false, folder = ['.'], pids, layers, allowNet } = options;
  const facts = hostFacts();
  const name = `untrusted-${randomBytes(4).toString('hex')}`;
  const net = allowNet === undefined ? { deny: ['net'] } : { allowNet };
  const wanted: CreateOptions = { ...net, folder, pids, ...(layers === undefined ? {} : { layers }) };
  const network = await findRunNetwork(workspaceOptions(wanted, facts));
  const workspace = await createTried(name, wanted, facts, network);
  const calls = nativeCalls();
  let review: Review;
  let exitStatus: number;
  try {
    const socket = await connectWatcher(calls, watcherDirectory());
    // What was mounted meanwhile counts.
    const now = hostFacts();
    const watcher = { socket: WATCHER_DESCRIPTOR, line: workspace.watchedLine(now, network) };
    const directory = startDirectory(workspace, now);
    const place = { directory, watcher, ...givenTerminal(), ...(network === undefined ? {} : { network }) };
    const launcher = workspace.launcher(now, place);
    // What stands behind the command is not looked at for options, and so -- is left where it is.
    const words = command[0] === '--' ? command.slice(1) : command;
    exitStatus = await runToEnd(launcher, words, workspaceEnvironment(name, facts, process.env), { watcher: socket });
    review = reviewOf(workspace, facts);
  } finally {
    if (!keep) workspace.remove(calls);
  }
  const success = exitStatus === 0;
  if (json) process.stdout.write(`${JSON.stringify({ exitStatus, ...review })}\n`);
  else process.stderr.write(`${success ? '' : `plinth: the command left with ${exitStatus}\n`}${formatReview(review)}`);
  if (keep && !json) process.stderr.write(`kept: "plinth workspace commit ${name} PATH" brings a change to the host\n`);
  return success ? EXIT.clean : EXIT.found;
}

/** Where we are, if that is in a folder of the workspace, or its home. */
function startDirectory({ options }: Workspace, { home }: HostFacts): string {
  const here = process.cwd();
  const inside = (folder: string): boolean => {
    const path = relative(folder, here);
    return path === '' || (!path.startsWith('..') && !isAbsolute(path));
  };
  return [...options.folders, ...(options.home === 'cow' ? [home] : [])].some(inside) ? here : home;
}

export function listVerb({ json = false }: { readonly json?: boolean }): number {
  const all = Workspace.list(workspacesDirectory());
  if (json) {
    process.stdout.write(`${JSON.stringify(all.map(summary))}\n`);
    return EXIT.clean;
  }
  if (all.length === 0) process.stdout.write('no workspaces; "plinth workspace create NAME" makes one\n');
  for (const workspace of all) {
    const { options, created, name } = workspace;
    const what = [`home ${options.home}`, networkWords(options), ...options.folders];
    process.stdout.write(`${name.padEnd(16)}  ${created.slice(0, 19).replace('T', ' ')}  ${what.join(', ')}\n`);
  }
  return EXIT.clean;
}

function networkWords({ network, reachableHosts = [] }: WorkspaceOptions): string {
  if (network === 'listed') return `network of ${reachableHosts.join(' ')}`;
  return network === 'none' ? 'no network' : 'network of the host';
}

function summary({ name, created, directory, options }: Workspace): Readonly<Record<string, unknown>> {
  return { name, created, directory, ...options };
}

export function removeVerb(names: readonly string[]): number {
  for (const name of names) Workspace.open(workspacesDirectory(), name).remove(nativeCalls());
  return EXIT.clean;
}

export function reviewVerb(name: string, { json = false }: { readonly json?: boolean }): number {
  const review = reviewOf(Workspace.open(workspacesDirectory(), name), hostFacts());
  process.stdout.write(json ? `${JSON.stringify(review)}\n` : formatReview(review));
  return EXIT.clean;
}

export function commitVerb(
  name: string,
  paths: readonly string[],
  options: { readonly all?: boolean; readonly json?: boolean },
): number {
  const { all = false, json = false } = options;
  if (all === paths.length > 0) {
    throw new PlinthError(
      'input',
      'commit',
      `workspace ${name}: say which paths, or --all ("plinth workspace review ${name}" lists them)`,
    );
  }
  const wanted = all ? 'all' : paths.map((path) => resolve(path));
  const { done, leftOut } = Workspace.open(workspacesDirectory(), name).commit(nativeCalls(), hostFacts(), wanted);
  if (done.length + leftOut.length === 0) {
    throw new PlinthError(
      'input',
      'commit',
      `workspace ${name}: nothing is changed there ("plinth workspace review ${name}" says what is)`,
    );
  }
  if (json) process.stdout.write(`${JSON.stringify({ committed: done, leftOut })}\n`);
  else {
    for (const path of done) process.stdout.write(`committed  ${path}\n`);
    for (const { path, why } of leftOut) process.stdout.write(`left out   ${path}: ${why}\n`);
  }
  return EXIT.clean;
}

export function discardVerb(name: string): number {
  Workspace.open(workspacesDirectory(), name).discard(nativeCalls(), hostFacts());
  return EXIT.clean;
}

export function snapshotVerb(name: string): number {
  const number = Workspace.open(workspacesDirectory(), name).snapshot(nativeCalls());
  process.stdout.write(
    `workspace ${name}: snapshot ${number}; "plinth workspace rollback ${name} ${number}" goes back to it\n`,
  );
  return EXIT.clean;
}

export function rollbackVerb(name: string, number: string | undefined): number {
  Workspace.open(workspacesDirectory(), name).rollback(nativeCalls(), hostFacts(), number);
  return EXIT.clean;
}

// SPDX-License-Identifier: Apache-2.0
// `plinth workspace`: private places for programs, whose changes are kept apart from the host.

import { existsSync, realpathSync } from 'node:fs';
import { isAbsolute, relative } from 'node:path';
import { PlinthError } from '@plinth/core';
import { nativeCalls, STATUS } from '@plinth/linux';
import {
  connectWatcher,
  type HostFacts,
  hostFacts,
  Workspace,
  type WorkspaceOptions,
  watcherDirectory,
  workspacesDirectory,
} from '@plinth/sandbox';
import { EXIT, reportError } from '../report-error.js';
import { parseSize } from '../run/run-options.js';
import { describePlan } from '../workspace/describe-plan.js';
import { workspaceEnvironment } from '../workspace/environment.js';

export interface CreateOptions {
  readonly deny?: readonly string[];
  readonly home?: 'private' | 'cow';
  readonly folder?: readonly string[];
  readonly root?: boolean;
  readonly memory?: string;
  readonly pids?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export interface RunInOptions {
  readonly directory?: string;
  readonly dryRun?: boolean;
  /** --no-watch */
  readonly watch?: boolean;
}

/** What of the options makes a workspace. */
export function workspaceOptions(options: CreateOptions): WorkspaceOptions {
  const { deny = [], home = 'private', folder = [], root = false, memory, pids } = options;
  for (const one of deny) {
    if (one !== 'net') throw new PlinthError('input', 'deny', `--deny ${one}: it denies net, and nothing else`);
  }
  return {
    home,
    network: deny.includes('net') ? 'none' : 'host',
    folders: folder.map(realFolder),
    asRoot: root,
    ...(pids === undefined ? {} : { processes: count(pids, '--pids') }),
    ...(memory === undefined ? {} : { memory: parseSize(memory, '--memory') }),
  };
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

export function createVerb(name: string, options: CreateOptions): number {
  requireX64();
  const wanted = workspaceOptions(options);
  const facts = hostFacts();
  if (options.dryRun === true) {
    process.stdout.write(describePlan(Workspace.planned(workspacesDirectory(), name, wanted, facts)));
    return EXIT.clean;
  }
  const workspace = Workspace.create(workspacesDirectory(), name, wanted, facts);
  if (options.json === true) process.stdout.write(`${JSON.stringify(summary(workspace))}\n`);
  else
    process.stdout.write(`workspace ${name}: made; "plinth workspace run ${name} -- COMMAND" runs a command in it\n`);
  return EXIT.clean;
}

/** Becomes the command. Returns only if that fails, with the status that Docker has for it. */
export async function runInVerb(name: string, command: readonly string[], options: RunInOptions): Promise<number> {
  try {
    requireX64();
    const facts = hostFacts();
    const workspace = Workspace.open(workspacesDirectory(), name);
    const directory = options.directory ?? startDirectory(workspace, facts);
    if (options.dryRun === true) {
      process.stdout.write(describePlan(workspace.plan(facts, { directory })));
      return EXIT.clean;
    }
    const calls = nativeCalls();
    const socket = options.watch === false ? undefined : await connectWatcher(calls, watcherDirectory());
    const watcher = socket === undefined ? {} : { watcher: { socket, line: workspace.watchedLine() } };
    const launcher = workspace.launcher(facts, { directory, ...watcher });
    for (const fd of [0, 1, 2, ...(socket === undefined ? [] : [socket])]) calls.handOver(fd);
    // What stands behind the name is not looked at for options, and so -- is left where it is.
    const words = command[0] === '--' ? command.slice(1) : command;
    const error = calls.execve(launcher, ['plinth-launch', ...words], workspaceEnvironment(name, facts, process.env));
    throw new PlinthError('host', 'launch', `workspace ${name}: ${launcher}: cannot be executed (error ${-error})`);
  } catch (error) {
    reportError(error);
    return STATUS.failed;
  }
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
    const what = [
      `home ${options.home}`,
      options.network === 'none' ? 'no network' : 'network of the host',
      ...options.folders,
    ];
    process.stdout.write(`${name.padEnd(16)}  ${created.slice(0, 19).replace('T', ' ')}  ${what.join(', ')}\n`);
  }
  return EXIT.clean;
}

function summary({ name, created, directory, options }: Workspace): Readonly<Record<string, unknown>> {
  return { name, created, directory, ...options };
}

export function removeVerb(names: readonly string[]): number {
  for (const name of names) Workspace.open(workspacesDirectory(), name).remove(nativeCalls());
  return EXIT.clean;
}

function requireX64(): void {
  if (process.platform === 'linux' && process.arch === 'x64') return;
  const what = `${process.platform} on ${process.arch}`;
  throw new PlinthError(
    'host',
    'workspace-host',
    `workspaces are for Linux on x86-64, and this is ${what}: run plinth there`,
  );
}

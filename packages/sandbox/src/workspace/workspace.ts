// SPDX-License-Identifier: Apache-2.0
// A workspace on disk: a directory that has what it was made with, and its layers. It appears and goes as a whole, by being renamed.
//
//   NAME/workspace.json   version, options, and the number of the layer
//   NAME/layers/N/        what was changed of each part (workspace-plan.ts), as overlayfs writes it
//   NAME/work/N/          what overlayfs needs beside it
//   NAME/snapshots/N/     copies of the layer. They are no layers of their own: overlayfs refuses one that lies in another, and a
//                         workspace may well lie in a home that it shows
//   NAME/root             a mount point, always empty
//   NAME/lock             locked while something runs in it; NAME/process: its process 1
//   NAME/launch           the program that starts commands in it
//   NAME/hosts            with a list of hosts: their names and addresses, as of the last run
//   NAME/carrier, carrier.log   a pipe by which what carries its network says that it works, and what it complained of

import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import {
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { LOCK, nativeFileCalls, type SystemCalls } from '@plinth/linux';
import { launchFile } from '../isolation/launch.js';
import type { Surroundings } from '../isolation/surroundings.js';
import type { WatchedRun } from '../watch/connection.js';
import type { HostFacts } from './host-facts.js';
import { commitChanges, recoverCommit } from '../layers/commit.js';
import { type Change, changesOf } from '../layers/changes.js';
import { removeTree } from '../layers/remove-tree.js';
import { hostsText } from '../network/hosts-file.js';
import {
  ancestors,
  type LayerCarrier,
  type LayeredPart,
  layeredParts,
  numberedGroup,
  processEventsFile,
  type RunNetwork,
  type RunPlace,
  type WorkspaceOptions,
  workspacePlan,
} from './workspace-plan.js';

const VERSION = 1;
/** Of the carrier of a network. */
export const CARRIER_PIPE = 'carrier';
/** The journal of a commit. */
const COMMIT = 'commit.json';
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const NUMBER = /^[1-9]\d{0,8}$/;
const LOCK_TRIES = 25;
/** Milliseconds. */
const LOCK_PAUSE = 10;
/** Of control groups. */
export const GROUP_PREFIX = 'plinth-';
/** Such names have things that are being made or removed, by the process whose number is in them. */
const HALF = /^\.plinth-[a-z]+-(\d+)-/;

interface State {
  readonly version: number;
  readonly created: string;
  readonly options: WorkspaceOptions;
  /** The number of the layer that is written. */
  readonly upper: string;
}

/** Where workspaces are: $XDG_DATA_HOME/plinth/workspaces (XDG Base Directory Specification). */
export function workspacesDirectory(): string {
  const given = process.env['XDG_DATA_HOME'] ?? '';
  return join(isAbsolute(given) ? given : join(homedir(), '.local', 'share'), 'plinth', 'workspaces');
}

/** Where the watcher has its socket. */
export function watcherDirectory(): string {
  return join(workspacesDirectory(), '..', 'watcher');
}

export interface WorkspaceChange extends Change {
  /** Its path in the workspace. */
  readonly shown: string;
  /** Where it is brought to: what the part lies over on the host. */
  readonly base: string;
}

export interface Committed {
  /** Paths. */
  readonly done: readonly string[];
  readonly leftOut: readonly { readonly path: string; readonly why: string }[];
}

export class Workspace {
  readonly name: string;
  readonly directory: string;
  #state: State;

  private constructor(directory: string, name: string, state: State) {
    this.directory = directory;
    this.name = name;
    this.#state = state;
  }

  /** @throws PlinthError `workspace-name`, `workspace-exists`, `workspace-folder` (input) */
  static create(all: string, name: string, options: WorkspaceOptions, facts: HostFacts): Workspace {
    checkName(name);
    const parts = layeredParts(options, facts);
    mkdirSync(all, { recursive: true, mode: 0o700 });
    const directory = join(realpathSync(all), name);
    if (existsSync(directory)) {
      throw new PlinthError(
        'input',
        'workspace-exists',
        `workspace ${name}: there is one ("plinth workspace rm" removes it)`,
      );
    }
    const half = mkdtempSync(join(directory, '..', halfName('new')));
    try {
      mkdirSync(join(half, 'root'), { mode: 0o755 });
      const state: State = { version: VERSION, created: new Date().toISOString(), options, upper: '1' };
      makeLayer(half, state.upper, parts);
      writeState(half, state);
      renameSync(half, directory);
      return new Workspace(directory, name, state);
    } catch (error) {
      removeTree(half);
      throw error;
    }
  }

  /** What `create` and then `plan` would give, with nothing made. */
  static planned(
    all: string,
    name: string,
    options: WorkspaceOptions,
    facts: HostFacts,
    network: RunNetwork | undefined,
  ): Surroundings {
    checkName(name);
    const state: State = { version: VERSION, created: '', options, upper: '1' };
    const place = { directory: facts.home, ...(network === undefined ? {} : { network }) };
    return new Workspace(join(all, name), name, state).plan(facts, place);
  }

  /** @throws PlinthError `workspace-name`, `no-workspace`, `workspace-damaged` (input) */
  static open(all: string, name: string): Workspace {
    checkName(name);
    const directory = join(all, name);
    if (!existsSync(directory)) {
      throw new PlinthError(
        'input',
        'no-workspace',
        `workspace ${name}: there is none ("plinth workspace list" lists them)`,
      );
    }
    // Nothing is mounted by a path with a symbolic link in it.
    const real = realpathSync(directory);
    return new Workspace(real, name, readState(real, name));
  }

  static list(all: string): Workspace[] {
    if (!existsSync(all)) return [];
    return readdirSync(all)
      .filter((name) => NAME.test(name))
      .sort()
      .map((name) => Workspace.open(all, name));
  }

  get options(): WorkspaceOptions {
    return this.#state.options;
  }

  /** From now on its layers are carried by this one. */
  carryBy(layers: LayerCarrier): void {
    this.#state = { ...this.#state, options: { ...this.#state.options, layers } };
    writeState(this.directory, this.#state);
  }

  get created(): string {
    return this.#state.created;
  }

  /** The directory of the layer that is written. */
  get upper(): string {
    return join(this.directory, 'layers', this.#state.upper);
  }

  /** Findings of its watcher, one JSON line each. */
  get eventsFile(): string {
    return join(this.directory, 'events.jsonl');
  }

  /** What the carrier of its network complained of in the last run. */
  get carrierLog(): string {
    return join(this.directory, 'carrier.log');
  }

  /** What a run says to the watcher. */
  watchedLine(facts: HostFacts, network?: RunNetwork): string {
    const processEvents = processEventsFile(this.options, facts, this.group);
    const group = numberedGroup(facts, this.group);
    const run: WatchedRun = {
      workspace: this.name,
      events: this.eventsFile,
      home: facts.home,
      deniedPrograms: this.options.deniedPrograms,
      parts: layeredParts(this.options, facts).map(({ at }) => at),
      ...(group === undefined ? {} : { group }),
      ...(processEvents === undefined ? {} : { processEvents }),
      ...(network === undefined ? {} : { reachable: network.reachable }),
    };
    return JSON.stringify(run);
  }

  /** The name of its control groups: the same for no other one, of another user either. */
  get group(): string {
    return `${GROUP_PREFIX}${this.name}-${createHash('sha256').update(this.directory).digest('hex').slice(0, 12)}`;
  }

  plan(facts: HostFacts, place: RunPlace): Surroundings {
    const { name, upper } = this;
    const at = (one: string): string => join(this.directory, one);
    return workspacePlan(
      this.options,
      facts,
      {
        name: `workspace ${name}`,
        root: at('root'),
        lock: at('lock'),
        processFile: at('process'),
        upper,
        work: join(this.directory, 'work', this.#state.upper),
        group: this.group,
        hosts: at('hosts'),
        carrierPipe: at(CARRIER_PIPE),
        carrierLog: this.carrierLog,
      },
      place,
    );
  }

  /** The program that starts a command in `directory` of this workspace, made anew: a host may have changed. */
  launcher(facts: HostFacts, place: RunPlace): string {
    // A directory of the host may have come since.
    makeLayer(this.directory, this.#state.upper, layeredParts(this.options, facts));
    if (place.network !== undefined) writeFileSync(join(this.directory, 'hosts'), hostsText(place.network.reachable));
    const file = join(this.directory, 'launch');
    const fresh = join(this.directory, halfName('launch'));
    writeFileSync(fresh, launchFile(this.plan(facts, place)), { mode: 0o700 });
    renameSync(fresh, file);
    return file;
  }

  /** What was changed in it, by the paths that it shows. What its mounts needed is none of it. */
  changes(facts: HostFacts): WorkspaceChange[] {
    const parts = layeredParts(this.options, facts);
    const needed = new Set(parts.flatMap(({ at }) => ancestors(at)));
    return parts.flatMap(({ at, layer, base }) => {
      const layers = [join(this.upper, layer)];
      return [...changesOf(nativeFileCalls(), { layers, base })]
        .filter(({ kind, type, path }) => kind !== 'added' || type !== 'directory' || !needed.has(at + path))
        .map((change) => ({ ...change, shown: at + change.path, base: base ?? at }));
    });
  }

  /**
   * Brings changes to the host, those at and below each of `paths` and the new directories that these lie in, or all. They stay in the workspace, where they are none any more.
   * @returns what was brought, and what was left out and why
   * @throws PlinthError `workspace-in-use`, `commit` (input)
   */
  commit(calls: SystemCalls, facts: HostFacts, paths: readonly string[] | 'all'): Committed {
    using _ = this.lock(calls);
    const all = this.changes(facts);
    const wanted = paths === 'all' ? all : this.#changesAt(all, paths);
    const [done, leftOut]: [string[], { path: string; why: string }[]] = [[], []];
    for (const { entry, why } of commitChanges(nativeFileCalls(), wanted, join(this.directory, COMMIT))) {
      if (why === undefined) done.push(entry.shown);
      else leftOut.push({ path: entry.shown, why });
    }
    return { done, leftOut };
  }

  /** With the directories that they lie in, where these are new as well. */
  #changesAt(all: readonly WorkspaceChange[], paths: readonly string[]): WorkspaceChange[] {
    const unchanged = paths.find((path) => !all.some(({ shown }) => isAtOrBelow(shown, path)));
    if (unchanged !== undefined) {
      const review = `"plinth workspace review ${this.name}" says what is`;
      throw new PlinthError(
        'input',
        'commit',
        `workspace ${this.name}: ${unchanged}: nothing is changed there (${review})`,
      );
    }
    return all.filter(({ shown, kind, type }) =>
      paths.some(
        (path) => isAtOrBelow(shown, path) || (kind === 'added' && type === 'directory' && isAtOrBelow(path, shown)),
      ),
    );
  }

  /** Everything is as on the host again. Snapshots stay. */
  discard(calls: SystemCalls, facts: HostFacts): void {
    using _ = this.lock(calls);
    this.#replaceLayer((fresh) => makeLayer(this.directory, fresh, layeredParts(this.options, facts)));
  }

  /** Keeps what was changed up to now. Gives the number by which it can be gone back to. Throws `workspace-copy` (host). */
  snapshot(calls: SystemCalls): string {
    using _ = this.lock(calls);
    const all = join(this.directory, 'snapshots');
    mkdirSync(all, { recursive: true });
    const number = String(Math.max(0, ...this.snapshots.map(Number)) + 1);
    const half = join(all, halfName('copy'));
    copyTree(this.upper, half, this.name);
    renameSync(half, join(all, number));
    return number;
  }

  /** Numbers of snapshots, the newest first. */
  get snapshots(): string[] {
    const all = join(this.directory, 'snapshots');
    if (!existsSync(all)) return [];
    return readdirSync(all)
      .filter((name) => NUMBER.test(name))
      .sort((one, other) => Number(other) - Number(one));
  }

  /** All is as it was at a snapshot, or at the newest one. Throws `no-snapshot` (input), `workspace-copy` (host). */
  rollback(calls: SystemCalls, facts: HostFacts, number: string | undefined): void {
    using _ = this.lock(calls);
    const { snapshots } = this;
    const wanted = number ?? snapshots[0];
    if (wanted === undefined || !snapshots.includes(wanted)) {
      const there = snapshots.length === 0 ? 'it has no snapshots' : `its snapshots are ${snapshots.join(', ')}`;
      throw new PlinthError(
        'input',
        'no-snapshot',
        `workspace ${this.name}: ${number === undefined ? '' : `${number}: `}${there}`,
      );
    }
    this.#replaceLayer((fresh) => {
      copyTree(join(this.directory, 'snapshots', wanted), join(this.directory, 'layers', fresh), this.name);
      // A directory of the host may have come since.
      makeLayer(this.directory, fresh, layeredParts(this.options, facts));
    });
  }

  /** Another layer takes the place of the one that there is, which goes once the state says so. */
  #replaceLayer(make: (number: string) => void): void {
    const fresh = String(Number(this.#state.upper) + 1);
    for (const kind of ['layers', 'work']) removeTree(join(this.directory, kind, fresh));
    make(fresh);
    this.#state = { ...this.#state, upper: fresh };
    writeState(this.directory, this.#state);
    for (const kind of ['layers', 'work']) {
      for (const number of readdirSync(join(this.directory, kind))) {
        if (number !== fresh) removeTree(join(this.directory, kind, number));
      }
    }
  }

  /** Locks it, so that nothing runs in it until that is disposed of. Throws `workspace-in-use` (input) if something does. */
  lock(calls: SystemCalls): Disposable {
    const fd = openSync(join(this.directory, 'lock'), 'a', 0o600);
    if (!lockPatiently(calls, fd)) {
      closeSync(fd);
      const why = 'something runs in it: end that first';
      throw new PlinthError('input', 'workspace-in-use', `workspace ${this.name}: ${why}`);
    }
    return { [Symbol.dispose]: () => closeSync(fd) };
  }

  /** Paths in it that nobody needs, which was killed in the middle of something. Something may be running in it, whose they are not. */
  leftovers(): string[] {
    const { upper } = this.#state;
    const of = (kind: string, isLeft: (name: string) => boolean): string[] => {
      const directory = join(this.directory, kind);
      return existsSync(directory)
        ? readdirSync(directory)
            .filter(isLeft)
            .map((name) => join(directory, name))
        : [];
    };
    return [
      ...of('.', isLeftHalf),
      ...of('snapshots', isLeftHalf),
      ...of('layers', (name) => name !== upper),
      ...of('work', (name) => name !== upper),
      ...of('.', (name) => name === COMMIT),
    ];
  }

  /** Removes them, and what a commit has left on the host. Throws `workspace-in-use` (input). */
  tidy(calls: SystemCalls): void {
    using _ = this.lock(calls);
    recoverCommit(nativeFileCalls(), join(this.directory, COMMIT));
    for (const path of this.leftovers()) removeTree(path);
  }

  /** Its layers go too. Throws `workspace-in-use` (input). */
  remove(calls: SystemCalls): void {
    using _ = this.lock(calls);
    const gone = mkdtempSync(join(this.directory, '..', halfName('gone')));
    renameSync(this.directory, join(gone, this.name));
    removeTree(gone);
  }
}

/** With all modes, attributes and marks; blocks are shared where the file system can. The copying ends with us. */
function copyTree(from: string, to: string, name: string): void {
  const { status, stderr } = spawnSync(
    'setpriv',
    ['--pdeathsig', 'KILL', 'cp', '--archive', '--reflink=auto', '--', from, to],
    { encoding: 'utf8' },
  );
  if (status === 0) return;
  removeTree(to);
  const why = stderr.trim().split('\n')[0] ?? '';
  throw new PlinthError('host', 'workspace-copy', `workspace ${name}: its layer cannot be copied: ${why}`);
}

/** Whole or not at all. */
function writeState(directory: string, state: State): void {
  const file = join(directory, 'workspace.json');
  const fd = openSync(`${file}.new`, 'w', 0o600);
  try {
    writeFileSync(fd, `${JSON.stringify(state, undefined, 2)}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(`${file}.new`, file);
}

function isAtOrBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

/** The beginning of a name for what this process makes or removes. */
export function halfName(what: string): string {
  return `.plinth-${what}-${process.pid}-`;
}

/** Whether it was being made or removed by a process that is gone. */
export function isLeftHalf(name: string): boolean {
  const pid = HALF.exec(name)?.[1];
  return pid !== undefined && !existsSync(`/proc/${pid}`);
}

function checkName(name: string): void {
  if (NAME.test(name)) return;
  const why =
    'names have letters, digits, dots, dashes and underscores, begin with a letter or a digit, and have 64 at most';
  throw new PlinthError('input', 'workspace-name', `workspace ${JSON.stringify(name)}: ${why}`);
}

function readState(directory: string, name: string): State {
  const file = join(directory, 'workspace.json');
  const complain = (why: string): never => {
    throw new PlinthError('input', 'workspace-damaged', `workspace ${name}: ${file}: ${why}`);
  };
  let state: Partial<State> | null = null;
  try {
    state = JSON.parse(readFileSync(file, 'utf8')) as Partial<State> | null;
  } catch (error) {
    complain((error as Error).message);
  }
  if (state === null || typeof state !== 'object') return complain('it is no object');
  if (state.version !== VERSION)
    return complain(`it is of version ${String(state.version)}, and this Plinth reads ${VERSION}`);
  const { options, upper } = state;
  const whole = typeof options === 'object' && typeof upper === 'string' && NUMBER.test(upper);
  if (!whole) return complain('something is missing in it');
  // Before there was a choice.
  return {
    ...(state as State),
    options: { ...options, layers: (options as Partial<WorkspaceOptions>).layers ?? 'overlay' },
  };
}

/** Directories of a layer, with the modes and owners of what they lie over: the merged directory shows those of the upper one. */
function makeLayer(directory: string, number: string, parts: readonly LayeredPart[]): void {
  for (const { layer, base, mode } of parts) {
    const upper = join(directory, 'layers', number, layer);
    mkdirSync(join(directory, 'work', number, layer), { recursive: true });
    if (existsSync(upper)) continue;
    mkdirSync(upper, { recursive: true, mode });
    if (base === undefined || process.getuid?.() !== 0) continue;
    const { uid, gid } = statSync(base);
    try {
      chownSync(upper, uid, gid);
    } catch (error) {
      // Root of a user namespace that has no number for the owner: as without rights, it is ours.
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
    }
  }
}

/** Whoever was killed while it started a program may be survived by its copy, which has the lock until it is that program. */
function lockPatiently(calls: SystemCalls, fd: number): boolean {
  for (let left = LOCK_TRIES; ; left--) {
    if (calls.flock(fd, LOCK.exclusive | LOCK.nonBlocking) >= 0) return true;
    if (left === 0) return false;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_PAUSE);
  }
}

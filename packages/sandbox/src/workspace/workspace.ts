// SPDX-License-Identifier: Apache-2.0
// A workspace on disk: a directory that has what it was made with, and its layers. It appears and goes as a whole, by being renamed.
//
//   NAME/workspace.json   version, options, layers from the newest to the oldest, and which one is written
//   NAME/layers/N/        what layer N has of each part (workspace-plan.ts), as overlayfs writes it
//   NAME/work/N/          what overlayfs needs beside it
//   NAME/root, NAME/empty mount points, always empty
//   NAME/lock             locked while something runs in it; NAME/process: its process 1
//   NAME/launch           the program that starts commands in it

import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { LOCK, type SystemCalls } from '@plinth/linux';
import { launchFile } from '../isolation/launch.js';
import type { Surroundings } from '../isolation/surroundings.js';
import type { WatchedRun } from '../watch/watcher.js';
import type { HostFacts } from './host-facts.js';
import { removeTree } from './remove-tree.js';
import {
  type LayeredPart,
  layeredParts,
  type RunPlace,
  type WorkspaceOptions,
  workspacePlan,
} from './workspace-plan.js';

const VERSION = 1;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
/** What begins with it is being made, or removed. */
const HALF = '.plinth-';

interface State {
  readonly version: number;
  readonly created: string;
  readonly options: WorkspaceOptions;
  /** Numbers of layers that are kept as they are, the newest first. */
  readonly layers: readonly string[];
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

export class Workspace {
  readonly name: string;
  readonly directory: string;
  readonly #state: State;

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
    const directory = join(all, name);
    if (existsSync(directory)) {
      throw new PlinthError(
        'input',
        'workspace-exists',
        `workspace ${name}: there is one ("plinth workspace rm" removes it)`,
      );
    }
    const half = mkdtempSync(join(all, `${HALF}new-`));
    try {
      for (const one of ['root', 'empty']) mkdirSync(join(half, one), { mode: 0o755 });
      const state: State = { version: VERSION, created: new Date().toISOString(), options, layers: [], upper: '1' };
      makeLayer(half, state.upper, parts);
      writeFileSync(join(half, 'workspace.json'), `${JSON.stringify(state, undefined, 2)}\n`);
      renameSync(half, directory);
      return new Workspace(directory, name, state);
    } catch (error) {
      removeTree(half);
      throw error;
    }
  }

  /** What `create` and then `plan` would give, with nothing made. */
  static planned(all: string, name: string, options: WorkspaceOptions, facts: HostFacts): Surroundings {
    checkName(name);
    const state: State = { version: VERSION, created: '', options, layers: [], upper: '1' };
    return new Workspace(join(all, name), name, state).plan(facts, { directory: facts.home });
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
    return new Workspace(directory, name, readState(directory, name));
  }

  static list(all: string): Workspace[] {
    if (!existsSync(all)) return [];
    return readdirSync(all)
      .filter((name) => NAME.test(name))
      .sort()
      .map((name) => Workspace.open(all, name));
  }

  /** What is left of workspaces that were being made or removed when that was killed. */
  static leftovers(all: string): string[] {
    if (!existsSync(all)) return [];
    return readdirSync(all)
      .filter((name) => name.startsWith(HALF))
      .map((name) => join(all, name));
  }

  get options(): WorkspaceOptions {
    return this.#state.options;
  }

  get created(): string {
    return this.#state.created;
  }

  /** Directories of the layers that are kept, the newest first. */
  get layers(): string[] {
    return this.#state.layers.map((number) => join(this.directory, 'layers', number));
  }

  /** The directory of the layer that is written. */
  get upper(): string {
    return join(this.directory, 'layers', this.#state.upper);
  }

  /** Findings of its watcher, one JSON line each. */
  get eventsFile(): string {
    return join(this.directory, 'events.jsonl');
  }

  /** What a run says to the watcher. */
  watchedLine(): string {
    const run: WatchedRun = { workspace: this.name, events: this.eventsFile };
    return JSON.stringify(run);
  }

  plan(facts: HostFacts, place: RunPlace): Surroundings {
    const { name, layers, upper } = this;
    const at = (one: string): string => join(this.directory, one);
    return workspacePlan(
      this.options,
      facts,
      {
        name: `workspace ${name}`,
        root: at('root'),
        lock: at('lock'),
        processFile: at('process'),
        layers,
        upper,
        work: join(this.directory, 'work', this.#state.upper),
        empty: at('empty'),
      },
      place,
    );
  }

  /** The program that starts a command in `directory` of this workspace, made anew: a host may have changed. */
  launcher(facts: HostFacts, place: RunPlace): string {
    // A directory of the host may have come since.
    makeLayer(this.directory, this.#state.upper, layeredParts(this.options, facts));
    const file = join(this.directory, 'launch');
    const fresh = `${file}.${process.pid}`;
    writeFileSync(fresh, launchFile(this.plan(facts, place)), { mode: 0o700 });
    renameSync(fresh, file);
    return file;
  }

  /** Locks it, so that nothing runs in it until that is disposed of. Throws `workspace-in-use` (input) if something does. */
  lock(calls: SystemCalls): Disposable {
    const fd = openSync(join(this.directory, 'lock'), 'a', 0o600);
    if (calls.flock(fd, LOCK.exclusive | LOCK.nonBlocking) < 0) {
      closeSync(fd);
      const why = 'something runs in it: end that first';
      throw new PlinthError('input', 'workspace-in-use', `workspace ${this.name}: ${why}`);
    }
    return { [Symbol.dispose]: () => closeSync(fd) };
  }

  /** Its layers go too. Throws `workspace-in-use` (input). */
  remove(calls: SystemCalls): void {
    using _ = this.lock(calls);
    const gone = mkdtempSync(join(this.directory, '..', `${HALF}gone-`));
    renameSync(this.directory, join(gone, this.name));
    removeTree(gone);
  }
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
  const { options, layers, upper } = state;
  const number = (value: unknown): boolean => typeof value === 'string' && /^[1-9]\d{0,8}$/.test(value);
  const whole = typeof options === 'object' && Array.isArray(layers) && layers.every(number) && number(upper);
  return whole ? (state as State) : complain('something is missing in it');
}

/** Directories of a layer, with the modes and owners of what they lie over: the merged directory shows those of the upper one. */
function makeLayer(directory: string, number: string, parts: readonly LayeredPart[]): void {
  for (const { layer, base, mode } of parts) {
    const upper = join(directory, 'layers', number, layer);
    if (existsSync(upper)) continue;
    mkdirSync(join(directory, 'work', number, layer), { recursive: true });
    mkdirSync(upper, { recursive: true, mode });
    if (base === undefined || process.getuid?.() !== 0) continue;
    const { uid, gid } = statSync(base);
    chownSync(upper, uid, gid);
  }
}

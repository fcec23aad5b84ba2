// SPDX-License-Identifier: Apache-2.0
// What an installer writes, as the files of a program in one file: it is run in a workspace, whose layer becomes the program's.

import { spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join, posix, resolve } from 'node:path';
import { PlinthError } from '@plinth/core';
import { nativeCalls, nativeFileCalls } from '@plinth/linux';
import {
  connectWatcher,
  type HostFacts,
  hostFacts,
  isEntry,
  type IsolationMode,
  type LayerEntry,
  layeredParts,
  layerEntries,
  ownDirectories,
  pruneLayer,
  TemporaryWorkspace,
  type Workspace,
  type WorkspaceChange,
  type WorkspaceOptions,
  watcherDirectory,
  workspacesDirectory,
} from '@plinth/sandbox';
import type { Progress } from '../host/progress.js';
import { environmentRecord, WATCHER_DESCRIPTOR, workspaceEnvironment } from '../workspace/environment.js';
import { runToEnd } from '../workspace/run-to-end.js';
import { requireWorkspaceHost, tryWorkspace } from '../workspace/try-workspace.js';

import { CapturedChanges, entryOf, layerPathOf, type LeftOut, likelyPrograms } from './captured-changes.js';
import type { PackSource, SourceFiles } from './pack-source.js';
import { placesOf, stateLayer } from './state-layer.js';

const NAME = 'capture';
/** Its own output is for whoever looks on; ours may be JSON. */
const STANDARD_ERROR = 2;
/** Says of each argument whether it is a program, by a line with its number. */
const WHICH = 'n=0; for one; do [ -f "$one" ] && [ -x "$one" ] && echo $n; n=$((n + 1)); done';

export interface CaptureOptions {
  /** What is executed, if it was said. */
  readonly entry?: string | undefined;
  readonly network: 'none' | 'host';
  /** As its user, and not as root of its namespaces. */
  readonly asUser: boolean;
  /** Paths that are taken though they are left out otherwise. */
  readonly keep: readonly string[];
}

/** What was taken, and what was not. */
export interface Captured {
  readonly files: number;
  readonly bytes: number;
  /** Files and directories of the host that are not there any more. */
  readonly removed: number;
  readonly leftOut: readonly LeftOut[];
}

export class CaptureSource implements PackSource {
  readonly #command: string;
  readonly #options: CaptureOptions;
  readonly #facts: HostFacts = hostFacts();
  /** Where the installer is started. */
  readonly #here: string = process.cwd();
  #temporary: TemporaryWorkspace | undefined;
  /** Directories of the host that were made the user's, with their modes. */
  #owned: ReadonlyMap<string, number> = new Map();

  private constructor(command: string, options: CaptureOptions) {
    this.#command = command;
    this.#options = options;
  }

  /**
   * Runs an installer to its end.
   * @throws PlinthError `capture` (input), `workspace-folder` (input), `workspace-host`, `workspace-refused` (host)
   */
  static async run(command: string, options: CaptureOptions, progress: Progress): Promise<CaptureSource> {
    requireWorkspaceHost();
    const source = new CaptureSource(command, options);
    try {
      progress.step(`Running ${command}`);
      progress.done();
      await source.#run(await source.#create());
      return source;
    } catch (error) {
      source[Symbol.dispose]();
      throw error;
    }
  }

  /** What lies in the home lies there for all, and so does what is above it. */
  get #isApart(): boolean {
    return !isAtOrAbove(this.#here, this.#facts.home);
  }

  async #create(): Promise<Workspace> {
    const options: WorkspaceOptions = {
      home: this.#here === this.#facts.home ? 'cow' : 'private',
      network: this.#options.network,
      folders: this.#isApart ? [this.#here] : [],
      deniedPrograms: [],
      asRoot: !this.#options.asUser,
      layers: 'overlay',
    };
    this.#temporary = new TemporaryWorkspace(workspacesDirectory(), NAME, options, this.#facts);
    const { workspace } = this.#temporary;
    await tryWorkspace(workspace, this.#facts, undefined);
    return workspace;
  }

  async #run(workspace: Workspace): Promise<void> {
    if (this.#facts.user !== 0)
      this.#owned = ownDirectories(workspace.upper, layeredParts(workspace.options, this.#facts));
    const { launcher, watcher } = await this.#launch(workspace);
    const words = ['sh', '-c', this.#command];
    const status = await runToEnd(launcher, words, this.#environment, { output: STANDARD_ERROR, watcher });
    if (status !== 0) throw this.#failed(status, workspace);
  }

  /** What starts a command, and the socket that it is to have: the watcher serves layers that overlayfs does not lay. */
  async #launch(workspace: Workspace): Promise<{ readonly launcher: string; readonly watcher: number | undefined }> {
    const isServed = workspace.options.layers === 'fuse';
    const watcher = isServed ? await connectWatcher(nativeCalls(), watcherDirectory()) : undefined;
    const place = { directory: this.#here, ...(isServed ? { watcher: { socket: WATCHER_DESCRIPTOR } } : {}) };
    return { launcher: workspace.launcher(this.#facts, place), watcher };
  }

  get #environment(): string[] {
    return workspaceEnvironment(NAME, this.#facts, process.env);
  }

  async files(directory: string): Promise<SourceFiles> {
    const { workspace } = this.#temporary!;
    const { home } = this.#facts;
    const changes = workspace.changes(this.#facts).filter((change) => isReal(change, this.#owned));
    const keep = this.#options.keep.map((path) => resolve(path));
    const captured = new CapturedChanges(changes, { here: this.#isApart ? this.#here : undefined, home, keep });
    const given = this.#options.entry === undefined ? [] : [entryOf(this.#options.entry, home)];
    const programs = likelyPrograms(changes, captured, home);
    const executable = await this.#executable(workspace, [...given, ...programs]);
    this.#take(workspace, captured);
    const entries = layerEntries(nativeFileCalls(), workspace.upper);
    const summary = { ...counted(entries), leftOut: captured.leftOut };
    if (entries.length === 0) throw this.#nothing(summary);
    checkReadable(workspace.upper, entries);
    process.stderr.write(`captured: ${describe(summary, this.#here)}\n`);
    return {
      layers: [
        { ...stateLayer(workspace.upper, entries, directory), removed: takeWhiteouts(workspace.upper, entries) },
      ],
      version: '0',
      packages: [],
      unconfigured: [],
      programs: programs.filter((path) => executable.has(path)),
      findProgram: (path) => (executable.has(entryOf(path, home)) ? entryOf(path, home) : undefined),
      isolation: isolationOf(entries),
      captured: summary,
    };
  }

  #failed(status: number, workspace: Workspace): PlinthError {
    const { steps } = workspace.plan(this.#facts, { directory: this.#here });
    const fixed = this.#facts.top
      .map(({ name }) => `/${name}`)
      .filter((path) => steps.some((step) => step.kind === 'bind' && step.at === path && !step.writable));
    const why = fixed.length === 0 ? '' : `; it could not write ${fixed.join(', ')}, below which something is mounted`;
    return new PlinthError('input', 'capture', `--capture: the command left with ${status}, nothing is packed${why}`);
  }

  /** Those that may be executed there, whatever links lead to them. */
  async #executable(workspace: Workspace, entries: readonly string[]): Promise<ReadonlySet<string>> {
    const asked = entries.filter((entry) => isEntry(entry));
    if (asked.length === 0) return new Set();
    const paths = asked.map((entry) => entry.replace(/^\{home\}(?=\/)/, this.#facts.home));
    const { launcher, watcher } = await this.#launch(workspace);
    const { stdout } = spawnSync(launcher, ['sh', '-c', WHICH, 'sh', ...paths], {
      env: environmentRecord(this.#environment),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit', watcher ?? 'ignore'],
    });
    if (watcher !== undefined) closeSync(watcher);
    return new Set(stdout.split('\n').flatMap((line) => (line === '' ? [] : (asked[Number(line)] ?? []))));
  }

  /** Leaves in the layer what is taken, laid out as layers of programs in one file are. */
  #take({ upper, options }: Workspace, captured: CapturedChanges): void {
    const { home } = this.#facts;
    for (const { at, layer, base, mode } of layeredParts(options, this.#facts)) {
      const own = join(upper, layer);
      pruneLayer(nativeFileCalls(), own, (path, alone) => {
        const shown = at + path;
        return captured.placeLeftOut(shown) === undefined && (alone || captured.taken.has(shown));
      });
      // The mask of whoever runs this takes nothing of it.
      chmodSync(own, base === undefined ? mode : lstatSync(base).mode & 0o7777);
      const place = layerPathOf(at, home);
      if (place === layer) continue;
      if (readdirSync(own).length === 0) rmdirSync(own);
      else moveInto(upper, own, place, home);
    }
  }

  #nothing(summary: Captured): PlinthError {
    const leftOut = describeLeftOut(summary, this.#here);
    const why = `it has written nothing to pack${leftOut === '' ? '' : `; ${leftOut}`}`;
    return new PlinthError('input', 'capture-nothing', `--capture ${this.#command}: ${why}`);
  }

  [Symbol.dispose](): void {
    this.#temporary?.[Symbol.dispose]();
  }
}

/** Directories on the way are as the host's are. */
function moveInto(upper: string, from: string, place: string, home: string): void {
  const to = join(upper, place);
  const missing: string[] = [];
  for (let path = dirname(place); path !== '.' && !existsSync(join(upper, path)); path = dirname(path))
    missing.unshift(path);
  for (const path of missing) {
    mkdirSync(join(upper, path));
    const shown = path.startsWith('root/')
      ? path.slice('root'.length)
      : posix.join(home, path.slice('known/home'.length));
    const host = lstatSync(shown, { throwIfNoEntry: false });
    if (host !== undefined) chmodSync(join(upper, path), host.mode & 0o7777);
  }
  // Where it was mounted, there may be a directory for that.
  if (existsSync(to)) rmdirSync(to);
  renameSync(from, to);
}

function isAtOrAbove(path: string, other: string): boolean {
  return path === '/' || other === path || other.startsWith(`${path}/`);
}

/** Images are of one owner; and directories that were made the user's are as they were. */
function isReal({ what, shown, source }: WorkspaceChange, owned: ReadonlyMap<string, number>): boolean {
  if (what === undefined) return true;
  const rest = what.filter((one) => one !== 'owner');
  if (rest.length === 0) return false;
  const mode = owned.get(shown);
  return (
    rest.some((one) => one !== 'mode') || mode === undefined || source === undefined || lstatSync(source).mode !== mode
  );
}

/**
 * Takes files that stand for removed ones out of a layer, and gives their paths. Where no device may be made, a file is one by what its
 * directory says, which only newer kernels know.
 */
function takeWhiteouts(upper: string, entries: readonly LayerEntry[]): string[] {
  const files = entries.filter(
    ({ layerPath, kind }) => kind === 'removed' && lstatSync(join(upper, layerPath)).isFile(),
  );
  for (const { layerPath } of files) unlinkSync(join(upper, layerPath));
  return files.map(({ layerPath }) => layerPath);
}

/** Others would be empty in the image. */
function checkReadable(upper: string, entries: readonly LayerEntry[]): void {
  for (const { layerPath, kind } of entries) {
    if (kind !== 'file' && kind !== 'directory') continue;
    try {
      accessSync(join(upper, layerPath), kind === 'file' ? constants.R_OK : constants.R_OK | constants.X_OK);
    } catch (cause) {
      const path = layerPath.replace(/^root|^known\/home/, '');
      const why = 'the command has made it so that you may not read it: chmod it at the end of the command';
      throw new PlinthError('input', 'capture-unreadable', `--capture: ${path}: ${why}`, { cause });
    }
  }
}

function counted(entries: readonly LayerEntry[]): Omit<Captured, 'leftOut'> {
  const files = entries.filter(({ kind }) => kind !== 'directory' && kind !== 'removed');
  return {
    files: files.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    removed: entries.filter(({ kind }) => kind === 'removed').length,
  };
}

function describe(captured: Captured, here: string): string {
  const { files, bytes, removed } = captured;
  const leftOut = describeLeftOut(captured, here);
  return [
    `${many(files)}, ${sizeText(bytes)}`,
    ...(removed === 0 ? [] : [`${removed} of the host removed`]),
    ...(leftOut === '' ? [] : [leftOut]),
  ].join('; ');
}

function describeLeftOut({ leftOut }: Captured, here: string): string {
  const places = leftOut.map(
    ({ place, files }) => `${many(files)} in ${place === here ? 'the current directory' : place}`,
  );
  return places.length === 0 ? '' : `left out: ${places.join(', ')} (--capture-keep takes it)`;
}

function many(files: number): string {
  return `${files} ${files === 1 ? 'file' : 'files'}`;
}

function sizeText(bytes: number): string {
  return bytes < 2 ** 20 ? `${Math.ceil(bytes / 2 ** 10)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** Its files lie over the host's. */
function isolationOf(entries: readonly LayerEntry[]): Record<string, IsolationMode> {
  const places = [...placesOf(entries)].map((place) =>
    place === 'known/home' ? '{home}' : place.slice('root'.length),
  );
  return Object.fromEntries(places.map((place) => [place, 'write-copy']));
}

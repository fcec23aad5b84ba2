// SPDX-License-Identifier: Apache-2.0
// What an installer writes, as the files of a program in one file: it is run in a workspace, whose layer becomes the program's.

import { spawnSync } from 'node:child_process';
import { closeSync, lstatSync } from 'node:fs';
import { resolve } from 'node:path';
import { PlinthError } from '@plinth/core';
import { nativeCalls } from '@plinth/linux';
import {
  connectWatcher,
  DEFAULT_WORKSPACE,
  type HostFacts,
  hostFacts,
  isEntry,
  type IsolationMode,
  type LayerEntry,
  layeredParts,
  ownDirectories,
  TemporaryWorkspace,
  usualCarrier,
  type Workspace,
  type WorkspaceChange,
  type WorkspaceOptions,
  watcherDirectory,
  workspacesDirectory,
} from '@plinth/sandbox';
import type { Progress } from '../host/progress.js';
import { environmentRecord, WATCHER_DESCRIPTOR, workspaceEnvironment } from '../workspace/environment.js';
import { givenTerminal } from '../workspace/given-terminal.js';
import { runToEnd } from '../workspace/run-to-end.js';
import { requireWorkspaceHost, tryWorkspace } from '../workspace/try-workspace.js';

import { CapturedChanges, entryOf, likelyPrograms } from './captured-changes.js';
import { takeLayer, takeWhiteouts } from './captured-layer.js';
import { type Captured, describeLeftOut, summaryOf } from './describe-captured.js';
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
    const home = this.#here === this.#facts.home ? 'cow' : 'private';
    const options: WorkspaceOptions = {
      ...DEFAULT_WORKSPACE,
      home,
      layers: usualCarrier({ home }, this.#facts),
      network: this.#options.network,
      folders: this.#isApart ? [this.#here] : [],
      asRoot: !this.#options.asUser,
    };
    this.#temporary = new TemporaryWorkspace(workspacesDirectory(), NAME, options, this.#facts);
    const { workspace } = this.#temporary;
    await tryWorkspace(workspace, this.#facts);
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
    const place = {
      directory: this.#here,
      ...givenTerminal(),
      ...(isServed ? { watcher: { socket: WATCHER_DESCRIPTOR } } : {}),
    };
    // What was mounted meanwhile counts.
    return { launcher: workspace.launcher(hostFacts(), place), watcher };
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
    const entries = takeLayer(workspace, this.#facts, captured);
    const summary = summaryOf(entries, captured.leftOut, true);
    if (entries.length === 0) throw this.#nothing(summary);
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

  #nothing(summary: Captured): PlinthError {
    const leftOut = describeLeftOut(summary, this.#here);
    const why = `it has written nothing to pack${leftOut === '' ? '' : `; ${leftOut}`}`;
    return new PlinthError('input', 'capture-nothing', `--capture ${this.#command}: ${why}`);
  }

  [Symbol.dispose](): void {
    this.#temporary?.[Symbol.dispose]();
  }
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

/** Its files lie over the host's. */
function isolationOf(entries: readonly LayerEntry[]): Record<string, IsolationMode> {
  const places = [...placesOf(entries)].map((place) =>
    place === 'known/home' ? '{home}' : place.slice('root'.length),
  );
  return Object.fromEntries(places.map((place) => [place, 'write-copy']));
}

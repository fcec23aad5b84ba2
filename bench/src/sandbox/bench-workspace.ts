// SPDX-License-Identifier: Apache-2.0
// A workspace for benchmark `sandbox`, without network and with a private home; and bubblewrap with as much isolation as it has.

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { connectWatcher, DEFAULT_WORKSPACE, type HostFacts, hostFacts, Workspace } from '@plinth/sandbox';
import { nativeCalls } from '@plinth/linux';
import { benchDirectory } from '../cache.js';
import type { Command } from '../child.js';

export class BenchWorkspace implements Disposable {
  /** What is in it is there in the workspace too, changes apart. */
  readonly folder: string;
  readonly #data: string;
  readonly #workspace: Workspace;
  readonly #facts: HostFacts;
  readonly #launcher: string;

  constructor() {
    this.#data = join(benchDirectory(), `sandbox-${process.pid}`);
    this.folder = join(this.#data, 'folder');
    mkdirSync(this.folder, { recursive: true });
    this.#facts = hostFacts();
    this.#workspace = Workspace.create(
      join(this.#data, 'all'),
      'bench',
      { ...DEFAULT_WORKSPACE, network: 'none', folders: [this.folder] },
      this.#facts,
    );
    this.#launcher = this.#workspace.launcher(this.#facts, { directory: this.folder });
  }

  /** Runs a command in it, unwatched; the launch program is made already. */
  command(...args: readonly string[]): Command {
    return { program: this.#launcher, args };
  }

  /** The same, of which a watcher is told; for one run, since it has its own connection. */
  async watched(...args: readonly string[]): Promise<Command & { readonly socket: number }> {
    const socket = await connectWatcher(nativeCalls(), this.watcherDirectory);
    const watcher = { socket: 3, line: this.#workspace.watchedLine(this.#facts) };
    const program = this.#workspace.launcher(this.#facts, { directory: this.folder, watcher });
    return { program, args, socket };
  }

  get watcherDirectory(): string {
    return join(this.#data, 'watcher');
  }

  /** Where `plinth` would find it. */
  get dataHome(): string {
    return this.#data;
  }

  [Symbol.dispose](): void {
    this.#workspace.remove(nativeCalls());
    rmSync(this.#data, { recursive: true, force: true });
  }
}

export function bubblewrap(folder: string, ...args: readonly string[]): Command {
  const shown = [
    '--ro-bind',
    '/',
    '/',
    '--dev',
    '/dev',
    '--proc',
    '/proc',
    '--tmpfs',
    '/tmp',
    '--bind',
    folder,
    folder,
  ];
  return { program: 'bwrap', args: [...shown, '--unshare-all', '--die-with-parent', '--chdir', folder, '--', ...args] };
}

/** Why there is no bubblewrap to compare with. */
export function missingBubblewrap(): string | undefined {
  const { program, args } = bubblewrap('/', 'true');
  const { status, error } = spawnSync(program, args);
  if (error !== undefined) return 'no bubblewrap: apt-get install bubblewrap';
  return status === 0 ? undefined : 'bubblewrap does not run here';
}

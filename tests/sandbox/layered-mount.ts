// SPDX-License-Identifier: Apache-2.0
// A stack of layers in a folder of its own, mounted by the kernel's overlayfs or by our server.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nativeFileCalls } from '@plinth/linux';
import { LayerServer } from '@plinth/sandbox';

export type Carrier = 'overlayfs' | 'our server';

/** Why nothing can be mounted here, or nothing. */
export function whyNotMounted(file: string): string | undefined {
  const reason = find();
  if (reason !== undefined) console.log(`skipped: ${file}: ${reason}`);
  return reason;
}

function find(): string | undefined {
  if (process.platform !== 'linux') return 'it is for Linux';
  if (process.getuid?.() !== 0) return 'mounting needs root';
  if (!existsSync('/dev/fuse')) return 'there is no /dev/fuse';
  using stack = new LayeredFolder();
  const { status, stderr } = spawnSync('mount', stack.overlayArguments(), { encoding: 'utf8' });
  if (status === 0) execFileSync('umount', [stack.merged]);
  return status === 0 ? undefined : `overlayfs cannot be mounted: ${stderr.trim()}`;
}

export class LayeredFolder implements Disposable {
  readonly folder: string;
  /** Of the lower layers, the uppermost first. */
  readonly middle: string;
  readonly base: string;
  readonly upper: string;
  readonly merged: string;
  #stop: (() => Promise<void>) | undefined;
  #server: LayerServer | undefined;

  constructor() {
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), 'plinth-layers-')));
    const [middle, base, upper, merged] = ['middle', 'base', 'upper', 'merged'].map((name) => join(this.folder, name));
    this.middle = middle!;
    this.base = base!;
    this.upper = upper!;
    this.merged = merged!;
    for (const directory of [middle!, base!, upper!, merged!, this.work]) mkdirSync(directory);
  }

  get work(): string {
    return join(this.folder, 'work');
  }

  get server(): LayerServer {
    return this.#server!;
  }

  overlayArguments(): string[] {
    const { middle, base, upper, work, merged } = this;
    const options = `userxattr,lowerdir=${middle}:${base},upperdir=${upper},workdir=${work}`;
    return ['-t', 'overlay', '-o', options, 'plinth-test', merged];
  }

  async mount(carrier: Carrier): Promise<void> {
    if (carrier === 'overlayfs') {
      execFileSync('mount', this.overlayArguments());
      this.#stop = () => Promise.resolve(void execFileSync('umount', [this.merged]));
      return;
    }
    const { middle, base, upper, work, merged } = this;
    const server = await LayerServer.start({ lower: [middle, base], upper, work }, merged);
    this.#server = server;
    this.#stop = () => server.stop(nativeFileCalls());
  }

  async unmount(): Promise<void> {
    await this.#stop?.();
    this.#stop = undefined;
  }

  [Symbol.dispose](): void {
    spawnSync('umount', ['--lazy', '--quiet', this.merged]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

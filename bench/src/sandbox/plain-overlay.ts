// SPDX-License-Identifier: Apache-2.0
// An overlay of the kernel without anything around it: what work on files in a workspace is compared with. Needs root.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** How rows name it. */
export const PLAIN_OVERLAY = 'plain overlay';

export class PlainOverlay implements Disposable {
  /** The files of `lower`, changes apart. */
  readonly merged: string;
  readonly #directory: string;

  /** `directory` is made for it, and removed with it; on the file system that a workspace would have its layer on. */
  constructor(directory: string, lower: string) {
    this.#directory = directory;
    const [upper, work, merged] = ['upper', 'work', 'merged'].map((part) => join(directory, part));
    for (const part of [upper!, work!, merged!]) mkdirSync(part, { recursive: true });
    const options = `userxattr,lowerdir=${lower},upperdir=${upper!},workdir=${work!}`;
    execFileSync('mount', ['-t', 'overlay', '-o', options, 'plinth-bench', merged!]);
    this.merged = merged!;
  }

  [Symbol.dispose](): void {
    spawnSync('umount', ['--lazy', '--quiet', this.merged]);
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

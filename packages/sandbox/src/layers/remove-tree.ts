// SPDX-License-Identifier: Apache-2.0
// Removes a directory of layers, whatever modes it has: the kernel leaves directories there that nobody may enter.

import { chmodSync, lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Nothing happens if it is not there. No symbolic link is followed. */
export function removeTree(path: string): void {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry === undefined) return;
  if (!entry.isDirectory()) {
    unlinkSync(path);
    return;
  }
  if ((entry.mode & 0o700) !== 0o700) chmodSync(path, 0o700);
  for (const name of readdirSync(path)) removeTree(join(path, name));
  rmdirSync(path);
}

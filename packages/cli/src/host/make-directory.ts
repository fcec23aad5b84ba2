// SPDX-License-Identifier: Apache-2.0
// Makes a directory with its parents. Node's own `recursive` never returns where a file system answers ENOENT to making,
// as /proc does.

import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** Nothing happens if it is there. Throws the system's error if it cannot be made. */
export function makeDirectory(path: string): void {
  if (madeOrThere(path)) return;
  makeDirectory(dirname(path));
  if (!madeOrThere(path)) throw new Error(`ENOENT: no such file or directory, mkdir '${path}'`);
}

/** False if its parent is missing. */
function madeOrThere(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Another process may have made it meanwhile.
    if (code === 'EEXIST') return true;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    return false;
  }
}

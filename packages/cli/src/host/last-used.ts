// SPDX-License-Identifier: Apache-2.0
// Files of a cache that is bounded by number: those that were not used for longest go. The time of use is the file's time of
// modification, which nothing else sets.

import { rmSync, statSync, utimesSync } from 'node:fs';

export function noteUse(path: string): void {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // Not ours to write, or removed by another process: then nobody asks when it was used.
  }
}

/** Removes all but the `most` that were used last. Throws what the file system throws. */
export function keepLastUsed(paths: readonly string[], most: number): void {
  const used = paths.map((path) => ({ path, time: statSync(path).mtimeMs })).toSorted((a, b) => b.time - a.time);
  for (const { path } of used.slice(most)) rmSync(path, { force: true });
}

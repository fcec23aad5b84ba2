// SPDX-License-Identifier: Apache-2.0
// Directories of the host that its user may not write, as directories of a layer that the user may: what lies over a directory says whose
// it is. So an installer without rights puts its files where those of an installer with rights would be.

import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, type Stats } from 'node:fs';
import { join, posix } from 'node:path';
import type { LayeredPart } from './workspace-plan.js';

/** Names from the root on: `/usr/share/doc` has three. */
const DEPTH = 3;
/** What a host's own installer puts where its administrator installs is little, and lies deeper. */
const LOCAL = '/usr/local';
const LOCAL_DEPTH = 6;

/** Makes them in a layer, and gives their modes, by their paths. Files stay whose they are. */
export function ownDirectories(upper: string, parts: readonly LayeredPart[]): ReadonlyMap<string, number> {
  const modes = new Map<string, number>();
  for (const { at, layer, base } of parts) {
    if (base === at && layer.startsWith('root/')) ownBelow(at, join(upper, layer), modes);
  }
  return modes;
}

function ownBelow(directory: string, own: string, modes: Map<string, number>): void {
  for (const { path, name, mode } of directoriesIn(directory)) {
    const made = join(own, name);
    if (!existsSync(made)) mkdirSync(made);
    // The mask of whoever runs this takes nothing of it.
    chmodSync(made, mode);
    // The kernel takes what goes with a group that is not the user's.
    modes.set(path, lstatSync(made).mode);
    const isLocal = path === LOCAL || path.startsWith(`${LOCAL}/`);
    if (path.split('/').length - 1 < (isLocal ? LOCAL_DEPTH : DEPTH)) ownBelow(path, made, modes);
  }
}

/** Those that are its owner's to list and to write, and everybody's to look into. */
function directoriesIn(directory: string): { path: string; name: string; mode: number }[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return []; // it may not be listed, so there is nothing to be put over it
  }
  return names.flatMap((name) => {
    const path = posix.join(directory, name);
    const entry: Stats | undefined = lstatSync(path, { throwIfNoEntry: false });
    const mode = (entry?.mode ?? 0) & 0o7777;
    return entry?.isDirectory() === true && (mode & 0o705) === 0o705 ? [{ path, name, mode }] : [];
  });
}

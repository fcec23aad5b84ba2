// SPDX-License-Identifier: Apache-2.0
// Which files of the user's a machine's disks need, and which of those that were chosen they are.

import type { DriveSpec } from '@plinth/machine';

export interface WantedFile {
  /** As the file was called when the snapshot was taken. */
  readonly name: string;
  readonly drive: number;
  readonly role: 'disk' | 'overlay';
}

/** In the order in which they are asked for: a drive's disk, then its overlay. */
export function wantedFiles(drives: readonly DriveSpec[]): WantedFile[] {
  return drives.flatMap(({ file, overlay }, drive) => [
    { name: lastPart(file), drive, role: 'disk' as const },
    ...(overlay === undefined ? [] : [{ name: lastPart(overlay), drive, role: 'overlay' as const }]),
  ]);
}

/** For each wanted file the chosen one of its name; a last one of another name is for the last place. */
export function matchFiles<T extends { readonly name: string }>(
  wanted: readonly Pick<WantedFile, 'name'>[],
  chosen: readonly T[],
): (T | undefined)[] {
  const left = [...chosen];
  const found = wanted.map(({ name }) => {
    const at = left.findIndex((file) => file.name === name);
    return at < 0 ? undefined : left.splice(at, 1)[0];
  });
  const open = found.flatMap((file, n) => (file === undefined ? [n] : []));
  if (open.length === 1 && left.length === 1) found[open[0]!] = left[0];
  return found;
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

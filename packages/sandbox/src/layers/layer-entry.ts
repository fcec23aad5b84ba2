// SPDX-License-Identifier: Apache-2.0
// What an entry of a layer means, in the form that overlayfs writes with `userxattr` (Documentation/filesystems/overlayfs.rst of Linux
// 6.16): a file as it is, a mark that what lies below is deleted, a directory that hides what lies below.

import { lstatSync, type Stats } from 'node:fs';
import type { SystemCalls } from '@plinth/linux';

export type EntryType = 'file' | 'directory' | 'link' | 'device' | 'pipe' | 'socket';

export type LayerEntry =
  | { readonly kind: 'deleted' }
  | { readonly kind: 'there'; readonly type: EntryType; readonly stats: Stats; readonly opaque: boolean };

const PREFIXES = ['user.overlay.', 'trusted.overlay.'];
const OPAQUE = 'y'.codePointAt(0)!;

/** Nothing if the layer has no such entry. */
export function readEntry(calls: SystemCalls, path: string): LayerEntry | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  // A whiteout is a character device 0:0, or an empty file with an attribute where no device may be made.
  if (stats.isCharacterDevice() && stats.rdev === 0) return { kind: 'deleted' };
  if (stats.isFile() && stats.size === 0 && attribute(calls, path, 'whiteout') !== undefined)
    return { kind: 'deleted' };
  const opaque = stats.isDirectory() && attribute(calls, path, 'opaque') === OPAQUE;
  return { kind: 'there', type: typeOf(stats), stats, opaque };
}

export function typeOf(stats: Stats): EntryType {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'link';
  if (stats.isFIFO()) return 'pipe';
  return stats.isSocket() ? 'socket' : 'device';
}

/** The first byte of an attribute of overlayfs, 0 if it is empty. */
function attribute(calls: SystemCalls, path: string, name: string): number | undefined {
  for (const prefix of PREFIXES) {
    const value = new Uint8Array(1);
    const length = calls.lgetxattr(path, prefix + name, value);
    // ERANGE: it is longer than what we want of it.
    if (length >= 0 || length === -34) return value[0]!;
  }
  return undefined;
}

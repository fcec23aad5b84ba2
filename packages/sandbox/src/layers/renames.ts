// SPDX-License-Identifier: Apache-2.0
// Finds files that were renamed among changes, as one that is gone and one that came with the same bytes; and says changes in lines for
// people.

import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { Change } from './changes.js';

export interface Renamed extends Omit<Change, 'kind'> {
  readonly kind: 'renamed';
  /** The path that it had. */
  readonly from: string;
}

const READ_AT_ONCE = 1 << 18;

/** The same changes, a deleted and an added file with the same bytes made one. Empty files are alike by chance, so they stay what they are. */
export function withRenames(changes: readonly Change[]): (Change | Renamed)[] {
  const gone = new Map<number, Change[]>();
  for (const change of changes) {
    if (change.kind !== 'deleted' || change.type !== 'file' || change.old === undefined) continue;
    const size = sizeOf(change.old);
    if (size !== undefined && size > 0) gone.set(size, [...(gone.get(size) ?? []), change]);
  }
  const hashes = new Map<string, string | undefined>();
  const hashOf = (path: string): string | undefined => {
    if (!hashes.has(path)) hashes.set(path, readHash(path));
    return hashes.get(path);
  };
  const taken = new Set<Change>();
  const renamed = new Map<Change, Renamed>();
  for (const change of changes) {
    const { kind, type, source, size } = change;
    if (kind !== 'added' || type !== 'file' || source === undefined || size === undefined) continue;
    const alike = (gone.get(size) ?? []).find((other) => {
      const hash = taken.has(other) ? undefined : hashOf(other.old!);
      return hash !== undefined && hash === hashOf(source);
    });
    if (alike === undefined) continue;
    taken.add(alike);
    renamed.set(change, { ...change, kind: 'renamed', from: alike.path });
  }
  return changes.filter((change) => !taken.has(change)).map((change) => renamed.get(change) ?? change);
}

/** One line each, without control characters in what others have named. */
export function changeLines(changes: readonly (Change | Renamed)[]): string[] {
  return changes.map((change) => {
    const { kind, path, type, what, size, unread } = change;
    const from = change.kind === 'renamed' ? [`from ${change.from}`] : [];
    const about = what === undefined ? [size === undefined ? type : `${type}, ${size} bytes`] : [what.join(', ')];
    const hidden = unread === true ? ['what is in it may not be read'] : [];
    return `${kind.padEnd(7)}  ${path}  (${[...from, ...about, ...hidden].join('; ')})`.replaceAll(/\p{Cc}/gu, '?');
  });
}

function openFile<T>(path: string, use: (fd: number) => T): T | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined; // what may not be read is like nothing
  }
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

function sizeOf(path: string): number | undefined {
  return openFile(path, (fd) => fstatSync(fd).size);
}

function readHash(path: string): string | undefined {
  return openFile(path, (fd) => {
    const hash = createHash('sha256');
    const bytes = Buffer.alloc(READ_AT_ONCE);
    for (;;) {
      const length = readSync(fd, bytes);
      if (length === 0) return hash.digest('hex');
      hash.update(bytes.subarray(0, length));
    }
  });
}

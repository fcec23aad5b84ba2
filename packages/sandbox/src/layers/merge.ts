// SPDX-License-Identifier: Apache-2.0
// How layers merge: the uppermost entry of a name counts, directories merge until one is opaque, whiteouts hide.

import { constants } from 'node:fs';
import { done, type FileCalls, FileError, type FileName, type FileStatus, MODE, readEntries } from '@plinth/linux';
import type { FoundEntry, Layer } from './layer.js';

/** A directory as layers have it. */
export interface MergedDirectory {
  readonly path: FileName;
  /** Indexes of layers, the uppermost first. */
  readonly layers: readonly number[];
  /** Of these, the ones whose directory may have whiteouts that are files. */
  readonly fileWhiteouts: ReadonlySet<number>;
}

export interface Merged extends MergedDirectory {
  readonly status: FileStatus;
  /** Names its file in the uppermost layer that has it. */
  readonly identity: string;
}

export interface MergedName {
  readonly layer: number;
  readonly inode: number;
  /** Bits 12 to 15 of a mode. */
  readonly type: number;
}

/** Of a name in a directory; the root for ''. Nothing if there is none. @throws FileError */
export function findMerged(
  stack: readonly Layer[],
  { path: around, layers, fileWhiteouts }: MergedDirectory,
  name: FileName,
): Merged | undefined {
  const path = joined(around, name);
  let top: FoundEntry | undefined;
  const merged: number[] = [];
  const marked = new Set<number>();
  for (const layer of layers) {
    const entry = stack[layer]!.find(path, fileWhiteouts.has(layer));
    if (entry === undefined) continue;
    if (entry.whiteout) break;
    const isDirectory = (entry.status.mode & MODE.type) === MODE.directory;
    if (top !== undefined && !isDirectory) break;
    top ??= entry;
    merged.push(layer);
    if (entry.fileWhiteouts) marked.add(layer);
    if (!isDirectory || entry.opaque) break;
  }
  if (top === undefined) return undefined;
  const { status } = top;
  const identity = `${merged[0]}:${status.fileSystem}:${status.inode}`;
  return { path, layers: merged, fileWhiteouts: marked, identity, status };
}

/** The root of a stack, with the marks that it has itself; nothing if that has no layers. @throws FileError */
export function rootOf(stack: readonly Layer[]): Merged | undefined {
  const layers = stack.map((_, index) => index);
  return findMerged(stack, { path: '', layers, fileWhiteouts: new Set() }, '');
}

/** Names of a directory, those that are hidden left out. @throws FileError */
export function mergedNames(
  calls: FileCalls,
  stack: readonly Layer[],
  { path, layers, fileWhiteouts }: MergedDirectory,
): Map<FileName, MergedName> {
  const seen = new Map<FileName, MergedName | undefined>();
  for (const index of layers) {
    const layer = stack[index]!;
    const marked = fileWhiteouts.has(index);
    for (const { name, inode, type } of namesIn(calls, layer, path)) {
      if (seen.has(name)) continue;
      const unsure = type === 0 || type === MODE.character >>> 12 || (marked && type === MODE.file >>> 12);
      const entry = unsure ? layer.find(joined(path, name), marked) : undefined;
      const shown = { layer: index, inode, type: entry === undefined ? type : entry.status.mode >>> 12 };
      // A whiteout hides it in the layers below, too.
      seen.set(name, entry?.whiteout === true ? undefined : shown);
    }
  }
  return new Map([...seen].flatMap(([name, shown]) => (shown === undefined ? [] : [[name, shown] as const])));
}

/** Of one layer, whatever they mean. @throws FileError */
export function namesIn(calls: FileCalls, layer: Layer, path: FileName): ReturnType<typeof readEntries> & object {
  const fd = done(layer.open(path, constants.O_RDONLY | constants.O_DIRECTORY));
  try {
    const entries = readEntries(calls, fd);
    if (typeof entries === 'number') throw new FileError(-entries);
    return entries;
  } finally {
    calls.close(fd);
  }
}

export function joined(directory: FileName, name: FileName): FileName {
  return directory === '' || name === '' ? directory + name : `${directory}/${name}`;
}

// SPDX-License-Identifier: Apache-2.0
// All entries of a layer of a program in one file, which is laid out by where its parts are found: `root/usr/…`, `known/home/…`.

import { PlinthError } from '@plinth/core';
import { FILE_ERROR, type FileCalls, FileError, type FileName } from '@plinth/linux';
import { type EntryType, typeOf } from '../layers/entry-type.js';
import { Layer } from '../layers/layer.js';
import { joined, namesIn } from '../layers/merge.js';

export interface LayerEntry {
  /** As it lies in a layer: `root/etc/x`, `known/home/x`. */
  readonly layerPath: string;
  readonly kind: EntryType | 'removed';
  /** A directory that hides what lies below it. */
  readonly opaque: boolean;
  readonly bytes: number;
}

/**
 * In order of their paths, without the directories that parts begin with.
 * @throws PlinthError `layer` (input) for one that is not there, or cannot be read rightly
 */
export function layerEntries(calls: FileCalls, directory: string): LayerEntry[] {
  using layer = new Layer(calls, directory);
  try {
    return [...entriesBelow(calls, layer, '', false, 0)];
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new PlinthError('input', 'layer', `layer ${directory}: it cannot be read: ${error.message}`);
  }
}

function* entriesBelow(
  calls: FileCalls,
  layer: Layer,
  around: FileName,
  fileWhiteouts: boolean,
  depth: number,
): Generator<LayerEntry> {
  for (const name of sortedNames(calls, layer, around)) {
    const path = joined(around, name);
    const entry = layer.find(path, fileWhiteouts);
    if (entry === undefined) continue; // its program removed it just now
    const type = typeOf(entry.status);
    const layerPath = Buffer.from(path, 'latin1').toString('utf8');
    if (depth >= 2) {
      if (entry.whiteout) yield { layerPath, kind: 'removed', opaque: false, bytes: 0 };
      else yield { layerPath, kind: type, opaque: entry.opaque, bytes: type === 'file' ? entry.status.size : 0 };
    }
    if (type === 'directory') yield* entriesBelow(calls, layer, path, entry.fileWhiteouts, depth + 1);
  }
}

function sortedNames(calls: FileCalls, layer: Layer, path: FileName): FileName[] {
  try {
    return namesIn(calls, layer, path)
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    // Its program has locked us out of it.
    if (error instanceof FileError && error.number === FILE_ERROR.EACCES) return [];
    throw error;
  }
}

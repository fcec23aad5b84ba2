// SPDX-License-Identifier: Apache-2.0
// Takes out of a layer what is not to be in it. Nobody may use the layer meanwhile.

import { PlinthError } from '@plinth/core';
import { done, type FileCalls, FileError, type FileName, REMOVE_DIRECTORY } from '@plinth/linux';
import { typeOf } from './entry-type.js';
import { Layer, OPEN_DIRECTORY } from './layer.js';
import { joined, namesIn } from './merge.js';
import { shownPath } from './shown-path.js';

/**
 * Whether an entry stays; a directory does, too, as long as anything in it does. `path` is as differences have it (changes.ts).
 * `alone`: what lies below it is hidden, so that without it there is nothing.
 */
export type Keeps = (path: string, alone: boolean) => boolean;

/** @throws PlinthError `layer` (input) for one that is not there, or cannot be read or written */
export function pruneLayer(calls: FileCalls, directory: string, keeps: Keeps): void {
  using layer = new Layer(calls, directory);
  try {
    pruneDirectory(calls, layer, { path: '', alone: false, fileWhiteouts: false }, keeps);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new PlinthError('input', 'layer', `layer ${directory}: it cannot be pruned: ${error.message}`);
  }
}

interface Place {
  readonly path: FileName;
  readonly alone: boolean;
  readonly fileWhiteouts: boolean;
}

/** Whether anything is left in it. */
function pruneDirectory(calls: FileCalls, layer: Layer, { path, alone, fileWhiteouts }: Place, keeps: Keeps): boolean {
  const fd = done(layer.open(path, OPEN_DIRECTORY));
  let left = false;
  try {
    for (const { name } of namesIn(calls, layer, path)) {
      const inner = joined(path, name);
      const entry = layer.find(inner, fileWhiteouts);
      if (entry === undefined) continue;
      const isDirectory = typeOf(entry.status) === 'directory';
      const place = { path: inner, alone: alone || entry.opaque, fileWhiteouts: entry.fileWhiteouts };
      const holds = isDirectory && pruneDirectory(calls, layer, place, keeps);
      if (holds || keeps(`/${shownPath(inner)}`, place.alone)) left = true;
      else done(calls.unlink(fd, name, isDirectory ? REMOVE_DIRECTORY : 0));
    }
  } finally {
    calls.close(fd);
  }
  return left;
}

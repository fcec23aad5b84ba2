// SPDX-License-Identifier: Apache-2.0
// The layer of a workspace as that of a program in one file: with what is taken of it alone, and laid out as such layers are.

import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { PlinthError } from '@plinth/core';
import { nativeFileCalls } from '@plinth/linux';
import {
  type HostFacts,
  type LayerEntry,
  layeredParts,
  layerEntries,
  pruneLayer,
  type Workspace,
} from '@plinth/sandbox';
import { type CapturedChanges, layerPathOf } from './captured-changes.js';

/**
 * Makes it of a workspace that nothing runs in and that is of no use any more. Gives its entries.
 * @throws PlinthError `layer`, `capture-unreadable` (input)
 */
export function takeLayer({ upper, options }: Workspace, facts: HostFacts, captured: CapturedChanges): LayerEntry[] {
  const { home } = facts;
  for (const { at, layer, base, mode } of layeredParts(options, facts)) {
    const own = join(upper, layer);
    pruneLayer(nativeFileCalls(), own, (path, alone) => {
      const shown = at + path;
      return captured.placeLeftOut(shown) === undefined && (alone || captured.taken.has(shown));
    });
    // The mask of whoever runs this takes nothing of it.
    chmodSync(own, base === undefined ? mode : lstatSync(base).mode & 0o7777);
    const place = layerPathOf(at, home);
    if (place === layer) continue;
    if (readdirSync(own).length === 0) rmdirSync(own);
    else moveInto(upper, own, place, home);
  }
  const entries = layerEntries(nativeFileCalls(), upper);
  checkReadable(upper, entries);
  return entries;
}

/** Directories on the way are as the host's are. */
function moveInto(upper: string, from: string, place: string, home: string): void {
  const to = join(upper, place);
  const missing: string[] = [];
  for (let path = dirname(place); path !== '.' && !existsSync(join(upper, path)); path = dirname(path))
    missing.unshift(path);
  for (const path of missing) {
    mkdirSync(join(upper, path));
    const [kind, name, ...rest] = path.split('/');
    if (name === undefined) continue;
    const host = lstatSync(kind === 'root' ? posix.join('/', name, ...rest) : posix.join(home, ...rest));
    chmodSync(join(upper, path), host.mode & 0o7777);
  }
  // Where it was mounted, there may be a directory for that.
  if (existsSync(to)) rmdirSync(to);
  renameSync(from, to);
}

/**
 * Takes files that stand for removed ones out of a layer, and gives their paths. Where no device may be made, a file is one by what its
 * directory says, which only newer kernels know.
 */
export function takeWhiteouts(upper: string, entries: readonly LayerEntry[]): string[] {
  const files = entries.filter(
    ({ layerPath, kind }) => kind === 'removed' && lstatSync(join(upper, layerPath)).isFile(),
  );
  for (const { layerPath } of files) unlinkSync(join(upper, layerPath));
  return files.map(({ layerPath }) => layerPath);
}

/** Others would be empty in the image. */
function checkReadable(upper: string, entries: readonly LayerEntry[]): void {
  for (const { layerPath, kind } of entries) {
    if (kind !== 'file' && kind !== 'directory') continue;
    try {
      accessSync(join(upper, layerPath), kind === 'file' ? constants.R_OK : constants.R_OK | constants.X_OK);
    } catch (cause) {
      const path = layerPath.replace(/^root|^known\/home/, '');
      const why = 'the command has made it so that you may not read it: chmod it at the end of the command';
      throw new PlinthError('input', 'capture-unreadable', `--capture: ${path}: ${why}`, { cause });
    }
  }
}

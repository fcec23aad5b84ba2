// SPDX-License-Identifier: Apache-2.0
// What a program has written, or its installer, as a layer of a program in one file (docs/bundle.md, "Format").

import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { LayerEntry } from '@plinth/sandbox';
import type { LayerFiles } from './pack-source.js';

/** `entries` are those of `upper`; lists of them are made in `work`. Directories that nothing was written in are left out. */
export function stateLayer(upper: string, entries: readonly LayerEntry[], work: string): LayerFiles {
  const lists = [join(work, 'removed'), join(work, 'replaced')] as const;
  writeFileSync(lists[0], pathList(entries.filter(({ kind }) => kind === 'removed')));
  writeFileSync(lists[1], pathList(entries.filter(({ opaque }) => opaque)));
  const parts = ['root', 'known'].map((name) => join(upper, name)).filter((path) => existsSync(path));
  const kept = placesOf(entries);
  const leftOut = parts.flatMap((part) =>
    readdirSync(part)
      .filter((name) => !kept.has(`${basename(part)}/${name}`))
      .map((name) => join(part, name)),
  );
  return { parts: [...parts, ...lists], leftOut };
}

/** Directories of the root and folders that something was written in: `root/usr`, `known/home`. */
export function placesOf(entries: readonly LayerEntry[]): ReadonlySet<string> {
  return new Set(entries.map(({ layerPath }) => layerPath.split('/').slice(0, 2).join('/')));
}

/** For whoever unpacks a layer over others without overlayfs. Names with a line feed have no place in such a list. */
function pathList(entries: readonly LayerEntry[]): string {
  const paths = entries.map(({ layerPath }) => layerPath).filter((path) => !path.includes('\n'));
  return paths.map((path) => `${path}\n`).join('');
}

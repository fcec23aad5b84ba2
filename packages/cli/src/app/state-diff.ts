// SPDX-License-Identifier: Apache-2.0
// What a program in one file has written, beside what it would find without that.

import { lstatSync } from 'node:fs';
import { homedir } from 'node:os';
import type { BundleManifest, LayerEntry } from '@plinth/sandbox';

export interface Change {
  readonly change: 'added' | 'changed' | 'removed';
  readonly kind: LayerEntry['kind'];
  /** As the program sees it; `{home}` and the like stand for folders. */
  readonly path: string;
  readonly bytes: number;
}

/** `inside` are the names of what the file's own layers have. */
export function stateChanges(
  entries: readonly LayerEntry[],
  inside: ReadonlySet<string>,
  { isolation, others }: Pick<BundleManifest, 'isolation' | 'others'>,
): Change[] {
  const below = (layerPath: string): boolean => {
    if (inside.has(layerPath)) return true;
    const [kind, name = '', ...rest] = layerPath.split('/');
    const place = kind === 'root' ? `/${name}` : `{${name}}`;
    const mode = isolation[place] ?? (inside.has(`${kind}/${name}`) ? 'full' : others);
    if (mode === 'full') return false;
    const path = kind === 'root' ? `/${[name, ...rest].join('/')}` : [homedir(), ...rest].join('/');
    return (kind === 'root' || name === 'home') && lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  };
  return entries.flatMap((entry): Change[] => {
    const { layerPath, kind, opaque, bytes } = entry;
    const path = shownPath(layerPath);
    if (kind === 'removed') return [{ change: 'removed', kind, path, bytes }];
    const wasThere = below(layerPath);
    // A directory is only copied so that something can be written in it.
    if (kind === 'directory' && wasThere && !opaque) return [];
    return [{ change: wasThere ? 'changed' : 'added', kind, path, bytes }];
  });
}

function shownPath(layerPath: string): string {
  const [kind, name = '', ...rest] = layerPath.split('/');
  return [kind === 'root' ? `/${name}` : `{${name}}`, ...rest].join('/');
}

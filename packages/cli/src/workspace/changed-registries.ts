// SPDX-License-Identifier: Apache-2.0
// What programs of Windows have changed in registries of Wine that lie in a workspace's files.

import { posix } from 'node:path';
import { PlinthError } from '@plinth/core';
import { type Change, PREFIX_PARTS, prefixChanges, type WorkspaceChange } from '@plinth/sandbox';
import { type RegistryRow, registryRows } from '../app/registry-rows.js';
import { readPlainFile } from '../host/read-plain-file.js';

export interface ChangedRegistry {
  /** The file that has it, as the workspace shows it. */
  readonly file: string;
  readonly rows: readonly RegistryRow[];
  /** Why there are none. */
  readonly unread?: string;
}

/** Of more than this no list is made; a fresh registry of Wine has 1.7 MB. */
const MOST_BYTES = 1 << 26;
const HEADING = 'WINE REGISTRY Version 2';

/** Those that were there before; of a new prefix the registry is that of Wine, as its files tell. */
export function changedRegistries(changes: readonly WorkspaceChange[]): ChangedRegistry[] {
  return changes.flatMap((change): ChangedRegistry[] => {
    const part = PREFIX_PARTS.find(({ file }) => file === posix.basename(change.shown));
    if (part === undefined || change.kind !== 'changed' || change.type !== 'file') return [];
    const { before, after } = textsOf(change);
    if (before === undefined || after === undefined) return [];
    const file = change.shown;
    try {
      const rows = registryRows(prefixChanges({ [part.file]: before }, { [part.file]: after }, file));
      return rows.length === 0 ? [] : [{ file, rows }];
    } catch (error) {
      if (!(error instanceof PlinthError)) throw error;
      return [{ file, rows: [], unread: error.message }];
    }
  });
}

function textsOf({ old, source }: Change): { readonly before?: Buffer; readonly after?: Buffer } {
  const read = (path: string | undefined): Buffer | undefined => {
    const bytes = path === undefined ? undefined : readPlainFile(path, MOST_BYTES);
    return bytes?.toString('latin1', 0, HEADING.length) === HEADING ? bytes : undefined;
  };
  const [before, after] = [read(old), read(source)];
  return { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}

// SPDX-License-Identifier: Apache-2.0
// What was changed in a registry, as rows for people and machines.

import { describeValue, type PrefixChanges, type RegistryChange } from '@plinth/sandbox';

export interface RegistryRow {
  readonly change: 'added' | 'changed' | 'removed';
  /** As Windows shows it: `HKEY_CURRENT_USER\Software\App`. */
  readonly key: string;
  /** Of a value, its name, which may be empty; a row without it is of the key. */
  readonly value?: string;
  readonly before?: string;
  readonly after?: string;
}

export function registryRows(all: readonly PrefixChanges[]): RegistryRow[] {
  return all.flatMap(({ part, changes }) =>
    changes.map((change) => rowOf(change, [part.shown, ...change.path].join('\\'))),
  );
}

function rowOf(change: RegistryChange, key: string): RegistryRow {
  switch (change.kind) {
    case 'key-added':
      return { change: 'added', key };
    case 'key-removed':
      return { change: 'removed', key };
    case 'class-changed':
      return { change: 'changed', key };
    case 'value-added':
      return { change: 'added', key, value: change.after.name, after: describeValue(change.after) };
    case 'value-removed':
      return { change: 'removed', key, value: change.before.name, before: describeValue(change.before) };
    default: {
      const [before, after] = [describeValue(change.before), describeValue(change.after)];
      return { change: 'changed', key, value: change.after.name, before, after };
    }
  }
}

export function formatRegistryRow({ change, key, value, before, after }: RegistryRow): string {
  const path = value === undefined ? `${key}\\` : `${key}\\${value === '' ? '(Default)' : value}`;
  const data = [before, after].filter((one) => one !== undefined).join(' -> ');
  return `${change.padEnd(8)}  ${path}  ${data}`.trimEnd().replaceAll(/\p{Cc}/gu, '?');
}

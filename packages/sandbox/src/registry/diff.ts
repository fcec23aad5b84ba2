// SPDX-License-Identifier: Apache-2.0
// What parts two states of a registry, as data, and how to turn one into the other. Times, security descriptors, flags and the order
// of values are no difference; spelling of names is none either, as Windows sees none.

import { createPath, findKey, type RegistryKey, type RegistryValue, sameData, type WritableKey } from './key.js';
import { compareFolded, foldName } from './names.js';

/** Paths begin below the root that was compared. A removed key goes with all that is below it; an added one is told key by key. */
export type RegistryChange =
  | { readonly kind: 'key-added'; readonly path: readonly string[]; readonly className?: string }
  | { readonly kind: 'key-removed'; readonly path: readonly string[] }
  | {
      readonly kind: 'class-changed';
      readonly path: readonly string[];
      readonly before: string | undefined;
      readonly after: string | undefined;
    }
  | { readonly kind: 'value-added'; readonly path: readonly string[]; readonly after: RegistryValue }
  | { readonly kind: 'value-removed'; readonly path: readonly string[]; readonly before: RegistryValue }
  | {
      readonly kind: 'value-changed';
      readonly path: readonly string[];
      readonly before: RegistryValue;
      readonly after: RegistryValue;
    };

/** In the order of paths: what a key loses, what it gets, then its subkeys. */
export function diffRegistry(before: RegistryKey, after: RegistryKey): RegistryChange[] {
  const changes: RegistryChange[] = [];
  compareKeys(before, after, [], changes);
  return changes;
}

function compareKeys(
  before: RegistryKey | undefined,
  after: RegistryKey,
  path: readonly string[],
  changes: RegistryChange[],
): void {
  const [oldClass, newClass] = [before?.className, after.className];
  if (before === undefined) {
    changes.push({ kind: 'key-added', path, ...(newClass === undefined ? {} : { className: newClass }) });
  } else if (oldClass !== newClass) {
    changes.push({ kind: 'class-changed', path, before: oldClass, after: newClass });
  }
  const oldValues = byName(before?.values() ?? []);
  const newValues = byName(after.values());
  for (const [folded, value] of oldValues) {
    if (!newValues.has(folded)) changes.push({ kind: 'value-removed', path, before: value });
  }
  for (const [folded, value] of newValues) {
    const old = oldValues.get(folded);
    if (old === undefined) changes.push({ kind: 'value-added', path, after: value });
    else if (old.type !== value.type || !sameData(old.data, value.data)) {
      changes.push({ kind: 'value-changed', path, before: old, after: value });
    }
  }
  const oldKeys = byName(before?.keys() ?? []);
  const newKeys = byName(after.keys());
  for (const [folded, key] of oldKeys) {
    if (!newKeys.has(folded)) changes.push({ kind: 'key-removed', path: [...path, key.name] });
  }
  for (const [folded, key] of newKeys) compareKeys(oldKeys.get(folded), key, [...path, key.name], changes);
}

/** In the order of folded names; of two that are equal the first counts, as a search finds it. */
function byName<Named extends { readonly name: string }>(all: readonly Named[]): Map<string, Named> {
  const named = new Map<string, Named>();
  for (const one of all) {
    const folded = foldName(one.name);
    if (!named.has(folded)) named.set(folded, one);
  }
  return new Map([...named].toSorted(([a], [b]) => compareFolded(a, b)));
}

/** Makes `root` what `after` was, if it was what `before` was; what is there already, or gone already, is no error. */
export function applyChanges(root: WritableKey, changes: readonly RegistryChange[]): void {
  for (const change of changes) {
    switch (change.kind) {
      case 'key-added':
        createPath(root, change.path).setClassName(change.className);
        break;
      case 'class-changed':
        createPath(root, change.path).setClassName(change.after);
        break;
      case 'key-removed':
        findKey(root, change.path.slice(0, -1))?.deleteKey(change.path.at(-1)!, { recursive: true });
        break;
      case 'value-removed':
        findKey(root, change.path)?.deleteValue(change.before.name);
        break;
      default:
        createPath(root, change.path).setValue(change.after);
    }
  }
}

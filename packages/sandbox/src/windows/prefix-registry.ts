// SPDX-License-Identifier: Apache-2.0
// The registry of a prefix of Wine. Wine keeps it in memory and in three texts, which it reads when its server starts and
// writes when that ends. What parts two states of them is a layer of a registry, so it is kept as hives with marks.

import { applyChanges, diffRegistry, type RegistryChange } from '../registry/diff.js';
import { Hive } from '../registry/hive.js';
import { writeHive } from '../registry/hive-writer.js';
import { LayeredRegistry } from '../registry/layered-registry.js';
import type { PrefixRule } from './key-isolation.js';
import { parseWineText, type WineRegistry, writeWineText } from '../registry/wine-text.js';

/** A part of a prefix's registry. */
export interface PrefixPart {
  /** In the prefix. */
  readonly file: 'system.reg' | 'user.reg' | 'userdef.reg';
  /** In a layer. */
  readonly hive: 'machine.hive' | 'user.hive' | 'default.hive';
  /** What Windows calls the key that all of it is below. */
  readonly shown: string;
}

export const PREFIX_PARTS: readonly PrefixPart[] = [
  { file: 'system.reg', hive: 'machine.hive', shown: 'HKEY_LOCAL_MACHINE' },
  { file: 'user.reg', hive: 'user.hive', shown: 'HKEY_CURRENT_USER' },
  { file: 'userdef.reg', hive: 'default.hive', shown: String.raw`HKEY_USERS\.Default` },
];

/** Texts of a prefix by their files' names. Those that are not there are empty registries. */
export type PrefixTexts = Readonly<Partial<Record<PrefixPart['file'], Uint8Array>>>;

export interface PrefixChanges {
  readonly part: PrefixPart;
  /** Never empty. */
  readonly changes: readonly RegistryChange[];
}

/** What parts two states, by part. @throws PlinthError `wine-text` (input) with line and column, behind `where` */
export function prefixChanges(before: PrefixTexts, after: PrefixTexts, where: string): PrefixChanges[] {
  return PREFIX_PARTS.flatMap((part): PrefixChanges[] => {
    const [old, now] = [before[part.file], after[part.file]];
    // They are large, and most runs change one of them only.
    if (now === undefined || (old !== undefined && Buffer.compare(old, now) === 0)) return [];
    const changes = diffRegistry(read(old, part, where).root, read(now, part, where).root);
    return changes.length === 0 ? [] : [{ part, changes }];
  });
}

/** A layer that has these changes over what they were found against: a hive for each part, by its name. */
export function prefixLayer(
  before: PrefixTexts,
  all: readonly PrefixChanges[],
  where: string,
): ReadonlyMap<PrefixPart['hive'], Uint8Array> {
  return new Map(
    all.map(({ part, changes }) => {
      const registry = new LayeredRegistry({ layers: [read(before[part.file], part, where).root] });
      applyChanges(registry.root, changes);
      return [part.hive, writeHive(registry.upper)] as const;
    }),
  );
}

/**
 * The texts of a base with layers over it, from the newest to the oldest, as rules let them be seen. Parts that neither changes are left out.
 * @throws PlinthError of kind `input` for a text or a hive that cannot be read
 */
export function mergedTexts(
  base: PrefixTexts,
  layers: readonly ReadonlyMap<PrefixPart['hive'], Uint8Array>[],
  where: string,
  all: readonly PrefixRule[] = [],
): PrefixTexts {
  const merged = PREFIX_PARTS.flatMap((part) => {
    const hives = layers.flatMap((layer) => layer.get(part.hive) ?? []);
    const rules = all.filter((one) => one.part === part.file).map(({ rule }) => rule);
    if (hives.length === 0 && rules.length === 0) return [];
    const lowest = read(base[part.file], part, where);
    const roots = hives.map((bytes) => new Hive(bytes).root);
    const { root } = new LayeredRegistry({ layers: [...roots, lowest.root], rules });
    return [[part.file, Buffer.from(writeWineText(root, lowest), 'latin1')] as const];
  });
  return Object.fromEntries(merged);
}

function read(text: Uint8Array | undefined, { file }: PrefixPart, where: string): WineRegistry {
  return parseWineText(text ?? 'WINE REGISTRY Version 2\n', `${where}: ${file}`);
}

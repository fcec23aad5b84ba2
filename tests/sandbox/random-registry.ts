// SPDX-License-Identifier: Apache-2.0
// Registries and edits by a seed, and what a registry holds in a form that tests can compare.

import { createPath, MemoryKey, type RegistryKey, type RegistryValue, type WritableKey } from '@plinth/sandbox';
import type { Random } from '../fuzz/random.js';

/** Few, so that keys of layers meet; some differ in case only, some are no ASCII. */
const NAMES = ['Software', 'SOFTWARE', 'Wine', 'wine', 'Ärger', 'ärger', 'ß', 'key]', '日本', 'a b', '-x', 'ÿ'];
const VALUE_NAMES = ['', 'Name', 'NAME', 'path', 'Größe', 'a"b\\c', '値', '@', 'x=y'];
const UNITS = ['a', 'Z', '0', '7', '"', '\\', '\n', '\r', '\t', '\0', '\u0001', ';', ']', 'é', '語', '\ud800', ' '];

export function utf16(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'utf16le'));
}

export function randomValue(random: Random, name = random.pick(VALUE_NAMES)): RegistryValue {
  const type = random.pick([0, 1, 1, 2, 3, 4, 4, 5, 6, 7, 8, 11, 12, 0xffff_0001]);
  const text = Array.from({ length: random.below(8) }, () => random.pick(UNITS)).join('');
  if (random.chance(0.6) && [1, 2, 7].includes(type)) return { name, type, data: utf16(`${text}\0`) };
  if (random.chance(0.8) && type === 4) return { name, type, data: bytes(random, 4) };
  return { name, type, data: bytes(random, random.below(random.pick([5, 9, 60]))) };
}

function bytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}

export function randomTree(random: Random, edits: number): MemoryKey {
  const root = new MemoryKey('root', { lastWritten: 133_000_000_000_000_000n });
  for (let n = 0; n < edits; n++) {
    const key = createPath(root, randomPath(random)) as MemoryKey;
    if (random.chance(0.7)) key.setValue(randomValue(random));
    if (random.chance(0.1)) key.setClassName(random.pick(['class', 'Klasse ü', '']) || undefined);
    if (random.chance(0.2)) key.lastWritten = BigInt(random.word()) * 40_000_000n;
    if (random.chance(0.05)) key.flags |= 0x10;
  }
  return root;
}

export function randomPath(random: Random): string[] {
  return Array.from({ length: random.below(4) }, () => random.pick(NAMES));
}

/** One edit; what it gives, or the code of its refusal. */
export function randomEdit(random: Random): (root: WritableKey) => unknown {
  const path = randomPath(random);
  const [name, to] = [random.pick(NAMES), random.pick(NAMES)];
  const value = randomValue(random);
  const recursive = random.chance(0.6);
  const className = random.pick(['one', 'two', undefined]);
  const edits: ((key: WritableKey) => unknown)[] = [
    (key) => key.setValue(value),
    (key) => key.setValue(value),
    (key) => key.deleteValue(value.name),
    (key) => void key.createKey(name),
    (key) => key.deleteKey(name, { recursive }),
    (key) => key.renameKey(name, to),
    (key) => key.setClassName(className),
  ];
  const edit = random.pick(edits);
  const make = random.chance(0.5);
  return (root) => {
    let key: WritableKey | undefined = root;
    for (const part of path) key = make ? key?.createKey(part) : key?.key(part);
    if (key === undefined) return 'no key';
    try {
      return edit(key);
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    }
  };
}

/** All of a tree but its times and descriptors, in an order of its own. */
export function outline(key: RegistryKey): unknown {
  return {
    class: key.className,
    values: Object.fromEntries(
      key
        .values()
        .map(({ name, type, data }) => [name.toLowerCase(), `${type}:${Buffer.from(data).toString('hex')}`])
        .toSorted(byFirst),
    ),
    keys: Object.fromEntries(
      key
        .keys()
        .map((subkey) => [subkey.name.toLowerCase(), outline(subkey)] as const)
        .toSorted(byFirst),
    ),
  };
}

function byFirst(
  [a]: readonly [string, unknown] | readonly string[],
  [b]: readonly [string, unknown] | readonly string[],
): number {
  return a! < b! ? -1 : 1;
}

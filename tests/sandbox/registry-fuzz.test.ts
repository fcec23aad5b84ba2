// SPDX-License-Identifier: Apache-2.0
// Hives, logs, .reg texts and Wine's texts that are damaged: a value or one typed error, and always an end. What is read can be
// written, and reads the same. With PLINTH_LONG=1 ten times as many.

import { PlinthError } from '@plinth/core';
import {
  applyEdits,
  diffRegistry,
  encodeRegText,
  Hive,
  type HiveKey,
  LayeredRegistry,
  MemoryKey,
  parseRegText,
  parseWineText,
  recoverHive,
  treeToRegText,
  writeHive,
  writeWineText,
} from '@plinth/sandbox';
import { describe, expect, it } from 'vitest';
import { mutate } from '../fuzz/mutate.js';
import { Random } from '../fuzz/random.js';
import { randomEdit, randomTree } from './random-registry.js';

const CASES = process.env['PLINTH_LONG'] === '1' ? 10_000 : 1000;

/** Runs cases by their seeds and gives how many ended with a value; another error than an input error says its seed. */
function campaign(run: (random: Random) => void): number {
  let read = 0;
  for (let seed = 1; seed <= CASES; seed++) {
    try {
      run(new Random(seed));
      read++;
    } catch (error) {
      if (error instanceof PlinthError && error.kind === 'input' && !error.message.includes('\n')) continue;
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`, { cause: error });
    }
  }
  return read;
}

/** Puts the checksum right and the sequence numbers equal, so that the reader gets to see the damage behind the base block. */
function seal(hive: Uint8Array): Uint8Array {
  if (hive.length < 4096) return hive;
  const view = new DataView(hive.buffer, hive.byteOffset, hive.byteLength);
  view.setUint32(8, view.getUint32(4, true), true);
  let sum = 0;
  for (let at = 0; at < 508; at += 4) sum ^= view.getUint32(at, true);
  view.setUint32(508, sum, true);
  return hive;
}

function readTexts(bytes: Uint8Array): void {
  const root = new MemoryKey('');
  applyEdits(root, parseRegText(bytes), { under: 'HKEY_CURRENT_USER' });
  const again = new MemoryKey('');
  applyEdits(again, parseRegText(encodeRegText(treeToRegText(root, 'HKEY_CURRENT_USER'))), {
    under: 'HKEY_CURRENT_USER',
  });
  expect(diffRegistry(root, again)).toEqual([]);
}

function readWine(bytes: Uint8Array): void {
  const { root } = parseWineText(bytes);
  expect(diffRegistry(root, parseWineText(writeWineText(root)).root)).toEqual([]);
}

describe('damaged input', () => {
  it('hives', () => {
    const read = campaign((random) => {
      const hive = writeHive(randomTree(random, 20));
      const root = MemoryKey.from(new Hive(seal(mutate(random, hive))).root);
      expect(diffRegistry(root, new Hive(writeHive(root)).root)).toEqual([]);
    });
    expect(read).toBeGreaterThan(CASES / 20);
    expect(read).toBeLessThan(CASES);
  });

  it('hives and logs that are put together from parts of others', () => {
    const parts = [new Random(1), new Random(2)].map((random) => writeHive(randomTree(random, 40)));
    campaign((random) => {
      const splice = (): Uint8Array => {
        const [from, other] = [random.pick(parts), random.pick(parts)];
        const at = 512 * random.below(from.length / 512);
        return mutate(random, Uint8Array.from([...from.subarray(0, at), ...other.subarray(at)]));
      };
      const dirty = splice();
      const log = splice();
      if (log.length > 1100) {
        log[28] = random.pick([1, 2, 6]);
        log.set(
          [...random.pick(['DIRT', 'HvLE'])].map((letter) => letter.charCodeAt(0)),
          512,
        );
      }
      if (dirty.length > 4096 && random.chance(0.5)) dirty[4]! ^= 3;
      const { bytes } = recoverHive(dirty, [{ name: 'LOG1', bytes: seal(log) }], { asIs: true });
      expect(bytes.length).toBeLessThanOrEqual(dirty.length + log.length);
      MemoryKey.from(new Hive(bytes).root);
    });
  });

  it('hives with marks as layers, which are edited', () => {
    const marked = [1, 2, 3].map((seed) => {
      const random = new Random(seed);
      const registry = new LayeredRegistry({ layers: [randomTree(random, 20)] });
      for (let n = 0; n < 20; n++) randomEdit(random)(registry.root);
      return writeHive(registry.upper);
    });
    const read = campaign((random) => {
      const open = (): HiveKey => new Hive(seal(mutate(random, random.pick(marked)))).root;
      const registry = new LayeredRegistry({
        layers: [open(), new Hive(random.pick(marked)).root],
        upper: MemoryKey.from(open()),
        copy: random.pick(['one-level', 'full-subtree']),
      });
      // A refusal is told by its code; anything else would be a fault of ours.
      for (let n = 0; n < 6; n++) expect(String(randomEdit(random)(registry.root))).not.toMatch(/Error:/);
      const saved = MemoryKey.from(new Hive(writeHive(registry.upper)).root);
      const again = new LayeredRegistry({ layers: registry.layers, upper: saved });
      expect(diffRegistry(registry.root, again.root)).toEqual([]);
    });
    expect(read).toBeGreaterThan(CASES / 20);
  });

  it('.reg texts', () => {
    const read = campaign((random) => {
      const text = treeToRegText(randomTree(random, 10), 'HKEY_CURRENT_USER');
      readTexts(mutate(random, encodeRegText(text, random.pick(['utf-8', 'utf-16le']))));
    });
    expect(read).toBeGreaterThan(CASES / 20);
  });

  it("Wine's texts", () => {
    const read = campaign((random) => {
      const text = writeWineText(randomTree(random, 10), { arch: 'win64', relativeTo: '\\Machine' });
      readWine(mutate(random, new Uint8Array(Buffer.from(text, 'latin1'))));
    });
    expect(read).toBeGreaterThan(CASES / 20);
  });

  it('none of it where nothing is damaged', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const tree = randomTree(new Random(seed), 30);
      expect(diffRegistry(tree, new Hive(writeHive(tree)).root)).toEqual([]);
      readWine(new Uint8Array(Buffer.from(writeWineText(tree), 'latin1')));
      const wine = parseWineText(writeWineText(tree));
      // Wine names no key that only holds subkeys.
      expect(writeWineText(wine.root)).toBe(writeWineText(tree));
      expect(diffRegistry(tree, wine.root).filter(({ path }) => path.length > 0)).toEqual([]);
      readTexts(encodeRegText(treeToRegText(tree, 'HKEY_CURRENT_USER')));
    }
  });
});

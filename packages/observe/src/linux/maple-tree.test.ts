// SPDX-License-Identifier: Apache-2.0
// Trees of one and two levels as Linux 6.1 lays them out; damaged ones end.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AddressSpace } from './address-space.js';
import { mapleEntries } from './maple-tree.js';

const NODES = 0x1_0000;
/** Of the first-level table, behind the nodes. */
const TABLE = 0x4000;

/** RAM at 0 that is mapped to itself, by one section. */
function memoryWith(words: ReadonlyMap<number, number>): AddressSpace {
  const ram = new Uint8Array(0x2_0000);
  const view = new DataView(ram.buffer);
  view.setUint32(TABLE, 0x0000_0c02, true);
  for (const [address, word] of words) view.setUint32(address, word >>> 0, true);
  return new AddressSpace({ ram, ramBase: 0, cpus: [] }, TABLE);
}

function node(at: number, slots: number, pivots: readonly number[], entries: readonly number[]): [number, number][] {
  return [
    ...pivots.map((pivot, n): [number, number] => [at + 4 + 4 * n, pivot]),
    ...entries.map((entry, n): [number, number] => [at + 4 * (slots + n), entry]),
  ];
}

const [ROOT, LEFT, RIGHT] = [NODES, NODES + 256, NODES + 512];
const leaf = (at: number): number => at | (1 << 3) | 4;
const TREE = new Map([
  ...node(ROOT, 21, [0x4fff, 0xffff_ffff], [leaf(LEFT), leaf(RIGHT)]),
  ...node(LEFT, 32, [0xfff, 0x1fff, 0x2fff, 0x4fff], [0, 0x100, 0, 0x200]),
  ...node(RIGHT, 32, [0x5fff, 0x6fff], [0x300, 0, 0]),
]);

it('gives the entries in order, and no gaps', () => {
  const root = ROOT | (3 << 3) | 2;
  expect([...mapleEntries(memoryWith(TREE), root)]).toEqual([0x100, 0x200, 0x300]);
  expect([...mapleEntries(memoryWith(TREE), 0x2000)]).toEqual([0x2000]);
  expect([...mapleEntries(memoryWith(TREE), 0)]).toEqual([]);
});

it('ends in any memory', () => {
  const word = fc.oneof(
    fc.nat(0xffff_ffff),
    fc.constantFrom(leaf(LEFT), ROOT | 0x12, ROOT | 0x1e, LEFT | 0x12, 0x5000),
  );
  fc.assert(
    fc.property(fc.array(word, { minLength: 192, maxLength: 192 }), (words) => {
      const memory = memoryWith(new Map(words.map((value, n) => [NODES + 4 * n, value])));
      let count = 0;
      for (const entry of mapleEntries(memory, ROOT | (3 << 3) | 2)) count += entry === 0 ? 0 : 1;
      expect(count).toBeLessThanOrEqual(1 << 17);
    }),
    { numRuns: 100 },
  );
});

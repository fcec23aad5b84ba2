// SPDX-License-Identifier: Apache-2.0
// The filter misses no pattern, and lets little else through.

import { expect, it } from 'vitest';
import {
  beginsSlot,
  bitOf,
  buildFilter,
  DISTANCES,
  type Filter,
  HEAD_MASK,
  windowMask,
  wordHash,
  type WordSet,
} from './filter.js';
import { otherCase, type Pattern } from './pattern.js';
import { Random } from './testing/random-sets.js';

const LETTERS = 'etaoinshrdluETAOINSHRDLU /.=_-%0123456789';

function randomPatterns(random: Random, count: number, shortest: number): Pattern[] {
  return Array.from({ length: count }, () => ({
    bytes: Uint8Array.from({ length: shortest + random.below(24) }, () =>
      LETTERS.charCodeAt(random.below(LETTERS.length)),
    ),
    nocase: random.below(2) === 0,
  }));
}

function isIn({ bitmap, bits }: WordSet, hash: number): boolean {
  const bit = bitOf(hash, bits);
  return (bitmap[bit >>> 3]! & (1 << (bit & 7))) !== 0;
}

/** Whether a look at `at` says that a pattern may begin at `from`. */
function lets(
  { stride, width, windows, heads, begins, beginsBits }: Filter,
  text: Buffer,
  at: number,
  from: number,
): boolean {
  const hash = wordHash(text.readInt32LE(at), windowMask(width));
  const n = at + stride - 1 - from;
  if (!isIn(windows, hash) || n < 0 || n >= DISTANCES) return false;
  const distances = begins[beginsSlot(hash, beginsBits)]!;
  if ((distances & (1 << n)) === 0) return false;
  return (distances & (1 << (n + DISTANCES))) !== 0 || isIn(heads, wordHash(text.readInt32LE(from), HEAD_MASK));
}

it('lets every pattern through, wherever it lies beside the looks, whatever is around it', () => {
  for (const shortest of [2, 3, 4, 5, 8]) {
    const random = new Random(shortest);
    const patterns = randomPatterns(random, 300, shortest);
    const filter = buildFilter(patterns);
    for (const { bytes, nocase } of patterns) {
      for (let from = 32; from < 36; from++) {
        const text = Buffer.from(Uint8Array.from({ length: 128 }, () => random.below(256)));
        text.set(nocase ? bytes.map((byte) => (random.below(2) === 0 ? otherCase(byte) : byte)) : bytes, from);
        const last = from + filter.reach;
        const looks = Array.from({ length: text.length / filter.stride }, (_, n) => n * filter.stride);
        const seen = looks.filter((at) => at + filter.width <= last && lets(filter, text, at, from));
        expect(seen, `${shortest}: ${Buffer.from(bytes).toString('latin1')} at ${from}`).not.toEqual([]);
      }
    }
  }
});

it('looks at every fourth byte for long patterns, and at every second one for some of two bytes', () => {
  const random = new Random(7);
  const long = randomPatterns(random, 1000, 8);
  expect(buildFilter(long).stride).toBe(4);
  const two = [...'etaoinshrd'].map((letter) => ({ bytes: Buffer.from(`${letter}/`), nocase: true }));
  expect(buildFilter([...long, ...two])).toMatchObject({ stride: 2, width: 3 });
});

it('lets little of random bytes through for 10,000 patterns', () => {
  const random = new Random(11);
  const two = [...'etaoinshrd'].map((letter) => ({ bytes: Buffer.from(`${letter}/`), nocase: true }));
  const { windows, width } = buildFilter([...randomPatterns(random, 10_000, 4), ...two]);
  const looks = 20_000;
  const through = Array.from({ length: looks }, () => wordHash(random.below(2 ** 32), windowMask(width)));
  expect(through.filter((hash) => isIn(windows, hash)).length).toBeLessThan(looks / 40);
});

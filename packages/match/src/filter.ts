// SPDX-License-Identifier: Apache-2.0
// Which positions of a text can be the beginning of a pattern, from a few of its bytes and without an automaton: most
// are ruled out by one look each, or by none. A look takes 3 or 4 bytes (a *window*) and asks a bitmap by their hash. Looks are
// some bytes apart, the *stride*; so each pattern is entered by one window for every way in which it can lie beside the looks, wherever
// in its first bytes the window is that a usual text has least often. What is outside of the pattern is entered with every value.
//
// What a look lets through is asked again, by another hash, for where patterns begin that have such a window: a set of a few distances.
// A second bitmap says of the first bytes there (*heads*) whether any pattern begins with them. From there the text is compared with the
// patterns: collisions cost time and lose nothing.

import { PlinthError } from '@plinth/core';
import type { Pattern } from './pattern.js';

/**
 * Multiplicative hashing (Knuth, TAOCP 6.4), by a factor of MurmurHash3. Windows that differ in an outer byte only are many, and the golden
 * ratio puts them close to each other: with it twice as many looks let something through.
 */
export const HASH_FACTOR = 0x1b87_3593;
/** By how many bits a hash is shifted and added to itself for the second one. */
export const SECOND_SHIFT = 15;
/** Bytes of a head. */
export const HEAD_WIDTH = 4;
/** What is looked at of a head: all but bit 5 of each byte, as of a window. */
export const HEAD_MASK: number = 0xdfdf_dfdf | 0;
/** Distances that a number in `begins` has. */
export const DISTANCES = 16;
/** A byte alone would be seen in too many windows. */
export const SHORTEST_FILTERED = 2;

/** A set of words by their hashes. */
export interface WordSet {
  /** Where a hash has its bit says `bitOf`. */
  readonly bits: number;
  /** 2^bits bits and 8 bytes. */
  readonly bitmap: Uint8Array;
  /** Words in it. */
  readonly entries: number;
}

export interface Filter extends Shape {
  readonly windows: WordSet;
  /** What patterns of `HEAD_WIDTH` bytes and more begin with. */
  readonly heads: WordSet;
  /**
   * For a window, by `beginsSlot`, where patterns may begin: bit n stands for the position that is `stride - 1 - n` behind the
   * beginning of the window, and with bit 16 + n a pattern may begin there that has no head. It has 2^beginsBits numbers.
   */
  readonly begins: Uint32Array;
  readonly beginsBits: number;
  /** Bytes at the end of a text in which the beginning of a pattern may be missed, since a look has to see what is behind the text. */
  readonly reach: number;
}

interface Shape {
  /** Looks are at multiples of it. */
  readonly stride: 2 | 4;
  /** Bytes of a window. */
  readonly width: 3 | 4;
}

/** With this one any pattern has few windows. */
const LAST_RESORT: Shape = { stride: 2, width: 3 };
const SHAPES: readonly Shape[] = [
  { stride: 4, width: 4 },
  { stride: 4, width: 3 },
  { stride: 2, width: 4 },
  LAST_RESORT,
];

/** The letters of a usual text, from the most frequent one on; each is as much rarer than the one before. */
const LETTERS = ' etaoinsrhldcumpfgwybvkxjqz';
const RARER = 0.88;
/** What else it has, and how often, with the most frequent letter as 1. */
const SIGNS = '0123456789.,-_/:;=()"\'\n';
const SIGN_CHANCE = 0.08;
const OTHER_CHANCE = 0.015;

/** A byte of a window, of which some bits are looked at. */
interface KeptByte {
  readonly kept: number;
  /** What any byte can be. */
  readonly values: readonly number[];
  /** For a byte, how often one of a usual text is the same. */
  readonly chances: Float64Array;
}

function keptByte(kept: number): KeptByte {
  const single = new Float64Array(256).fill(OTHER_CHANCE);
  for (const sign of SIGNS) single[sign.charCodeAt(0)] = SIGN_CHANCE;
  [...LETTERS].forEach((letter, n) => (single[letter.charCodeAt(0)] = RARER ** n));
  const all = single.reduce((sum, chance) => sum + chance);
  const sums = new Float64Array(256);
  single.forEach((chance, byte) => (sums[byte & kept]! += chance / all));
  return {
    kept,
    values: [...new Set(Array.from({ length: 256 }, (_, byte) => byte & kept))],
    chances: sums.map((_, byte) => sums[byte & kept]!),
  };
}

/** Without bit 5, by which letters of both cases are equal, and some other bytes, too. */
const INNER = keptByte(0xdf);
/** Of four bytes there is enough without the upper bits of the outer ones, which are those that may be outside of a pattern. */
const OUTER = keptByte(0x1f);
const WINDOWS: Readonly<Record<Shape['width'], readonly KeptByte[]>> = {
  3: [INNER, INNER, INNER],
  4: [OUTER, INNER, INNER, OUTER],
};

/** Bits of the smallest bitmap, 4 KiB. */
const FEWEST_BITS = 15;
/**
 * What a look costs with a bitmap of so many bits and one more for each, in looks at the smallest: one that lies far away takes its time, and
 * what else is done with a text drives it out of the nearer caches. The largest has 2 MiB.
 */
const LOOK_COSTS = [1, 1, 1, 1.05, 1.1, 1.2, 1.4, 1.8, 2.5, 4] as const;
/** What it costs to see to a look that lets something through, in looks. */
const PASS_COST = 30;
/** How much of what is searched is a usual text; the rest is as if by chance, as what is compressed or encrypted. */
const TEXT_PART = 0.5;
/** With more windows a shape is no filter. */
const MOST_ENTRIES = 2 ** 18;
const MOST_BEGINS_BITS = 17;
/** A pass with one more position to look at costs so much more. */
const POSITION_COST = 0.5;
/** Heads take this many bits each. */
const HEAD_BITS = 16;

/** As a number, little-endian, for `and`. */
export function windowMask(width: Shape['width']): number {
  return WINDOWS[width].reduce((mask, { kept }, n) => mask | (kept << (8 * n)), 0);
}

/** Of four bytes, little-endian, as far as they are looked at. */
export function wordHash(bytes: number, mask: number): number {
  return Math.imul(bytes & mask, HASH_FACTOR);
}

/**
 * The bit of a word: the upper bits of its hash choose a byte of the bitmap, and its lower 6 bits one of the 64 bits that begin
 * there. So one load that need not be aligned and one shift find it.
 */
export function bitOf(hash: number, bits: number): number {
  return ((hash >>> 0) >>> (32 - (bits - 3))) * 8 + (hash & 63);
}

export function beginsSlot(hash: number, beginsBits: number): number {
  return Math.imul(hash ^ (hash >>> SECOND_SHIFT), HASH_FACTOR) >>> (32 - beginsBits);
}

/** @throws PlinthError `input` for a pattern of one byte */
export function buildFilter(patterns: readonly Pattern[]): Filter {
  const shortest = patterns.reduce((least, { bytes }) => Math.min(least, bytes.length), Number.POSITIVE_INFINITY);
  if (shortest < SHORTEST_FILTERED) {
    throw new PlinthError('input', 'filter-length', 'a filter finds patterns of two bytes and more');
  }
  // Those that have the least choice come first, since who comes later may take the same windows.
  const sorted = patterns.map(({ bytes }) => bytes).toSorted((one, other) => one.length - other.length);
  const plans = SHAPES.map((shape) => plan(sorted, shape));
  return build(plans.reduce((best, other) => (other.cost < best.cost ? other : best)));
}

interface Choice {
  readonly bytes: Uint8Array;
  /** Where the window begins, from the beginning of the pattern on; it may be before it. */
  readonly from: number;
  /** What is kept of a window, if it is inside of the pattern. */
  readonly key: number | undefined;
}

interface Plan {
  readonly shape: Shape;
  readonly choices: readonly Choice[];
  readonly bits: number;
  /** Of a byte of a usual text, in looks. */
  readonly cost: number;
}

/** Chooses the windows of each pattern. */
function plan(patterns: readonly Uint8Array[], shape: Shape): Plan {
  const { stride, width } = shape;
  const choices: Choice[] = [];
  /** The distances of windows that are inside of a pattern. */
  const known = new Map<number, number>();
  let [entries, passes] = [0, 0];
  for (const bytes of patterns) {
    for (let beside = 0; beside < stride; beside++) {
      let best: Weight | undefined;
      for (let from = beside === 0 ? 0 : beside - stride; from <= DISTANCES - stride; from += stride) {
        if (from >= bytes.length) break;
        const weight = weigh(bytes, from, width);
        const before = weight.key === undefined ? undefined : known.get(weight.key);
        if (before !== undefined) {
          weight.entries = 0;
          weight.chance *= (before & distance(from, stride)) === 0 ? POSITION_COST : 0;
        }
        if (best === undefined || costOf(weight) < costOf(best)) best = weight;
      }
      const { key, from } = best!;
      choices.push({ bytes, from, key });
      if (key !== undefined) known.set(key, (known.get(key) ?? 0) | distance(from, stride));
      entries += best!.entries;
      passes += best!.chance;
    }
    if (entries > MOST_ENTRIES && shape !== LAST_RESORT) {
      return { shape, choices, bits: 0, cost: Number.POSITIVE_INFINITY };
    }
  }
  const { bits, cost } = sizeFor(entries, passes);
  return { shape, choices, bits, cost: cost / stride };
}

/** The bit in `begins` of a window that begins `from` bytes behind the beginning of a pattern. */
function distance(from: number, stride: number): number {
  return 1 << (from + stride - 1);
}

interface Weight {
  readonly from: number;
  readonly key: number | undefined;
  /** Windows that it can be. */
  entries: number;
  /** How often one of them is in a usual text. */
  chance: number;
}

/** What windows are worth against each other: how often they are met, and how much of a bitmap they fill. */
function costOf({ chance, entries }: Weight): number {
  return chance + entries / 2 ** 20;
}

/** A window that begins `from` bytes behind the beginning of a pattern, or before it. */
function weigh(bytes: Uint8Array, from: number, width: Shape['width']): Weight {
  let [key, inside, entries, chance] = [0, true, 1, 1];
  for (let n = 0; n < width; n++) {
    const { kept, values, chances } = WINDOWS[width][n]!;
    const byte = bytes[from + n];
    if (byte === undefined) {
      entries *= values.length;
      inside = false;
    } else {
      chance *= chances[byte]!;
      key |= (byte & kept) << (8 * n);
    }
  }
  return { from, key: inside ? key : undefined, entries, chance };
}

function build({ shape, choices, bits }: Plan): Filter {
  const { stride, width } = shape;
  const windows = new Map<number, number>();
  const heads = new Set<number>();
  let reach = HEAD_WIDTH;
  for (const { bytes, from, key } of choices) {
    reach = Math.max(reach, from + width);
    const headed = bytes.length >= HEAD_WIDTH;
    if (headed) heads.add(wordHash(bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24), HEAD_MASK));
    const bit = distance(from, stride);
    const begins = headed ? bit : bit | (bit << DISTANCES);
    for (const window of key === undefined ? windowsAt(bytes, from, width) : [key]) {
      windows.set(window, (windows.get(window) ?? 0) | begins);
    }
  }
  const beginsBits = Math.min(MOST_BEGINS_BITS, Math.ceil(Math.log2(2 * windows.size)));
  const begins = new Uint32Array(2 ** beginsBits);
  const hashes: number[] = [];
  for (const [window, distances] of windows) {
    const hash = wordHash(window, windowMask(width));
    hashes.push(hash);
    begins[beginsSlot(hash, beginsBits)]! |= distances;
  }
  const headBits = Math.max(FEWEST_BITS, Math.ceil(Math.log2(HEAD_BITS * Math.max(1, heads.size))));
  return {
    stride,
    width,
    windows: wordSet(hashes, bits),
    heads: wordSet([...heads], headBits),
    begins,
    beginsBits,
    reach,
  };
}

function wordSet(hashes: readonly number[], bits: number): WordSet {
  const bitmap = new Uint8Array(2 ** bits / 8 + 8);
  for (const hash of hashes) {
    const bit = bitOf(hash, bits);
    bitmap[bit >>> 3]! |= 1 << (bit & 7);
  }
  return { bits, bitmap, entries: hashes.length };
}

/** All that a window there can be. */
function windowsAt(bytes: Uint8Array, from: number, width: Shape['width']): number[] {
  let all = [0];
  WINDOWS[width].forEach(({ kept, values }, n) => {
    const byte = bytes[from + n];
    const here = byte === undefined ? values : [byte & kept];
    all = all.flatMap((rest) => here.map((value) => rest | (value << (8 * n))));
  });
  return all;
}

/** The size of a bitmap for so many windows that costs least, with what it lets through, and what that is. */
function sizeFor(entries: number, passes: number): { bits: number; cost: number } {
  const sizes = LOOK_COSTS.map((look, n) => {
    const bits = FEWEST_BITS + n;
    return { bits, cost: look + PASS_COST * Math.min(1, TEXT_PART * passes + entries / 2 ** bits) };
  });
  return sizes.reduce((best, size) => (size.cost < best.cost ? size : best));
}

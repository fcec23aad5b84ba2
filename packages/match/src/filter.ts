// SPDX-License-Identifier: Apache-2.0
// Which positions of a text can be the beginning of a pattern, from a few of its bytes and without an automaton: most
// are ruled out by one look each, or by none. A look takes 3 or 4 bytes (a *window*) and asks a bitmap by their hash. Looks of a
// table are some bytes apart, its *stride*; each of its patterns is entered by all the windows that a look can see of
// it, with every value of the bytes that lie outside of it. Long patterns allow a long stride at little cost, so short ones
// may have a table of their own. Where a look lets something through, a second bitmap of what patterns begin with (*heads*, up to
// 8 bytes) is asked at each of the few positions that are meant.
//
// Bit 5 of every byte is set before it is hashed, which makes letters of both cases equal (and some other bytes, too). What is let
// through is compared with the patterns afterwards: collisions cost time and lose nothing.

import { PlinthError } from '@plinth/core';
import type { Pattern } from './pattern.js';

/** Sets bit 5 of the bytes of a window. */
export const WINDOW_FOLD = 0x2020_2020;
/** Fibonacci hashing: 2^32 by the golden ratio. */
export const HASH_FACTOR = 0x9e37_79b1;
/** Bytes that a look may see behind the end of the text; what is there does not matter. */
export const WINDOW_REACH = 7;

/** A set of windows by their hashes. */
export interface WindowSet {
  /** Bytes of a window, 2 to 8. */
  readonly width: number;
  /** Where a window's bit is says `windowBit`. */
  readonly bits: number;
  /** 2^bits bits and 8 bytes. */
  readonly bitmap: Uint8Array;
  /** Windows in it. */
  readonly entries: number;
}

export interface FilterTable {
  /** Looks are at multiples of it; a pattern may begin up to stride - 1 bytes before its window. */
  readonly stride: 2 | 4;
  /** A pattern may also begin up to as many bytes behind the beginning of its window. */
  readonly behind: number;
  /** Lengths of the patterns that it finds, both included. */
  readonly least: number;
  readonly most: number;
  readonly windows: WindowSet;
  readonly heads: WindowSet;
}

export interface Filter {
  readonly tables: readonly FilterTable[];
}

/** A byte alone would be seen in too many windows. */
export const SHORTEST_FILTERED = 2;
/** Bytes of the widest head, and of the widest window of a look: a wider one costs every look more than what it keeps out. */
const WIDEST = 8;
const WORD = 4;
/** Patterns of this length and more are all alike to every table. */
const LONG = 7;
/** Bits of the smallest bitmap, 4 KiB. */
const FEWEST_BITS = 15;
/**
 * What a look costs with a bitmap of so many bits and one more for each, in looks at the smallest: one that lies far away takes its time, and
 * what else is done with a text drives it out of the nearer caches. The largest has 2 MiB.
 */
const LOOK_COSTS = [1, 1, 1, 1.05, 1.1, 1.2, 1.4, 1.8, 2.5, 4] as const;
/** What it costs to see to a look that lets something through, in looks. */
const PASS_COST = 40;
/** And to walk the trie, where a head lets a position through. */
const WALK_COST = 40;
/** Values of a byte of a usual text, as far as one in as many has a given one. */
const VALUES = 24;
/** Windows of 4 bytes that may be entered one by one: more of them are no filter. */
const MOST_ENTRIES = 2 ** 20;
/** Values of a byte after folding. */
const FOLDED_VALUES = 128;

/** What is left of the first four bytes of a window with fewer. */
export function windowMask(width: number): number {
  return width < WORD ? 2 ** (8 * width) - 1 : 0xffff_ffff;
}

/**
 * The bit of a window, of which `first` are its first four bytes and `last` its last four, little-endian. Folded, they give a product; the
 * upper bits of that choose a byte of the bitmap, and its lower 6 bits one of the 64 bits that begin there. So one load that
 * need not be aligned and one shift find it.
 */
export function windowBit(first: number, last: number, { width, bits }: Pick<WindowSet, 'width' | 'bits'>): number {
  let product = Math.imul((first & windowMask(width)) | WINDOW_FOLD, HASH_FACTOR);
  if (width > WORD) product = Math.imul(product ^ (last | WINDOW_FOLD), HASH_FACTOR);
  return ((product >>> 0) >>> (32 - (bits - 3))) * 8 + (product & 63);
}

/** @throws PlinthError `input` for a pattern of one byte */
export function buildFilter(patterns: readonly Pattern[]): Filter {
  const shortest = patterns.reduce((least, { bytes }) => Math.min(least, bytes.length), Number.POSITIVE_INFINITY);
  if (shortest < SHORTEST_FILTERED) {
    throw new PlinthError('input', 'filter-length', 'a filter finds patterns of two bytes and more');
  }
  return { tables: cheapest(patterns).map((shape) => buildTable(patterns, shape)) };
}

interface Shape {
  readonly width: number;
  readonly stride: 2 | 4;
  readonly least: number;
  readonly most: number;
}

/** One table, or one for short patterns and one for the others: what is expected to cost least. */
function cheapest(patterns: readonly Pattern[]): Shape[] {
  const counts = Array<number>(LONG + 1).fill(0);
  for (const { bytes } of patterns) counts[Math.min(LONG, bytes.length)]!++;
  const all = Number.POSITIVE_INFINITY;
  const shapes = (least: number, most: number): Shape[] =>
    ([2, 4] as const).flatMap((stride) => [3, WORD].map((width) => ({ width, stride, least, most })));
  const first = counts.findIndex((count) => count > 0);
  const candidates = shapes(first, all).map((shape) => [shape]);
  for (let from = first + 1; from <= LONG; from++) {
    for (const short of shapes(first, from - 1)) for (const long of shapes(from, all)) candidates.push([short, long]);
  }
  let best = candidates[0]!;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const cost = candidate.reduce((sum, shape) => sum + costOf(shape, counts), 0);
    if (cost >= least) continue;
    least = cost;
    best = candidate;
  }
  return best;
}

/** Of a byte of a usual text, in looks. `counts` are numbers of patterns by their lengths. */
function costOf({ width, stride, least, most }: Shape, counts: readonly number[]): number {
  let [entries, passes] = [0, 0];
  for (let length = least; length <= Math.min(LONG, most); length++) {
    for (let before = 0; before < stride; before++) {
      const known = Math.max(inside(length, before, width), inside(length, before - stride, width));
      entries += counts[length]! * FOLDED_VALUES ** (width - known);
      passes += counts[length]! / VALUES ** known;
    }
  }
  // Those of 3 bytes, every second byte, are always a way.
  if (entries > MOST_ENTRIES && (width > 3 || stride > 2)) return Number.POSITIVE_INFINITY;
  const patterns = counts.slice(least, Math.min(LONG, most) + 1).reduce((sum, count) => sum + count, 0);
  const walks = stride * Math.min(1, patterns / VALUES ** Math.min(WIDEST, least));
  return (sizeFor(entries).cost + (PASS_COST + walks * WALK_COST) * Math.min(1, passes)) / stride;
}

/** Bytes of a pattern in a window that begins `from` bytes behind the pattern's beginning. */
function inside(length: number, from: number, width: number): number {
  return Math.max(0, Math.min(length, from + width) - Math.max(0, from));
}

function buildTable(patterns: readonly Pattern[], { width, stride, least, most }: Shape): FilterTable {
  const windows: Windows = new Map();
  const heads: Windows = new Map();
  const headWidth = Math.min(WIDEST, least);
  let behind = 0;
  for (const { bytes } of patterns) {
    if (bytes.length < least || bytes.length > most) continue;
    for (let before = 0; before < stride; before++) {
      const earlier = inside(bytes.length, before - stride, width) > inside(bytes.length, before, width);
      if (earlier) behind = Math.max(behind, stride - before);
      enter(windows, bytes, earlier ? before - stride : before, width);
    }
    enter(heads, bytes, 0, headWidth);
  }
  return { stride, behind, least, most, windows: windowSet(windows, width), heads: windowSet(heads, headWidth) };
}

/** The first four bytes of windows, by their last four, or by 0 for those that have no more. */
type Windows = Map<number, Set<number>>;

/** Enters what a window sees that begins `from` bytes behind the beginning of a pattern, or before it. */
function enter(windows: Windows, bytes: Uint8Array, from: number, width: number): void {
  let all = [0];
  for (let n = 0; n < Math.min(WORD, width); n++) {
    const byte = bytes[from + n];
    const values = byte === undefined ? FOLDED : [byte | 0x20];
    all = all.flatMap((rest) => values.map((value) => (rest | (value << (8 * n))) >>> 0));
  }
  // A wider one lies inside of the pattern.
  let last = 0;
  for (let n = 0; width > WORD && n < WORD; n++) last |= (bytes[from + width - WORD + n]! | 0x20) << (8 * n);
  const firsts = windows.get(last) ?? new Set();
  windows.set(last, firsts);
  for (const first of all) firsts.add(first);
}

function windowSet(windows: Windows, width: number): WindowSet {
  const entries = [...windows.values()].reduce((sum, { size }) => sum + size, 0);
  const { bits } = sizeFor(entries);
  const bitmap = new Uint8Array(2 ** bits / 8 + 8);
  for (const [last, firsts] of windows) {
    for (const first of firsts) {
      const bit = windowBit(first, last, { width, bits });
      bitmap[bit >>> 3]! |= 1 << (bit & 7);
    }
  }
  return { width, bits, bitmap, entries };
}

/** What any byte can be after folding. */
const FOLDED: readonly number[] = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => (byte & 0x20) !== 0);

/** The size of a bitmap for so many windows that costs least, with what it lets through, and what that is. */
function sizeFor(entries: number): { bits: number; cost: number } {
  const sizes = LOOK_COSTS.map((look, n) => {
    const bits = FEWEST_BITS + n;
    return { bits, cost: look + PASS_COST * Math.min(1, entries / 2 ** bits) };
  });
  return sizes.reduce((best, size) => (size.cost < best.cost ? size : best));
}

// SPDX-License-Identifier: Apache-2.0
// Which positions of a text can be the beginning of a pattern, from a few of its bytes and without an automaton: most
// are ruled out by one look each, or by none. Patterns of four bytes and more are found by a hash of four bytes (a
// *window*); where all are longer than that, looks may be further apart than one byte, if each pattern is entered by all
// the windows at which a look can hit it. Patterns of up to three bytes are found by their first two (a *pair*). What is let
// through is compared with the patterns afterwards, so collisions cost time and lose nothing.

import { otherCase, type Pattern } from './pattern.js';

export const WINDOW = 4;
/** Fibonacci hashing: 2^32 by the golden ratio. */
export const HASH_FACTOR = 0x9e37_79b1;
/** Looks further apart need more entries for a pattern, and gain little. */
const MOST_STRIDE = 5;
/** Bits of the smallest and the largest bitmap of windows: 4 KiB, and 2 MiB. */
const FEWEST_BITS = 15;
const MOST_BITS = 24;
/** One bit in as many may be set, or the filter lets too much through; 64 where the bitmap stays small. */
const SPARSE = 64;
const SPARSE_ENOUGH = 16;
const SMALL_BITS = 20;

export interface Filter {
  /** Bytes from one look for a window to the next; a pattern may begin up to stride - 1 bytes before its window. */
  readonly stride: number;
  /** The bit of a window, its four bytes little-endian, is (window * HASH_FACTOR mod 2^32) >>> (32 - windowBits). */
  readonly windowBits: number;
  /** 2^windowBits bits; undefined without patterns of four bytes and more. */
  readonly windows: Uint8Array | undefined;
  /** 2^16 bits for pairs, little-endian; undefined without shorter patterns. */
  readonly pairs: Uint8Array | undefined;
}

export function windowHash(window: number, bits: number): number {
  return Math.imul(window, HASH_FACTOR) >>> (32 - bits);
}

export function buildFilter(patterns: readonly Pattern[]): Filter {
  const long = patterns.filter(({ bytes }) => bytes.length >= WINDOW);
  const short = patterns.filter(({ bytes }) => bytes.length < WINDOW);
  const shortest = long.reduce((least, { bytes }) => Math.min(least, bytes.length), WINDOW + MOST_STRIDE - 1);
  const stride = Math.min(MOST_STRIDE, shortest - WINDOW + 1);
  const windows = new Set<number>();
  for (const { bytes, nocase } of long) {
    for (let from = 0; from < stride; from++) {
      for (const variant of variants(bytes.subarray(from, from + WINDOW), nocase)) windows.add(variant);
    }
  }
  const windowBits = bitsFor(windows.size);
  const pairs = short.length === 0 ? undefined : new Uint8Array(0x1_0000 / 8);
  for (const { bytes, nocase } of short) {
    for (const variant of variants(bytes.subarray(0, 2), nocase)) {
      const last = bytes.length === 1 ? 0xff : variant >>> 8;
      for (let second = bytes.length === 1 ? 0 : last; second <= last; second++) {
        setBit(pairs!, (variant & 0xff) | (second << 8));
      }
    }
  }
  const bitmap = long.length === 0 ? undefined : new Uint8Array(2 ** windowBits / 8);
  for (const window of windows) setBit(bitmap!, windowHash(window, windowBits));
  return { stride, windowBits, windows: bitmap, pairs };
}

/** One bit in how many is set, of the table that lets more through: what a filter is worth. */
export function sparsity({ windows, pairs }: Filter): number {
  return Math.min(
    ...[windows, pairs].flatMap((table) => (table === undefined ? [] : [(table.length * 8) / ones(table)])),
  );
}

function bitsFor(entries: number): number {
  const bits = (sparse: number): number => Math.ceil(Math.log2(Math.max(1, entries) * sparse));
  return Math.min(MOST_BITS, Math.max(FEWEST_BITS, Math.min(bits(SPARSE), Math.max(SMALL_BITS, bits(SPARSE_ENOUGH)))));
}

/** The bytes as a little-endian number, in all their cases if they have some. */
function variants(bytes: Uint8Array, nocase: boolean): number[] {
  let all = [0];
  bytes.forEach((byte, n) => {
    const other = nocase ? otherCase(byte) : byte;
    all = all.flatMap((rest) => {
      const one = (rest | (byte << (8 * n))) >>> 0;
      return other === byte ? [one] : [one, (rest | (other << (8 * n))) >>> 0];
    });
  });
  return all;
}

function setBit(bitmap: Uint8Array, bit: number): void {
  bitmap[bit >>> 3]! |= 1 << (bit & 7);
}

function ones(bitmap: Uint8Array): number {
  let count = 0;
  for (const byte of bitmap) for (let rest = byte; rest !== 0; rest &= rest - 1) count++;
  return count;
}

// SPDX-License-Identifier: Apache-2.0
// Which positions of a text can be the beginning of a pattern, from a few of its bytes and without an automaton: most
// are ruled out by one look each, or by none. A look takes 3 or 4 bytes (a *window*) and asks a bitmap by their hash. Looks of a
// table are some bytes apart, its *stride*; each of its patterns is entered by all the windows that a look can see of
// it, with every value of the bytes that lie outside of it. Long patterns allow a long stride, so short ones have a table of their own.
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
export const WINDOW_REACH = 3;

export interface FilterTable {
  /** Bytes of a window. */
  readonly width: 3 | 4;
  /** Looks are at multiples of it; a pattern may begin up to stride - 1 bytes before its window. */
  readonly stride: 2 | 4;
  /** A pattern may also begin up to as many bytes behind the beginning of its window. */
  readonly behind: 0 | 1;
  /** Lengths of the patterns that it finds, both included. */
  readonly least: number;
  readonly most: number;
  /** Where a window's bit is says `windowBit`. */
  readonly bits: number;
  /** 2^bits bits and 8 bytes. */
  readonly bitmap: Uint8Array;
  /** Windows in it. */
  readonly entries: number;
}

export interface Filter {
  readonly tables: readonly FilterTable[];
}

/** The least length of a pattern for a stride of 4, and of 2, with windows of 4 bytes. */
const LONG = 7;
const MIDDLE = 5;
/** A byte alone would be seen in too many windows. */
export const SHORTEST_FILTERED = 2;
/** Bits of the smallest and the largest bitmap: 4 KiB, and 2 MiB. */
const FEWEST_BITS = 15;
const MOST_BITS = 24;
/** One bit in as many is set: fewer while the bitmap stays in the nearest caches. */
const SPARSE = 512;
const SPARSE_ENOUGH = 64;
const NEAR_BITS = 20;

/**
 * The bit of a window: its bytes little-endian in the upper bytes of 32 bits, folded, give a product; the upper bits of that
 * choose a byte of the bitmap, and its lower 6 bits one of the 64 bits that begin there. So one load that need not be aligned and
 * one shift find it.
 */
export function windowBit(window: number, width: number, bits: number): number {
  const product = Math.imul((window << (32 - 8 * width)) | WINDOW_FOLD, HASH_FACTOR) >>> 0;
  return (product >>> (32 - (bits - 3))) * 8 + (product & 63);
}

/** @throws PlinthError `input` for a pattern of one byte */
export function buildFilter(patterns: readonly Pattern[]): Filter {
  const shortest = patterns.reduce((least, { bytes }) => Math.min(least, bytes.length), Number.POSITIVE_INFINITY);
  if (shortest < SHORTEST_FILTERED) {
    throw new PlinthError('input', 'filter-length', 'a filter finds patterns of two bytes and more');
  }
  const all = Number.POSITIVE_INFINITY;
  if (shortest >= LONG) return { tables: [buildTable(patterns, 4, 4, shortest, all)] };
  if (shortest >= MIDDLE) return { tables: [buildTable(patterns, 4, 2, shortest, all)] };
  const tables = [buildTable(patterns, 3, 2, SHORTEST_FILTERED, LONG - 1), buildTable(patterns, 4, 4, LONG, all)];
  return { tables: tables.filter(({ entries }) => entries > 0) };
}

function buildTable(
  patterns: readonly Pattern[],
  width: 3 | 4,
  stride: 2 | 4,
  least: number,
  most: number,
): FilterTable {
  const windows = new Set<number>();
  let behind: 0 | 1 = 0;
  for (const { bytes } of patterns) {
    if (bytes.length < least || bytes.length > most) continue;
    for (let before = 0; before < stride; before++) {
      if (enter(windows, bytes, before, width, stride)) behind = 1;
    }
  }
  const bits = bitsFor(windows.size);
  const bitmap = new Uint8Array(2 ** bits / 8 + 8);
  for (const window of windows) {
    const bit = windowBit(window, width, bits);
    bitmap[bit >>> 3]! |= 1 << (bit & 7);
  }
  return { width, stride, behind, least, most, bits, bitmap, entries: windows.size };
}

/**
 * Enters what a look sees of a pattern that begins `before` bytes ahead of it, or, if that shows more of the pattern, the look
 * before that one, behind whose first bytes the pattern begins. Gives whether it is that.
 */
function enter(windows: Set<number>, bytes: Uint8Array, before: number, width: number, stride: number): boolean {
  const inside = (from: number): number => Math.min(bytes.length, from + width) - Math.max(0, from);
  const behind = before > 0 && inside(before - stride) > inside(before);
  const from = behind ? before - stride : before;
  let all = [0];
  for (let n = 0; n < width; n++) {
    const byte = bytes[from + n];
    const values = byte === undefined ? FOLDED : [byte | 0x20];
    all = all.flatMap((rest) => values.map((value) => (rest | (value << (8 * n))) >>> 0));
  }
  for (const window of all) windows.add(window);
  return behind;
}

/** What any byte can be after folding. */
const FOLDED: readonly number[] = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => (byte & 0x20) !== 0);

function bitsFor(entries: number): number {
  const bits = (sparse: number): number => Math.ceil(Math.log2(Math.max(1, entries) * sparse));
  return Math.min(MOST_BITS, Math.max(FEWEST_BITS, Math.min(bits(SPARSE), Math.max(NEAR_BITS, bits(SPARSE_ENOUGH)))));
}

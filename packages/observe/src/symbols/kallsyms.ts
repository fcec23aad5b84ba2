// SPDX-License-Identifier: Apache-2.0
// The symbol table that a Linux kernel carries for itself (kallsyms), found in guest RAM by its structure alone: nothing of
// where the kernel lies is assumed. 32-bit little-endian kernels with relative or absolute addresses
// (CONFIG_KALLSYMS_BASE_RELATIVE or not). Two orders of its parts, as scripts/kallsyms.c writes them:
//
//   up to 6.3    offsets, relative_base, num_syms, names, markers, token_table, token_index
//                (6.2, and later 6.1.y: seqs_of_names between markers and token_table)
//   from 6.4 on  num_syms, names, markers, token_table, token_index, offsets, relative_base, seqs_of_names
//
// token_table is 256 strings, token_index where each begins (u16). A name is a length (from 6.1 on with bit 7 set: and seven
// more bits in the next byte) and as many token numbers; its first character is the type as in nm. markers has the
// place in names of each 256th name.

import { latin1 } from '@plinth/core';
import { type GuestSymbol, type SymbolKind, SymbolTable } from './symbol-table.js';

export interface Kallsyms {
  readonly table: SymbolTable;
  /** Which order its parts were found in: `6.1` up to 6.3, `6.4` after. */
  readonly layout: '6.1' | '6.4';
  /** What offsets count from, or undefined for absolute addresses. */
  readonly relativeBase: number | undefined;
  /** Where token_table lies, as an offset in the bytes that were searched. */
  readonly at: number;
}

/** KSYM_NAME_LEN is 512 from 6.1 on. */
const MAX_NAME = 512;
/** More than any kernel has; bounds the search in bytes that only look like one. */
const MAX_SYMBOLS = 4_000_000;
const TOKENS = 256;
const MARKED = 256;
/** Places to look at for the number of names, in bytes made to keep a reader busy; a kernel takes some thousand. */
const MAX_STEPS = 20_000_000;
/** Code of the first digit: tokens of characters that names contain stand for themselves. */
const DIGIT_ZERO = 0x30;

/** Rows of digits and tables of tokens that are looked at: a kernel's RAM has some ten of the first, and one of the other. */
const MAX_HITS = 20_000;
const MAX_TABLES = 4;

/** The tokens as a kernel expands them. */
interface Tokens {
  readonly at: number;
  /** Behind token_index. */
  readonly end: number;
  readonly text: readonly string[];
}

/**
 * Searches bytes for a kernel's symbols; undefined if there are none. Time and memory are bounded by the bytes. What lies
 * at consecutive guest-physical addresses must do so in `ram`.
 */
export function findKallsyms(ram: Uint8Array): Kallsyms | undefined {
  const view = new DataView(ram.buffer, ram.byteOffset, ram.byteLength);
  // Token "0" and "1" are followed by the other digits, since names have all of them.
  let tables = 0;
  for (let hits = 0, at = 0; hits < MAX_HITS && (at = indexOfDigits(ram, at)) >= 0; hits++, at++) {
    const tokens = readTokens(ram, view, at);
    if (tokens === undefined) continue;
    const found = readAround(ram, view, tokens);
    if (found !== undefined || ++tables === MAX_TABLES) return found;
  }
  return undefined;
}

/** From the "0" to the "9" of the ten tokens that follow each other. */
const DIGITS_LENGTH = 19;

/**
 * Where "0", "1" and so on stand with zeros between them. The last place is looked at first (Horspool's way), since RAM is
 * large, and what fills it is the guest's choice.
 */
function indexOfDigits(ram: Uint8Array, from: number): number {
  for (let at = from; at + DIGITS_LENGTH < ram.length;) {
    const end = at + DIGITS_LENGTH - 1;
    const last = ram[end]!;
    const digit = last - DIGIT_ZERO;
    if (digit === 9 && digitsAt(ram, at)) return at;
    // Of two zeros neither is in it; after one zero, or a digit, it may begin so that this one fits.
    if (last === 0) at += ram[end - 1] === 0 ? DIGITS_LENGTH : 1;
    else at += digit >= 0 && digit < 9 ? 2 * (9 - digit) : DIGITS_LENGTH;
  }
  return -1;
}

function digitsAt(ram: Uint8Array, at: number): boolean {
  for (let digit = 0; digit < 10; digit++) {
    if (ram[at + 2 * digit] !== DIGIT_ZERO + digit || ram[at + 2 * digit + 1] !== 0) return false;
  }
  return true;
}

/** The token table in which the token of "0" lies at `zero`, if its index stands behind it. */
function readTokens(ram: Uint8Array, view: DataView, zero: number): Tokens | undefined {
  let second = zero;
  // Back over the strings before it, each of which ends with a zero, to the one behind the first.
  for (let n = 1; n < DIGIT_ZERO; n++) {
    const from = Math.max(0, second - 2 - MAX_NAME);
    const before = second >= 2 ? ram.subarray(from, second - 1).lastIndexOf(0) : -1;
    if (before < 0) return undefined;
    second = from + before + 1;
  }
  const ends: number[] = [];
  let next = second;
  for (let n = 1; n < TOKENS; n++) {
    const length = ram.subarray(next, next + MAX_NAME).indexOf(0);
    if (length < 0) return undefined;
    ends.push(next + length);
    next += length + 1;
  }
  const index = (next + 3) & ~3;
  const end = index + 2 * TOKENS;
  if (end > ram.length || view.getUint16(index, true) !== 0) return undefined;
  // What stands in front of the first may end without a zero, so only the index tells where it begins.
  const at = second - view.getUint16(index + 2, true);
  if (at < 0 || at >= second || second - at > MAX_NAME) return undefined;
  const text = [latin1(ram.subarray(at, second - 1))];
  for (const [n, textEnd] of ends.entries()) {
    const begin = at + view.getUint16(index + 2 * (n + 1), true);
    if (begin !== (n === 0 ? second : ends[n - 1]! + 1)) return undefined;
    text.push(latin1(ram.subarray(begin, textEnd)));
  }
  return { at, end: (end + 3) & ~3, text };
}

interface Names {
  /** Where num_syms lies. */
  readonly at: number;
  readonly names: readonly string[];
}

function readAround(ram: Uint8Array, view: DataView, tokens: Tokens): Kallsyms | undefined {
  for (const list of findNames(ram, view, tokens)) {
    const count = list.names.length;
    for (const layout of ['6.1', '6.4'] as const) {
      const early = layout === '6.1';
      const relative = early ? list.at - 4 - 4 * count : tokens.end;
      const addresses =
        readAddresses(view, relative, count, early ? list.at - 4 : tokens.end + 4 * count) ??
        readAddresses(view, early ? list.at - 4 * count : tokens.end, count, undefined);
      if (addresses === undefined) continue;
      const symbols = list.names.map((name, n) => symbolOf(name, addresses.values[n]!));
      return { table: new SymbolTable(symbols), layout, relativeBase: addresses.base, at: tokens.at };
    }
  }
  return undefined;
}

/** Addresses in ascending order, as the kernel sorts them; relative ones count from the first. */
function readAddresses(
  view: DataView,
  at: number,
  count: number,
  baseAt: number | undefined,
): { readonly values: Float64Array; readonly base: number | undefined } | undefined {
  if (at < 0 || at + 4 * count > view.byteLength || (baseAt !== undefined && baseAt + 4 > view.byteLength))
    return undefined;
  const base = baseAt === undefined ? undefined : view.getUint32(baseAt, true);
  // A kernel lies in the upper part of the address space, in whole pages.
  if (base !== undefined && (base < 0x4000_0000 || view.getUint32(at, true) !== 0)) return undefined;
  const values = new Float64Array(count);
  let before = 0;
  for (let n = 0; n < count; n++) {
    const value = (base ?? 0) + view.getUint32(at + 4 * n, true);
    if (value < before || value > 0xffff_ffff) return undefined;
    values[n] = before = value;
  }
  return count > 0 && before > values[0]! ? { values, base } : undefined;
}

/** Lists of names that end before the token table, with markers that agree. */
function* findNames(ram: Uint8Array, view: DataView, tokens: Tokens): Generator<Names> {
  let steps = 0;
  for (const { at: markers, end } of findMarkers(view, tokens.at & ~3)) {
    const last = view.getUint32(end - 4, true);
    const least = ((end - markers) / 4 - 1) * MARKED;
    // The names behind the last marker are at most 256, each with its length.
    const furthest = Math.max(4, markers - last - MARKED * (MAX_NAME + 2));
    for (let start = (markers - last) & ~3; start >= furthest; start -= 4) {
      if (++steps > MAX_STEPS) return;
      const count = view.getUint32(start - 4, true);
      if (count <= least || count > least + MARKED) continue;
      const names = readNames(ram, view, { start, count, markers, tokens });
      if (names !== undefined) yield { at: start - 4, names };
    }
  }
}

/** Where markers may lie: just before the tokens, or with seqs_of_names between, which has three bytes for each symbol. */
function* findMarkers(view: DataView, end: number): Generator<{ readonly at: number; readonly end: number }> {
  for (let count = 0; count <= MAX_SYMBOLS && 3 * count <= end; count++) {
    // Without seqs_of_names the number of markers shows only by the zero that they begin with.
    const markersEnd = (end - 3 * count) & ~3;
    const at = count === 0 ? startOfAscending(view, end) : markersEnd - 4 * Math.ceil(count / MARKED);
    if (at === undefined || at < 4 || view.getUint32(at, true) !== 0) continue;
    if (ascends(view, at, markersEnd)) yield { at, end: markersEnd };
  }
}

function startOfAscending(view: DataView, end: number): number | undefined {
  for (let at = end - 4; at >= 0 && end - at <= 4 * (MAX_SYMBOLS / MARKED); at -= 4) {
    if (view.getUint32(at, true) === 0) return at;
  }
  return undefined;
}

/** Each marker is at least 256 names of two bytes behind the one before it. */
function ascends(view: DataView, at: number, end: number): boolean {
  for (let next = at + 4; next < end; next += 4) {
    const step = view.getUint32(next, true) - view.getUint32(next - 4, true);
    if (step < 2 * MARKED || step > MARKED * (MAX_NAME + 2)) return false;
  }
  return end > at;
}

function readNames(
  ram: Uint8Array,
  view: DataView,
  { start, count, markers, tokens }: { start: number; count: number; markers: number; tokens: Tokens },
): string[] | undefined {
  const names: string[] = [];
  let at = start;
  for (let n = 0; n < count; n++) {
    if (n % MARKED === 0 && view.getUint32(markers + (n / MARKED) * 4, true) !== at - start) return undefined;
    let length = ram[at++]!;
    if (length >= 0x80) length = (length & 0x7f) | (ram[at++]! << 7);
    if (length === 0 || at + length > markers) return undefined;
    let name = '';
    for (let i = 0; i < length; i++) {
      name += tokens.text[ram[at + i]!]!;
      if (name.length > MAX_NAME) return undefined;
    }
    at += length;
    names.push(name);
  }
  // Only padding may stand between the names and the markers.
  return markers - at < 4 ? names : undefined;
}

/** `name` has its type in front: T and t are code, others data; capitals are global. */
function symbolOf(name: string, address: number): GuestSymbol {
  const type = name[0]!;
  return {
    name: name.slice(1),
    address,
    size: undefined,
    kind: kindOfType(type),
    global: type !== type.toLowerCase(),
    thumb: undefined,
  };
}

/** The letters of nm. */
export function kindOfType(type: string): SymbolKind {
  if ('tTwW'.includes(type)) return 'function';
  return 'bBdDrRgGsSvVuC'.includes(type) ? 'object' : 'other';
}

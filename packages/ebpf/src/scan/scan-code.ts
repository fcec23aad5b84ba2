// SPDX-License-Identifier: Apache-2.0
// Code that finds all patterns of a matcher in a buffer: the filter's looks in a loop of 64 bytes, and out of its way, for what
// a look lets through, the comparison of the few positions that are meant. Each look is one load of text, one multiplication, one
// load of a bitmap and one branch that is rarely taken.

import { assert } from '@plinth/core';
import {
  type AutomatonPlace,
  CELL,
  DISTANCES,
  type Filter,
  type FilterPlace,
  HASH_FACTOR,
  HEAD_MASK,
  type Matcher,
  type ScanTables,
  SECOND_SHIFT,
  windowMask,
} from '@plinth/match';
import { type Assembler, type Label, R0, R1, R2, R3, R4, R5, R7, R8, R9 } from '../assembler.js';
import type { MapDefinition } from '../program.js';

export interface ScanCode {
  readonly matcher: Matcher;
  readonly tables: ScanTables;
  /** An array whose value at key 0 are the bytes of the tables. */
  readonly map: MapDefinition;
  /** Bytes of text that the buffer can have. Behind them it has `BUFFER_ROOM` more. */
  readonly bufferSize: number;
  /**
   * `SCRATCH_SIZE` bytes from R7 that the code may use. What is kept there is unknown to the verifier whenever it is read, so its state
   * is the same in every round of a loop; on the stack it would remember.
   */
  readonly scratch: number;
  /**
   * Emits what is done with a pattern: R0 is the number of the state, R3 the position of its last byte. It may use R0, R1, R2, R4
   * and R5, and must keep R3. The verifier follows it from within three loops, so it had better be short.
   */
  found(): void;
  /** What walks to the end of the text leave in `scratch`, see `TAIL`; only who goes on with another text wants it. */
  readonly keepsTails?: boolean;
  /** Emits a jump to `out` if what was found is to be seen to before more is looked for; uses R0 to R5. */
  pause?(out: Label): void;
}

/** Behind the text in a buffer: what looks reach. */
export const BUFFER_ROOM = 72;

/** Bytes of a round of the loop: may_goto costs a read and a write of the stack, so it has to be worth it. */
const ROUND = 64;

/**
 * Words of `scratch`: a position; a cell; the place of the look that let something through; where patterns may begin for it, as far as
 * that has not been looked at; for each automaton its tail.
 */
const WORD = { position: 0, cell: 8, look: 16, begins: 24, tails: 32 } as const;
export const SCRATCH_SIZE = 48;

/**
 * Where the longest beginning of a pattern lies that the text ends with, and its cell, 4 bytes each: as far as the filter sees it, which
 * is all but what begins in the last `reach` bytes.
 */
export const TAIL = {
  at: (automaton: number): number => WORD.tails + 8 * automaton,
  cell: 0,
  position: 4,
  none: -1,
} as const;

/**
 * Scans the bytes from R8 to R9, at most `bufferSize`, of the buffer that R7 points to. R8 has to be a number that the verifier
 * does not know, or it follows the loop for each; afterwards it is where the scan has stopped, R9 or more at the end. Uses R0 to R5.
 * What is found is told at least once.
 * The matcher has a filter, and compressed automata.
 */
export function emitScan(a: Assembler, code: ScanCode): void {
  const { matcher, tables, map, scratch } = code;
  const { filter } = matcher;
  assert(filter !== undefined && tables.filter !== undefined, 'the code asks a filter');
  const { stride } = filter;
  const [done, compare] = [a.label(), a.label()];
  const looks = Array.from({ length: ROUND / stride }, (_, n) => ({ at: n * stride, hit: a.label() }));
  const outer = a.here();
  a.loadMapValue(R1, map, tables.filter.windows);
  const loop = a.here();
  a.jumpIf('ge', R8, R9, done).mov(R3, R7).add(R3, R8);
  for (const { at, hit } of looks) emitLook(a, filter, at, hit);
  a.add(R8, ROUND).mayGoto(done).jump(loop);
  for (const { at, hit } of looks) {
    a.here(hit);
    a.mov(R4, R8)
      .add(R4, at)
      .store(8, R7, scratch + WORD.look, R4)
      .jump(compare);
  }
  a.here(compare);
  emitCompare(a, code, filter, tables.filter);
  a.load(8, R8, R7, scratch + WORD.look).add(R8, stride);
  code.pause?.(done);
  a.mayGoto(done).jump(outer);
  a.here(done);
}

/** Jumps to `hit` if the window at R3 + `at` is in the set, whose bitmap R1 points to; R5 is its hash. */
function emitLook(a: Assembler, { width, windows: { bits } }: Filter, at: number, hit: Label): void {
  emitHash(a, at, windowMask(width), bits);
  a.add(R4, R1).load(8, R4, R4, 0).alu('rsh', R4, R5).jumpIf('set', R4, 1, hit);
}

/** R5 becomes the hash of the word at R3 + `at`, R4 the byte of its bitmap; its lower bits say how far that is to be shifted. Not by R4, which x86 does slowly. */
function emitHash(a: Assembler, at: number, mask: number, bits: number): void {
  a.load(4, R5, R3, at).alu32('and', R5, mask).alu32('mul', R5, HASH_FACTOR);
  a.mov32(R4, R5).alu32('rsh', R4, 32 - (bits - 3));
}

/** For the look that let something through, with hash R5: walks the trie from every position at which a pattern may begin. */
function emitCompare(a: Assembler, code: ScanCode, { stride, beginsBits, heads }: Filter, place: FilterPlace): void {
  const { map, bufferSize, scratch } = code;
  const [over, begins] = [a.label(), a.label()];
  a.mov32(R4, R5).alu32('rsh', R4, SECOND_SHIFT).alu32('xor', R5, R4).alu32('mul', R5, HASH_FACTOR);
  a.alu32('rsh', R5, 32 - beginsBits)
    .alu('lsh', R5, 2)
    .loadMapValue(R1, map, place.begins)
    .add(R1, R5)
    .load(4, R0, R1, 0)
    .store(8, R7, scratch + WORD.begins, R0);
  const next = a.here();
  a.load(8, R0, R7, scratch + WORD.begins)
    .mov(R3, R0)
    .and(R3, 2 ** DISTANCES - 1)
    .jumpIf('eq', R3, 0, over);
  // The lowest bit, alone; the others are for later.
  a.mov(R4, R3)
    .neg(R4)
    .and(R3, R4)
    .alu('xor', R0, R3)
    .store(8, R7, scratch + WORD.begins, R0);
  emitBitNumber(a);
  a.load(8, R5, R7, scratch + WORD.look)
    .add(R5, stride - 1)
    .alu('sub', R5, R4)
    .store(8, R7, scratch + WORD.position, R5);
  // It may lie before the text, as a number that is very large.
  a.mayGoto(over).jumpIf('ge', R5, R9, next).jumpIf('ge', R5, bufferSize, next);
  a.alu('rsh', R0, R4).jumpIf('set', R0, 1 << DISTANCES, begins);
  a.mov(R3, R7).add(R3, R5);
  emitHash(a, 0, HEAD_MASK, heads.bits);
  a.loadMapValue(R1, map, place.heads).add(R1, R4).load(8, R1, R1, 0).alu('rsh', R1, R5);
  a.jumpIf('set', R1, 1, begins).jump(next);
  a.here(begins);
  code.tables.automata.forEach((automaton, n) => emitWalk(a, code, automaton, n));
  a.jump(next);
  a.here(over);
}

/** Each 4 bits of it are others (de Bruijn): shifted by any number, its upper 4 bits say by how many. */
const SEQUENCE = 0x09af;
/** By how many, 4 bits for each value of those. */
const NUMBERS = Array.from(
  { length: 16 },
  (_, n) => BigInt(n) << BigInt(4 * (((SEQUENCE << n) & 0xffff) >>> 12)),
).reduce((all, number) => all | number);

/** R4 becomes the number of the only bit of R3, one of the lower 16. */
function emitBitNumber(a: Assembler): void {
  a.alu('mul', R3, SEQUENCE).and(R3, 0xffff).alu('rsh', R3, 12).alu('lsh', R3, 2);
  a.loadImmediate64(R4, NUMBERS).alu('rsh', R4, R3).and(R4, 15);
}

/** The patterns that begin at the position that is kept in `scratch`. */
function emitWalk(
  a: Assembler,
  { map, bufferSize, scratch, ...code }: ScanCode,
  { classes, cells, cellCount }: AutomatonPlace,
  automaton: number,
): void {
  const [over, ended] = [a.label(), a.label()];
  // R3 is the position, R2 the cell.
  a.load(8, R3, R7, scratch + WORD.position).mov(R2, 0);
  const loop = a.here();
  a.jumpIf('ge', R3, R9, ended).jumpIf('ge', R3, bufferSize, over);
  a.mov(R4, R7).add(R4, R3).load(1, R4, R4, 0);
  a.alu('lsh', R4, 1).loadMapValue(R1, map, classes).add(R1, R4).load(2, R4, R1, 0);
  a.jumpIf('eq', R4, 0, over);
  // The child is at base + class, if its check is 1 + the cell.
  a.jumpIf('ge', R2, cellCount, over);
  a.mov(R5, R2).alu('mul', R5, CELL.size).loadMapValue(R1, map, cells).add(R5, R1).load(4, R5, R5, CELL.base);
  a.add(R4, R5).jumpIf('ge', R4, cellCount, over);
  a.mov(R5, R4).alu('mul', R5, CELL.size).add(R5, R1).load(4, R0, R5, CELL.check);
  a.add(R2, 1).jumpIf('ne', R0, R2, over);
  a.mov(R2, R4).load(4, R0, R5, CELL.out);
  const none = a.label();
  a.jumpIf('eq', R0, 0, none);
  a.store(8, R7, scratch + WORD.cell, R2);
  code.found();
  a.load(8, R2, R7, scratch + WORD.cell);
  a.here(none);
  a.add(R3, 1).mayGoto(over).jump(loop);
  a.here(ended);
  if (code.keepsTails === true) {
    const tail = scratch + TAIL.at(automaton);
    a.load(8, R4, R7, scratch + WORD.position).load(4, R5, R7, tail + TAIL.position);
    a.jumpIf('ge', R4, R5, over)
      .store(4, R7, tail + TAIL.position, R4)
      .store(4, R7, tail + TAIL.cell, R2);
  }
  a.here(over);
}

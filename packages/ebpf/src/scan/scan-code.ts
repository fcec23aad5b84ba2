// SPDX-License-Identifier: Apache-2.0
// Code that finds all patterns of a matcher in a buffer: the filter's looks in a loop of 32 bytes, and out of its way, for what
// a look lets through, the comparison of the few positions that are meant. Each look is one load of text, one multiplication, one
// load of a bitmap and one branch that is rarely taken.

import { assert } from '@plinth/core';
import {
  type AutomatonPlace,
  CELL,
  type FilterTable,
  HASH_FACTOR,
  type Matcher,
  type ScanTables,
  WINDOW_FOLD,
  windowMask,
  type WindowSet,
} from '@plinth/match';
import { type Assembler, type Label, R0, R1, R2, R3, R4, R5, R7, R8, R9, type Register } from '../assembler.js';
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
export const BUFFER_ROOM = 64;

/** Bytes of a round of the loop: may_goto costs a read and a write of the stack, so it has to be worth it. */
const ROUND = 32;

/** Registers of the bitmaps of up to two tables. */
const BITMAPS: readonly Register[] = [R1, R2];

/** Words of `scratch`: a position, a cell, and the place of the look that let something through; for each automaton its tail. */
const WORD = { position: 0, cell: 8, look: 16, tails: 24 } as const;
export const SCRATCH_SIZE = 40;

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

/** Bytes at the end of a text in which a look may miss the beginning of a pattern, since it sees what is behind the text. */
export function reachOf({ filter }: Matcher): number {
  return Math.max(...filter!.tables.map(({ stride, windows }) => stride - 1 + windows.width));
}

/**
 * Scans the bytes from R8 to R9, at most `bufferSize`, of the buffer that R7 points to. R8 has to be a number that the verifier
 * does not know, or it follows the loop for each; afterwards it is where the scan has stopped, R9 or more at the end. Uses R0 to R5.
 * What is found is told at least once.
 * The matcher has a filter, of two tables at most, and compressed automata.
 */
export function emitScan(a: Assembler, code: ScanCode): void {
  const { matcher, tables, map, scratch, bufferSize } = code;
  const { filter } = matcher;
  assert(filter !== undefined && filter.tables.length <= BITMAPS.length, 'the code has registers for two tables');
  const done = a.label();
  const compares = filter.tables.map(() => a.label());
  const looks = filter.tables
    .flatMap(({ stride }, table) => Array.from({ length: ROUND / stride }, (_, n) => ({ table, at: n * stride })))
    .sort((one, other) => one.at - other.at || one.table - other.table)
    .map((look) => ({ ...look, hit: a.label() }));
  const outer = a.here();
  filter.tables.forEach((_, n) => a.loadMapValue(BITMAPS[n]!, map, tables.bitmaps[n]!.windows));
  const loop = a.here();
  a.jumpIf('ge', R8, R9, done).mov(R3, R7).add(R3, R8);
  for (const { table, at, hit } of looks) {
    emitLook(a, filter.tables[table]!.windows, { text: R3, at, bitmap: BITMAPS[table]!, product: R5 });
    a.jumpIf('set', R4, 1, hit);
  }
  a.add(R8, ROUND).mayGoto(done).jump(loop);
  for (const { table, at, hit } of looks) {
    a.here(hit);
    a.mov(R4, R8)
      .add(R4, at)
      .store(8, R7, scratch + WORD.look, R4)
      .jump(compares[table]!);
  }
  filter.tables.forEach((table, n) => {
    const next = a.label();
    if (n > 0) {
      // A look of this table at the same place has not been taken yet.
      a.load(8, R3, R7, scratch + WORD.look)
        .jumpIf('ge', R3, bufferSize, next)
        .add(R3, R7);
      a.loadMapValue(R1, map, tables.bitmaps[n]!.windows);
      emitLook(a, table.windows, { text: R3, at: 0, bitmap: R1, product: R0 });
      a.jumpIf('set', R4, 1, compares[n]!).jump(next);
    }
    a.here(compares[n]!);
    emitCompare(a, code, table, tables.bitmaps[n]!.heads);
    a.here(next);
  });
  // All looks up to this place are done; those of each table go on at most its stride behind their last one.
  a.load(8, R8, R7, scratch + WORD.look).add(R8, Math.min(...filter.tables.map(({ stride }) => stride)));
  code.pause?.(done);
  a.mayGoto(done).jump(outer);
  a.here(done);
}

interface LookRegisters {
  readonly text: Register;
  /** Of the window, from `text` on. */
  readonly at: number;
  readonly bitmap: Register;
  /** Kept for the look; not R4, by which x86 shifts slowly. */
  readonly product: Register;
}

/** Bit 0 of R4 says whether the window is in the set. */
function emitLook(a: Assembler, { width, bits }: WindowSet, { text, at, bitmap, product }: LookRegisters): void {
  a.load(4, product, text, at);
  if (width < 4) a.alu32('and', product, windowMask(width));
  a.alu32('or', product, WINDOW_FOLD).alu32('mul', product, HASH_FACTOR);
  if (width > 4) {
    a.load(4, R4, text, at + width - 4).alu32('or', R4, WINDOW_FOLD);
    a.alu32('xor', product, R4).alu32('mul', product, HASH_FACTOR);
  }
  a.mov32(R4, product)
    .alu32('rsh', R4, 32 - (bits - 3))
    .add(R4, bitmap)
    .load(8, R4, R4, 0)
    .alu('rsh', R4, product);
}

/** Walks the trie from every position at which, for the look that let something through, a pattern may begin, and does by its head. */
function emitCompare(a: Assembler, code: ScanCode, { stride, behind, heads }: FilterTable, headsAt: number): void {
  const { map, bufferSize, scratch } = code;
  const [begins, next, over] = [a.label(), a.label(), a.label()];
  a.load(8, R5, R7, scratch + WORD.look).add(R5, 1 - stride);
  const start = a.here();
  a.store(8, R7, scratch + WORD.position, R5);
  // It may lie before the text, as a number that is very large.
  a.jumpIf('ge', R5, R9, next).jumpIf('ge', R5, bufferSize, next);
  a.mov(R3, R7).add(R3, R5).loadMapValue(R1, map, headsAt);
  emitLook(a, heads, { text: R3, at: 0, bitmap: R1, product: R0 });
  a.jumpIf('set', R4, 1, begins).jump(next);
  a.here(begins);
  code.tables.automata.forEach((place, n) => emitWalk(a, code, place, n));
  a.here(next);
  a.load(8, R5, R7, scratch + WORD.position)
    .add(R5, 1)
    .load(8, R4, R7, scratch + WORD.look)
    .add(R4, behind);
  a.jumpIf('sgt', R5, R4, over).mayGoto(over).jump(start);
  a.here(over);
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

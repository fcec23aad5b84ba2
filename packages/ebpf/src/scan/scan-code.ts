// SPDX-License-Identifier: Apache-2.0
// Code that finds all patterns of a matcher in a buffer: the filter's looks in a loop of four bytes, and out of its way, for each
// look, the comparison of what it let through. Each look is one load of text, one multiplication, one load of the bitmap
// and one branch that is rarely taken.

import { assert } from '@plinth/core';
import {
  type AutomatonPlace,
  CELL,
  type FilterTable,
  HASH_FACTOR,
  type Matcher,
  type ScanTables,
  WINDOW_FOLD,
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
   * 16 bytes from R7 that the code may use. What is kept there is unknown to the verifier whenever it is read, so its state
   * is the same in every round of a loop; on the stack it would remember.
   */
  readonly scratch: number;
  /**
   * Emits what is done with a pattern: R0 is the number of the state, R3 the position of its last byte. It may use R0, R1, R2, R4
   * and R5, and must keep R3. The verifier follows it from within three loops, so it had better be short.
   */
  found(): void;
  /** Emits a jump to `out` if what was found is to be seen to before more is looked for; uses R0 to R5. */
  pause?(out: Label): void;
}

/** Behind the text in a buffer: what looks reach. */
export const BUFFER_ROOM = 64;

/** Bytes of a round of the loop: may_goto costs a read and a write of the stack, so it has to be worth it. */
const ROUND = 8;

interface Look {
  readonly table: FilterTable;
  readonly at: number;
  readonly base: Register;
}

/**
 * Scans the bytes from R8 to R9, at most `bufferSize`, of the buffer that R7 points to. R8 has to be a number that the verifier
 * does not know, or it follows the loop for each; afterwards it is where the scan has stopped, R9 or more at the end. Uses R0 to R5.
 * What is found is told at least once.
 * The matcher has a filter, of two tables at most, and compressed automata.
 */
export function emitScan(a: Assembler, code: ScanCode): void {
  const { matcher, tables, map } = code;
  const { filter } = matcher;
  assert(filter !== undefined && filter.tables.length <= 2, 'the code has registers for two tables');
  const looks: Look[] = filter.tables.flatMap((table, n) =>
    Array.from({ length: ROUND / table.stride }, (_, k) => ({ table, at: k * table.stride, base: [R1, R2][n]! })),
  );
  const [done, hit] = [a.label(), a.label()];
  const outer = a.here();
  filter.tables.forEach((_, n) => a.loadMapValue([R1, R2][n]!, map, tables.bitmaps[n]!));
  const loop = a.here();
  a.jumpIf('ge', R8, R9, done);
  for (const look of looks) emitLook(a, look, hit);
  a.add(R8, ROUND).mayGoto(done).jump(loop);
  // One piece of code for all looks: the verifier reads it for each way that leads to it.
  a.here(hit);
  emitCompare(a, code, looks);
  a.add(R8, ROUND);
  code.pause?.(done);
  a.mayGoto(done).jump(outer);
  a.here(done);
}

function emitLook(a: Assembler, { table, at, base }: Look, hit: Label): void {
  a.mov(R3, R7).add(R3, R8).load(4, R4, R3, at);
  if (table.width === 3) a.alu32('lsh', R4, 8);
  a.alu32('or', R4, WINDOW_FOLD).alu32('mul', R4, HASH_FACTOR);
  a.mov32(R5, R4)
    .alu32('rsh', R5, 32 - (table.bits - 3))
    .add(R5, base)
    .load(8, R5, R5, 0);
  a.alu('rsh', R5, R4).jumpIf('set', R5, 1, hit);
}

/** Walks the trie from every position at which a pattern may begin that a look of this round has seen. */
function emitCompare(a: Assembler, code: ScanCode, looks: readonly Look[]): void {
  const first = Math.min(...looks.map(({ table, at }) => at - table.stride + 1));
  const last = Math.max(...looks.map(({ table, at }) => at + table.behind));
  const over = a.label();
  a.mov(R5, R8).add(R5, first).alu('or', R5, 0);
  const start = a.here();
  code.tables.automata.forEach((place) => emitWalk(a, code, place));
  a.add(R5, 1).mov(R4, R8).add(R4, last);
  a.jumpIf('sgt', R5, R4, over).mayGoto(over).jump(start);
  a.here(over);
}

/** The patterns that begin at R5, a position that may lie outside of the text. */
function emitWalk(
  a: Assembler,
  { map, bufferSize, scratch, ...code }: ScanCode,
  { classes, cells, cellCount }: AutomatonPlace,
): void {
  const over = a.label();
  // R3 is the position, R2 the cell; R5 is kept on the stack meanwhile.
  // Any operation but an addition has the verifier forget that R3 and R5 are the same number: it would know too much of R5
  // where R3 is outside, and follow the loop for each number.
  a.store(8, R7, scratch, R5).mov(R3, R5).alu('or', R3, 0).mov(R2, 0);
  const loop = a.here();
  a.jumpIf('ge', R3, R9, over).jumpIf('ge', R3, bufferSize, over);
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
  a.store(8, R7, scratch + 8, R2);
  code.found();
  a.load(8, R2, R7, scratch + 8);
  a.here(none);
  a.add(R3, 1).mayGoto(over).jump(loop);
  a.here(over);
  a.load(8, R5, R7, scratch);
}

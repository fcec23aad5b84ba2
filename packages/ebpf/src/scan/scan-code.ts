// SPDX-License-Identifier: Apache-2.0
// Code that finds all patterns of a matcher in a buffer: the filter's looks in a loop of four bytes, and out of its way, for each
// look, the comparison of what it let through. Each look is one load of text, one multiplication, one load of the bitmap
// and one branch that is rarely taken.

import { assert } from '@plinth/core';
import { type FilterTable, HASH_FACTOR, type Matcher, WINDOW_FOLD } from '@plinth/match';
import { type Assembler, FP, type Label, R0, R1, R2, R3, R4, R5, R7, R8, R9, type Register } from '../assembler.js';
import type { MapDefinition } from '../program.js';
import { type AutomatonPlace, CELL, type ScanTables } from './tables.js';

export interface ScanCode {
  readonly matcher: Matcher;
  readonly tables: ScanTables;
  /** An array whose value at key 0 are the bytes of the tables. */
  readonly map: MapDefinition;
  /** Bytes of text that the buffer can have. Behind them it has `BUFFER_ROOM` more. */
  readonly bufferSize: number;
  /** Two 8-byte slots of the stack that the code may use: the offset of the upper one from its end. */
  readonly slot: number;
  /**
   * Emits what is done with a pattern: R0 is the number of the state, R3 the position of its last byte. It may use R0, R1, R2, R4
   * and R5, must keep R3 and may jump away.
   */
  found(): void;
}

/** Behind the text in a buffer: what looks reach, and a word that stays zero. */
export const BUFFER_ROOM = 64;
const ZERO_AT = 32;

/** Bytes of a round of the loop: may_goto costs a read and a write of the stack, so it has to be worth it. */
const ROUND = 8;

interface Look {
  readonly table: FilterTable;
  readonly at: number;
  readonly base: Register;
  readonly hit: Label;
  readonly resume: Label;
}

/**
 * Scans `R9` bytes, at most `bufferSize`, from `R7`, a pointer to the buffer. Uses all registers but R6, R7 and R9.
 * The matcher has a filter, of two tables at most, and compressed automata.
 */
export function emitScan(a: Assembler, code: ScanCode): void {
  const { matcher, tables, map } = code;
  const { filter } = matcher;
  assert(filter !== undefined && filter.tables.length <= 2, 'the code has registers for two tables');
  const looks: Look[] = filter.tables.flatMap((table, n) =>
    Array.from({ length: ROUND / table.stride }, (_, k) => ({
      table,
      at: k * table.stride,
      base: [R1, R2][n]!,
      hit: a.label(),
      resume: a.label(),
    })),
  );
  const bases = (): void => {
    filter.tables.forEach((_, n) => a.loadMapValue([R1, R2][n]!, map, tables.bitmaps[n]!));
  };
  const done = a.label();
  bases();
  // Zero, but not to the verifier, which would follow the loop for each number that it knows.
  a.load(8, R8, R7, code.bufferSize + ZERO_AT);
  const loop = a.here();
  a.jumpIf('ge', R8, R9, done);
  for (const look of looks) {
    emitLook(a, look);
    a.here(look.resume);
  }
  a.add(R8, ROUND).mayGoto(done).jump(loop);
  for (const look of looks) {
    a.here(look.hit);
    emitCompare(a, code, look);
    bases();
    a.jump(look.resume);
  }
  a.here(done);
}

function emitLook(a: Assembler, { table, at, base, hit }: Look): void {
  a.mov(R3, R7).add(R3, R8).load(4, R4, R3, at);
  if (table.width === 3) a.alu32('lsh', R4, 8);
  a.alu32('or', R4, WINDOW_FOLD).alu32('mul', R4, HASH_FACTOR | 0);
  a.mov32(R5, R4)
    .alu32('rsh', R5, 32 - (table.bits - 3))
    .add(R5, base)
    .load(8, R5, R5, 0);
  a.alu('rsh', R5, R4).jumpIf('set', R5, 1, hit);
}

/** Walks the trie from every position at which a pattern of this look may begin. */
function emitCompare(a: Assembler, code: ScanCode, { table, at }: Look): void {
  const from = at - table.stride + 1;
  const over = a.label();
  a.mov(R5, R8).add(R5, from);
  const start = a.here();
  a.mayGoto(over);
  code.tables.automata.forEach((place) => emitWalk(a, code, place));
  a.add(R5, 1)
    .mov(R4, R8)
    .add(R4, at + table.behind);
  a.jumpIf('sle', R5, R4, start);
  a.here(over);
}

/** The patterns that begin at R5, a position that may lie outside of the text. */
function emitWalk(
  a: Assembler,
  { map, bufferSize, slot, ...code }: ScanCode,
  { classes, cells, cellCount }: AutomatonPlace,
): void {
  const over = a.label();
  // R3 is the position, R2 the cell; R5 is kept on the stack meanwhile.
  a.store(8, FP, slot, R5).mov(R3, R5).mov(R2, 0);
  const loop = a.here();
  a.jumpIf('ge', R3, R9, over).jumpIf('ge', R3, bufferSize, over);
  a.mov(R4, R7).add(R4, R3).load(1, R4, R4, 0);
  a.alu('lsh', R4, 1).loadMapValue(R1, map, classes).add(R1, R4).load(2, R4, R1, 0);
  a.jumpIf('eq', R4, 0, over);
  // The child is at base + class, if its check is 1 + the cell.
  a.jumpIf('ge', R2, cellCount, over);
  a.mov(R5, R2).alu('lsh', R5, 4).loadMapValue(R1, map, cells).add(R5, R1).load(4, R5, R5, CELL.base);
  a.add(R4, R5).jumpIf('ge', R4, cellCount, over);
  a.mov(R5, R4).alu('lsh', R5, 4).add(R5, R1).load(4, R0, R5, CELL.check);
  a.add(R2, 1).jumpIf('ne', R0, R2, over);
  a.mov(R2, R4).load(4, R0, R5, CELL.out);
  const none = a.label();
  a.jumpIf('eq', R0, 0, none);
  a.store(8, FP, slot - 8, R2);
  code.found();
  a.load(8, R2, FP, slot - 8);
  a.here(none);
  a.add(R3, 1).mayGoto(over).jump(loop);
  a.here(over);
  a.load(8, R5, FP, slot);
}

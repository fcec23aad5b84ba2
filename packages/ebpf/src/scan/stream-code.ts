// SPDX-License-Identifier: Apache-2.0
// Code that finds all patterns of a matcher in a stream that comes in chunks: what `Scanner` does, as a program. The automata are
// walked at the seams of chunks, and in between there is the filter (scan-code.ts). A chunk that is shorter than the longest
// pattern is a seam as a whole.

import { type AutomatonPlace, CELL } from '@plinth/match';
import { type Assembler, type Label, R0, R1, R2, R3, R4, R5, R7, R8, R9 } from '../assembler.js';
import { emitScan, type ScanCode, TAIL } from './scan-code.js';

export interface StreamCode extends ScanCode {
  /** Where the state of each automaton lies from R7, 4 bytes each: of the stream before this chunk, and then behind it. */
  readonly states: number;
  /** As `found`; the pattern began before this chunk, or the chunk is shorter than the longest pattern. */
  foundAtSeam(): void;
  /**
   * Of pieces of one chunk, each of which begins with the last `longest - 1` bytes of the one before, so that no automaton is
   * needed in between: emits a jump to `out` unless this piece is the first one, or the last one. Uses R0 to R5.
   */
  readonly pieces?: { unlessFirst(out: Label): void; unlessLast(out: Label): void };
}

/**
 * Scans the R9 bytes of the buffer that R7 points to, at most `bufferSize`. Uses R0 to R5 and R8. Where R8 is less than R9
 * afterwards, the scan has paused, and goes on from the label that is given back.
 */
export function emitStream(a: Assembler, code: StreamCode): Label {
  const { matcher, tables } = code;
  const [whole, end, start] = [a.label(), a.label(), a.label()];
  tables.automata.forEach((_, n) => a.store(4, R7, code.scratch + TAIL.at(n) + TAIL.position, TAIL.none));
  // A number that the verifier does not know.
  a.store(8, R7, code.scratch, 0).load(8, R8, R7, code.scratch);
  a.jumpIf('lt', R9, matcher.longest, start);
  code.pieces?.unlessFirst(start);
  tables.automata.forEach((place, n) => emitSeam(a, code, place, n, 'finish'));
  a.here(start);
  // Both ways are behind this place, or the loop would have two entries.
  const again = a.here();
  a.jumpIf('lt', R9, matcher.longest, whole);
  emitScan(a, { ...code, keepsTails: true });
  a.jumpIf('lt', R8, R9, end);
  code.pieces?.unlessLast(end);
  tables.automata.forEach((place, n) => emitSeam(a, code, place, n, 'tail'));
  a.jump(end);
  a.here(whole);
  tables.automata.forEach((place, n) => emitSeam(a, code, place, n, 'whole'));
  a.mov(R8, R9);
  a.here(end);
  return again;
}

/**
 * - `finish`: on from the state of the stream while a pattern that began before may end in this chunk; tells those
 * - `tail`: from the root over the last bytes, for the next chunk's state, unless the scan has seen a longer beginning of a pattern; tells
 *   nothing
 * - `whole`: on from the state of the stream over all bytes; tells all
 */
type Way = 'finish' | 'tail' | 'whole';

/** R2 is the state, R3 the position. */
function emitSeam(a: Assembler, code: StreamCode, place: AutomatonPlace, n: number, way: Way): void {
  const { map, scratch, bufferSize, matcher } = code;
  const { cells, cellCount, classes } = place;
  const state = code.states + 4 * n;
  const over = a.label();
  a.store(8, R7, scratch, 0).load(8, R3, R7, scratch);
  const reach = Math.min(matcher.longest - 1, matcher.filter!.reach);
  if (way === 'tail') a.mov(R2, R3).mov(R3, R9).alu('sub', R3, reach);
  else a.load(4, R2, R7, state);
  const loop = a.here();
  a.jumpIf('ge', R3, R9, over).jumpIf('ge', R3, bufferSize, over).jumpIf('ge', R2, cellCount, over);
  if (way === 'finish') {
    a.mov(R1, R2).alu('mul', R1, CELL.size).loadMapValue(R0, map, cells).add(R1, R0).load(4, R1, R1, CELL.depth);
    a.jumpIf('le', R1, R3, over);
  }
  // R4 is the class of the next byte.
  a.mov(R1, R7).add(R1, R3).load(1, R4, R1, 0).alu('lsh', R4, 1);
  a.loadMapValue(R1, map, classes).add(R1, R4).load(2, R4, R1, 0);
  emitStep(a, code, place, over);
  if (way !== 'tail') emitEnds(a, code, place, way === 'finish', over);
  a.add(R3, 1).mayGoto(over).jump(loop);
  a.here(over);
  if (way === 'tail') {
    const [tail, short] = [scratch + TAIL.at(n), a.label()];
    a.load(4, R4, R7, tail + TAIL.position)
      .add(R4, reach)
      .jumpIf('ge', R4, R9, short);
    a.load(4, R2, R7, tail + TAIL.cell);
    a.here(short);
  }
  if (way !== 'finish') a.store(4, R7, state, R2);
}

/** R2 becomes the state after a byte of class R4: down the failure links until one has a child. */
function emitStep(a: Assembler, { map }: StreamCode, { cells, cellCount }: AutomatonPlace, over: Label): void {
  const [stepped, root, none] = [a.label(), a.label(), a.label()];
  a.loadMapValue(R1, map, cells).jumpIf('eq', R4, 0, root);
  const down = a.here();
  a.jumpIf('ge', R2, cellCount, over);
  a.mov(R5, R2).alu('mul', R5, CELL.size).add(R5, R1).load(4, R0, R5, CELL.base).add(R0, R4);
  a.jumpIf('ge', R0, cellCount, none);
  // Its check is 1 + this state.
  a.mov(R5, R0).alu('mul', R5, CELL.size).add(R5, R1).load(4, R5, R5, CELL.check).alu('sub', R5, 1);
  const child = a.label();
  a.jumpIf('eq', R5, R2, child);
  a.here(none);
  a.jumpIf('eq', R2, 0, stepped);
  a.mov(R5, R2).alu('mul', R5, CELL.size).add(R5, R1).load(4, R2, R5, CELL.fail).mayGoto(over).jump(down);
  a.here(child);
  a.mov(R2, R0).jump(stepped);
  a.here(root);
  a.mov(R2, 0);
  a.here(stepped);
}

/** Tells what ends in state R2, and in its suffixes; with `before`, as far as it began before this chunk. Keeps R2 and R3. */
function emitEnds(
  a: Assembler,
  code: StreamCode,
  { cells, cellCount }: AutomatonPlace,
  before: boolean,
  over: Label,
): void {
  const { map, scratch } = code;
  const [told, next] = [a.label(), a.label()];
  a.store(8, R7, scratch, R2).store(8, R7, scratch + 8, R2);
  const loop = a.here();
  a.load(8, R2, R7, scratch + 8)
    .jumpIf('eq', R2, 0, told)
    .jumpIf('ge', R2, cellCount, over);
  a.mov(R5, R2).alu('mul', R5, CELL.size).loadMapValue(R1, map, cells).add(R5, R1);
  if (before) a.load(4, R1, R5, CELL.depth).mov(R4, R3).add(R4, 1).jumpIf('le', R1, R4, told);
  a.load(4, R4, R5, CELL.suffix).store(8, R7, scratch + 8, R4);
  a.load(4, R0, R5, CELL.out).jumpIf('eq', R0, 0, next);
  code.foundAtSeam();
  a.here(next);
  a.mayGoto(over).jump(loop);
  a.here(told);
  a.load(8, R2, R7, scratch);
}

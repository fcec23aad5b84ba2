// SPDX-License-Identifier: Apache-2.0
// The last places at which segments of a direction began, with what was known there: the automata's states and the running sum
// (sum-code.ts). A second copy that begins at one of them is searched from its states; if it ends at another, or at the end of
// what came, its sum must be the one there. Of a long one, which is not summed, the states must be: then nothing that
// either copy has a part of is lost.

import { type Assembler, type Label, R0, R1, R2, R3, R4, R5, R7 } from '@plinth/ebpf';
import { BOUNDARY, MOST_BOUNDARIES, SIDE } from './connection-code.js';
import { emitReason } from './match-code.js';
import { REASON } from './record-code.js';
import { MOST_SUMMED, SLOT } from './slots.js';

const boundaries: readonly number[] = Array.from(
  { length: MOST_BOUNDARIES },
  (_, n) => SIDE.boundaries + n * BOUNDARY.size,
);

/** None is known any more of the side at R0. */
export function emitForget(a: Assembler): void {
  for (const at of boundaries) a.store(4, R0, at + BOUNDARY.known, 0);
}

/** The end of what came on the side at R0 becomes a boundary. Uses R1 and R3 to R5. */
export function emitRemember(a: Assembler): void {
  const inside = a.label();
  a.load(4, R1, R0, SIDE.latest).add(R1, 1).jumpIf('lt', R1, MOST_BOUNDARIES, inside).mov(R1, 0);
  a.here(inside);
  a.store(4, R0, SIDE.latest, R1).alu('mul', R1, BOUNDARY.size).add(R1, R0);
  a.load(8, R3, R0, SIDE.states).load(8, R4, R0, SIDE.sum).load(4, R5, R0, SIDE.next);
  a.store(8, R1, SIDE.boundaries + BOUNDARY.states, R3).store(8, R1, SIDE.boundaries + BOUNDARY.sum, R4);
  a.store(4, R1, SIDE.boundaries + BOUNDARY.number, R5).store(4, R1, SIDE.boundaries + BOUNDARY.known, 1);
}

/** What SLOT.compared says: with which of both SLOT.expected is compared. */
const COMPARED = { nothing: 0, sum: 1, states: 2 } as const;

/**
 * An old segment, of whose R3 bytes the first has number R2 and lies R4 bytes before the expected one. The side is at R0. Where it
 * begins at a boundary, the states there are put into SLOT.states, and with a known end too, what it is compared with into
 * SLOT.expected. Uses R1 to R5.
 */
export function emitCompare(a: Assembler): void {
  const [over, begun, long, short, ended] = Array.from({ length: 5 }, () => a.label()) as [
    Label,
    Label,
    Label,
    Label,
    Label,
  ];
  emitFind(a, begun);
  a.jump(over);
  a.here(begun);
  a.load(8, R5, R1, BOUNDARY.states).store(8, R7, SLOT.states, R5);
  a.load(8, R5, R1, BOUNDARY.sum).store(8, R7, SLOT.sum, R5).store(8, R7, SLOT.sumAt, R2);
  // R3 is how much of it is old. The states behind that are known only if it has nothing new.
  const all = a.label();
  a.store(8, R7, SLOT.compared, COMPARED.states).jumpIf('le', R3, R4, all).mov(R3, R4);
  a.store(8, R7, SLOT.compared, COMPARED.nothing).jumpIf('gt', R3, MOST_SUMMED, over);
  a.here(all);
  // R1 is where the states are that are known at its end, R5 the sum there.
  a.mov(R1, R0)
    .add(R1, SIDE.states - BOUNDARY.states)
    .load(8, R5, R0, SIDE.sum)
    .jumpIf('eq', R3, R4, ended);
  a.mov32(R2, R2).add(R2, R3).mov32(R2, R2);
  const known = a.label();
  emitFind(a, known);
  a.store(8, R7, SLOT.compared, COMPARED.nothing).jump(over);
  a.here(known);
  a.load(8, R5, R1, BOUNDARY.sum);
  a.here(ended);
  a.jumpIf('le', R3, MOST_SUMMED, short).jump(long);
  a.here(short);
  a.store(8, R7, SLOT.expected, R5).store(8, R7, SLOT.summed, R3).store(8, R7, SLOT.compared, COMPARED.sum).jump(over);
  a.here(long);
  a.load(8, R5, R1, BOUNDARY.states).store(8, R7, SLOT.expected, R5);
  a.here(over);
}

/** Goes to `found` with R1 at the boundary with number R2. Uses R5. */
function emitFind(a: Assembler, found: Label): void {
  for (const at of boundaries) {
    const other = a.label();
    a.load(4, R5, R0, at + BOUNDARY.number).jumpIf32('ne', R5, R2, other);
    a.mov(R1, R0)
      .add(R1, at)
      .load(4, R5, R0, at + BOUNDARY.known)
      .jumpIf('ne', R5, 0, found);
    a.here(other);
  }
}

/** Tells of a copy that is another one. Uses R1 to R4. */
export function emitConflict(a: Assembler): void {
  const [over, compare] = [a.label(), a.label()];
  a.load(8, R3, R7, SLOT.compared).jumpIf('eq', R3, COMPARED.nothing, over);
  a.store(8, R7, SLOT.compared, COMPARED.nothing);
  // It was not looked at to its end.
  a.load(8, R1, R7, SLOT.summed).jumpIf('ne', R1, 0, over).mayGoto(over);
  a.load(8, R1, R7, SLOT.states).jumpIf('eq', R3, COMPARED.states, compare).load(8, R1, R7, SLOT.sum);
  a.here(compare);
  a.load(8, R2, R7, SLOT.expected).jumpIf('eq', R1, R2, over);
  emitReason(a, REASON.conflict);
  a.here(over);
}

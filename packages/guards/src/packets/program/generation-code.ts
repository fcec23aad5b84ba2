// SPDX-License-Identifier: Apache-2.0
// Brings a stream that tables of before have looked at to those of now. It happens where it is remembered, as soon as it is met:
// the bytes that its states stand for stay the same, so it does not matter what becomes of the packet.

import { type Assembler, R0, R1, R2, R3, R4, R7 } from '@plinth/ebpf';
import { emitForget } from './boundary-code.js';
import { SIDE } from './connection-code.js';
import { EARLIER } from './earlier-tables.js';
import { emitReason, type MatchContext } from './match-code.js';
import { REASON } from './record-code.js';
import { SLOT } from './slots.js';

/** The direction is at R0, which is kept. Uses R1 to R4 and SLOT.states. */
export function emitRenew(a: Assembler, { tables, tablesMap }: MatchContext): void {
  const { shape, earlier } = tables;
  const [current, renewed, unknown] = [a.label(), a.label(), a.label()];
  a.load(4, R1, R0, SIDE.generation).jumpIf('eq', R1, shape.generation, current);
  a.mov(R2, shape.generation).alu('sub', R2, R1).store(4, R0, SIDE.generation, shape.generation);
  // Copies of what came before this are looked at by themselves.
  emitForget(a);
  // Of nothing there is nothing to be known.
  a.load(8, R1, R0, SIDE.states).jumpIf('eq', R1, 0, current);
  a.store(8, R7, SLOT.states, R1).store(8, R0, SIDE.states, 0);
  // A generation that is not known is older, or one that was never more than tried.
  a.jumpIf('gt', R2, earlier.ages, unknown);
  a.alu('mul', R2, EARLIER.size).loadMapValue(R1, tablesMap, earlier.at).add(R1, R2);
  a.load(4, R3, R1, EARLIER.known).jumpIf('eq', R3, 0, unknown);
  shape.automata.forEach((_, n) => {
    const row = EARLIER.automaton * n;
    const none = a.label();
    a.load(4, R3, R1, row + EARLIER.slot)
      .and(R3, 4)
      .add(R3, R7)
      .load(4, R3, R3, SLOT.states);
    a.load(4, R4, R1, row + EARLIER.count).jumpIf('ge', R3, R4, none);
    a.alu('lsh', R3, 2)
      .load(4, R4, R1, row + EARLIER.at)
      .add(R4, R3);
    a.jumpIf('gt', R4, tables.bytes.length - 4, none)
      .loadMapValue(R3, tablesMap)
      .add(R3, R4);
    a.load(4, R3, R3, 0).store(4, R0, SIDE.states + 4 * n, R3);
    a.here(none);
  });
  a.jump(renewed);
  a.here(unknown);
  emitReason(a, REASON.forgotten);
  a.here(renewed);
  a.store(8, R7, SLOT.states, 0);
  a.here(current);
}

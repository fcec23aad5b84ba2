// SPDX-License-Identifier: Apache-2.0
// What is remembered of a direction of a TCP connection: the number of the next byte, and the states of the automata behind the
// bytes before it. A segment with just that byte goes on from there. An older one is looked at from a boundary (boundary-code.ts) or by itself, and what of it is
// new goes on; behind a gap nothing is known of the stream, so a newer one is refused, or looked at by itself and
// reported, as the user has it.

import { type Assembler, FP, type Label, R0, R1, R2, R3, R4, R5, R7 } from '@plinth/ebpf';
import { PROTOCOL } from '../decode-packet.js';
import { emitCompare, emitForget, emitRemember } from './boundary-code.js';
import { FLOW_AT, FLOW_VALUE, OPEN, SIDE, SIDE_AT, TCP_FLAG } from './connection-code.js';
import { FOUND } from './decode-code.js';
import { emitRenew } from './generation-code.js';
import { emitReason, type MatchContext } from './match-code.js';
import { FLOW_FACT, REASON } from './record-code.js';
import { ACTION_NUMBER } from './rule-tables.js';
import { MOST_SUMMED, SLOT } from './slots.js';

/** What SLOT.sequence says of the scan that comes: its states are of nothing, or of the flow and go back there. */
export const OF = { nothing: 0, flow: 1 } as const;

/**
 * Puts the states of the stream into SLOT.states, and where the scan of the payload begins into SLOT.base. Goes to `refused` for
 * a segment that is not looked at, and to `nothing` for one without payload.
 */
export function emitFlow(
  a: Assembler,
  context: MatchContext,
  failClosed: boolean,
  ways: { refused: Label; nothing: Label },
): void {
  const [ready, gap, older] = [a.label(), a.label(), a.label()];
  a.store(8, R7, SLOT.states, 0).store(8, R7, SLOT.sequence, OF.nothing).store(8, R7, SLOT.later, 0);
  a.store(8, R7, SLOT.summed, 0).store(8, R7, SLOT.compared, 0);
  a.load(4, R1, R7, FOUND.protocol).jumpIf('ne', R1, PROTOCOL.tcp, ready);
  a.load(8, R0, FP, SIDE_AT).jumpIf('eq', R0, 0, ready);
  if (context.tables.shape.generation > 0) emitRenew(a, context);
  // R2 is the number of the payload's first byte.
  a.load(4, R2, R7, FOUND.sequence).load(4, R1, R7, FOUND.flags);
  const [begins, data] = [a.label(), a.label()];
  a.jumpIf('set', R1, TCP_FLAG.syn, begins).jump(data);
  a.here(begins);
  // One that goes on must not lose what is known of it by a SYN that its other end ignores.
  a.add(R2, 1);
  const [anew, unsettled] = [a.label(), a.label()];
  a.load(4, R1, R0, SIDE.known).jumpIf('eq', R1, 0, anew);
  a.load(8, R1, FP, FLOW_AT).jumpIf('eq', R1, 0, data).load(4, R1, R1, FLOW_VALUE.facts);
  a.jumpIf('set', R1, OPEN, data).jump(unsettled);
  a.here(unsettled);
  a.load(4, R1, R0, SIDE.next).jumpIf32('eq', R1, R2, data);
  a.here(anew);
  emitBegin(a);
  a.here(data);
  a.load(4, R3, R7, FOUND.payloadLength).jumpIf('eq', R3, 0, ways.nothing);
  a.load(4, R1, R0, SIDE.known);
  const known = a.label();
  a.jumpIf('ne', R1, 0, known);
  // In the middle of a connection: it begins here for us.
  emitBegin(a);
  a.here(known);
  // Where it lies in the stream, and how far behind the expected byte it begins, modulo 2^32.
  a.mov32(R1, R2).load(4, R4, R0, SIDE.begin).alu32('sub', R1, R4).store(8, R7, SLOT.stream, R1);
  a.load(8, R1, R7, SLOT.flow).alu('or', R1, FLOW_FACT.inStream).store(8, R7, SLOT.flow, R1);
  const [urgent, plain] = [a.label(), a.label()];
  a.load(4, R1, R7, FOUND.flags).jumpIf('set', R1, TCP_FLAG.urg, urgent).jump(plain);
  a.here(urgent);
  emitUninspected(a, REASON.urgent, failClosed, ways.refused);
  a.here(plain);
  a.load(4, R4, R0, SIDE.next).mov32(R1, R2).alu32('sub', R1, R4);
  const next = a.label();
  a.jumpIf('eq', R1, 0, next).jumpIf32('sgt', R1, 0, gap).jump(older);
  a.here(next);
  emitGoOn(a);
  a.jump(ready);

  a.here(gap);
  emitUninspected(a, REASON.gap, failClosed, ways.refused);
  // From here on it is the stream that is known.
  a.store(4, R0, SIDE.next, R2).store(8, R0, SIDE.states, 0);
  emitForget(a);
  emitGoOn(a);
  a.jump(ready);

  a.here(older);
  // What it has beyond the expected byte is new: it begins so many bytes into the payload.
  const old = a.label();
  a.mov32(R4, R1).alu32('mul', R4, -1).jumpIf('ge', R4, R3, old);
  a.store(8, R7, SLOT.later, R4);
  emitReason(a, REASON.overlap);
  a.load(8, R4, R7, SLOT.later);
  a.here(old);
  emitCompare(a);
  a.here(ready);
}

/** What cannot be looked at as its receiver sees it is refused under fail-closed, unless a rule lets it pass for its header. */
function emitUninspected(a: Assembler, reason: number, failClosed: boolean, refused: Label): void {
  emitReason(a, reason);
  if (!failClosed) return;
  const trusted = a.label();
  a.load(8, R1, R7, SLOT.actions)
    .jumpIf('set', R1, 1 << ACTION_NUMBER.pass, trusted)
    .jump(refused);
  a.here(trusted);
}

/** The stream begins with byte R2. */
function emitBegin(a: Assembler): void {
  a.store(4, R0, SIDE.next, R2).store(4, R0, SIDE.begin, R2).store(4, R0, SIDE.known, 1).store(8, R0, SIDE.states, 0);
  emitForget(a);
}

/** The states and the sum are those of the side at R0, and go back there. R3 is how many bytes come. */
function emitGoOn(a: Assembler): void {
  a.load(8, R5, R0, SIDE.states).store(8, R7, SLOT.states, R5).store(8, R7, SLOT.sequence, OF.flow);
  a.load(8, R5, R0, SIDE.sum).store(8, R7, SLOT.sum, R5).load(4, R5, R0, SIDE.next).store(8, R7, SLOT.sumAt, R5);
  a.store(8, R7, SLOT.summed, R3);
}

/** A segment that had old bytes is looked at once more from its first new one, in the stream: then it goes to `again`. */
export function emitSecondLook(a: Assembler, again: Label): void {
  const over = a.label();
  a.load(8, R0, FP, SIDE_AT).jumpIf('eq', R0, 0, over);
  a.load(8, R1, R7, SLOT.later).jumpIf('eq', R1, 0, over);
  a.store(8, R7, SLOT.base, R1).store(8, R7, SLOT.scanned, R1).store(8, R7, SLOT.later, 0);
  a.load(4, R3, R7, FOUND.payloadLength).alu('sub', R3, R1);
  emitGoOn(a);
  a.mayGoto(over).jump(again);
  a.here(over);
}

/**
 * The flow is behind this segment now. Not so if it was dropped: its sender sends it again, and it has to be found again in
 * the same stream.
 */
export function emitSettle(a: Assembler): void {
  const [over, plain] = [a.label(), a.label()];
  a.load(8, R0, FP, SIDE_AT).jumpIf('eq', R0, 0, over);
  a.load(8, R1, R7, SLOT.sequence).jumpIf('ne', R1, OF.flow, over);
  // With what was not looked at to its end nothing is compared. A long one is not summed: it is longer than all that sums are compared of.
  const [whole, lost, kept] = [a.label(), a.label(), a.label()];
  a.mayGoto(lost).load(8, R1, R7, SLOT.summed).jumpIf('eq', R1, 0, whole).jumpIf('gt', R1, MOST_SUMMED, whole);
  a.here(lost);
  emitForget(a);
  a.jump(kept);
  a.here(whole);
  emitRemember(a);
  a.load(8, R1, R7, SLOT.sum).store(8, R0, SIDE.sum, R1);
  a.here(kept);
  a.load(4, R2, R7, FOUND.sequence).load(4, R1, R7, FOUND.flags).and(R1, TCP_FLAG.syn).jumpIf('eq', R1, 0, plain);
  a.add(R2, 1);
  a.here(plain);
  a.load(4, R3, R7, FOUND.payloadLength).add(R2, R3).store(4, R0, SIDE.next, R2);
  a.load(8, R1, R7, SLOT.states).store(8, R0, SIDE.states, R1);
  a.here(over);
}

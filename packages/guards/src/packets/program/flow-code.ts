// SPDX-License-Identifier: Apache-2.0
// What is remembered of a direction of a TCP connection: the number of the next byte, and the states of the automata behind the
// bytes before it. A segment with just that byte goes on from there. An older one is looked at by itself, and what of it is
// new goes on; behind a gap nothing is known of the stream, so a newer one is refused, or looked at by itself and
// reported, as the user has it.

import { type Assembler, FP, type Label, type MapDefinition, R0, R1, R2, R3, R4, R5, R6, R7 } from '@plinth/ebpf';
import { ADDRESS, FOUND } from './decode-code.js';
import { emitReason } from './match-code.js';
import { REASON } from './record-code.js';
import { COUNTERS_AT, IFINDEX, SLOT } from './slots.js';
import { ACTION_NUMBER, PROTOCOL_BIT } from './rule-tables.js';

/** A key: interface, version, addresses, ports; each direction is by itself. */
const FLOW_KEY = { size: 48, interface: 0, version: 4, source: 8, destination: 24, ports: 40 } as const;
const FLOW_VALUE = { size: 24, next: 0, known: 4, states: 8 } as const;
/** On the stack: the key, and where the value lies. */
const FLOW_KEY_AT: number = COUNTERS_AT - FLOW_KEY.size;
const FLOW_VALUE_AT: number = FLOW_KEY_AT - FLOW_VALUE.size;
export const FLOW_AT: number = FLOW_VALUE_AT - 8;

export const FLOWS: MapDefinition = {
  name: 'flows',
  type: 'lruHash',
  keySize: FLOW_KEY.size,
  valueSize: FLOW_VALUE.size,
  maxEntries: 65_536,
};

const TCP_SYN = 2;
/** What SLOT.sequence says of the scan that comes: its states are of nothing, or of the flow and go back there. */
const OF = { nothing: 0, flow: 1 } as const;

/**
 * Puts the states of the stream into SLOT.states, and where the scan of the payload begins into SLOT.base. Goes to `refused` for
 * a segment that is not looked at, and to `nothing` for one without payload.
 */
export function emitFlow(a: Assembler, failClosed: boolean, ways: { refused: Label; nothing: Label }): void {
  const [ready, found, first, gap, older] = [a.label(), a.label(), a.label(), a.label(), a.label()];
  a.store(8, R7, SLOT.states, 0).store(8, R7, SLOT.sequence, OF.nothing).store(8, R7, SLOT.later, 0);
  a.load(8, R1, R7, SLOT.protocol).jumpIf('ne', R1, PROTOCOL_BIT.tcp, ready);
  emitKey(a);
  emitLookup(a);
  a.jumpIf('ne', R0, 0, found);
  for (let n = 0; n < FLOW_VALUE.size; n += 8) a.store(8, FP, FLOW_VALUE_AT + n, 0);
  a.loadMap(R1, FLOWS).mov(R2, FP).add(R2, FLOW_KEY_AT).mov(R3, FP).add(R3, FLOW_VALUE_AT).mov(R4, 0).call('mapUpdate');
  emitLookup(a);
  a.jumpIf('eq', R0, 0, ready);
  a.here(found);
  a.store(8, FP, FLOW_AT, R0);
  // R2 is the number of the payload's first byte.
  a.load(4, R2, FP, FOUND.sequence).load(4, R1, FP, FOUND.flags);
  const data = a.label();
  a.jumpIf('set', R1, TCP_SYN, first).jump(data);
  a.here(first);
  // A connection begins. One that goes on must not lose what is known of it by a SYN that its other end ignores.
  a.add(R2, 1).load(4, R1, R0, FLOW_VALUE.known).load(4, R3, R0, FLOW_VALUE.next);
  const anew = a.label();
  a.jumpIf('eq', R1, 0, anew).jumpIf('eq', R3, R2, data);
  a.here(anew);
  a.store(4, R0, FLOW_VALUE.next, R2).store(4, R0, FLOW_VALUE.known, 1).store(8, R0, FLOW_VALUE.states, 0);
  a.here(data);
  a.load(4, R3, FP, FOUND.payloadLength).jumpIf('eq', R3, 0, ways.nothing);
  a.load(4, R1, R0, FLOW_VALUE.known);
  const known = a.label();
  a.jumpIf('ne', R1, 0, known);
  // In the middle of a connection: it begins here for us.
  a.store(4, R0, FLOW_VALUE.next, R2).store(4, R0, FLOW_VALUE.known, 1);
  a.here(known);
  // R1 is how far behind the expected byte it begins, modulo 2^32.
  a.load(4, R4, R0, FLOW_VALUE.next).mov32(R1, R2).alu32('sub', R1, R4);
  const next = a.label();
  a.jumpIf('eq', R1, 0, next).jumpIf32('sgt', R1, 0, gap).jump(older);
  a.here(next);
  emitGoOn(a, R0);
  a.jump(ready);

  a.here(gap);
  emitReason(a, REASON.gap);
  if (failClosed) {
    // Unless a rule lets it pass for its header.
    const trusted = a.label();
    a.load(8, R1, R7, SLOT.actions)
      .jumpIf('set', R1, 1 << ACTION_NUMBER.pass, trusted)
      .jump(ways.refused);
    a.here(trusted);
  }
  // From here on it is the stream that is known.
  a.store(4, R0, FLOW_VALUE.next, R2).store(8, R0, FLOW_VALUE.states, 0);
  emitGoOn(a, R0);
  a.jump(ready);

  a.here(older);
  // What it has beyond the expected byte is new: it begins so many bytes into the payload.
  a.mov32(R4, R1).alu32('mul', R4, -1).jumpIf('ge', R4, R3, ready);
  emitReason(a, REASON.overlap);
  a.store(8, R7, SLOT.later, R4);
  a.here(ready);
}

/** The states are those of the flow at `flow`, and go back there. */
function emitGoOn(a: Assembler, flow: typeof R0): void {
  a.load(8, R5, flow, FLOW_VALUE.states).store(8, R7, SLOT.states, R5).store(8, R7, SLOT.sequence, OF.flow);
}

/** A segment that had old bytes is looked at once more from its first new one, in the stream: then it goes to `again`. */
export function emitSecondLook(a: Assembler, again: Label): void {
  const over = a.label();
  a.load(8, R0, FP, FLOW_AT).jumpIf('eq', R0, 0, over);
  a.load(8, R1, R7, SLOT.later).jumpIf('eq', R1, 0, over);
  a.store(8, R7, SLOT.base, R1).store(8, R7, SLOT.scanned, R1).store(8, R7, SLOT.later, 0);
  emitGoOn(a, R0);
  a.mayGoto(over).jump(again);
  a.here(over);
}

/**
 * The flow is behind this segment now. Not so if it was dropped: its sender sends it again, and it has to be found again in
 * the same stream.
 */
export function emitSettle(a: Assembler): void {
  const [over, plain] = [a.label(), a.label()];
  a.load(8, R0, FP, FLOW_AT).jumpIf('eq', R0, 0, over);
  a.load(8, R1, R7, SLOT.sequence).jumpIf('ne', R1, OF.flow, over);
  a.load(4, R2, FP, FOUND.sequence).load(4, R1, FP, FOUND.flags).and(R1, TCP_SYN).jumpIf('eq', R1, 0, plain);
  a.add(R2, 1);
  a.here(plain);
  a.load(4, R3, FP, FOUND.payloadLength).add(R2, R3).store(4, R0, FLOW_VALUE.next, R2);
  a.load(8, R1, R7, SLOT.states).store(8, R0, FLOW_VALUE.states, R1);
  a.here(over);
}

function emitKey(a: Assembler): void {
  a.load(4, R1, R6, IFINDEX).store(4, FP, FLOW_KEY_AT + FLOW_KEY.interface, R1);
  a.load(4, R1, FP, FOUND.version).store(4, FP, FLOW_KEY_AT + FLOW_KEY.version, R1);
  for (const [from, to] of [
    [ADDRESS.source, FLOW_KEY.source],
    [ADDRESS.destination, FLOW_KEY.destination],
  ] as const) {
    a.load(8, R1, FP, from).store(8, FP, FLOW_KEY_AT + to, R1);
    a.load(8, R1, FP, from + 8).store(8, FP, FLOW_KEY_AT + to + 8, R1);
  }
  a.load(4, R1, FP, FOUND.sourcePort).store(4, FP, FLOW_KEY_AT + FLOW_KEY.ports, R1);
  a.load(4, R1, FP, FOUND.destinationPort).store(4, FP, FLOW_KEY_AT + FLOW_KEY.ports + 4, R1);
}

function emitLookup(a: Assembler): void {
  a.loadMap(R1, FLOWS).mov(R2, FP).add(R2, FLOW_KEY_AT).call('mapLookup');
}

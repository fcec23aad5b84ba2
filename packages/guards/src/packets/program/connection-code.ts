// SPDX-License-Identifier: Apache-2.0
// What is remembered of a connection, in one value for both of its directions: who is the client, how far it has come, and of each
// direction what its stream needs (flow-code.ts). TCP by its flags (RFC 9293), UDP and ICMP by the first packet, as
// Suricata has it. `PlainConnections` says the same plainly.

import { type Assembler, FP, type Label, type MapDefinition, R0, R1, R2, R3, R4, R5, R7 } from '@plinth/ebpf';
import { PROTOCOL } from '../decode-packet.js';
import { ADDRESS, FOUND } from './decode-code.js';
import { FLOW_FACT } from './record-code.js';
import { emitInterface } from './place-code.js';
import { COUNTERS_AT, SLOT } from './slots.js';

/** A key: interface, version and protocol, then both ends, the lower one first. */
const FLOW_KEY = { size: 48, interface: 0, kind: 4, low: 8, high: 24, ports: 40 } as const;

/** Places at which segments of a direction began, the last ones. */
export const MOST_BOUNDARIES = 6;
/** Of each: the states and the running sum of what came before it, its number, and whether there is one. */
export const BOUNDARY = { size: 24, states: 0, sum: 8, number: 16, known: 20 } as const;

/**
 * Of each direction: the number of the next byte, whether there is one, the states behind what came before, its first byte, of
 * which tables the states are, the running sum of what came before, boundaries, of which one is the latest, and the number of
 * the first byte that the last SYN has asked for (`FACT.lowAsks`).
 */
export const SIDE: Readonly<Record<SideField, number>> = {
  size: 40 + MOST_BOUNDARIES * BOUNDARY.size,
  next: 0,
  known: 4,
  states: 8,
  begin: 16,
  generation: 20,
  sum: 24,
  latest: 32,
  asked: 36,
  boundaries: 40,
};
type SideField =
  'size' | 'next' | 'known' | 'states' | 'begin' | 'generation' | 'sum' | 'latest' | 'asked' | 'boundaries';

/**
 * Both directions, that of the lower end first, then what is of the connection: `bits` are those that rules set,
 * `secret` is a number that nobody else knows.
 */
export const FLOW_VALUE: Readonly<Record<'size' | 'last' | 'facts' | 'ended' | 'bits' | 'secret', number>> = {
  size: 2 * SIDE.size + 32,
  last: 2 * SIDE.size,
  facts: 2 * SIDE.size + 8,
  ended: 2 * SIDE.size + 12,
  bits: 2 * SIDE.size + 16,
  secret: 2 * SIDE.size + 24,
};

/** Bits of `FLOW_VALUE.facts`; a value with none is of no connection yet. */
export const FACT = {
  /** The client is the lower end, or the other. */
  lowClient: 1,
  highClient: 2,
  lowSeen: 4,
  highSeen: 8,
  syn: 16,
  synAck: 32,
  established: 64,
  /** Its beginning was not seen. */
  midstream: 128,
  /** An end has closed it: a SYN may begin another. */
  closing: 256,
  /** The lower end has sent a SYN, which begins another connection if the other end answers it; or the other has. */
  lowAsks: 512,
  highAsks: 1024,
} as const;

/** A connection with one of them goes on until both ends know of another. */
export const OPEN: number = FACT.established | FACT.midstream;

/** Of `FLOW_VALUE.ended`: what it carries is dropped, and that was told of one of the lower end, of the other. */
export const ENDED = { dropped: 1, lowTold: 2, highTold: 4 } as const;

/** Nanoseconds without a packet after which UDP and ICMP begin anew (flow-timeouts of suricata.yaml), before and after an answer. */
export const IDLE = { fresh: 30_000_000_000n, established: 300_000_000_000n } as const;
/** Of a TCP connection that nobody has closed, after which a SYN begins another where no answer of its other end is waited for. */
export const IDLE_TCP = 60_000_000_000n;

export const TCP_FLAG = { fin: 1, syn: 2, rst: 4, ack: 16, urg: 32 } as const;

/** On the stack: the key, and where the value and its side for this packet lie; 0 if there is none. */
const FLOW_KEY_AT: number = COUNTERS_AT - FLOW_KEY.size;
export const FLOW_AT: number = FLOW_KEY_AT - 8;
export const SIDE_AT: number = FLOW_AT - 8;
/** Below it the stack is free. */
export const SIDE_STACK_END: number = SIDE_AT;

export const FLOWS: MapDefinition = {
  name: 'flows',
  type: 'lruHash',
  keySize: FLOW_KEY.size,
  valueSize: FLOW_VALUE.size,
  maxEntries: 65_536,
};

export interface ConnectionOptions {
  /** UDP and ICMP too: some rule asks for what only a connection knows. */
  readonly all: boolean;
  /** Sequence numbers are followed, so a FIN or RST counts only where it is expected. */
  readonly streams: boolean;
  /** Of a connection one direction is seen: no answer of the other end is waited for. */
  readonly oneWay: boolean;
  /** A FIN or RST closes the connection, and so does `IDLE_TCP`: what its other end throws away does not come, or its answer is not seen. */
  readonly closes: boolean;
  /** A connection whose beginning was not seen counts as established. */
  readonly midstream: boolean;
  /** Where packets of a connection go that is dropped, of TCP those with payload; R0 is its value, R3 what it says of that. */
  readonly dropped?: Label;
}

/** Finds or makes the connection of the packet, puts what is known of it into SLOT.flow, and brings it up to date. */
export function emitConnection(a: Assembler, options: ConnectionOptions): void {
  const [none, tracked, tcp, have, over] = [a.label(), a.label(), a.label(), a.label(), a.label()];
  a.load(4, R1, R7, FOUND.protocol).jumpIf('eq', R1, PROTOCOL.tcp, tracked);
  if (options.all) {
    a.jumpIf('eq', R1, PROTOCOL.udp, tracked).jumpIf('eq', R1, PROTOCOL.icmp, tracked);
    a.jumpIf('eq', R1, PROTOCOL.icmp6, tracked);
  }
  a.jump(none);
  a.here(tracked);
  a.call('ktimeGetCoarseNs').store(8, R7, SLOT.now, R0);
  emitKey(a);
  emitLookup(a);
  a.jumpIf('ne', R0, 0, have);
  // A value to begin with, where the headers were.
  for (let n = 0; n < FLOW_VALUE.size; n += 8) a.store(8, R7, n, 0);
  for (const half of [0, 4]) a.call('getPrandomU32').store(4, R7, FLOW_VALUE.secret + half, R0);
  a.loadMap(R1, FLOWS).mov(R2, FP).add(R2, FLOW_KEY_AT).mov(R3, R7).mov(R4, 0).call('mapUpdate');
  emitLookup(a);
  a.jumpIf('eq', R0, 0, none);
  a.here(have);
  a.load(8, R1, R7, SLOT.side).and(R1, 1).alu('mul', R1, SIDE.size).mov(R2, R0).add(R2, R1);
  a.store(8, FP, FLOW_AT, R0).store(8, FP, SIDE_AT, R2);
  // R0 is the value, R2 its side, R3 its facts and R4 how long nothing came.
  a.load(4, R3, R0, FLOW_VALUE.facts).load(8, R4, R7, SLOT.now).load(8, R1, R0, FLOW_VALUE.last).alu('sub', R4, R1);
  a.load(4, R1, R7, FOUND.protocol).jumpIf('eq', R1, PROTOCOL.tcp, tcp);
  if (options.all) emitDatagram(a, over);
  else a.jump(over);
  a.here(tcp);
  emitTcp(a, options);
  a.here(over);
  // Facts only come, but for a connection that begins anew: another processor may have told one meanwhile, of the other direction.
  const same = a.label();
  a.load(4, R1, R0, FLOW_VALUE.facts).and(R1, R3).jumpIf('eq', R1, R3, same);
  a.atomic('or', 4, R0, FLOW_VALUE.facts, R3);
  a.here(same);
  if (options.dropped !== undefined) {
    a.load(4, R3, R0, FLOW_VALUE.ended).jumpIf('eq', R3, 0, none);
    a.load(4, R1, R7, FOUND.protocol).jumpIf('ne', R1, PROTOCOL.tcp, options.dropped);
    // Without payload it brings nothing, but tells an end that the other has gone: rules alone decide on it.
    a.load(4, R1, R7, FOUND.payloadLength).jumpIf('ne', R1, 0, options.dropped);
  }
  a.here(none);
}

/** Its other end has not seen a packet that is dropped, so no FIN or RST of it closes the connection. */
export function emitNotClosed(a: Assembler): void {
  const [over, closes] = [a.label(), a.label()];
  a.load(8, R0, FP, FLOW_AT).jumpIf('eq', R0, 0, over);
  a.load(4, R1, R7, FOUND.protocol).jumpIf('ne', R1, PROTOCOL.tcp, over);
  a.load(4, R1, R7, FOUND.flags)
    .jumpIf('set', R1, TCP_FLAG.fin | TCP_FLAG.rst, closes)
    .jump(over);
  a.here(closes);
  a.mov(R1, ~FACT.closing).atomic('and', 4, R0, FLOW_VALUE.facts, R1);
  a.here(over);
}

/** R1 is the bit of this side, of those two that begin at `low`. */
export function emitSideBit(a: Assembler, low: number): void {
  a.mov(R1, low).load(8, R5, R7, SLOT.side).alu('lsh', R1, R5);
}

function emitDatagram(a: Assembler, over: Label): void {
  const [keep, fresh, begun, idle] = [a.label(), a.label(), a.label(), a.label()];
  const both = FACT.lowSeen | FACT.highSeen;
  a.jumpIf('eq', R3, 0, fresh);
  a.loadImmediate64(R5, IDLE.fresh).mov(R1, R3).and(R1, both).jumpIf('ne', R1, both, idle);
  a.loadImmediate64(R5, IDLE.established);
  a.here(idle);
  a.jumpIf('le', R4, R5, keep);
  emitReset(a);
  a.here(fresh);
  emitSideBit(a, FACT.lowClient);
  a.mov(R3, R1).jump(begun);
  a.here(keep);
  a.here(begun);
  emitSideBit(a, FACT.lowSeen);
  a.alu('or', R3, R1).mov(R1, R3).and(R1, both);
  const apart = a.label();
  a.jumpIf('ne', R1, both, apart).alu('or', R3, FACT.established);
  a.here(apart);
  emitFacts(a);
  emitLast(a);
  a.jump(over);
}

function emitLast(a: Assembler): void {
  a.load(8, R1, R7, SLOT.now).store(8, R0, FLOW_VALUE.last, R1);
}

/** All that was known is forgotten but the secret. */
function emitReset(a: Assembler): void {
  for (let at = 0; at < FLOW_VALUE.size; at += 8) {
    if (at !== FLOW_VALUE.secret) a.store(8, R0, at, 0);
  }
  a.mov(R3, 0);
}

/** SLOT.flow from R3. */
function emitFacts(a: Assembler): void {
  const [client, known, notYet, begun] = [a.label(), a.label(), a.label(), a.label()];
  emitSideBit(a, FACT.lowClient);
  a.mov(R5, FLOW_FACT.toServer).and(R1, R3).jumpIf('ne', R1, 0, client).mov(R5, FLOW_FACT.toClient);
  a.here(client);
  a.jumpIf('set', R3, FACT.established, known).jump(notYet);
  a.here(known);
  a.alu('or', R5, FLOW_FACT.established);
  a.here(notYet);
  const midstream = a.label();
  a.jumpIf('set', R3, FACT.midstream, midstream).jump(begun);
  a.here(midstream);
  a.alu('or', R5, FLOW_FACT.midstream);
  a.here(begun);
  a.store(8, R7, SLOT.flow, R5);
}

function emitTcp(a: Assembler, { streams, midstream, oneWay, closes }: ConnectionOptions): void {
  const { syn, ack, fin, rst } = TCP_FLAG;
  const [known, fresh, answer, begun, other] = [a.label(), a.label(), a.label(), a.label(), a.label()];
  // R5 has the flags.
  const loadFlags = (): void => void a.load(4, R5, R7, FOUND.flags);
  loadFlags();
  a.mov(R1, R5)
    .and(R1, syn | ack)
    .jumpIf('eq', R3, 0, fresh);
  const [asks, may] = [a.label(), a.label()];
  if (!oneWay) {
    a.jumpIf('eq', R1, syn, asks).jumpIf('ne', R1, syn | ack, known);
    emitAnswered(a, streams, known);
    a.here(asks);
  } else a.jumpIf('ne', R1, syn, known);
  // Another connection between the same ends. One that goes on stays: its other end ignores a SYN.
  const open = a.label();
  a.jumpIf('set', R3, OPEN, open).jump(may);
  a.here(open);
  if (closes) {
    a.jumpIf('set', R3, FACT.closing, may);
    a.loadImmediate64(R1, IDLE_TCP).jumpIf('gt', R4, R1, may);
  }
  if (!oneWay) emitAsk(a);
  a.jump(known);
  a.here(may);
  if (streams) {
    // The same SYN once more changes nothing.
    const anew = a.label();
    a.load(4, R1, R2, SIDE.known).jumpIf('eq', R1, 0, anew);
    a.load(4, R1, R2, SIDE.next).load(4, R4, R7, FOUND.sequence).add(R4, 1).jumpIf32('ne', R1, R4, anew);
    a.jumpIf('set', R3, FACT.syn, known);
    a.here(anew);
  }
  emitReset(a);
  a.mov(R1, syn);
  a.here(fresh);
  // R1 has SYN and ACK. Who answers is the server.
  a.jumpIf('eq', R1, syn | ack, answer);
  const bare = a.label();
  a.mov(R4, FACT.syn).jumpIf('eq', R1, syn, bare).mov(R4, FACT.midstream);
  a.here(bare);
  emitSideBit(a, FACT.lowClient);
  a.mov(R3, R1).alu('or', R3, R4).jump(begun);
  a.here(answer);
  emitSideBit(a, FACT.lowClient);
  a.alu('xor', R1, FACT.lowClient | FACT.highClient)
    .mov(R3, R1)
    .alu('or', R3, FACT.midstream);
  a.here(begun);
  a.here(known);
  emitFacts(a);
  // A SYN into one that is dropped does not keep it from ending.
  const ended = a.label();
  a.load(4, R1, R0, FLOW_VALUE.ended).jumpIf('ne', R1, 0, ended);
  emitLast(a);
  a.here(ended);
  // What this packet changes holds for the next one.
  loadFlags();
  a.load(8, R1, R7, SLOT.flow).jumpIf('set', R1, FLOW_FACT.toServer, other);
  const [acknowledged, settled, closing] = [a.label(), a.label(), a.label()];
  a.mov(R1, R5)
    .and(R1, syn | ack)
    .jumpIf('ne', R1, syn | ack, acknowledged);
  a.alu('or', R3, FACT.synAck).jump(settled);
  a.here(other);
  // The client acknowledges the answer.
  a.mov(R1, R5)
    .and(R1, syn | ack | rst)
    .jumpIf('ne', R1, ack, acknowledged);
  const handshake = oneWay ? FACT.syn : FACT.syn | FACT.synAck;
  a.mov(R1, R3).and(R1, handshake).jumpIf('ne', R1, handshake, acknowledged);
  a.alu('or', R3, FACT.established);
  a.here(acknowledged);
  if (midstream) {
    const begunBefore = a.label();
    a.mov(R1, R3).and(R1, FACT.midstream).jumpIf('eq', R1, 0, begunBefore);
    a.jumpIf('set', R5, syn, begunBefore).alu('or', R3, FACT.established);
    a.here(begunBefore);
  }
  if (closes) {
    a.jumpIf('set', R5, fin | rst, closing).jump(settled);
    a.here(closing);
    if (streams) {
      // Elsewhere than where it is expected, its other end ignores it.
      const expected = a.label();
      a.load(4, R1, R2, SIDE.known).jumpIf('eq', R1, 0, expected);
      a.load(4, R1, R2, SIDE.next).load(4, R4, R7, FOUND.sequence).jumpIf32('ne', R1, R4, settled);
      a.here(expected);
    }
    a.alu('or', R3, FACT.closing);
  }
  a.here(settled);
}

/** A SYN into a connection that goes on for us: whether its other end takes it is known by the answer. */
function emitAsk(a: Assembler): void {
  a.load(4, R1, R7, FOUND.sequence).add(R1, 1).store(4, R2, SIDE.asked, R1);
  emitSideBit(a, FACT.lowAsks);
  a.alu('or', R3, R1);
}

/** A SYN with ACK begins another connection if it answers a SYN of the other end; otherwise this one is `known`. */
function emitAnswered(a: Assembler, streams: boolean, known: Label): void {
  emitSideBit(a, FACT.lowAsks);
  a.alu('xor', R1, FACT.lowAsks | FACT.highAsks)
    .and(R1, R3)
    .jumpIf('eq', R1, 0, known);
  // R4 is the side of the other end.
  a.load(8, R4, R7, SLOT.side).and(R4, 1).alu('xor', R4, 1).alu('mul', R4, SIDE.size).add(R4, R0);
  a.load(4, R1, R4, SIDE.asked).load(4, R5, R7, FOUND.acknowledged).jumpIf32('ne', R1, R5, known);
  emitReset(a);
  if (streams) a.store(4, R4, SIDE.known, 1).store(4, R4, SIDE.next, R1).store(4, R4, SIDE.begin, R1);
  emitSideBit(a, FACT.lowClient);
  a.alu('xor', R1, FACT.lowClient | FACT.highClient).alu('or', R1, FACT.syn);
  a.mov(R3, R1).jump(known);
}

/** The key, and which end has sent the packet in SLOT.side. */
function emitKey(a: Assembler): void {
  const [low, high, done] = [a.label(), a.label(), a.label()];
  emitInterface(a, R1);
  a.store(4, FP, FLOW_KEY_AT + FLOW_KEY.interface, R1);
  a.load(4, R1, R7, FOUND.protocol).alu('lsh', R1, 8).load(4, R2, R7, FOUND.version).alu('or', R1, R2);
  a.store(4, FP, FLOW_KEY_AT + FLOW_KEY.kind, R1);
  for (const at of [0, 8]) {
    a.load(8, R1, R7, ADDRESS.source + at).load(8, R2, R7, ADDRESS.destination + at);
    a.jumpIf('lt', R1, R2, low).jumpIf('gt', R1, R2, high);
  }
  a.load(4, R1, R7, FOUND.sourcePort).load(4, R2, R7, FOUND.destinationPort).jumpIf('gt', R1, R2, high);
  a.here(low);
  emitEnds(a, ADDRESS.source, ADDRESS.destination, FOUND.sourcePort, FOUND.destinationPort);
  a.store(8, R7, SLOT.side, 0).jump(done);
  a.here(high);
  emitEnds(a, ADDRESS.destination, ADDRESS.source, FOUND.destinationPort, FOUND.sourcePort);
  a.store(8, R7, SLOT.side, 1);
  a.here(done);
}

function emitEnds(a: Assembler, low: number, high: number, lowPort: number, highPort: number): void {
  for (const [from, to] of [
    [low, FLOW_KEY.low],
    [high, FLOW_KEY.high],
  ] as const) {
    a.load(8, R1, R7, from).store(8, FP, FLOW_KEY_AT + to, R1);
    a.load(8, R1, R7, from + 8).store(8, FP, FLOW_KEY_AT + to + 8, R1);
  }
  a.load(4, R1, R7, lowPort).store(4, FP, FLOW_KEY_AT + FLOW_KEY.ports, R1);
  a.load(4, R1, R7, highPort).store(4, FP, FLOW_KEY_AT + FLOW_KEY.ports + 4, R1);
}

function emitLookup(a: Assembler): void {
  a.loadMap(R1, FLOWS).mov(R2, FP).add(R2, FLOW_KEY_AT).call('mapLookup');
}

// SPDX-License-Identifier: Apache-2.0
// The program that decides rules on every packet of an interface: headers, then the payload in pieces, then for what was
// found the rules that it belongs to. Its verdict is the kernel's, at once; what matched is told by a ring buffer.

import { assert } from '@plinth/core';
import {
  Assembler,
  emitStream,
  FP,
  type Label,
  type MapDefinition,
  type Program,
  R0,
  R1,
  R2,
  R3,
  R4,
  R6,
  R7,
  R8,
  R9,
} from '@plinth/ebpf';
import { PACKET_KIND, PROTOCOL } from '../decode-packet.js';
import { emitConflict } from './boundary-code.js';
import { emitDecode, FOUND, NO_LENGTH, NO_PORT } from './decode-code.js';
import {
  emitConnection,
  emitNotClosed,
  emitSideBit,
  ENDED,
  FLOW_AT,
  FLOW_VALUE,
  FLOWS,
  SIDE_AT,
} from './connection-code.js';
import { emitFlow, emitSecondLook, emitSettle } from './flow-code.js';
import { CLEARED, emitHold } from './hold-code.js';
import { emitLate, lateMap } from './late-code.js';
import { emitEntries, emitReason, type MatchContext, PROGRESS } from './match-code.js';
import { emitNumbers } from './number-code.js';
import { emitAnswer, emitLoadBytes, type PacketPlace, VERDICT } from './place-code.js';
import {
  COUNTER,
  COUNTERS,
  emitCount,
  emitRecord,
  eventsMap,
  HITS_AT,
  NO_OFFSET,
  REASON,
  RECORD,
  RECORD_AT,
} from './record-code.js';
import { ACTION_NUMBER, PROTOCOL_BIT, type RuleTables, VERSION_SHIFT } from './rule-tables.js';
import { BLOCK, COUNTERS_AT, KEY_AT, PIECE, SLOT } from './slots.js';
import { SPANS } from './span-code.js';
import { emitSum } from './sum-code.js';

export interface PacketProgram {
  readonly program: Program;
  readonly tables: RuleTables;
  /** An array whose value the tables are. */
  readonly tablesMap: MapDefinition;
  readonly events: MapDefinition;
  /** What each processor has counted, see `COUNTER`. */
  readonly counters: MapDefinition;
  /** Maps that go on when other rules come: whoever loads the next program gives it those of the one before. */
  readonly lasting: readonly MapDefinition[];
}

/** With so many, they are seen to before more is looked for. */
const ENOUGH_HITS = 256;
/** A round of the search can find as many more. */
const MOST_HITS = 1024;

const PIECE_MAP: MapDefinition = {
  name: 'piece',
  type: 'percpuArray',
  keySize: 4,
  valueSize: BLOCK + HITS_AT + 8 * MOST_HITS,
  maxEntries: 1,
};
export interface PacketOptions {
  /** `tcx` if it is left out. */
  readonly place?: PacketPlace;
  /** What cannot be inspected is dropped; otherwise it is passed and reported. */
  readonly failClosed?: boolean;
  /** A TCP connection counts as established if its beginning was not seen. */
  readonly midstream?: boolean;
  /** Packets that their receiver throws away, those with a wrong checksum, do not come here. */
  readonly checked?: boolean;
  /** A rule that drops a packet of a stream drops what comes after on the connection, too. */
  readonly dropFlow?: boolean;
}

export function packetProgram(
  tables: RuleTables,
  { failClosed = false, midstream = true, dropFlow = true, checked = false, place = 'tcx' }: PacketOptions = {},
): PacketProgram {
  const tablesMap: MapDefinition = {
    name: 'tables',
    type: 'array',
    keySize: 4,
    valueSize: tables.bytes.length,
    maxEntries: 1,
  };
  const progress: MapDefinition = {
    name: 'progress',
    type: 'percpuArray',
    keySize: 4,
    valueSize: PROGRESS.size,
    maxEntries: tables.ruleCount,
  };
  const a = new Assembler('packets', place === 'xdp' ? 'xdp' : 'schedCls');
  const [pass, decide, refused, fragment] = [a.label(), a.label(), a.label(), a.label()];
  a.mov(R6, R1);
  emitValue(a, PIECE_MAP, pass);
  a.mov(R7, R0).add(R7, BLOCK);
  emitDecode(a);
  a.load(4, R1, R7, FOUND.kind).jumpIf('lt', R1, PACKET_KIND.fragment, pass);
  emitValue(a, COUNTERS, pass);
  a.store(8, FP, COUNTERS_AT, R0).load(8, R8, R0, COUNTER.packets).add(R8, 1).store(8, R0, COUNTER.packets, R8);
  a.load(4, R1, R7, FOUND.length).load(8, R2, R0, COUNTER.bytes).add(R2, R1).store(8, R0, COUNTER.bytes, R2);
  a.mov32(R8, R8).store(8, R7, SLOT.packet, R8);
  const words = [SLOT.actions, SLOT.told, SLOT.base, SLOT.scanned, SLOT.reason, SLOT.hits, SLOT.flow, SLOT.stream];
  if (tables.lateCount > 0) words.push(SLOT.waiting);
  words.push(RECORD_AT + RECORD.clearance, RECORD_AT + RECORD.clearance + 8);
  for (const word of words) a.store(8, R7, word, 0);
  a.store(8, FP, FLOW_AT, 0).store(8, FP, SIDE_AT, 0);
  emitFragment(a);
  if (tables.numbers) emitNumbers(a);
  emitProtocol(a);
  const context = { tables, tablesMap, progress, late: lateMap(tables) };
  const streams = tables.matcher.patterns.length > 0;
  const connected = streams || tables.connections;
  const ended = a.label();
  // Without connections there is nothing that could have been ended.
  const ends = dropFlow && tables.ends && connected;
  const oneWay = place === 'xdp';
  const closes = oneWay || checked;
  const unconnected = a.label();
  a.load(8, R1, R7, SLOT.reason).jumpIf('set', R1, REASON.fragment, unconnected);
  if (connected) {
    const options = { all: tables.connections, streams, midstream, oneWay, closes };
    emitConnection(a, { ...options, ...(ends ? { dropped: ended } : {}) });
  }
  a.here(unconnected);
  if (tables.bare.count > 0) {
    a.store(8, R7, SLOT.begin, NO_OFFSET);
    a.store(8, R7, SLOT.entry, tables.bare.first).store(8, R7, SLOT.entryEnd, tables.bare.first + tables.bare.count);
    emitEntries(a, context, false);
  }
  a.load(8, R1, R7, SLOT.reason).jumpIf('set', R1, REASON.fragment, fragment);
  if (streams) {
    emitFlow(a, context, failClosed, { refused, nothing: decide });
    emitPayload(a, context, decide);
  } else a.jump(decide);
  const [tell, quiet] = [a.label(), a.label()];
  if (ends) {
    a.here(ended);
    emitEnded(a, tell, quiet);
  }
  const judged = a.label();
  a.here(fragment);
  if (failClosed) {
    // Unless a rule lets it pass for its addresses.
    a.load(8, R1, R7, SLOT.actions).jumpIf('set', R1, 1 << ACTION_NUMBER.pass, judged);
    a.here(refused);
    if (ends) emitEnd(a);
    a.store(8, R7, SLOT.verdict, VERDICT.drop).jump(tell);
  } else a.jump(judged);
  a.here(decide);
  // Rules that come later may need room for frames.
  const events = eventsMap({ frames: tables.confirms || tables.shape.generation > 0 });
  if (tables.lateCount > 0) emitLate(a, context);
  a.here(judged);
  emitVerdict(a, tables, { failClosed, ends, streams, closes: connected && closes }, { tell, quiet }, events);
  a.here(pass);
  a.mov(R0, -1);
  emitAnswer(a);
  const program = a.finish();
  const lasting = [FLOWS, SPANS, events, COUNTERS, CLEARED].filter((map) => program.maps.includes(map));
  return { program, tables, tablesMap, events, counters: COUNTERS, lasting };
}

/** The pieces of a packet are put together nowhere in a program: of one of them there is no payload that rules could ask for. */
function emitFragment(a: Assembler): void {
  const [piece, whole] = [a.label(), a.label()];
  a.load(4, R1, R7, FOUND.kind).jumpIf('eq', R1, PACKET_KIND.fragment, piece);
  a.load(4, R1, R7, FOUND.moreFragments).jumpIf('eq', R1, 0, whole);
  a.here(piece);
  emitReason(a, REASON.fragment);
  a.store(4, R7, FOUND.payloadLength, NO_LENGTH);
  a.here(whole);
}

/** The bit of its protocol. Type and code of ICMP are no ports. */
function emitProtocol(a: Assembler): void {
  const [tcp, udp, icmp, icmp6, four, end] = Array.from({ length: 6 }, () => a.label());
  a.load(4, R1, R7, FOUND.protocol).mov(R2, PROTOCOL_BIT.other);
  a.jumpIf('eq', R1, PROTOCOL.tcp, tcp!).jumpIf('eq', R1, PROTOCOL.udp, udp!);
  a.jumpIf('eq', R1, PROTOCOL.icmp, icmp!).jumpIf('eq', R1, PROTOCOL.icmp6, icmp6!).jump(end!);
  a.here(tcp);
  a.mov(R2, PROTOCOL_BIT.tcp).jump(end!);
  a.here(udp);
  a.mov(R2, PROTOCOL_BIT.udp).jump(end!);
  for (const [label, bit] of [
    [icmp, PROTOCOL_BIT.icmp],
    [icmp6, PROTOCOL_BIT.icmp6],
  ] as const) {
    a.here(label);
    a.mov(R2, bit).store(4, R7, FOUND.sourcePort, 0).store(4, R7, FOUND.destinationPort, 0).jump(end!);
  }
  a.here(end);
  const headed = a.label();
  a.load(4, R1, R7, FOUND.kind).jumpIf('ne', R1, PACKET_KIND.fragment, headed);
  a.store(4, R7, FOUND.sourcePort, NO_PORT).store(4, R7, FOUND.destinationPort, NO_PORT);
  a.here(headed);
  a.load(4, R1, R7, FOUND.version).jumpIf('ne', R1, 6, four!).alu('lsh', R2, VERSION_SHIFT);
  a.here(four);
  a.store(8, R7, SLOT.protocol, R2);
}

/** R0 points to the value at key 0 of a map of each processor. */
function emitValue(a: Assembler, map: MapDefinition, none: Label): void {
  a.store(4, FP, KEY_AT, 0).loadMap(R1, map).mov(R2, FP).add(R2, KEY_AT).call('mapLookup').jumpIf('eq', R0, 0, none);
}

/** The bytes from SLOT.base on, piece by piece, as chunks of the stream whose states are in SLOT.states. */
function emitPayload(a: Assembler, context: MatchContext, decide: Label): void {
  const { tables, tablesMap } = context;
  const { matcher } = tables;
  assert(matcher.longest < PIECE / 2, 'a pattern fits into a piece');
  const end = a.label();
  const loop = a.here();
  // R9 is what is left from the base on, at most a piece.
  a.load(4, R9, R7, FOUND.payloadLength).load(8, R1, R7, SLOT.base).jumpIf('ge', R1, R9, end);
  a.alu('sub', R9, R1);
  const short = a.label();
  a.jumpIf('le', R9, PIECE, short).mov(R9, PIECE);
  a.here(short);
  a.jumpIf('eq', R9, 0, end).jumpIf('gt', R9, PIECE, end);
  a.load(4, R2, R7, FOUND.payload).add(R2, R1);
  emitLoadBytes(a.mov(R3, R7).mov(R4, R9)).jumpIf('ne', R0, 0, end);
  const found = (): void => {
    const [full, noted] = [a.label(), a.label()];
    a.load(8, R1, R7, SLOT.hits).jumpIf('ge', R1, MOST_HITS, full);
    a.mov(R2, R1).add(R2, 1).store(8, R7, SLOT.hits, R2).alu('lsh', R1, 3).add(R1, R7);
    a.store(4, R1, HITS_AT, R0)
      .store(4, R1, HITS_AT + 4, R3)
      .jump(noted);
    a.here(full);
    emitReason(a, REASON.tooMuch);
    a.here(noted);
  };
  const again = emitStream(a, {
    matcher,
    tables: tables.scan,
    map: tablesMap,
    bufferSize: PIECE,
    scratch: SLOT.scan,
    states: SLOT.states,
    found,
    foundAtSeam: found,
    pieces: {
      unlessFirst: (out) => {
        a.load(8, R1, R7, SLOT.base).load(8, R2, R7, SLOT.scanned).jumpIf('ne', R1, R2, out);
      },
      unlessLast: (out) => {
        a.load(8, R1, R7, SLOT.base).add(R1, R9).load(4, R2, R7, FOUND.payloadLength).jumpIf('lt', R1, R2, out);
      },
    },
    pause: (out) => {
      a.load(8, R1, R7, SLOT.hits).jumpIf('ge', R1, ENOUGH_HITS, out);
    },
  });
  emitHits(a, context);
  a.store(8, R7, SLOT.hits, 0);
  const whole = a.label();
  a.jumpIf('ge', R8, R9, whole).mayGoto(end).jump(again);
  a.here(whole);
  emitSum(a);
  const last = a.label();
  a.load(8, R1, R7, SLOT.base).add(R1, R9).load(4, R2, R7, FOUND.payloadLength).jumpIf('ge', R1, R2, last);
  a.add(R1, 1 - matcher.longest);
  a.here(last);
  a.store(8, R7, SLOT.base, R1).mayGoto(end).jump(loop);
  a.here(end);
  emitConflict(a);
  emitSecondLook(a, loop);
  a.jump(decide);
}

/** Sees to what was found: apart from the search, for the verifier's sake. */
function emitHits(a: Assembler, context: MatchContext): void {
  const { tables, tablesMap } = context;
  const [next, over] = [a.label(), a.label()];
  a.store(8, R7, SLOT.hit, 0);
  const loop = a.here();
  a.load(8, R1, R7, SLOT.hit).load(8, R2, R7, SLOT.hits);
  a.jumpIf('ge', R1, R2, over).jumpIf('ge', R1, MOST_HITS, over);
  a.alu('lsh', R1, 3)
    .add(R1, R7)
    .load(4, R2, R1, HITS_AT + 4)
    .store(8, R7, SLOT.position, R2);
  a.load(4, R0, R1, HITS_AT).jumpIf('ge', R0, tables.listCount, next);
  a.alu('lsh', R0, 3).loadMapValue(R1, tablesMap, tables.lists).add(R1, R0);
  a.load(4, R2, R1, 0).load(4, R4, R1, 4).add(R4, R2);
  a.store(8, R7, SLOT.entry, R2).store(8, R7, SLOT.entryEnd, R4);
  emitEntries(a, context, true);
  a.here(next);
  a.load(8, R1, R7, SLOT.hit).add(R1, 1).store(8, R7, SLOT.hit, R1).mayGoto(over).jump(loop);
  a.here(over);
}

/** A packet with payload of a connection that is dropped: told once for each direction. R0 is the connection, R3 what it says of that. */
function emitEnded(a: Assembler, tell: Label, quiet: Label): void {
  a.store(8, R7, SLOT.verdict, VERDICT.drop);
  emitSideBit(a, ENDED.lowTold);
  a.mov(R2, R1).and(R2, R3).jumpIf('ne', R2, 0, quiet);
  a.alu('or', R3, R1).store(4, R0, FLOW_VALUE.ended, R3);
  emitReason(a, REASON.flow);
  a.jump(tell);
}

interface VerdictOptions {
  readonly failClosed: boolean;
  /** Some rules drop connections. */
  readonly ends: boolean;
  readonly streams: boolean;
  /** A FIN or RST closes connections. */
  readonly closes: boolean;
}

/** `tell` is where a verdict is told that is there already, `quiet` where it is not. */
function emitVerdict(
  a: Assembler,
  { confirms, shape: { generation } }: RuleTables,
  { failClosed, ends, streams, closes }: VerdictOptions,
  { tell, quiet }: { tell: Label; quiet: Label },
  events: MapDefinition,
): void {
  const [spent, looked] = [a.label(), a.label()];
  const [passed, dropped, untold, stopped, settled, counted] = Array.from({ length: 6 }, () => a.label());
  const bit = (action: keyof typeof ACTION_NUMBER): number => 1 << ACTION_NUMBER[action];
  const stops = bit('drop') | bit('reject') | bit('end') | bit('endStream');
  // Where the kernel has had enough of loops, something was left out.
  a.mayGoto(spent).jump(looked);
  a.here(spent);
  emitReason(a, REASON.tooMuch);
  a.here(looked);
  a.store(8, R7, SLOT.verdict, -1);
  a.load(8, R1, R7, SLOT.actions).jumpIf('set', R1, bit('pass'), passed!).jumpIf('set', R1, stops, dropped!);
  if (failClosed) {
    // With more found than could be seen to, or two copies, nobody knows.
    a.load(8, R1, R7, SLOT.reason).jumpIf('set', R1, REASON.tooMuch | REASON.conflict, stopped!);
    if (confirms) {
      const free = a.label();
      a.load(8, R1, R7, SLOT.actions).and(R1, bit('hold')).jumpIf('eq', R1, 0, free);
      emitHold(a, untold!);
      a.jump(stopped!);
      a.here(free);
    }
  }
  if (streams) emitSettle(a);
  a.jump(settled!);
  a.here(passed);
  a.here(untold);
  for (const at of [0, 8]) a.store(8, R7, RECORD_AT + RECORD.clearance + at, 0);
  a.store(8, R7, SLOT.told, 0).load(8, R1, R7, SLOT.reason).and(R1, ~REASON.untold).store(8, R7, SLOT.reason, R1);
  a.store(8, R7, SLOT.actions, 0);
  if (streams) emitSettle(a);
  a.jump(settled!);
  a.here(dropped);
  if (ends) emitEnd(a);
  a.here(stopped);
  a.store(8, R7, SLOT.verdict, VERDICT.drop);
  a.here(settled);
  a.load(8, R1, R7, SLOT.told).load(8, R2, R7, SLOT.reason).alu('or', R1, R2).jumpIf('eq', R1, 0, quiet);
  a.here(tell);
  emitRecord(a, events, { flagged: confirms ? bit('flag') | bit('hold') : 0, generation });
  a.here(quiet);
  a.load(8, R1, R7, SLOT.verdict).jumpIf('ne', R1, VERDICT.drop, counted!);
  emitCount(a, COUNTER.dropped);
  if (closes) emitNotClosed(a);
  a.here(counted);
  a.load(4, R0, R7, SLOT.verdict);
  emitAnswer(a);
}

/** What comes after on the connection is dropped too, if a rule that matched says so. */
function emitEnd(a: Assembler): void {
  const [over, mark] = [a.label(), a.label()];
  a.load(8, R0, FP, FLOW_AT).jumpIf('eq', R0, 0, over);
  a.load(8, R1, R7, SLOT.actions).jumpIf('set', R1, 1 << ACTION_NUMBER.end, mark);
  a.and(R1, 1 << ACTION_NUMBER.endStream).jumpIf('eq', R1, 0, over);
  a.load(4, R1, R7, FOUND.protocol).jumpIf('ne', R1, PROTOCOL.tcp, over);
  a.here(mark);
  // Whether it was told stays, if it has been so before.
  a.mov(R1, ENDED.dropped).atomic('or', 4, R0, FLOW_VALUE.ended, R1);
  a.here(over);
}

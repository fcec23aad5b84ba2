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
import { emitDecode, FOUND } from './decode-code.js';
import { emitFlow, emitSecondLook, emitSettle, FLOW_AT } from './flow-code.js';
import { emitEntries, emitReason, type MatchContext } from './match-code.js';
import { COUNTER, COUNTERS, emitCount, emitRecord, eventsMap, HITS_AT, NO_OFFSET, REASON } from './record-code.js';
import { ACTION_NUMBER, PROTOCOL_BIT, type RuleTables } from './rule-tables.js';
import { COUNTERS_AT, KEY_AT, PIECE, SLOT } from './slots.js';

/** What a tcx program answers (enum tcx_action_base). */
export const VERDICT = { next: 0xffff_ffff, drop: 2 } as const;

export interface PacketProgram {
  readonly program: Program;
  readonly tables: RuleTables;
  /** An array whose value the tables are. */
  readonly tablesMap: MapDefinition;
  readonly events: MapDefinition;
  /** What each processor has counted, see `COUNTER`. */
  readonly counters: MapDefinition;
}

/** With so many, they are seen to before more is looked for. */
const ENOUGH_HITS = 256;
/** A round of the search can find as many more. */
const MOST_HITS = 1024;

const PIECE_MAP: MapDefinition = {
  name: 'piece',
  type: 'percpuArray',
  keySize: 4,
  valueSize: HITS_AT + 8 * MOST_HITS,
  maxEntries: 1,
};
export interface PacketOptions {
  /** What cannot be inspected is dropped; otherwise it is passed and reported. */
  readonly failClosed?: boolean;
}

export function packetProgram(tables: RuleTables, { failClosed = false }: PacketOptions = {}): PacketProgram {
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
    valueSize: 8,
    maxEntries: tables.ruleCount,
  };
  const a = new Assembler('packets', 'schedCls');
  const [pass, decide, refused, fragment] = [a.label(), a.label(), a.label(), a.label()];
  a.mov(R6, R1);
  emitDecode(a);
  a.load(4, R1, FP, FOUND.kind).jumpIf('lt', R1, PACKET_KIND.fragment, pass);
  emitValue(a, COUNTERS, pass);
  a.store(8, FP, COUNTERS_AT, R0).load(8, R8, R0, COUNTER.packets).add(R8, 1).store(8, R0, COUNTER.packets, R8);
  a.load(4, R1, R6, 0).load(8, R2, R0, COUNTER.bytes).add(R2, R1).store(8, R0, COUNTER.bytes, R2);
  emitValue(a, PIECE_MAP, pass);
  a.mov(R7, R0).mov32(R8, R8).store(8, R7, SLOT.packet, R8);
  const words = [SLOT.actions, SLOT.told, SLOT.base, SLOT.scanned, SLOT.reason, SLOT.hits, SLOT.flow, SLOT.stream];
  for (const word of words) a.store(8, R7, word, 0);
  a.store(8, FP, FLOW_AT, 0);
  // The pieces of a packet are put together nowhere in a program.
  a.load(4, R1, FP, FOUND.kind).jumpIf('eq', R1, PACKET_KIND.fragment, fragment);
  a.load(4, R1, FP, FOUND.moreFragments).jumpIf('ne', R1, 0, fragment);
  emitProtocol(a);
  const context = { tables, tablesMap, progress };
  if (tables.bare.count > 0) {
    a.store(8, R7, SLOT.begin, NO_OFFSET);
    a.store(8, R7, SLOT.entry, tables.bare.first).store(8, R7, SLOT.entryEnd, tables.bare.first + tables.bare.count);
    emitEntries(a, context, false);
  }
  if (tables.matcher.patterns.length > 0) {
    emitFlow(a, failClosed, { refused, nothing: decide });
    emitPayload(a, context, decide);
  } else a.jump(decide);
  a.here(fragment);
  emitReason(a, REASON.fragment);
  const tell = a.label();
  if (failClosed) {
    a.here(refused);
    a.store(8, R7, SLOT.verdict, VERDICT.drop).jump(tell);
  }
  a.here(decide);
  const events = eventsMap({ frames: tables.confirms });
  emitVerdict(a, { failClosed, confirms: tables.confirms }, tell, events);
  a.here(pass);
  a.mov(R0, -1).exit();
  return { program: a.finish(), tables, tablesMap, events, counters: COUNTERS };
}

/** The bit of its protocol, and type and code of ICMP, which are no ports. */
function emitProtocol(a: Assembler): void {
  const [tcp, udp, icmp, end] = [a.label(), a.label(), a.label(), a.label()];
  a.store(8, R7, SLOT.icmpType, 0).store(8, R7, SLOT.icmpCode, 0);
  a.load(4, R1, FP, FOUND.protocol).mov(R2, PROTOCOL_BIT.other);
  a.jumpIf('eq', R1, PROTOCOL.tcp, tcp).jumpIf('eq', R1, PROTOCOL.udp, udp);
  a.jumpIf('eq', R1, PROTOCOL.icmp, icmp).jumpIf('eq', R1, PROTOCOL.icmp6, icmp).jump(end);
  a.here(tcp);
  a.mov(R2, PROTOCOL_BIT.tcp).jump(end);
  a.here(udp);
  a.mov(R2, PROTOCOL_BIT.udp).jump(end);
  a.here(icmp);
  a.mov(R2, PROTOCOL_BIT.icmp);
  a.load(4, R1, FP, FOUND.sourcePort).store(8, R7, SLOT.icmpType, R1).store(4, FP, FOUND.sourcePort, 0);
  a.load(4, R1, FP, FOUND.destinationPort).store(8, R7, SLOT.icmpCode, R1).store(4, FP, FOUND.destinationPort, 0);
  a.here(end);
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
  a.load(4, R9, FP, FOUND.payloadLength).load(8, R1, R7, SLOT.base).jumpIf('ge', R1, R9, end);
  a.alu('sub', R9, R1);
  const short = a.label();
  a.jumpIf('le', R9, PIECE, short).mov(R9, PIECE);
  a.here(short);
  a.jumpIf('eq', R9, 0, end).jumpIf('gt', R9, PIECE, end);
  a.load(4, R2, FP, FOUND.payload).add(R2, R1);
  a.mov(R1, R6).mov(R3, R7).mov(R4, R9).call('skbLoadBytes').jumpIf('ne', R0, 0, end);
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
        a.load(8, R1, R7, SLOT.base).add(R1, R9).load(4, R2, FP, FOUND.payloadLength).jumpIf('lt', R1, R2, out);
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
  const last = a.label();
  a.load(8, R1, R7, SLOT.base).add(R1, R9).load(4, R2, FP, FOUND.payloadLength).jumpIf('ge', R1, R2, last);
  a.add(R1, 1 - matcher.longest);
  a.here(last);
  a.store(8, R7, SLOT.base, R1).mayGoto(end).jump(loop);
  a.here(end);
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

/** `tell` is where a verdict is told that is there already. */
function emitVerdict(
  a: Assembler,
  { failClosed, confirms }: { failClosed: boolean; confirms: boolean },
  tell: Label,
  events: MapDefinition,
): void {
  const [passed, dropped, settled, quiet] = [a.label(), a.label(), a.label(), a.label()];
  const bit = (action: keyof typeof ACTION_NUMBER): number => 1 << ACTION_NUMBER[action];
  a.store(8, R7, SLOT.verdict, -1);
  a.load(8, R1, R7, SLOT.actions).jumpIf('set', R1, bit('pass'), passed);
  a.jumpIf('set', R1, bit('drop') | bit('reject') | (failClosed ? bit('hold') : 0), dropped);
  // With more found than could be seen to, nobody knows.
  if (failClosed) a.load(8, R1, R7, SLOT.reason).jumpIf('set', R1, REASON.tooMuch, dropped);
  emitSettle(a);
  a.jump(settled);
  a.here(passed);
  a.store(8, R7, SLOT.told, 0).load(8, R1, R7, SLOT.reason).and(R1, ~REASON.untold).store(8, R7, SLOT.reason, R1);
  a.store(8, R7, SLOT.actions, 0);
  emitSettle(a);
  a.jump(settled);
  a.here(dropped);
  a.store(8, R7, SLOT.verdict, VERDICT.drop);
  a.here(settled);
  a.load(8, R1, R7, SLOT.told).load(8, R2, R7, SLOT.reason).alu('or', R1, R2).jumpIf('eq', R1, 0, quiet);
  a.here(tell);
  emitRecord(a, events, confirms ? bit('flag') | bit('hold') : 0);
  a.load(8, R1, R7, SLOT.verdict).jumpIf('ne', R1, VERDICT.drop, quiet);
  emitCount(a, COUNTER.dropped);
  a.here(quiet);
  a.load(4, R0, R7, SLOT.verdict).exit();
}

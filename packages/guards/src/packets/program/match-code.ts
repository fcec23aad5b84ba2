// SPDX-License-Identifier: Apache-2.0
// What is done with a content that was found: each entry of its list is a content of a rule. Where it lies is looked at, then the
// rule's header; then a bit is set for it, and with all bits of the rule the rule matches.

import {
  type Assembler,
  FP,
  type Label,
  type MapDefinition,
  R0,
  R1,
  R2,
  R3,
  R4,
  R5,
  R7,
  type Register,
} from '@plinth/ebpf';
import { PACKET_KIND, PROTOCOL } from '../decode-packet.js';
import { MOST_RANGES } from '../kernel-rule.js';
import { ADDRESS, FOUND, NO_PORT } from './decode-code.js';
import { MOST_TOLD, RECORD, RECORD_AT, REASON } from './record-code.js';
import { KEY_AT, SLOT } from './slots.js';
import { emitSpan } from './span-code.js';
import { emitNumberConditions } from './number-code.js';
import { ENTRY, FLAGS_HOW, RULE, type RuleTables, WHERE } from './rule-tables.js';
import { ADDRESS_SET } from './table-writer.js';

export interface MatchContext {
  readonly tables: RuleTables;
  readonly tablesMap: MapDefinition;
  /** For each rule what was found of it, see `PROGRESS`. */
  readonly progress: MapDefinition;
  /** Late rules that wait, see late-code.ts. */
  readonly late: MapDefinition;
}

/**
 * Of which packet it is, the bits of contents that were found, where the last one begins, and the bits of those that this packet
 * has: others may be from segments before.
 */
export const PROGRESS = { size: 16, packet: 0, bits: 4, begin: 8, seen: 12 } as const;

/** The bit beside those of contents: all that are needed were found in this packet. */
export const COMPLETE = 0x4000_0000;

/**
 * Goes through the entries from SLOT.entry to SLOT.entryEnd. With `placed`, they are contents that end at SLOT.position.
 * R7 points to the piece. Uses R0 to R5.
 */
export function emitEntries(a: Assembler, context: MatchContext, placed: boolean): void {
  const { tables, tablesMap } = context;
  const [next, over] = [a.label(), a.label()];
  const loop = a.here();
  a.load(8, R2, R7, SLOT.entry).load(8, R4, R7, SLOT.entryEnd);
  a.jumpIf('ge', R2, R4, over).jumpIf('ge', R2, tables.entryCount, over);
  a.alu('mul', R2, ENTRY.size).loadMapValue(R1, tablesMap, tables.entries).add(R1, R2);
  if (placed) emitPlace(a, context, next);
  a.load(4, R2, R1, ENTRY.bit).store(8, R7, SLOT.bit, R2);
  if (tables.spans) a.load(4, R2, R1, ENTRY.index).store(8, R7, SLOT.index, R2);
  a.load(4, R2, R1, ENTRY.rule).jumpIf('ge', R2, tables.ruleCount, next).store(8, R7, SLOT.rule, R2);
  a.alu('mul', R2, RULE.size).loadMapValue(R5, tablesMap, tables.rules).add(R5, R2);
  emitHeader(a, context, next);
  emitProgress(a, context, next);
  a.here(next);
  a.load(8, R2, R7, SLOT.entry).add(R2, 1).store(8, R7, SLOT.entry, R2).mayGoto(over).jump(loop);
  a.here(over);
}

/** The entry is at R1. */
function emitPlace(a: Assembler, { tables }: MatchContext, next: Label): void {
  // R0 is where it ends, in the payload.
  a.load(8, R0, R7, SLOT.base).load(8, R2, R7, SLOT.position).add(R0, R2).add(R0, 1);
  a.load(4, R2, R1, ENTRY.end).jumpIf('gt', R0, R2, next);
  const [anywhere, inside, met] = [a.label(), a.label(), a.label()];
  a.load(4, R2, R1, ENTRY.atEnd).jumpIf('eq', R2, 0, anywhere);
  a.load(4, R2, R7, FOUND.payloadLength).jumpIf('ne', R0, R2, next);
  a.here(anywhere);
  a.load(4, R2, R1, ENTRY.length).load(4, R3, R1, ENTRY.offset);
  a.mov(R4, R0).alu('sub', R4, R2).store(8, R7, SLOT.begin, R4);
  if (tables.places) emitWhere(a, next);
  a.jumpIf('ge', R0, R2, inside);
  // It began in a packet before: only a content that may be anywhere is looked for in the stream.
  a.load(4, R4, R1, ENTRY.end).mov32(R5, -1).jumpIf('ne', R4, R5, next).jumpIf('ne', R3, 0, next).jump(met);
  a.here(inside);
  a.alu('sub', R0, R2).jumpIf('lt', R0, R3, next);
  a.here(met);
}

/** A content at R4 of the payload that counts only in the packet, or only in the stream. Uses R5. */
function emitWhere(a: Assembler, next: Label): void {
  const [packet, stream, met] = [a.label(), a.label(), a.label()];
  a.load(4, R5, R1, ENTRY.where).jumpIf('eq', R5, WHERE.packet, packet).jumpIf('eq', R5, WHERE.stream, stream);
  a.jump(met);
  a.here(packet);
  // Bytes before this look are of other packets.
  a.load(8, R5, R7, SLOT.scanned).jumpIf('slt', R4, R5, next).jump(met);
  a.here(stream);
  a.load(8, R5, R7, SLOT.sequence).jumpIf('eq', R5, 0, next);
  a.here(met);
}

/** The rule is at R5. */
function emitHeader(a: Assembler, context: MatchContext, next: Label): void {
  const met = a.label();
  a.load(8, R0, R7, SLOT.protocol).load(4, R1, R5, RULE.protocols).and(R1, R0).jumpIf('eq', R1, 0, next);
  a.load(4, R0, R7, FOUND.payloadLength);
  a.load(4, R1, R5, RULE.leastPayload).jumpIf('lt', R0, R1, next);
  a.load(4, R1, R5, RULE.mostPayload).jumpIf('gt', R0, R1, next);
  a.load(8, R0, R7, SLOT.flow).load(1, R1, R5, RULE.flowSeen).and(R0, R1);
  a.load(1, R1, R5, RULE.flowWanted).jumpIf('ne', R0, R1, next);
  emitFlags(a, next);
  if (context.tables.numbers) emitNumberConditions(a, context, next);
  if (context.tables.spans) a.load(4, R1, R5, RULE.spans).store(8, R7, SLOT.spans, R1);
  if (context.tables.lateCount > 0) a.load(4, R1, R5, RULE.late).store(8, R7, SLOT.late, R1);
  a.load(4, R1, R5, RULE.needed).store(8, R7, SLOT.needed, R1);
  a.load(4, R1, R5, RULE.action).store(8, R7, SLOT.action, R1);
  const turned = a.label();
  emitEnds(a, context, turned, 'as it is');
  a.jump(met);
  a.here(turned);
  a.load(4, R1, R5, RULE.bothWays).jumpIf('eq', R1, 0, next);
  emitEnds(a, context, next, 'turned');
  a.here(met);
}

function emitFlags(a: Assembler, next: Label): void {
  const met = a.label();
  const ways = [FLAGS_HOW.exact, FLAGS_HOW.all, FLAGS_HOW.any, FLAGS_HOW.not].map((how) => ({ how, label: a.label() }));
  a.load(1, R1, R5, RULE.flagsHow).jumpIf('eq', R1, FLAGS_HOW.none, met);
  a.load(4, R0, R7, FOUND.protocol).jumpIf('ne', R0, PROTOCOL.tcp, next);
  a.load(4, R0, R7, FOUND.kind).jumpIf('ne', R0, PACKET_KIND.transport, next);
  a.load(4, R0, R7, FOUND.flags).load(1, R2, R5, RULE.flagsSeen).and(R0, R2).load(1, R2, R5, RULE.flags);
  a.mov(R3, R0).and(R3, R2);
  for (const { how, label } of ways) a.jumpIf('eq', R1, how, label);
  a.jump(next);
  const [exact, all, any, not] = ways.map(({ label }) => label);
  a.here(exact);
  a.jumpIf('eq', R0, R2, met).jump(next);
  a.here(all);
  a.jumpIf('eq', R3, R2, met).jump(next);
  a.here(any);
  a.jumpIf('ne', R3, 0, met).jump(next);
  a.here(not);
  a.jumpIf('eq', R3, R2, next);
  a.here(met);
}

function emitEnds(a: Assembler, context: MatchContext, next: Label, way: 'as it is' | 'turned'): void {
  const turned = way === 'turned';
  emitPort(a, context, RULE.sourcePort, turned ? FOUND.destinationPort : FOUND.sourcePort, next);
  emitPort(a, context, RULE.destinationPort, turned ? FOUND.sourcePort : FOUND.destinationPort, next);
  emitAddress(a, context, RULE.source, turned ? ADDRESS.destination : ADDRESS.source, next);
  emitAddress(a, context, RULE.destination, turned ? ADDRESS.source : ADDRESS.destination, next);
}

/** R0 = a place in the tables from the rule, which is inside with `size` bytes; goes to `any` for 0. */
function emitSet(
  a: Assembler,
  { tables, tablesMap }: MatchContext,
  field: number,
  size: number,
  any: Label,
  next: Label,
): void {
  a.load(4, R0, R5, field)
    .jumpIf('eq', R0, 0, any)
    .jumpIf('gt', R0, Math.max(0, tables.bytes.length - size), next);
  a.loadMapValue(R1, tablesMap).add(R1, R0);
}

function emitPort(a: Assembler, context: MatchContext, field: number, from: number, next: Label): void {
  const any = a.label();
  emitSet(a, context, field, 0x1_0000 / 8, any, next);
  a.load(4, R2, R7, from).jumpIf('ge', R2, NO_PORT, next).mov(R3, R2).alu('rsh', R3, 3).add(R1, R3).load(1, R1, R1, 0);
  a.and(R2, 7).alu('rsh', R1, R2).and(R1, 1).jumpIf('eq', R1, 0, next);
  a.here(any);
}

/** Looks through the ranges of the set, of the packet's version. */
function emitAddress(a: Assembler, context: MatchContext, field: number, from: number, next: Label): void {
  const { tables, tablesMap } = context;
  const [any, six, met, over] = [a.label(), a.label(), a.label(), a.label()];
  emitSet(a, context, field, ADDRESS_SET.ranges, any, next);
  a.load(4, R2, R1, ADDRESS_SET.count4).load(4, R3, R1, ADDRESS_SET.count6).add(R0, ADDRESS_SET.ranges);
  a.jumpIf('gt', R2, MOST_RANGES, next).jumpIf('gt', R3, MOST_RANGES, next);
  a.load(4, R1, R7, FOUND.version).jumpIf('eq', R1, 6, six);
  // R0 is the place of a range, R2 where those of this version end.
  a.alu('mul', R2, ADDRESS_SET.size4).add(R2, R0);
  const four = a.here();
  a.jumpIf('ge', R0, R2, over).jumpIf('gt', R0, tables.bytes.length - ADDRESS_SET.size4, over);
  a.loadMapValue(R1, tablesMap).add(R1, R0).add(R0, ADDRESS_SET.size4);
  a.load(8, R3, R7, from).load(4, R4, R1, 0);
  const later = a.label();
  a.jumpIf('lt', R3, R4, later).load(4, R4, R1, 4).jumpIf('le', R3, R4, met);
  a.here(later);
  a.mayGoto(over).jump(four);
  a.here(six);
  a.alu('mul', R2, ADDRESS_SET.size4).add(R0, R2).mov(R2, R3).alu('mul', R2, ADDRESS_SET.size6).add(R2, R0);
  const loop = a.here();
  a.jumpIf('ge', R0, R2, over).jumpIf('gt', R0, tables.bytes.length - ADDRESS_SET.size6, over);
  a.loadMapValue(R1, tablesMap).add(R1, R0).add(R0, ADDRESS_SET.size6);
  const [no, above, below] = [a.label(), a.label(), a.label()];
  // first <= address: the upper halves decide, unless they are equal.
  a.load(8, R3, R7, from).load(8, R4, R1, 0).jumpIf('lt', R3, R4, no).jumpIf('gt', R3, R4, above);
  a.load(8, R3, R7, from + 8)
    .load(8, R4, R1, 8)
    .jumpIf('lt', R3, R4, no);
  a.here(above);
  a.load(8, R3, R7, from).load(8, R4, R1, 16).jumpIf('gt', R3, R4, no).jumpIf('lt', R3, R4, below);
  a.load(8, R3, R7, from + 8)
    .load(8, R4, R1, 24)
    .jumpIf('gt', R3, R4, no);
  a.here(below);
  a.jump(met);
  a.here(no);
  a.mayGoto(over).jump(loop);
  a.here(over);
  a.jump(next);
  a.here(met);
  a.here(any);
}

/** Sets the content's bit; with all of them notes that the rule matches, or waits to be decided late. */
function emitProgress(a: Assembler, context: MatchContext, next: Label): void {
  const same = a.label();
  a.load(8, R1, R7, SLOT.rule).store(4, FP, KEY_AT, R1).loadMap(R1, context.progress).mov(R2, FP).add(R2, KEY_AT);
  a.call('mapLookup').jumpIf('eq', R0, 0, next);
  a.load(4, R1, R0, PROGRESS.packet).load(4, R2, R7, SLOT.packet);
  a.load(4, R3, R0, PROGRESS.bits).jumpIf('eq', R1, R2, same);
  a.store(4, R0, PROGRESS.packet, R2).store(4, R0, PROGRESS.seen, 0).mov(R3, 0);
  a.here(same);
  a.load(8, R1, R7, SLOT.bit).alu('or', R3, R1).store(4, R0, PROGRESS.bits, R3);
  if (context.tables.lateCount > 0) a.load(8, R1, R7, SLOT.begin).store(4, R0, PROGRESS.begin, R1);
  if (context.tables.spans) emitSpans(a, next);
  a.load(8, R1, R7, SLOT.needed).mov(R2, R3).and(R2, R1).jumpIf('ne', R2, R1, next);
  a.jumpIf('set', R3, COMPLETE, next).alu('or', R3, COMPLETE).store(4, R0, PROGRESS.bits, R3);
  if (context.tables.lateCount > 0) {
    const now = a.label();
    a.load(8, R1, R7, SLOT.late).jumpIf('eq', R1, 0, now);
    emitWait(a, context, next);
    a.here(now);
  }
  emitMatch(a, { next });
}

/** What segments before had of the rule counts too, if this content is new in the packet and in the stream. R3 has the bits. */
function emitSpans(a: Assembler, next: Label): void {
  const apart = a.label();
  a.load(8, R1, R7, SLOT.spans).jumpIf('eq', R1, 0, apart).jumpIf('set', R3, COMPLETE, next);
  // One that must not be there counts in its own packet.
  a.load(8, R1, R7, SLOT.bit).load(8, R2, R7, SLOT.needed).and(R2, R1).jumpIf('eq', R2, 0, apart);
  a.load(4, R4, R0, PROGRESS.seen).mov(R2, R4).alu('or', R4, R1).store(4, R0, PROGRESS.seen, R4);
  a.and(R2, R1).jumpIf('ne', R2, 0, apart);
  a.load(8, R1, R7, SLOT.sequence).jumpIf('eq', R1, 0, apart);
  emitSpan(a);
  a.here(apart);
}

/** The late rule SLOT.late - 1 waits. Goes to `next`. */
function emitWait(a: Assembler, { tables, late }: MatchContext, next: Label): void {
  a.store(8, R7, SLOT.waiting, 1);
  a.store(4, FP, KEY_AT, 0).loadMap(R1, late).mov(R2, FP).add(R2, KEY_AT).call('mapLookup').jumpIf('eq', R0, 0, next);
  a.load(8, R1, R7, SLOT.late).alu('sub', R1, 1).jumpIf('ge', R1, tables.lateCount, next);
  a.mov(R2, R1).alu('rsh', R2, 6).alu('lsh', R2, 3).add(R0, R2).and(R1, 63);
  a.mov(R3, 1).alu('lsh', R3, R1).load(8, R4, R0, 0).alu('or', R4, R3).store(8, R0, 0, R4).jump(next);
}

/** Rule SLOT.rule matches; it is told unless `silent` is not 0. Uses R1 to R4. */
export function emitMatch(a: Assembler, { silent, next }: { silent?: Register; next: Label }): void {
  const full = a.label();
  if (silent !== undefined) a.mov(R4, silent);
  a.load(8, R1, R7, SLOT.action).mov(R2, 1).alu('lsh', R2, R1);
  a.load(8, R1, R7, SLOT.actions).alu('or', R1, R2).store(8, R7, SLOT.actions, R1);
  if (silent !== undefined) a.jumpIf('ne', R4, 0, next);
  // The first rules are told by number.
  a.load(8, R1, R7, SLOT.told).jumpIf('ge', R1, MOST_TOLD, full).mov(R2, R1).add(R2, 1).store(8, R7, SLOT.told, R2);
  a.alu('lsh', R1, 2)
    .add(R1, R7)
    .load(8, R3, R7, SLOT.rule)
    .store(4, R1, RECORD_AT + RECORD.rules, R3);
  a.load(8, R3, R7, SLOT.begin)
    .store(4, R1, RECORD_AT + RECORD.offsets, R3)
    .jump(next);
  a.here(full);
  emitReason(a, REASON.untold);
}

/** Uses R4. */
export function emitReason(a: Assembler, reason: number): void {
  a.load(8, R4, R7, SLOT.reason).alu('or', R4, reason).store(8, R7, SLOT.reason, R4);
}

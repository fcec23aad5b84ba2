// SPDX-License-Identifier: Apache-2.0
// Rules that are decided when all of the payload has been looked at: since a content must not be there, since a byte is looked for at
// a known place, or since they ask for bits of the connection, in an order of their own (`lateOrder`).

import { type Assembler, FP, type Label, type MapDefinition, R0, R1, R2, R3, R4, R5, R7, R8, R9 } from '@plinth/ebpf';
import { MOST_WINDOW } from '../kernel-contents.js';
import { FLOW_AT, FLOW_VALUE } from './connection-code.js';
import { FOUND } from './decode-code.js';
import { COMPLETE, emitMatch, type MatchContext, PROGRESS } from './match-code.js';
import { CONDITION, LATE, type RuleTables, WINDOW } from './rule-tables.js';
import { emitLoadBytes } from './place-code.js';
import { KEY_AT, SLOT } from './slots.js';

/** A bit for each late rule that waits to be decided. */
export function lateMap({ lateCount }: RuleTables): MapDefinition {
  const valueSize = 8 * Math.max(1, Math.ceil(lateCount / 64));
  return { name: 'late', type: 'percpuArray', keySize: 4, valueSize, maxEntries: 1 };
}

/** Decides those that wait. Uses all registers but R6 and R7, and the beginning of the piece. */
export function emitLate(a: Assembler, context: MatchContext): void {
  const { tables, late } = context;
  const [over, nextWord, nextBit] = [a.label(), a.label(), a.label()];
  a.load(8, R1, R7, SLOT.waiting).jumpIf('eq', R1, 0, over);
  a.store(4, FP, KEY_AT, 0).loadMap(R1, late).mov(R2, FP).add(R2, KEY_AT).call('mapLookup').jumpIf('eq', R0, 0, over);
  a.mov(R8, R0).store(8, R7, SLOT.entry, 0);
  const words = a.here();
  a.load(8, R1, R7, SLOT.entry).jumpIf('ge', R1, Math.ceil(tables.lateCount / 64), over);
  a.mov(R2, R1).alu('lsh', R2, 3).add(R2, R8).load(8, R3, R2, 0).jumpIf('eq', R3, 0, nextWord);
  a.store(8, R2, 0, 0).store(8, R7, SLOT.bits, R3).alu('lsh', R1, 6).store(8, R7, SLOT.entryEnd, R1);
  const bits = a.here();
  const decided = a.label();
  a.load(8, R3, R7, SLOT.bits).jumpIf('eq', R3, 0, nextWord).jumpIf('set', R3, 1, decided).jump(nextBit);
  a.here(decided);
  emitLateRule(a, context, nextBit);
  a.here(nextBit);
  a.load(8, R3, R7, SLOT.bits).alu('rsh', R3, 1).store(8, R7, SLOT.bits, R3);
  a.load(8, R3, R7, SLOT.entryEnd).add(R3, 1).store(8, R7, SLOT.entryEnd, R3).mayGoto(over).jump(bits);
  a.here(nextWord);
  a.load(8, R1, R7, SLOT.entry).add(R1, 1).store(8, R7, SLOT.entry, R1).mayGoto(over).jump(words);
  a.here(over);
}

/** Number SLOT.entryEnd among the late rules. R9 points to it. */
function emitLateRule(a: Assembler, context: MatchContext, next: Label): void {
  const { tables, tablesMap, progress } = context;
  a.load(8, R1, R7, SLOT.entryEnd).jumpIf('ge', R1, tables.lateCount, next).alu('mul', R1, LATE.size);
  a.loadMapValue(R9, tablesMap, tables.late).add(R9, R1);
  a.load(4, R1, R9, LATE.rule).store(8, R7, SLOT.rule, R1).store(4, FP, KEY_AT, R1);
  a.loadMap(R1, progress).mov(R2, FP).add(R2, KEY_AT).call('mapLookup').jumpIf('eq', R0, 0, next);
  // It may have waited since an earlier packet, which could not be looked at to its end.
  a.load(4, R1, R0, PROGRESS.packet).load(4, R2, R7, SLOT.packet).jumpIf('ne', R1, R2, next);
  a.load(4, R1, R0, PROGRESS.bits).and(R1, COMPLETE).jumpIf('eq', R1, 0, next);
  a.load(4, R1, R0, PROGRESS.bits).load(4, R2, R9, LATE.forbidden).and(R1, R2).jumpIf('ne', R1, 0, next);
  a.load(4, R1, R0, PROGRESS.begin).store(8, R7, SLOT.begin, R1);
  emitWindows(a, context, next);
  emitFlowbits(a, context, next);
  a.load(4, R1, R9, LATE.action).store(8, R7, SLOT.action, R1).load(4, R1, R9, LATE.silent);
  emitMatch(a, { silent: R1, next });
}

/** Bytes at known places. */
function emitWindows(a: Assembler, { tables, tablesMap }: MatchContext, next: Label): void {
  const [over, more, absent, found] = [a.label(), a.label(), a.label(), a.label()];
  a.load(4, R1, R9, LATE.windows).store(8, R7, SLOT.window, R1);
  a.load(4, R2, R9, LATE.windowCount).alu('mul', R2, WINDOW.size).add(R2, R1).store(8, R7, SLOT.windowEnd, R2);
  const loop = a.here();
  a.load(8, R1, R7, SLOT.window).load(8, R2, R7, SLOT.windowEnd).jumpIf('ge', R1, R2, over);
  a.jumpIf('gt', R1, tables.bytes.length - WINDOW.size, next)
    .loadMapValue(R5, tablesMap)
    .add(R5, R1);
  // From R2 to R3 of the payload.
  const [whole, anywhere, fits] = [a.label(), a.label(), a.label()];
  a.load(4, R4, R7, FOUND.payloadLength).load(4, R2, R5, WINDOW.from).load(4, R3, R5, WINDOW.end);
  a.jumpIf('le', R3, R4, whole).mov(R3, R4);
  a.here(whole);
  a.load(4, R1, R5, WINDOW.atEnd).jumpIf('eq', R1, 0, anywhere);
  a.jumpIf('ne', R3, R4, absent).alu('sub', R4, 1).jumpIf('ge', R2, R4, anywhere).mov(R2, R4);
  a.here(anywhere);
  a.jumpIf('ge', R2, R3, absent).mov(R4, R3).alu('sub', R4, R2);
  a.jumpIf('le', R4, MOST_WINDOW, fits).mov(R4, MOST_WINDOW);
  a.here(fits);
  a.jumpIf('eq', R4, 0, absent).store(8, R7, SLOT.position, R4);
  a.load(4, R1, R7, FOUND.payload).add(R2, R1);
  emitLoadBytes(a.mov(R3, R7)).jumpIf('ne', R0, 0, absent);
  a.load(8, R1, R7, SLOT.window).jumpIf('gt', R1, tables.bytes.length - WINDOW.size, next);
  a.loadMapValue(R5, tablesMap).add(R5, R1).load(4, R2, R5, WINDOW.byte).load(4, R3, R5, WINDOW.fold);
  // What is left of it is in SLOT.position.
  const byte = a.here();
  a.load(8, R1, R7, SLOT.position).alu('sub', R1, 1).jumpIf('ge', R1, MOST_WINDOW, absent);
  a.store(8, R7, SLOT.position, R1).add(R1, R7).load(1, R1, R1, 0).alu('or', R1, R3).jumpIf('eq', R1, R2, found);
  a.mayGoto(absent).jump(byte);
  a.here(absent);
  a.mov(R4, 0).jump(more);
  a.here(found);
  a.mov(R4, 1);
  a.here(more);
  // It is there, or it must not be.
  a.load(8, R1, R7, SLOT.window).jumpIf('gt', R1, tables.bytes.length - WINDOW.size, next);
  a.loadMapValue(R5, tablesMap).add(R5, R1).load(4, R2, R5, WINDOW.negated).jumpIf('eq', R2, R4, next);
  a.add(R1, WINDOW.size).store(8, R7, SLOT.window, R1).mayGoto(over).jump(loop);
  a.here(over);
}

/** What is asked of the bits of the connection, and what becomes of them. */
function emitFlowbits(a: Assembler, { tables, tablesMap }: MatchContext, next: Label): void {
  const [none, over, isSet, more] = [a.label(), a.label(), a.label(), a.label()];
  a.load(4, R1, R9, LATE.asks).jumpIf('eq', R1, 0, none);
  a.load(8, R0, FP, FLOW_AT).jumpIf('eq', R0, 0, next).load(8, R5, R0, FLOW_VALUE.bits);
  a.load(4, R2, R9, LATE.conditions).load(4, R3, R9, LATE.conditionCount).alu('mul', R3, CONDITION.size).add(R3, R2);
  const loop = a.here();
  a.jumpIf('ge', R2, R3, over).jumpIf('gt', R2, tables.bytes.length - CONDITION.size, next);
  a.loadMapValue(R1, tablesMap).add(R1, R2).add(R2, CONDITION.size).load(8, R4, R1, CONDITION.bits);
  a.load(8, R1, R1, CONDITION.wanted).jumpIf('ne', R1, 0, isSet);
  a.mov(R1, R5).alu('xor', R1, -1).and(R1, R4).jumpIf('eq', R1, 0, next).jump(more);
  a.here(isSet);
  a.mov(R1, R5).and(R1, R4).jumpIf('eq', R1, 0, next);
  a.here(more);
  a.mayGoto(over).jump(loop);
  a.here(over);
  a.load(8, R1, R9, LATE.set).atomic('or', 8, R0, FLOW_VALUE.bits, R1);
  a.load(8, R1, R9, LATE.unset).atomic('and', 8, R0, FLOW_VALUE.bits, R1);
  a.load(8, R1, R9, LATE.toggle).atomic('xor', 8, R0, FLOW_VALUE.bits, R1);
  a.here(none);
}

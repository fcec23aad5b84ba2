// SPDX-License-Identifier: Apache-2.0
// What is told of a packet: a record of the ring buffer. If a rule's match has to be confirmed, the bytes of the frame come behind it,
// in room of one of a few sizes, since the verifier wants to know how much is reserved.

import { type Assembler, FP, type Label, type MapDefinition, R0, R1, R2, R3, R4, R7, R8, R9 } from '@plinth/ebpf';
import { ADDRESS, FOUND } from './decode-code.js';
import { emitInterface, emitLoadBytes } from './place-code.js';
import { COUNTERS_AT, SLOT, SLOTS_END } from './slots.js';

/** Rules of one packet that are told. */
export const MOST_TOLD = 32;

/** A record of the ring buffer, 4 bytes each but for the time and the clearance. */
export const RECORD = {
  /** Nanoseconds since the start of the machine (CLOCK_MONOTONIC). */
  time: 0,
  interface: 8,
  /** Of `VERDICT`, at XDP too. */
  verdict: 12,
  /** Of the frame. */
  length: 16,
  /** How many rules are told. */
  count: 20,
  /** Why it is told or dropped without a rule: bits of `REASON`. */
  reason: 24,
  /** Bits of `FLOW_FACT`. */
  flow: 28,
  /** Where the payload begins in what its sender has sent on the connection, in bytes modulo 2^32. */
  stream: 32,
  /** Bytes of the frame that are there, behind the record; fewer than `length` if it is longer than `MOST_CAPTURED`. */
  captured: 36,
  /** What clears a packet that is held, 16 bytes, see `CLEARED`. */
  clearance: 40,
  /** Of which tables the rules are numbers. */
  generation: 56,
  /** Of IP and above it; two bytes each. Ports are of TCP and UDP. */
  version: 60,
  protocol: 62,
  sourcePort: 64,
  destinationPort: 66,
  /** 16 bytes each, as `ADDRESS` has them. */
  source: 72,
  destination: 88,
  /** Numbers of the rules, then for each of them where the content begins that was found last, or `NO_OFFSET`. */
  rules: 104,
  offsets: 232,
  size: 360,
} as const;

/** An offset of a rule without contents. One below 0 is of a content that began in a packet before. */
export const NO_OFFSET: number = -0x8000_0000;

/** What else may be wrong with a packet. */
export const REASON = {
  /** Bytes of the stream are missing before it. */
  gap: 1,
  /** It has bytes that were there before, and new ones. */
  overlap: 2,
  fragment: 4,
  /** More was found than could be looked at. */
  tooMuch: 8,
  /** More rules matched than a record has room for. */
  untold: 16,
  /** A packet before has had its connection dropped. */
  flow: 32,
  /** It has urgent data, of which a receiver may leave a byte out. */
  urgent: 64,
  /** Rules were changed too often to know what its stream began with. */
  forgotten: 128,
  /** Bytes that were there before are others now. */
  conflict: 256,
} as const;

/** Why a packet could not be looked at as its receiver sees it: it is dropped under fail-closed. */
export const UNINSPECTED: number = REASON.gap | REASON.fragment | REASON.tooMuch | REASON.urgent | REASON.conflict;

/** What is known of the connection; neither direction if nothing is. */
export const FLOW_FACT = { toServer: 1, toClient: 2, established: 4, midstream: 8, inStream: 16 } as const;

export interface EventsOptions {
  /** Some records carry frames. */
  readonly frames: boolean;
}

export function eventsMap({ frames }: EventsOptions): MapDefinition {
  return { name: 'events', type: 'ringBuffer', keySize: 0, valueSize: 0, maxEntries: frames ? 0x80_0000 : 0x4_0000 };
}

/** Bytes of frames for which room is reserved; the largest is what segmentation offload makes, and its headers. */
const ROOMS = [512, 2048, 9216, 0x1_0100] as const;
export const MOST_CAPTURED: number = ROOMS.at(-1)!;

/** Where the record is put together: behind the slots of the piece. */
export const RECORD_AT: number = SLOTS_END;
/** Behind it there is what was found in a piece. */
export const HITS_AT: number = RECORD_AT + RECORD.size;

/** Of each processor, 8 bytes each. */
export const COUNTER = {
  packets: 0,
  /** Of frames. */
  bytes: 8,
  dropped: 16,
  told: 24,
  lost: 32,
  /** Packets told with each bit of `REASON`, from the lowest. */
  reasons: 40,
} as const;
const MOST_REASONS = 16;
/** Packets that were looked at; what is found of one is told from that of another by its number among them. */
export const COUNTERS: MapDefinition = {
  name: 'counters',
  type: 'percpuArray',
  keySize: 4,
  valueSize: COUNTER.reasons + 8 * MOST_REASONS,
  maxEntries: 1,
};

/** Which counter has the packets with this bit of `REASON`. */
export function reasonCounter(bit: number): number {
  return COUNTER.reasons + 8 * Math.log2(bit);
}

/** One more in a counter. Uses R1 and R2. */
export function emitCount(a: Assembler, counter: number): void {
  a.load(8, R1, FP, COUNTERS_AT).load(8, R2, R1, counter).add(R2, 1).store(8, R1, counter, R2);
}

export interface RecordOptions {
  /** Bits of SLOT.actions with which a packet is told with its bytes. */
  readonly flagged: number;
  /** Of the tables. */
  readonly generation: number;
}

/** Tells what SLOT says of the packet. */
export function emitRecord(a: Assembler, events: MapDefinition, { flagged, generation }: RecordOptions): void {
  const [plain, lost, told, over] = [a.label(), a.label(), a.label(), a.label()];
  a.call('ktimeGetNs').store(8, R7, RECORD_AT + RECORD.time, R0);
  emitInterface(a, R1);
  a.store(4, R7, RECORD_AT + RECORD.interface, R1);
  a.load(4, R1, R7, FOUND.length).store(4, R7, RECORD_AT + RECORD.length, R1);
  for (const [from, to] of [
    [SLOT.verdict, RECORD.verdict],
    [SLOT.told, RECORD.count],
    [SLOT.reason, RECORD.reason],
    [SLOT.flow, RECORD.flow],
    [SLOT.stream, RECORD.stream],
  ] as const) {
    a.load(8, R1, R7, from).store(4, R7, RECORD_AT + to, R1);
  }
  a.store(4, R7, RECORD_AT + RECORD.captured, 0).store(4, R7, RECORD_AT + RECORD.generation, generation);
  emitPacketEnds(a);
  if (flagged !== 0) {
    a.load(8, R1, R7, SLOT.actions).and(R1, flagged).jumpIf('eq', R1, 0, plain);
    emitCaptured(a, events, { told, plain });
  }
  a.here(plain);
  a.loadMap(R1, events).mov(R2, R7).add(R2, RECORD_AT).mov(R3, RECORD.size).mov(R4, 0).call('ringbufOutput');
  a.jumpIf('ne', R0, 0, lost);
  a.here(told);
  emitCount(a, COUNTER.told);
  a.jump(over);
  a.here(lost);
  emitCount(a, COUNTER.lost);
  a.here(over);
  for (const bit of Object.values(REASON)) {
    const not = a.label();
    a.load(8, R1, R7, SLOT.reason).and(R1, bit).jumpIf('eq', R1, 0, not);
    emitCount(a, reasonCounter(bit));
    a.here(not);
  }
}

/** Between whom the packet goes. */
function emitPacketEnds(a: Assembler): void {
  for (const [from, to] of [
    [FOUND.version, RECORD.version],
    [FOUND.protocol, RECORD.protocol],
    [FOUND.sourcePort, RECORD.sourcePort],
    [FOUND.destinationPort, RECORD.destinationPort],
  ] as const) {
    a.load(4, R1, R7, from).store(2, R7, RECORD_AT + to, R1);
  }
  for (const [from, to] of [
    [ADDRESS.source, RECORD.source],
    [ADDRESS.destination, RECORD.destination],
  ] as const) {
    a.load(8, R1, R7, from).store(8, R7, RECORD_AT + to, R1);
    a.load(8, R1, R7, from + 8).store(8, R7, RECORD_AT + to + 8, R1);
  }
}

/** The record with the frame behind it; without room for that it is told without. Uses R8 and R9. */
function emitCaptured(a: Assembler, events: MapDefinition, { told, plain }: { told: Label; plain: Label }): void {
  // R9 is how much of the frame goes up.
  a.load(4, R9, R7, FOUND.length);
  ROOMS.forEach((room, n) => {
    const larger = a.label();
    if (n < ROOMS.length - 1) a.jumpIf('gt', R9, room, larger);
    else {
      const fits = a.label();
      a.jumpIf('le', R9, room, fits).mov(R9, room);
      a.here(fits);
    }
    a.loadMap(R1, events)
      .mov(R2, RECORD.size + room)
      .mov(R3, 0)
      .call('ringbufReserve');
    a.jumpIf('eq', R0, 0, plain).mov(R8, R0);
    for (let at = 0; at < RECORD.size; at += 8) a.load(8, R1, R7, RECORD_AT + at).store(8, R8, at, R1);
    const [none, submit] = [a.label(), a.label()];
    a.jumpIf('eq', R9, 0, submit);
    emitLoadBytes(a.mov(R2, 0).mov(R3, R8).add(R3, RECORD.size).mov(R4, R9)).jumpIf('ne', R0, 0, none);
    a.store(4, R8, RECORD.captured, R9).jump(submit);
    a.here(none);
    a.store(4, R8, RECORD.captured, 0);
    a.here(submit);
    a.mov(R1, R8).mov(R2, 0).call('ringbufSubmit').jump(told);
    a.here(larger);
  });
}

// SPDX-License-Identifier: Apache-2.0
// What the program tells of a packet, as a value.

import { PlinthError } from '@plinth/core';
import { CLEARANCE } from './program/hold-code.js';
import { FLOW_FACT, MOST_TOLD, NO_OFFSET, RECORD } from './program/record-code.js';

/** What is known of the connection that a packet belongs to. */
export interface FlowFacts {
  readonly direction: 'to_server' | 'to_client' | undefined;
  readonly established: boolean;
  /** Its beginning was not seen. */
  readonly midstream: boolean;
  /** Where the payload begins in what its sender has sent, in bytes modulo 2^32; undefined if it goes on from nothing known. */
  readonly position: number | undefined;
}

/** Between whom a packet goes. */
export interface PacketEnds {
  /** 0 for what is not IP. */
  readonly version: number;
  /** Number of the protocol above IP. */
  readonly protocol: number;
  /** 4 or 16 bytes, in network order. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** 0 for what has no ports. */
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export interface PacketEvent {
  /** Nanoseconds since the start of the machine. */
  readonly time: bigint;
  readonly interface: number;
  readonly verdict: 'next' | 'drop';
  /** Bytes of the frame. */
  readonly length: number;
  /**
   * Rules that matched, by their numbers in the order in which they were found to, and where in the payload the content begins that
   * was found last: below 0 in a packet before, undefined for a rule without contents.
   */
  readonly matches: readonly { readonly rule: number; readonly offset: number | undefined }[];
  /** Bits of `REASON`. */
  readonly reason: number;
  readonly flow: FlowFacts;
  readonly ends: PacketEnds;
  /** Of the tables whose rules these are. */
  readonly generation: number;
  /** With a rule that is to be confirmed: the frame, or its beginning. It is a view of the record. */
  readonly frame: Uint8Array | undefined;
  /** Of a packet that is held: the key of an entry of map `cleared` by which its bytes pass when they are sent again. */
  readonly clearance: Uint8Array | undefined;
}

/** @throws PlinthError `input` for bytes that are no record of the program */
export function readEvent(record: Uint8Array): PacketEvent {
  const view = new DataView(record.buffer, record.byteOffset, record.length);
  const word = (at: number): number => view.getUint32(at, true);
  const [count, captured] = record.length < RECORD.size ? [0, 0] : [word(RECORD.count), word(RECORD.captured)];
  if (record.length < RECORD.size + captured || count > MOST_TOLD) {
    throw new PlinthError('input', 'packet-record', `a record of ${record.length} bytes is none of the packet program`);
  }
  const clearance = record.slice(RECORD.clearance, RECORD.clearance + CLEARANCE.size);
  const flow = word(RECORD.flow);
  const has = (fact: number): boolean => (flow & fact) !== 0;
  return {
    time: view.getBigUint64(RECORD.time, true),
    interface: word(RECORD.interface),
    verdict: view.getInt32(RECORD.verdict, true) === -1 ? 'next' : 'drop',
    length: word(RECORD.length),
    matches: Array.from({ length: count }, (_, n) => {
      const offset = view.getInt32(RECORD.offsets + 4 * n, true);
      return { rule: word(RECORD.rules + 4 * n), offset: offset === NO_OFFSET ? undefined : offset };
    }),
    reason: word(RECORD.reason),
    flow: {
      direction: has(FLOW_FACT.toServer) ? 'to_server' : has(FLOW_FACT.toClient) ? 'to_client' : undefined,
      established: has(FLOW_FACT.established),
      midstream: has(FLOW_FACT.midstream),
      position: has(FLOW_FACT.inStream) ? word(RECORD.stream) : undefined,
    },
    ends: {
      version: view.getUint16(RECORD.version, true),
      protocol: view.getUint16(RECORD.protocol, true),
      source: addressAt(view, RECORD.source),
      destination: addressAt(view, RECORD.destination),
      sourcePort: view.getUint16(RECORD.sourcePort, true),
      destinationPort: view.getUint16(RECORD.destinationPort, true),
    },
    generation: word(RECORD.generation),
    frame: captured === 0 ? undefined : record.subarray(RECORD.size, RECORD.size + captured),
    clearance: clearance.some((byte) => byte !== 0) ? clearance : undefined,
  };
}

function addressAt(view: DataView, at: number): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(16));
  bytes.setBigUint64(0, view.getBigUint64(at, true));
  bytes.setBigUint64(8, view.getBigUint64(at + 8, true));
  // Of IPv4 it is one number, whose lower half has the address.
  return new Uint8Array(bytes.buffer).slice(...(view.getUint16(RECORD.version, true) === 6 ? [0, 16] : [4, 8]));
}

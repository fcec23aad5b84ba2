// SPDX-License-Identifier: Apache-2.0
// A packet that is held until its match is confirmed. Whoever finds that nothing matched enters what the record says of it into a map,
// and the same bytes pass when they are sent again. They are the same by a hash that begins with a number which nobody but the
// connection knows, so a sender cannot make others that have it.

import { type Assembler, FP, type Label, type MapDefinition, R0, R1, R2, R3, R4, R7, R8, R9 } from '@plinth/ebpf';
import { FLOW_AT, FLOW_VALUE } from './connection-code.js';
import { FOUND } from './decode-code.js';
import { RECORD, RECORD_AT } from './record-code.js';
import { emitLoadBytes } from './place-code.js';
import { PIECE, SLOT } from './slots.js';

/** What clears a packet: hash of the payload, then its sequence number and its length. */
export const CLEARANCE = { size: 16, hash: 0, sequence: 8, length: 12 } as const;

/** Clearances of packets that may pass; the values mean nothing. */
export const CLEARED: MapDefinition = {
  name: 'cleared',
  type: 'lruHash',
  keySize: CLEARANCE.size,
  valueSize: 8,
  maxEntries: 16_384,
};

/** An odd number without a pattern. */
const FACTOR = 0x9e6c_63d0_876a_3f6bn;

/** Goes to `cleared` if the packet may pass; what would clear it is in the record. Uses all registers but R6 and R7. */
export function emitHold(a: Assembler, cleared: Label): void {
  const [held, done, hashed] = [a.label(), a.label(), a.label()];
  const at = RECORD_AT + RECORD.clearance;
  a.load(8, R0, FP, FLOW_AT).jumpIf('eq', R0, 0, held);
  a.load(8, R1, R0, FLOW_VALUE.secret).store(8, R7, SLOT.hash, R1).store(8, R7, SLOT.base, 0);
  const loop = a.here();
  const fits = a.label();
  a.load(4, R9, R7, FOUND.payloadLength).load(8, R1, R7, SLOT.base).jumpIf('ge', R1, R9, done).alu('sub', R9, R1);
  a.jumpIf('le', R9, PIECE, fits).mov(R9, PIECE);
  a.here(fits);
  a.jumpIf('eq', R9, 0, done).jumpIf('gt', R9, PIECE, done);
  a.load(4, R2, R7, FOUND.payload).add(R2, R1);
  emitLoadBytes(a.mov(R3, R7).mov(R4, R9)).jumpIf('ne', R0, 0, held);
  // The last word is filled up with zeroes.
  a.mov(R1, R7).add(R1, R9).store(8, R1, 0, 0).store(8, R7, SLOT.scan, 0).load(8, R8, R7, SLOT.scan);
  const word = a.here();
  a.jumpIf('ge', R8, R9, hashed)
    .jumpIf('ge', R8, PIECE, hashed)
    .mov(R1, R7)
    .add(R1, R8)
    .load(8, R2, R1, 0)
    .load(8, R3, R7, SLOT.hash)
    .add(R3, R2);
  a.loadImmediate64(R4, FACTOR).alu('mul', R3, R4).mov(R2, R3).alu('rsh', R2, 29).alu('xor', R3, R2);
  a.store(8, R7, SLOT.hash, R3).add(R8, 8).mayGoto(hashed).jump(word);
  a.here(hashed);
  a.load(8, R1, R7, SLOT.base).add(R1, R9).store(8, R7, SLOT.base, R1).mayGoto(done).jump(loop);
  a.here(done);
  a.load(8, R1, R7, SLOT.hash).store(8, R7, at + CLEARANCE.hash, R1);
  a.load(4, R1, R7, FOUND.sequence).store(4, R7, at + CLEARANCE.sequence, R1);
  a.load(4, R1, R7, FOUND.payloadLength).store(4, R7, at + CLEARANCE.length, R1);
  a.loadMap(R1, CLEARED).mov(R2, R7).add(R2, at).call('mapLookup').jumpIf('ne', R0, 0, cleared);
  a.here(held);
}

// SPDX-License-Identifier: Apache-2.0
// The ring in which generated code notes the blocks that it enters, the last ones of all CPUs in the order in which they
// were entered. Where it lies is for the machine to say.

import type { Code } from '@plinth/wasmgen';

/**
 * Three words, byte offsets. The head counts bytes, without bound but that of 32 bits, and its place is `head & mask`; a
 * base of zero means that nothing is noted.
 */
export const BLOCK_RING = { head: 0, base: 4, mask: 8, size: 12 } as const;

/** An entry: the virtual address of the block, with bit 0 set in T32 state, and CPU.budget before its first instruction. */
export const RING_ENTRY = { address: 0, budget: 4, size: 8 } as const;

/** A ring whose place is known: for regions. */
export interface RingPlace {
  /** Address of the three words. */
  readonly control: number;
  readonly base: number;
  readonly mask: number;
}

/** What is noted of a block; each leaves one number on the stack. */
export interface RingNote {
  readonly address: () => void;
  readonly budget: () => void;
  /** Zero if there is no block to be noted after all; 1 if left out. */
  readonly happens?: () => void;
}

/** Notes a block in a ring whose place is known. `head` and `at` are locals to work with. */
export function writeRingNote(code: Code, ring: RingPlace, locals: { head: number; at: number }, note: RingNote): void {
  const { head, at } = locals;
  code.i32(ring.control).memory('i32.load', BLOCK_RING.head).tee(head).i32(ring.mask).op('i32.and').set(at);
  // What does not happen is written over by the next one.
  code.get(at);
  note.address();
  code.memory('i32.store', ring.base + RING_ENTRY.address).get(at);
  note.budget();
  code.memory('i32.store', ring.base + RING_ENTRY.budget);
  code.i32(ring.control).get(head);
  if (note.happens === undefined) code.i32(RING_ENTRY.size);
  else {
    note.happens();
    code.i32(Math.log2(RING_ENTRY.size)).op('i32.shl');
  }
  code.op('i32.add').memory('i32.store', BLOCK_RING.head);
}

/** The same in a ring whose place is looked up; nothing if there is none. */
export function writeRingNoteIfWanted(
  code: Code,
  control: number,
  locals: { head: number; at: number },
  note: RingNote,
): void {
  const { head, at } = locals;
  code.i32(control).memory('i32.load', BLOCK_RING.base).tee(at);
  const wanted = code.if();
  code.i32(control).memory('i32.load', BLOCK_RING.head).tee(head);
  code.i32(control).memory('i32.load', BLOCK_RING.mask).op('i32.and').get(at).op('i32.add').set(at);
  code.get(at);
  note.address();
  code.memory('i32.store', RING_ENTRY.address).get(at);
  note.budget();
  code.memory('i32.store', RING_ENTRY.budget);
  code.i32(control).get(head).i32(RING_ENTRY.size).op('i32.add').memory('i32.store', BLOCK_RING.head);
  code.end(wanted);
}

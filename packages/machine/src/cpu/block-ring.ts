// SPDX-License-Identifier: Apache-2.0
// The last blocks that were executed, of all CPUs in their order. Generated code notes the address and what was left of the
// budget; which CPU that was, and what the budget is counted from, is the same for a whole slice and is noted here.

import { BLOCK_RING, RING_ENTRY, type RingPlace } from '@plinth/arm';
import { assert } from '@plinth/core';
import { BLOCK_RING_AT, BLOCK_RING_SIZE } from '../memory/layout.js';

/** A block that was entered. */
export interface ExecutedBlock {
  readonly cpu: number;
  /** Virtual, of its first instruction. */
  readonly address: number;
  readonly thumb: boolean;
  /** Instructions since power-on, of all CPUs, before its first one. */
  readonly count: number;
}

/** Blocks that can be kept at most. */
export const MOST_BLOCKS: number = BLOCK_RING_SIZE / RING_ENTRY.size;

const control = (field: number): number => (BLOCK_RING_AT + field) >> 2;

export class BlockRing {
  readonly #words: Int32Array;
  readonly #base: number;
  #capacity = 0;
  #entries = 0;
  /** Entries since power-on up to when the head was last looked at, and the head then. */
  #total = 0;
  #head = 0;
  /** The first entry that is of this run: not before a state that was restored. */
  #first = 0;
  /** Slices by the number of their first entry, in a ring of their own: a slice without any is written over. */
  #slices = { first: new Float64Array(0), end: new Float64Array(0), cpu: new Uint8Array(0) };
  #sliceCount = 0;

  /** `base` is where its entries lie in memory. */
  constructor(memory: WebAssembly.Memory, base: number) {
    this.#words = new Int32Array(memory.buffer);
    this.#base = base;
  }

  get active(): boolean {
    return this.#entries > 0;
  }

  /** Blocks that are kept; 0 while none are. */
  get capacity(): number {
    return this.#capacity;
  }

  /** For generated code. */
  get place(): RingPlace | undefined {
    if (this.#entries === 0) return undefined;
    return { control: BLOCK_RING_AT, base: this.#base, mask: this.#entries * RING_ENTRY.size - 1 };
  }

  begin(capacity: number): void {
    assert(capacity > 0 && capacity <= MOST_BLOCKS, `1 to ${MOST_BLOCKS} blocks can be kept`);
    this.#capacity = capacity;
    this.#entries = 2 ** Math.ceil(Math.log2(capacity));
    // Each slice but the last has an entry, and the last may begin behind all of them.
    const slices = this.#entries + 2;
    this.#slices = { first: new Float64Array(slices), end: new Float64Array(slices), cpu: new Uint8Array(slices) };
    this.#sliceCount = 0;
    this.#total = this.#head = this.#first = 0;
    this.#words[control(BLOCK_RING.head)] = 0;
    this.#words[control(BLOCK_RING.mask)] = this.#entries * RING_ENTRY.size - 1;
    this.#words[control(BLOCK_RING.base)] = this.#base;
  }

  end(): void {
    this.#words[control(BLOCK_RING.base)] = 0;
    this.#capacity = this.#entries = 0;
  }

  /** What is there is of another run. */
  forget(): void {
    this.#first = this.#look();
    this.#sliceCount = 0;
  }

  /** Entries up to now. A slice never adds as many as the head can count. */
  #look(): number {
    const head = this.#words[control(BLOCK_RING.head)]! >>> 0;
    this.#total += ((head - this.#head) >>> 0) / RING_ENTRY.size;
    this.#head = head;
    return this.#total;
  }

  /** A slice begins, of a CPU that will have executed up to `end` instructions, counted since power-on, when its budget is spent. */
  slice(cpu: number, end: number): void {
    const first = this.#look();
    const slices = this.#slices;
    const size = slices.first.length;
    if (this.#sliceCount > 0 && slices.first[(this.#sliceCount - 1) % size] === first) this.#sliceCount--;
    const at = this.#sliceCount++ % size;
    slices.first[at] = first;
    slices.end[at] = end;
    slices.cpu[at] = cpu;
  }

  /** The last blocks, at most so many and those that are kept, the latest last. */
  last(most: number = this.#capacity): ExecutedBlock[] {
    const blocks: ExecutedBlock[] = [];
    if (!this.active) return blocks;
    const total = this.#look();
    const { first, end, cpu } = this.#slices;
    const oldest = Math.max(this.#first, total - Math.min(most, this.#capacity));
    let slice = this.#sliceCount - 1;
    for (let entry = total - 1; entry >= oldest; entry--) {
      while (first[slice % first.length]! > entry) slice--;
      const at = (this.#base + (entry % this.#entries) * RING_ENTRY.size) >> 2;
      const address = this.#words[at + RING_ENTRY.address / 4]! >>> 0;
      const budget = this.#words[at + RING_ENTRY.budget / 4]!;
      const where = slice % first.length;
      blocks.push({
        cpu: cpu[where]!,
        address: (address & ~1) >>> 0,
        thumb: (address & 1) !== 0,
        count: end[where]! - budget,
      });
    }
    return blocks.reverse();
  }
}

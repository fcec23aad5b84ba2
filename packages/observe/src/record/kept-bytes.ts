// SPDX-License-Identifier: Apache-2.0
// The RAM of a machine at several times, in pages that all of them share; and how much memory that takes. Pages lie in
// blocks, so that a time costs the blocks in which something has changed.

import type { PhysicalMemory } from '@plinth/machine';

const PAGE_SIZE = 4096;
/** Pages of a block. */
const BLOCK = 256;

/** Pages by number; those of zeros are left out. */
type Block = readonly (Uint8Array | undefined)[];

const NO_PAGES: Block = [];

/** RAM at one time. */
export class RamVersion {
  readonly blocks: readonly Block[];

  private constructor(blocks: readonly Block[]) {
    this.blocks = blocks;
  }

  /** RAM that is zero everywhere. */
  static zero({ ramSize }: PhysicalMemory): RamVersion {
    return new RamVersion(Array<Block>(Math.ceil(ramSize / PAGE_SIZE / BLOCK)).fill(NO_PAGES));
  }

  page(number: number): Uint8Array | undefined {
    return this.blocks[Math.floor(number / BLOCK)]![number % BLOCK];
  }

  /** RAM as it is now, if it has changed since in no other pages than these. */
  next({ ram }: PhysicalMemory, pages: Iterable<number>): RamVersion {
    const changed = new Map<number, (Uint8Array | undefined)[]>();
    const words = new Int32Array(ram.buffer, ram.byteOffset, ram.length / 4);
    for (const page of pages) {
      const now = words.subarray((page * PAGE_SIZE) / 4, ((page + 1) * PAGE_SIZE) / 4);
      const before = this.page(page);
      if (isSame(now, before)) continue;
      const number = Math.floor(page / BLOCK);
      const block = changed.get(number) ?? [...this.blocks[number]!];
      changed.set(number, block);
      block[page % BLOCK] = isSame(now, undefined) ? undefined : ram.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
    }
    return new RamVersion(this.blocks.map((block, number) => changed.get(number) ?? block));
  }

  /** The pages that are not the same in both. */
  *differences(other: RamVersion): Generator<number> {
    for (const [number, block] of this.blocks.entries()) {
      const second = other.blocks[number]!;
      if (block === second) continue;
      for (let n = 0; n < BLOCK; n++) if (block[n] !== second[n]) yield number * BLOCK + n;
    }
  }
}

function isSame(now: Int32Array, kept: Uint8Array | undefined): boolean {
  if (kept === undefined) return now.every((word) => word === 0);
  const words = new Int32Array(kept.buffer, kept.byteOffset, kept.length / 4);
  for (let n = 0; n < words.length; n++) if (now[n] !== words[n]) return false;
  return true;
}

/** How many bytes all that is kept takes; what several have is counted once. */
export class KeptBytes {
  readonly #uses = new Map<object, number>();
  bytes = 0;

  add(version: RamVersion, pieces: Iterable<Uint8Array>): void {
    for (const block of version.blocks) if (this.#use(block)) this.#addAll(block);
    this.#addAll(pieces);
  }

  remove(version: RamVersion, pieces: Iterable<Uint8Array>): void {
    for (const block of version.blocks) if (this.#release(block)) this.#removeAll(block);
    this.#removeAll(pieces);
  }

  #addAll(pieces: Iterable<Uint8Array | undefined>): void {
    for (const piece of pieces) if (piece !== undefined && this.#use(piece)) this.bytes += piece.length;
  }

  #removeAll(pieces: Iterable<Uint8Array | undefined>): void {
    for (const piece of pieces) if (piece !== undefined && this.#release(piece)) this.bytes -= piece.length;
  }

  /** True for the first use. */
  #use(what: object): boolean {
    const uses = this.#uses.get(what) ?? 0;
    this.#uses.set(what, uses + 1);
    return uses === 0;
  }

  /** True after the last use. */
  #release(what: object): boolean {
    const uses = this.#uses.get(what)! - 1;
    if (uses > 0) this.#uses.set(what, uses);
    else this.#uses.delete(what);
    return uses === 0;
  }
}

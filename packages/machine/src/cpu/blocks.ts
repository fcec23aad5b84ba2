// SPDX-License-Identifier: Apache-2.0
// Basic blocks as they are executed: counted inline by generated code, the last of them kept, or told one by one. A block begins with the
// instruction after one that may go elsewhere, whether it did or not, or may raise an exception of its own will; at an
// exception's vector; and where an exception returns to. The same in every engine.

import { type AddressRange, type BlockNotes, type CountedEdge, CPU } from '@plinth/arm';
import { assert } from '@plinth/core';
import type { BlockCount, BlockEntries, CodePages } from '../memory/code-pages.js';
import type { Counters } from '../memory/counters.js';
import type { BlockRing, ExecutedBlock } from './block-ring.js';
import { Count } from './count.js';
import type { Vcpu } from './vcpu.js';

/**
 * Called before the first instruction of a block. `from` is the instruction that ended the block before, or where an
 * exception came from. It may read state, write memory and registers but the PC, and stop the machine before the block.
 */
export type BlockEntered = (cpu: Vcpu, address: number, from: number) => void;

interface Trace {
  readonly first: number;
  readonly last: number;
  readonly entered: BlockEntered;
}

export class Blocks {
  readonly #codePages: CodePages;
  readonly #ring: BlockRing;
  /** All code is to be decoded anew. */
  readonly #changed: () => void;
  readonly #traces = new Set<Trace>();
  readonly #edges = new Set<CountedEdge>();
  readonly #counters: Counters;
  #counts = 0;

  constructor(codePages: CodePages, counters: Counters, ring: BlockRing, changed: () => void) {
    this.#codePages = codePages;
    this.#counters = counters;
    this.#ring = ring;
    this.#changed = changed;
  }

  /** Whether generated code counts. */
  get active(): boolean {
    return this.#counts > 0 || this.#traces.size > 0 || this.#edges.size > 0 || this.#ring.active;
  }

  /** Counts from now on, from zero if nobody counted; returns the function that ends it. Code is translated anew. */
  count(): () => void {
    this.#counts++;
    if (this.#counts === 1) this.#begin();
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#counts--;
      this.#ended();
    };
  }

  /**
   * Keeps the last blocks from now on, so many (1 to MOST_BLOCKS), inline and in every engine; returns the function that ends
   * it. One at a time keeps them. Code is translated anew.
   */
  keepLast(count: number): () => void {
    assert(!this.#ring.active, 'somebody keeps the last blocks already');
    const begins = !this.active;
    this.#ring.begin(count);
    if (begins) this.#begin();
    else this.#changed();
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#ring.end();
      this.#ended();
    };
  }

  /** How many blocks are kept; 0 if none are. */
  get kept(): number {
    return this.#ring.capacity;
  }

  /** The last blocks that were entered, the latest last: at most so many, and those that are kept. */
  last(most?: number): ExecutedBlock[] {
    return this.#ring.last(most);
  }

  /** How often each block was entered since counting began. A block whose code was changed meanwhile is counted as one. */
  counts(): BlockCount[] {
    return [...this.#codePages.blockCounts()];
  }

  /**
   * Tells each entry of a block that begins in [first, last], virtual addresses; returns the function that ends it. Code on
   * these pages is interpreted meanwhile.
   */
  trace(first: number, last: number, entered: BlockEntered): () => void {
    assert(first <= last, 'a range begins before it ends');
    const trace: Trace = { first, last, entered };
    const begins = !this.active;
    this.#traces.add(trace);
    if (begins) this.#begin();
    else this.#changed();
    return () => {
      if (this.#traces.delete(trace)) this.#ended();
    };
  }

  /**
   * Counts ways to blocks that begin in `to` from blocks that ended, or were left by an exception, at an instruction in `from`,
   * inline in translated code. Virtual addresses. Code is translated anew.
   */
  countEdge(from: AddressRange, to: AddressRange): Count {
    assert(from.first <= from.last && to.first <= to.last, 'a range begins before it ends');
    return new Count(this.#counters, (counter) => {
      const edge: CountedEdge = { from, to, counter };
      const begins = !this.active;
      this.#edges.add(edge);
      if (begins) this.#begin();
      else this.#changed();
      return () => {
        this.#edges.delete(edge);
        this.#ended();
      };
    });
  }

  #begin(): void {
    this.#codePages.counting = true;
    this.#changed();
  }

  /** Somebody has ended: what the others want is in code that is made anew. */
  #ended(): void {
    if (!this.active) this.#codePages.counting = false;
    this.#changed();
  }

  /** For the engine: what regions are to note of blocks; undefined if nothing. `tallies` and `entries` are those of the region's page. */
  notes(tallies: number | undefined, entries: BlockEntries): BlockNotes | undefined {
    if (tallies === undefined || !this.active) return undefined;
    const { place } = this.#ring;
    return {
      ...(this.#counts > 0 ? { tallies } : {}),
      ...(place === undefined ? {} : { ring: place }),
      ...(entries === 'nothing' ? {} : { edges: [...this.#edges] }),
    };
  }

  /** What is to become of entries of blocks on the page of a virtual address. */
  entriesAt(address: number): BlockEntries {
    const page = address >>> 12;
    const on = ({ first, last }: AddressRange): boolean => page >= first >>> 12 && page <= last >>> 12;
    for (const trace of this.#traces) if (on(trace)) return 'told';
    for (const { to } of this.#edges) if (on(to)) return 'counted';
    return 'nothing';
  }

  /** For the engine: a block is entered on a page on which somebody waits for that. */
  entered(cpu: Vcpu, pc: number): void {
    const address = pc >>> 0;
    const from = cpu.state.get(CPU.blockFrom) >>> 0;
    for (const edge of this.#edges) {
      if (within(edge.to, address) && within(edge.from, from)) this.#counters.add(edge.counter);
    }
    for (const { first, last, entered } of this.#traces) {
      if (address >= first && address <= last) entered(cpu, address, from);
    }
  }
}

function within({ first, last }: AddressRange, address: number): boolean {
  return address >= first && address <= last;
}

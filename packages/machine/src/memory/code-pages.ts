// SPDX-License-Identifier: Apache-2.0
// Code pages: for each physical page that is executed, a descriptor and, per instruction set, an array with one
// handler number for each halfword. Zero means "not decoded yet". See CODE_PAGE in @plinth/arm.

import { CODE_PAGE, TALLY } from '@plinth/arm';
import { CODE_POOL_AT, CODE_POOL_END } from './layout.js';

const ARRAY_SIZE = 4096;

const TALLIES_SIZE = { a32: 4096 << TALLY.a32Scale, t32: 4096 << TALLY.t32Scale } as const;

/**
 * What becomes of entries of blocks on a page: nothing, or some of the ways to them are counted, inline in regions, or they are
 * told, and the page has no regions.
 */
export type BlockEntries = 'nothing' | 'counted' | 'told';
/** As numbers in CODE_PAGE.traced, more is more. */
const BLOCK_ENTRIES: readonly BlockEntries[] = ['nothing', 'counted', 'told'];

/** The one of two that does for both. */
export function moreOf(one: BlockEntries, other: BlockEntries): BlockEntries {
  return BLOCK_ENTRIES[Math.max(BLOCK_ENTRIES.indexOf(one), BLOCK_ENTRIES.indexOf(other))]!;
}

export type HandlerArray = 'a32' | 't32' | 'it';

/** How often blocks were entered at one place. */
export interface BlockCount {
  /** Of the first instruction: offset from the start of RAM, and the virtual address by which its page was last fetched. */
  readonly offset: number;
  readonly address: number;
  readonly thumb: boolean;
  readonly count: number;
}

export class CodePages {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  /** Descriptor address by RAM page; 0 if the page was never executed. */
  readonly #descriptors: Int32Array;
  #next = CODE_POOL_AT;
  #counting = false;
  /** Counts of code that is no longer there, by offset in RAM, with 1 added in T32 state; virtual pages by RAM page. */
  readonly #past = new Map<number, number>();
  readonly #virtualPages = new Map<number, number>();

  constructor(memory: WebAssembly.Memory, ramPages: number) {
    this.#words = new Int32Array(memory.buffer);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#descriptors = new Int32Array(ramPages);
  }

  #allocate(size: number): number {
    const at = this.#next;
    if (at + size > CODE_POOL_END) return 0;
    this.#next += size;
    return at;
  }

  /** Address of the page's descriptor with the array asked for, or 0 when the pool is full: `clear` then. */
  ensure(page: number, host: number, array: HandlerArray): number {
    let descriptor = this.#descriptors[page]!;
    if (descriptor === 0) {
      descriptor = this.#allocate(CODE_PAGE.size);
      if (descriptor === 0) return 0;
      this.#words[(descriptor + CODE_PAGE.host) >> 2] = host;
      this.#descriptors[page] = descriptor;
    }
    const place = (descriptor + CODE_PAGE[array]) >> 2;
    if (this.#words[place] === 0) {
      const at = this.#allocate(ARRAY_SIZE);
      if (at === 0) return 0;
      this.#words[place] = at;
    }
    if (this.#counting && !this.#ensureTallies(descriptor, array === 'a32' ? 'a32' : 't32')) return 0;
    return descriptor;
  }

  #ensureTallies(descriptor: number, set: 'a32' | 't32'): boolean {
    const place = (descriptor + tallies(set)) >> 2;
    if (this.#words[place] !== 0) return true;
    // 64-bit words.
    this.#next = (this.#next + 7) & ~7;
    this.#words[place] = this.#allocate(TALLIES_SIZE[set]);
    return this.#words[place] !== 0;
  }

  /** Whether pages get tallies. `clear` must follow, or come before. */
  set counting(counting: boolean) {
    this.#counting = counting;
    this.#past.clear();
    this.#virtualPages.clear();
  }

  get counting(): boolean {
    return this.#counting;
  }

  /** A page of code is about to be fetched from. */
  noteFetch(page: number, address: number, entries: BlockEntries): void {
    this.#virtualPages.set(page, address >>> 12);
    this.#words[(this.#descriptors[page]! + CODE_PAGE.traced) >> 2] = BLOCK_ENTRIES.indexOf(entries);
  }

  /** What becomes of the entries of the page's blocks, besides that all are tallied. */
  entriesOf(page: number): BlockEntries {
    const descriptor = this.#descriptors[page]!;
    return descriptor === 0 ? 'nothing' : BLOCK_ENTRIES[this.#words[(descriptor + CODE_PAGE.traced) >> 2]!]!;
  }

  /** Address of a page's tallies; undefined while blocks are not counted. */
  tallies(page: number, thumb: boolean): number | undefined {
    const descriptor = this.#descriptors[page]!;
    if (!this.#counting || descriptor === 0) return undefined;
    return this.#words[(descriptor + tallies(thumb ? 't32' : 'a32')) >> 2]! || undefined;
  }

  /** Notes that the instruction at an offset of a page ends its block. */
  markEnd(page: number, thumb: boolean, offset: number): void {
    const at = this.tallies(page, thumb);
    if (at === undefined) return;
    const scale = thumb ? TALLY.t32Scale : TALLY.a32Scale;
    this.#words[(at + (offset << scale) + 4) >> 2]! |= 0x8000_0000;
  }

  /** All blocks that have been entered since counting began. */
  *blockCounts(): Generator<BlockCount> {
    for (const page of this.#virtualPages.keys()) this.#takeTallies(page);
    for (const [key, count] of this.#past) {
      const offset = key & ~1;
      const virtualPage = this.#virtualPages.get(offset >>> 12) ?? 0;
      yield { offset, address: virtualPage * 4096 + (offset & 0xfff), thumb: (key & 1) !== 0, count };
    }
  }

  /** Moves a page's counts to those that are kept. */
  #takeTallies(page: number): void {
    for (const thumb of [false, true]) {
      const at = this.tallies(page, thumb);
      if (at === undefined) continue;
      const step = thumb ? 2 : 4;
      for (let offset = 0; offset < 4096; offset += step) {
        const word = (at + (offset / step) * TALLY.size) >> 2;
        const high = this.#words[word + 1]!;
        const count = (this.#words[word]! >>> 0) + (high & 0x7fff_ffff) * 2 ** 32;
        if (count === 0) continue;
        this.#words[word] = 0;
        this.#words[word + 1] = high & 0x8000_0000;
        const key = page * 4096 + offset + Number(thumb);
        this.#past.set(key, (this.#past.get(key) ?? 0) + count);
      }
    }
  }

  /** Address of a page's handler array, or 0. */
  array(page: number, array: HandlerArray): number {
    const descriptor = this.#descriptors[page]!;
    return descriptor === 0 ? 0 : this.#words[(descriptor + CODE_PAGE[array]) >> 2]!;
  }

  /** Forgets the page's decoded instructions; its descriptor stays. */
  forget(page: number): void {
    const descriptor = this.#descriptors[page]!;
    if (descriptor === 0) return;
    for (const array of [CODE_PAGE.a32, CODE_PAGE.t32, CODE_PAGE.it]) {
      const at = this.#words[(descriptor + array) >> 2]!;
      if (at !== 0) this.#bytes.fill(0, at, at + ARRAY_SIZE);
    }
    if (!this.#counting) return;
    this.#takeTallies(page);
    for (const set of ['a32', 't32'] as const) {
      const at = this.tallies(page, set === 't32');
      if (at !== undefined) this.#bytes.fill(0, at, at + TALLIES_SIZE[set]);
    }
  }

  /** Forgets every page; the caller must empty the fetch tables too. */
  clear(): void {
    if (this.#counting) for (const page of this.#virtualPages.keys()) this.#takeTallies(page);
    this.#bytes.fill(0, CODE_POOL_AT, this.#next);
    this.#descriptors.fill(0);
    this.#next = CODE_POOL_AT;
  }
}

/** Where a descriptor has the address of the tallies of an instruction set. */
function tallies(set: 'a32' | 't32'): number {
  return set === 'a32' ? CODE_PAGE.a32Tallies : CODE_PAGE.t32Tallies;
}

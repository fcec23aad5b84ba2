// SPDX-License-Identifier: Apache-2.0
// The translator of one machine: takes what has become hot, has regions made of it in batches, and puts their function
// numbers into the slots of their entries. A page that is written loses its regions with its decoded instructions.

import { buildRegions, type Region, type RegionFinder, type RegionRequest } from '@plinth/arm';
import type { CodePages } from '../memory/code-pages.js';
import { HOT_COUNTERS, HOT_COUNTERS_AT } from '../memory/layout.js';
import type { PhysicalMemory } from '../memory/physical-memory.js';
import type { Blocks } from './blocks.js';
import type { Hooks } from './hooks.js';

/** Regions compiled together, unless one of them becomes hot again before. */
const BATCH = 16;
/** Branches to a place that waits for its batch to be full, before it waits no more. */
const BATCH_PATIENCE = 3000;
/** V8 gives up (and the process with it) at some 50,000 functions; long before, everything is dropped. */
const MAX_REGIONS = 24_000;
/**
 * Branches to a place before it is translated: about what its compilation, V8's on other threads too, costs in interpreted
 * time. A boot of Debian takes half as long again with 3,000.
 */
export const HOT_THRESHOLD = 40_000;
/** The counter of a place that cannot be translated. */
const NEVER = 65_535;
/** Instructions after which counts are halved, or in the end everything would have become hot. */
const HALVED_AFTER = 2 ** 30;

interface Pending {
  readonly page: number;
  readonly thumb: boolean;
  readonly generation: number;
  readonly region: Region;
  readonly originalHandler: number;
  readonly handlerArray: number;
}

export interface TranslatorOptions {
  readonly memory: WebAssembly.Memory;
  readonly physical: PhysicalMemory;
  readonly codePages: CodePages;
  readonly finder: RegionFinder;
  readonly hooks: Hooks;
  readonly blocks: Blocks;
  readonly table: WebAssembly.Table;
  /** Function numbers of handlers end here. */
  readonly firstRegion: number;
  /** Whether `memory` is shared between threads. */
  readonly sharedMemory: boolean;
  /** What regions import besides the memory. */
  readonly imports: Readonly<Record<string, unknown>>;
}

export class Translator {
  readonly #options: TranslatorOptions;
  readonly #halfwords: Uint16Array;
  readonly #counters: Uint16Array;
  readonly #free: number[] = [];
  #next: number;
  #pending: Pending[] = [];
  readonly #byPage = new Map<number, number[]>();
  /** Pages whose code has met many watched pages: see `RegionPlace.watchful`. */
  readonly #watchful = new Set<number>();
  /** Regions made since power-on, and instructions in them. */
  regions: number = 0;
  instructions: number = 0;
  /** How often the counts have been halved. */
  #halved = 0;

  constructor(options: TranslatorOptions) {
    this.#options = options;
    this.#halfwords = new Uint16Array(options.memory.buffer);
    this.#counters = new Uint16Array(options.memory.buffer, HOT_COUNTERS_AT, HOT_COUNTERS);
    this.#next = options.firstRegion;
  }

  #counter(pc: number): number {
    return (pc >>> 1) & (HOT_COUNTERS - 1);
  }

  #slot(page: number, thumb: boolean, offset: number): number {
    const array = this.#options.codePages.array(page, thumb ? 't32' : 'a32');
    return array === 0 ? -1 : (array + offset) >>> 1;
  }

  #isRegion(handler: number): boolean {
    return handler >= this.#options.firstRegion && handler < 0x8000;
  }

  /** Counts what is not a branch to `pc` as one; true if it is hot now. */
  countBranch(pc: number): boolean {
    const counter = this.#counter(pc);
    const count = this.#counters[counter]!;
    if (count >= HOT_THRESHOLD) return false;
    this.#counters[counter] = count + 1;
    return count + 1 === HOT_THRESHOLD;
  }

  /**
   * The instruction at `pc` (on RAM page `page`) was branched to often. Its slot must be decoded. `executed` is the number
   * of instructions since power-on.
   */
  hot(pc: number, page: number, thumb: boolean, executed: number): void {
    if (this.#age(executed)) return;
    const offset = pc & 0xfff;
    const counter = this.#counter(pc);
    const slot = this.#slot(page, thumb, offset);
    const handler = slot < 0 ? 0 : this.#halfwords[slot]!;
    if (this.#isRegion(handler)) {
      // From zero again: other places that share the counter may be hot, too.
      this.#counters[counter] = 0;
      return;
    }
    const waiting = this.#pending.some((p) => p.page === page && p.thumb === thumb && p.region.entry === offset);
    this.#counters[counter] = waiting ? 0 : HOT_THRESHOLD - BATCH_PATIENCE;
    if (handler === 0) return;
    if (waiting) {
      this.flush();
      return;
    }
    if (!this.request(page, thumb, offset, handler)) {
      // Not to be translated: the counter stays full, so that the question does not come up again.
      this.#counters[counter] = NEVER;
      return;
    }
    if (this.#pending.length >= BATCH) this.flush();
  }

  /** Halves the counts if it is time; true if it was, so that what is hot has to show it again. */
  #age(executed: number): boolean {
    const due = Math.floor(executed / HALVED_AFTER);
    const times = Math.min(due - this.#halved, 16);
    this.#halved = due;
    if (times <= 0) return false;
    const counters = this.#counters;
    for (let n = 0; n < HOT_COUNTERS; n++) if (counters[n] !== NEVER) counters[n] = counters[n]! >>> times;
    return true;
  }

  /** Asks for a region; false if none can start there. It is there after `flush`. */
  request(page: number, thumb: boolean, offset: number, originalHandler: number): boolean {
    const { physical, codePages, finder, hooks } = this.#options;
    const bytes = physical.bytes(physical.ramBase + page * 4096, 4096)!;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    // A region entered by the run loop is told so by its instruction word, which must not be zero.
    if (offset > 4092 || view.getUint32(offset, true) === 0 || codePages.entriesOf(page) === 'told') return false;
    const region: Region | undefined = finder.find(view, offset, thumb, hooks.onPage(page)?.told);
    if (region === undefined) return false;
    const handlerArray = codePages.array(page, thumb ? 't32' : 'a32');
    this.#pending.push({
      page,
      thumb,
      generation: physical.generation[page]!,
      region,
      originalHandler,
      handlerArray,
    });
    return true;
  }

  /** Compiles what is asked for and puts it in place. */
  flush(): void {
    const { physical, codePages, hooks, blocks, memory, table, imports, firstRegion, sharedMemory } = this.#options;
    const batch = this.#pending.filter(
      (p) => physical.generation[p.page] === p.generation && codePages.entriesOf(p.page) !== 'told',
    );
    this.#pending = [];
    if (batch.length === 0) return;
    const requests = batch.map(({ page, thumb, region, originalHandler, handlerArray }): RegionRequest => {
      const watchful = this.#watchful.has(page);
      const notes = blocks.notes(codePages.tallies(page, thumb), codePages.entriesOf(page));
      const hooked = hooks.onPage(page);
      const noting = {
        ...(notes === undefined ? {} : { blocks: notes }),
        ...(hooked === undefined ? {} : { counted: (offset: number) => hooked.counted(offset) }),
      };
      return { region, place: { originalHandler, handlerArray, firstRegion, watchful, ...noting } };
    });
    const bytes = buildRegions(requests, sharedMemory);
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory, ...imports } });
    batch.forEach((p, i) => {
      const number = this.#free.pop() ?? this.#next++;
      table.set(number, instance.exports[`r${i}`]);
      const list = this.#byPage.get(p.page);
      if (list === undefined) this.#byPage.set(p.page, [number]);
      else list.push(number);
      const slot = this.#slot(p.page, p.thumb, p.region.entry);
      if (slot >= 0) this.#halfwords[slot] = number;
      this.regions++;
      this.instructions += p.region.instructionCount;
    });
  }

  /** The page's regions are to be watchful from now on. True if it has others, to be forgotten with its slots. */
  makeWatchful(page: number): boolean {
    if (this.#watchful.has(page)) return false;
    this.#watchful.add(page);
    return this.#byPage.has(page);
  }

  /** No page is watched any more: the pages whose regions are watchful for nothing, to be forgotten. */
  endWatchfulness(): number[] {
    const pages = [...this.#watchful];
    this.#watchful.clear();
    return pages;
  }

  /** Whether so many regions are alive that the machine should drop them all (and its code pages with them). */
  get full(): boolean {
    return this.#next - this.#options.firstRegion - this.#free.length > MAX_REGIONS;
  }

  /** A page's regions are no longer what its bytes say. Its slots have been cleared. */
  forget(page: number): void {
    // What could not be translated may be now.
    if (this.#release(page)) this.#askAgain();
  }

  /** As `forget`, and regions that wait for their batch were found with other hooks. */
  hooksChanged(page: number): void {
    this.#release(page);
    this.#pending = this.#pending.filter((p) => p.page !== page);
    this.#askAgain();
  }

  #askAgain(): void {
    const counters = this.#counters;
    for (let n = 0; n < HOT_COUNTERS; n++) if (counters[n] === NEVER) counters[n] = 0;
  }

  /** Takes a page's regions out of the table; false if it has none. */
  #release(page: number): boolean {
    const list = this.#byPage.get(page);
    if (list === undefined) return false;
    for (const number of list) {
      this.#options.table.set(number, null);
      this.#free.push(number);
    }
    this.#byPage.delete(page);
    return true;
  }

  forgetAll(): void {
    for (const page of this.#byPage.keys()) this.#release(page);
    this.#pending = [];
    this.#counters.fill(0);
  }
}

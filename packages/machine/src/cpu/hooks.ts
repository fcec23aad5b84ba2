// SPDX-License-Identifier: Apache-2.0
// Who is told before an instruction executes, in either instruction set and whether its condition holds or not. A hook
// stands on a physical place of RAM, or on a virtual address, wherever that leads when it is fetched from. Code without
// hooks is not touched: a hook is a number in the slot of its instruction (HANDLER.hooked), and regions end before it.
//
// Each attempt to execute is told: an instruction that faults is told again when it is tried again, and so is one that an
// interrupt comes before after a hook has stopped there.

import type { AddressRange, CountedInstruction } from '@plinth/arm';
import { assert } from '@plinth/core';
import type { Counters } from '../memory/counters.js';
import type { PhysicalMemory } from '../memory/physical-memory.js';
import { RangeIndex } from '../memory/range-index.js';
import { Count } from './count.js';
import type { Vcpu } from './vcpu.js';

/**
 * What becomes of the instruction or access that is told: it is done; the machine stops before the instruction; or it is not
 * done, and the machine goes on behind it.
 */
export type HookVerdict = 'go-on' | 'stop' | 'skip';

const WEIGHT: Readonly<Record<HookVerdict, number>> = { 'go-on': 0, skip: 1, stop: 2 };

/** The verdict that counts if several are given. */
export function heavier(one: HookVerdict, other: HookVerdict): HookVerdict {
  return WEIGHT[other] > WEIGHT[one] ? other : one;
}

/**
 * Called before the instruction at virtual address `address`, which is `cpu.instructionAddress` too. It may read and change
 * the CPU and memory and add and remove hooks; what then is at the place is executed.
 */
export type Hook = (cpu: Vcpu, address: number) => HookVerdict;

interface Standing {
  readonly hook: Hook;
  /** Address of the counter of one that only counts: regions pass it, and count inline. */
  readonly counter: number | undefined;
  /** The virtual addresses at which it is told; undefined for all that lead to its place. */
  readonly virtual: AddressRange | undefined;
  /** Its places on RAM pages: offsets of the first and the last, and what ends it there. */
  readonly pages: Map<number, AddressRange & { readonly end: () => void }>;
}

export interface HooksListener {
  /** The RAM page's places have changed. */
  changed(page: number): void;
  /** So have those of the pages of virtual addresses: the next fetch from them is to call `fetching`. */
  virtualChanged(first: number, last: number): void;
}

/** The hooks of a RAM page, by offset. */
export interface HookedPage {
  /** Whether there is one, of any kind. */
  has(offset: number): boolean;
  /** Places before which somebody is told: no region has them. */
  readonly told: { has(offset: number): boolean };
  /** Those that only count. */
  counted(offset: number): readonly CountedInstruction[];
}

export class Hooks {
  readonly #physical: PhysicalMemory;
  readonly #counters: Counters;
  readonly #listener: HooksListener;
  /** By RAM page, by offset. */
  readonly #onPage = new Map<number, RangeIndex<Standing>>();
  /** Those on virtual addresses. */
  readonly #virtual = new RangeIndex<Standing>();

  constructor(physical: PhysicalMemory, counters: Counters, listener: HooksListener) {
    this.#physical = physical;
    this.#counters = counters;
    this.#listener = listener;
  }

  /** Stands at a physical address of RAM, by whatever virtual address it is reached; returns the function that ends it. */
  add(address: number, hook: Hook): () => void {
    const page = this.#physical.pageOf(address);
    assert(page >= 0, 'a hook lies in RAM');
    const standing: Standing = { hook, counter: undefined, virtual: undefined, pages: new Map() };
    const offset = address & 0xffe;
    this.#place(standing, page, offset, offset);
    return () => this.#remove(standing);
  }

  /** Stands at a virtual address, in every address space and whether it is mapped yet or not. */
  addVirtual(address: number, hook: Hook): () => void {
    return this.addRange(address, address, hook);
  }

  /** Stands before all instructions that begin at the virtual addresses from `first` to `last`. */
  addRange(first: number, last: number, hook: Hook): () => void {
    return this.#addRange(first, last, hook, undefined);
  }

  /**
   * Counts attempts to execute the instructions that begin at the virtual addresses from `first` to `last`, inline in
   * translated code, whether their condition holds or not.
   */
  count(first: number, last: number): Count {
    const counters = this.#counters;
    return new Count(counters, (counter) => {
      const counting: Hook = () => {
        counters.add(counter);
        return 'go-on';
      };
      return this.#addRange(first, last, counting, counter);
    });
  }

  #addRange(first: number, last: number, hook: Hook, counter: number | undefined): () => void {
    const virtual = { first: (first & ~1) >>> 0, last: last >>> 0 };
    assert(virtual.first <= virtual.last, 'a range begins before it ends');
    const standing: Standing = { hook, counter, virtual, pages: new Map() };
    const end = this.#virtual.add(virtual.first, virtual.last, standing);
    this.#listener.virtualChanged(virtual.first, virtual.last);
    return () => {
      end();
      this.#remove(standing);
    };
  }

  #place(standing: Standing, page: number, first: number, last: number): void {
    let onPage = this.#onPage.get(page);
    if (onPage === undefined) this.#onPage.set(page, (onPage = new RangeIndex()));
    standing.pages.get(page)?.end();
    standing.pages.set(page, { first, last, end: onPage.add(first, last, standing) });
    this.#listener.changed(page);
  }

  #remove(standing: Standing): void {
    for (const [page, { end }] of standing.pages) {
      end();
      if (this.#onPage.get(page)?.size === 0) this.#onPage.delete(page);
      this.#listener.changed(page);
    }
    standing.pages.clear();
  }

  /** A CPU is about to fetch from a virtual page that leads to this RAM page, and cannot have done so since it had hooks. */
  fetching(address: number, page: number): void {
    const start = (address & ~0xfff) >>> 0;
    for (const range of this.#virtual.touching(start, start + 0xfff)) {
      const standing = range.item;
      const first = Math.max(range.first - start, 0);
      const last = Math.min(range.last - start, 0xfff);
      const there = standing.pages.get(page);
      if (there !== undefined && there.first <= first && there.last >= last) continue;
      // Two virtual pages of a range may lead to one RAM page.
      this.#place(standing, page, Math.min(first, there?.first ?? first), Math.max(last, there?.last ?? last));
    }
  }

  /** The places on a RAM page; undefined if there are none. */
  onPage(page: number): HookedPage | undefined {
    const index = this.#onPage.get(page);
    if (index === undefined) return undefined;
    const at = (offset: number): Standing[] => index.touching(offset, offset).map(({ item }) => item);
    return {
      has: (offset) => at(offset).length > 0,
      told: { has: (offset) => at(offset).some(({ counter }) => counter === undefined) },
      counted: (offset) =>
        at(offset).flatMap(({ counter, virtual }) => (counter === undefined ? [] : { ...virtual!, counter })),
    };
  }

  /** Tells all hooks of a place, given as its host address. */
  call(cpu: Vcpu, host: number, address: number): HookVerdict {
    const offset = host & 0xfff;
    let verdict: HookVerdict = 'go-on';
    // One that comes meanwhile is told from the next time on, one that goes no more.
    for (const standing of this.#onPage.get(this.#physical.pageOfHost(host))?.touching(offset, offset) ?? []) {
      const { hook, virtual } = standing.item;
      if (!standing.stands) continue;
      if (virtual !== undefined && (address < virtual.first || address > virtual.last)) continue;
      verdict = heavier(verdict, hook(cpu, address));
    }
    return verdict;
  }
}

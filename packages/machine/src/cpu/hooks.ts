// SPDX-License-Identifier: Apache-2.0
// Who is told before an instruction executes, in either instruction set and whether its condition holds or not. A hook
// stands on a physical place of RAM, or on a virtual address, wherever that leads when it is fetched from. Code without
// hooks is not touched: a hook is a number in the slot of its instruction (HANDLER.hooked), and regions end before it.
//
// Each attempt to execute is told: an instruction that faults is told again when it is tried again, and so is one that an
// interrupt comes before after a hook has stopped there.

import { assert } from '@plinth/core';
import type { PhysicalMemory } from '../memory/physical-memory.js';
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
  /** The virtual addresses at which it is told, first and last; undefined for all that lead to its place. */
  readonly virtual: { readonly first: number; readonly last: number } | undefined;
  /** Its places on RAM pages, offsets of the first and the last. */
  readonly pages: Map<number, { readonly first: number; readonly last: number }>;
}

export interface HooksListener {
  /** The RAM page's places have changed. */
  changed(page: number): void;
  /** So have those of the pages of virtual addresses: the next fetch from them is to call `fetching`. */
  virtualChanged(first: number, last: number): void;
}

export class Hooks {
  readonly #physical: PhysicalMemory;
  readonly #listener: HooksListener;
  readonly #onPage = new Map<number, Set<Standing>>();
  /** Those on virtual addresses. */
  readonly #virtual = new Set<Standing>();

  constructor(physical: PhysicalMemory, listener: HooksListener) {
    this.#physical = physical;
    this.#listener = listener;
  }

  /** Stands at a physical address of RAM, by whatever virtual address it is reached; returns the function that ends it. */
  add(address: number, hook: Hook): () => void {
    const page = this.#physical.pageOf(address);
    assert(page >= 0, 'a hook lies in RAM');
    const standing: Standing = { hook, virtual: undefined, pages: new Map() };
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
    const virtual = { first: (first & ~1) >>> 0, last: last >>> 0 };
    assert(virtual.first <= virtual.last, 'a range begins before it ends');
    const standing: Standing = { hook, virtual, pages: new Map() };
    this.#virtual.add(standing);
    this.#listener.virtualChanged(virtual.first, virtual.last);
    return () => {
      this.#virtual.delete(standing);
      this.#remove(standing);
    };
  }

  #place(standing: Standing, page: number, first: number, last: number): void {
    standing.pages.set(page, { first, last });
    const onPage = this.#onPage.get(page);
    if (onPage === undefined) this.#onPage.set(page, new Set([standing]));
    else onPage.add(standing);
    this.#listener.changed(page);
  }

  #remove(standing: Standing): void {
    for (const page of standing.pages.keys()) {
      const onPage = this.#onPage.get(page)!;
      onPage.delete(standing);
      if (onPage.size === 0) this.#onPage.delete(page);
      this.#listener.changed(page);
    }
    standing.pages.clear();
  }

  /** A CPU is about to fetch from a virtual page that leads to this RAM page, and cannot have done so since it had hooks. */
  fetching(address: number, page: number): void {
    const start = (address & ~0xfff) >>> 0;
    for (const standing of this.#virtual) {
      const first = Math.max(standing.virtual!.first - start, 0);
      const last = Math.min(standing.virtual!.last - start, 0xfff);
      if (first > last) continue;
      const there = standing.pages.get(page);
      if (there !== undefined && there.first <= first && there.last >= last) continue;
      // Two virtual pages of a range may lead to one RAM page.
      this.#place(standing, page, Math.min(first, there?.first ?? first), Math.max(last, there?.last ?? last));
    }
  }

  /** The places on a RAM page; undefined if there are none. */
  onPage(page: number): { has(offset: number): boolean } | undefined {
    const standings = this.#onPage.get(page);
    if (standings === undefined) return undefined;
    return { has: (offset) => [...standings].some(({ pages }) => stands(pages.get(page), offset)) };
  }

  /** Tells all hooks of a place, given as its host address. */
  call(cpu: Vcpu, host: number, address: number): HookVerdict {
    const page = this.#physical.pageOfHost(host);
    const offset = host & 0xfff;
    let verdict: HookVerdict = 'go-on';
    // One that comes meanwhile is told from the next time on, one that goes no more.
    const standings = [...(this.#onPage.get(page) ?? [])];
    for (const { hook, virtual, pages } of standings) {
      if (!stands(pages.get(page), offset)) continue;
      if (virtual !== undefined && (address < virtual.first || address > virtual.last)) continue;
      verdict = heavier(verdict, hook(cpu, address));
    }
    return verdict;
  }
}

function stands(place: { readonly first: number; readonly last: number } | undefined, offset: number): boolean {
  return place !== undefined && offset >= place.first && offset <= place.last;
}

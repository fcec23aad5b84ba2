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

export type HookVerdict = 'go-on' | 'stop';

/**
 * Called before the instruction at virtual address `address`, which is `cpu.instructionAddress` too. It may read and change
 * the CPU and memory and add and remove hooks; what then is at the place is executed.
 */
export type Hook = (cpu: Vcpu, address: number) => HookVerdict;

interface Standing {
  readonly hook: Hook;
  /** The only virtual address at which it is told; undefined for all that lead here. */
  readonly virtual: number | undefined;
  /** RAM pages on which it has a place. */
  readonly pages: Set<number>;
}

export interface HooksListener {
  /** The RAM page's places have changed. */
  changed(page: number): void;
  /** So have those of the page of a virtual address: the next fetch from it is to call `fetching`. */
  virtualChanged(address: number): void;
}

export class Hooks {
  readonly #physical: PhysicalMemory;
  readonly #listener: HooksListener;
  /** By RAM page and offset. */
  readonly #places = new Map<number, Map<number, Standing[]>>();
  /** By virtual page number. */
  readonly #virtual = new Map<number, Set<Standing>>();

  constructor(physical: PhysicalMemory, listener: HooksListener) {
    this.#physical = physical;
    this.#listener = listener;
  }

  /** Stands at a physical address of RAM, by whatever virtual address it is reached; returns the function that ends it. */
  add(address: number, hook: Hook): () => void {
    const page = this.#physical.pageOf(address);
    assert(page >= 0, 'a hook lies in RAM');
    const standing: Standing = { hook, virtual: undefined, pages: new Set() };
    this.#place(standing, page, address & 0xffe);
    return () => this.#remove(standing, address & 0xffe);
  }

  /** Stands at a virtual address, in every address space and whether it is mapped yet or not. */
  addVirtual(address: number, hook: Hook): () => void {
    const virtual = (address & ~1) >>> 0;
    const standing: Standing = { hook, virtual, pages: new Set() };
    const list = this.#virtual.get(virtual >>> 12);
    if (list === undefined) this.#virtual.set(virtual >>> 12, new Set([standing]));
    else list.add(standing);
    this.#listener.virtualChanged(virtual);
    return () => {
      const standings = this.#virtual.get(virtual >>> 12);
      standings?.delete(standing);
      if (standings?.size === 0) this.#virtual.delete(virtual >>> 12);
      this.#remove(standing, virtual & 0xfff);
    };
  }

  #place(standing: Standing, page: number, offset: number): void {
    standing.pages.add(page);
    const onPage = this.#places.get(page) ?? new Map<number, Standing[]>();
    this.#places.set(page, onPage);
    onPage.set(offset, [...(onPage.get(offset) ?? []), standing]);
    this.#listener.changed(page);
  }

  #remove(standing: Standing, offset: number): void {
    for (const page of standing.pages) {
      const onPage = this.#places.get(page)!;
      const rest = onPage.get(offset)!.filter((other) => other !== standing);
      if (rest.length > 0) onPage.set(offset, rest);
      else onPage.delete(offset);
      if (onPage.size === 0) this.#places.delete(page);
      this.#listener.changed(page);
    }
    standing.pages.clear();
  }

  /** A CPU is about to fetch from a virtual page that leads to this RAM page, and cannot have done so since it had hooks. */
  fetching(address: number, page: number): void {
    if (this.#virtual.size === 0) return;
    for (const standing of this.#virtual.get(address >>> 12) ?? []) {
      if (!standing.pages.has(page)) this.#place(standing, page, standing.virtual! & 0xfff);
    }
  }

  /** Offsets of the places on a RAM page; undefined if there are none. */
  onPage(page: number): { has(offset: number): boolean } | undefined {
    return this.#places.get(page);
  }

  /** Tells all hooks of a place, given as its host address; `stop` if one of them says so. */
  call(cpu: Vcpu, host: number, address: number): HookVerdict {
    const page = this.#physical.pageOfHost(host);
    let verdict: HookVerdict = 'go-on';
    for (const { hook, virtual, pages } of this.#places.get(page)?.get(host & 0xfff) ?? []) {
      // One that another has removed just now is told no more.
      if (!pages.has(page) || (virtual !== undefined && virtual !== address)) continue;
      if (hook(cpu, address) === 'stop') verdict = 'stop';
    }
    return verdict;
  }
}

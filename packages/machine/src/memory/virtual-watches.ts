// SPDX-License-Identifier: Apache-2.0
// Watches on ranges of virtual addresses, in every address space: whatever load or store of a CPU touches one is told, after
// it with the value that was there, or before it. A virtual page with a watch gets restricted entries in the shadow tables when it is entered there, with
// the granules that its RAM page then needs (PhysicalMemory.addGranules), so that accesses to the rest of the page take the
// second look and no more. By other addresses, by devices and by the walk of tables nothing is told.

import { assert } from '@plinth/core';
import { heavier, type HookVerdict } from '../cpu/hooks.js';
import type { Vcpu } from '../cpu/vcpu.js';
import { lowBytes, type PhysicalMemory } from './physical-memory.js';
import { RangeIndex, type Standing } from './range-index.js';

export interface VirtualAccess {
  readonly cpu: Vcpu;
  readonly address: number;
  /** Bytes; each word of a register list or a vector is an access. */
  readonly size: number;
  readonly write: boolean;
  /** What is written, or what was read, as it lies in memory: little-endian, unsigned. */
  readonly value: number;
  /** What was there before a write; of a device, what a peek gives. */
  readonly before: number;
}

/**
 * Watches `[start, start + length)`. `onWrite` and `onRead` are called after an access of their kind. `beforeWrite` and
 * `beforeRead` are called when it is certain that the access will not fault, and may stop the machine before the
 * instruction, as a hook does: it is tried again then, and they are called again. Of an instruction with several accesses
 * some may have been done. A write that is skipped leaves memory as it is; a read cannot be skipped.
 */
export interface VirtualWatch {
  readonly start: number;
  /** Bytes, at least one. */
  readonly length: number;
  readonly onWrite?: (access: VirtualAccess) => void;
  readonly onRead?: (access: VirtualAccess) => void;
  readonly beforeWrite?: (access: VirtualAccess) => HookVerdict;
  readonly beforeRead?: (access: VirtualAccess) => HookVerdict;
}

export interface VirtualWatchesListener {
  /** The shadow tables must lose their entries for this range of virtual addresses. */
  changed(first: number, last: number): void;
  /** The last watch has ended. */
  ended(): void;
}

/** The watches that an access touches, as they stood before it. */
export type TouchedWatches = readonly Standing<VirtualWatch>[];

export const NO_WATCHES: TouchedWatches = [];

export class VirtualWatches {
  readonly #physical: PhysicalMemory;
  readonly #listener: VirtualWatchesListener;
  readonly #watches = new RangeIndex<VirtualWatch>();
  /** RAM pages that have got granules for a watch. */
  readonly #pages = new Set<number>();

  constructor(physical: PhysicalMemory, listener: VirtualWatchesListener) {
    this.#physical = physical;
    this.#listener = listener;
  }

  /** Begins a watch; returns the function that ends it. */
  add(watch: VirtualWatch): () => void {
    const last = watch.start + watch.length - 1;
    assert(watch.start >= 0 && watch.length > 0 && last < 2 ** 32, 'a watch lies in the address space');
    const end = this.#watches.add(watch.start, last, watch);
    this.#listener.changed(watch.start, last);
    return () => {
      if (!end()) return;
      this.#listener.changed(watch.start, last);
      for (const page of this.#pages) this.#physical.resetGranules(page, page);
      this.#pages.clear();
      if (!this.active) this.#listener.ended();
    };
  }

  /** Whether there are any. */
  get active(): boolean {
    return this.#watches.size > 0;
  }

  /** The watches that cover some of these bytes. Addresses are modulo 2^32: an access may go on at 0. */
  touchedBy(address: number, size: number): TouchedWatches {
    if (!this.active) return NO_WATCHES;
    const first = address >>> 0;
    const last = first + size - 1;
    if (last < 2 ** 32) return this.#watches.touching(first, last);
    return [...this.#watches.touching(first, last), ...this.#watches.touching(0, last - 2 ** 32)];
  }

  /** The page of a virtual address, which leads to this RAM page, is entered for loads or stores; true if it is watched. */
  entering(address: number, page: number, write: boolean): boolean {
    const start = (address & ~0xfff) >>> 0;
    let watched = false;
    for (const { item, first, last } of this.#watches.touching(start, start + 0xfff)) {
      if ((write ? (item.onWrite ?? item.beforeWrite) : (item.onRead ?? item.beforeRead)) === undefined) continue;
      this.#physical.addGranules(page, Math.max(first - start, 0), Math.min(last - start, 0xfff), write);
      this.#pages.add(page);
      watched = true;
    }
    return watched;
  }

  /** A CPU is about to access; `value` is what it will write, `present` what is there. */
  before(
    touched: TouchedWatches,
    cpu: Vcpu,
    address: number,
    size: number,
    write: boolean,
    value: number,
    present: number,
  ): HookVerdict {
    let verdict: HookVerdict = 'go-on';
    for (const standing of touched) {
      const listener = write ? standing.item.beforeWrite : standing.item.beforeRead;
      if (listener === undefined || !standing.stands) continue;
      const before = lowBytes(present, size);
      const seen = write ? lowBytes(value, size) : before;
      verdict = heavier(verdict, listener({ cpu, address: address >>> 0, size, write, value: seen, before }));
    }
    return verdict;
  }

  /** A CPU has loaded. */
  loaded(touched: TouchedWatches, cpu: Vcpu, address: number, size: number, value: number): void {
    for (const standing of touched) {
      const { onRead } = standing.item;
      if (onRead === undefined || !standing.stands) continue;
      const read = lowBytes(value, size);
      onRead({ cpu, address: address >>> 0, size, write: false, value: read, before: read });
    }
  }

  /** A CPU has stored. */
  stored(touched: TouchedWatches, cpu: Vcpu, address: number, size: number, value: number, before: number): void {
    for (const standing of touched) {
      const { onWrite } = standing.item;
      if (onWrite === undefined || !standing.stands) continue;
      const written = lowBytes(value, size);
      onWrite({ cpu, address: address >>> 0, size, write: true, value: written, before: before >>> 0 });
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Watches on ranges of virtual addresses, in every address space: whatever load or store of a CPU touches one is told, after
// it with the value that was there, or before it. A virtual page with a watch gets restricted entries in the shadow tables when it is entered there, with
// the granules that its RAM page then needs (PhysicalMemory.addGranules), so that accesses to the rest of the page take the
// second look and no more. By other addresses, by devices and by the walk of tables nothing is told.

import { assert } from '@plinth/core';
import { heavier, type HookVerdict } from '../cpu/hooks.js';
import type { Vcpu } from '../cpu/vcpu.js';
import { lowBytes, type PhysicalMemory } from './physical-memory.js';

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

export class VirtualWatches {
  readonly #physical: PhysicalMemory;
  readonly #listener: VirtualWatchesListener;
  readonly #watches = new Set<VirtualWatch>();
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
    // A listener that is given twice is two watches.
    const own = { ...watch };
    this.#watches.add(own);
    this.#listener.changed(watch.start, last);
    return () => {
      if (!this.#watches.delete(own)) return;
      this.#listener.changed(watch.start, last);
      for (const page of this.#pages) this.#physical.resetGranules(page, page);
      this.#pages.clear();
      if (this.#watches.size === 0) this.#listener.ended();
    };
  }

  /** Whether there are any. */
  get active(): boolean {
    return this.#watches.size > 0;
  }

  /** Whether a watch covers some of these bytes. */
  touched(address: number, size: number): boolean {
    for (const watch of this.#watches) if (touches(watch, address, size)) return true;
    return false;
  }

  /** The page of a virtual address, which leads to this RAM page, is entered for loads or stores; true if it is watched. */
  entering(address: number, page: number, write: boolean): boolean {
    const start = (address & ~0xfff) >>> 0;
    let watched = false;
    for (const watch of this.#watches) {
      if ((write ? (watch.onWrite ?? watch.beforeWrite) : (watch.onRead ?? watch.beforeRead)) === undefined) continue;
      const first = Math.max(watch.start - start, 0);
      const last = Math.min(watch.start + watch.length - 1 - start, 0xfff);
      if (first > last) continue;
      this.#physical.addGranules(page, first, last, write);
      this.#pages.add(page);
      watched = true;
    }
    return watched;
  }

  /** A CPU is about to access; `value` is what it will write, `present` what is there. */
  before(cpu: Vcpu, address: number, size: number, write: boolean, value: number, present: number): HookVerdict {
    let verdict: HookVerdict = 'go-on';
    for (const watch of this.#watches) {
      const listener = write ? watch.beforeWrite : watch.beforeRead;
      if (listener === undefined || !touches(watch, address, size)) continue;
      const before = lowBytes(present, size);
      const access = {
        cpu,
        address: address >>> 0,
        size,
        write,
        value: write ? lowBytes(value, size) : before,
        before,
      };
      verdict = heavier(verdict, listener(access));
    }
    return verdict;
  }

  /** A CPU has loaded. */
  loaded(cpu: Vcpu, address: number, size: number, value: number): void {
    for (const watch of this.#watches) {
      if (watch.onRead === undefined || !touches(watch, address, size)) continue;
      const read = lowBytes(value, size);
      watch.onRead({ cpu, address: address >>> 0, size, write: false, value: read, before: read });
    }
  }

  /** A CPU has stored. */
  stored(cpu: Vcpu, address: number, size: number, value: number, before: number): void {
    for (const watch of this.#watches) {
      if (watch.onWrite === undefined || !touches(watch, address, size)) continue;
      const written = lowBytes(value, size);
      watch.onWrite({ cpu, address: address >>> 0, size, write: true, value: written, before: before >>> 0 });
    }
  }
}

/** Addresses are modulo 2^32: an access may go on at 0. */
function touches({ start, length }: VirtualWatch, address: number, size: number): boolean {
  return (address - start) >>> 0 < length || (start - address) >>> 0 < size;
}

// SPDX-License-Identifier: Apache-2.0
// What one CPU's addresses mean now: its translation regime from the system registers, walks of the guest's tables (B3), and
// the shadow tables of its context, which generated code reads from the CPU block. Faults are values, for the CPU to take.

import {
  ACCESS_KIND,
  CPU,
  type CpuState,
  PSR,
  SCTLR,
  SYSTEM,
  type Translation,
  type TranslationRegime,
  Walker,
} from '@plinth/arm';
import type { PhysicalMemory } from '../memory/physical-memory.js';
import { ShadowTables, type Slot } from '../memory/shadow-tables.js';

export class TranslationContext {
  readonly #state: CpuState;
  readonly #physical: PhysicalMemory;
  readonly #shadow: ShadowTables;
  readonly #walker: Walker;
  #slot: Slot | undefined;
  /** Tables of the same context with User permissions. */
  #userSlot: Slot | undefined;
  /** What the two were for when they were chosen. */
  #slotKey: Slot['key'];
  #userSlotKey: Slot['key'];
  readonly #regime = {
    enabled: false,
    ttbr0: 0,
    ttbr1: 0,
    ttbcr: 0,
    dacr: 0,
    accessFlagEnable: false,
  };

  constructor(state: CpuState, physical: PhysicalMemory, shadow: ShadowTables) {
    this.#state = state;
    this.#physical = physical;
    this.#shadow = shadow;
    this.#walker = new Walker(this.#readDescriptor);
  }

  #currentRegime(): TranslationRegime {
    const state = this.#state;
    const regime = this.#regime;
    const sctlr = state.get(SYSTEM.SCTLR);
    regime.enabled = (sctlr & SCTLR.M) !== 0;
    regime.accessFlagEnable = (sctlr & SCTLR.AFE) !== 0;
    regime.ttbr0 = state.get(SYSTEM.TTBR0);
    regime.ttbr1 = state.get(SYSTEM.TTBR1);
    regime.ttbcr = state.get(SYSTEM.TTBCR);
    regime.dacr = state.get(SYSTEM.DACR);
    return regime;
  }

  /** Mode, domains or tables have changed: the next access finds out what holds now. */
  drop(): void {
    const state = this.#state;
    this.#slot = undefined;
    this.#slotKey = undefined;
    state.set(CPU.tableRead, ShadowTables.empty);
    state.set(CPU.tableWrite, ShadowTables.empty);
    state.set(CPU.tableFetch, ShadowTables.empty);
    state.set(CPU.tableUserRead, ShadowTables.empty);
    state.set(CPU.tableUserWrite, ShadowTables.empty);
    this.#userSlot = undefined;
    this.#userSlotKey = undefined;
    state.set(CPU.fetchPage, 1);
  }

  /** Whether another CPU has made use of the tables that this one had. */
  get lost(): boolean {
    return this.#slot?.key !== this.#slotKey || this.#userSlot?.key !== this.#userSlotKey;
  }

  /** The tables of the current context, made current if they were not. */
  slot(): Slot {
    if (this.#slot !== undefined) return this.#slot;
    const state = this.#state;
    const slot = this.#findSlot(state.privileged);
    this.#slot = slot;
    this.#slotKey = slot.key;
    // Big-endian data never goes through the tables: the slow path swaps it.
    if ((state.get(CPU.control) & PSR.E) === 0) {
      state.set(CPU.tableRead, slot.read);
      state.set(CPU.tableWrite, slot.write);
    }
    state.set(CPU.tableFetch, slot.fetch);
    return slot;
  }

  #findSlot(privileged: boolean): Slot {
    const regime = this.#currentRegime();
    return this.#shadow.slot({
      privileged,
      control: this.#state.get(SYSTEM.SCTLR) & (SCTLR.M | SCTLR.AFE | SCTLR.EE),
      ttbr0: regime.ttbr0,
      ttbr1: regime.ttbr1,
      ttbcr: regime.ttbcr,
      dacr: regime.dacr,
      asid: this.#state.get(SYSTEM.CONTEXTIDR) & 0xff,
    });
  }

  /** The tables for LDRT and STRT. */
  userSlot(): Slot {
    if (this.#userSlot !== undefined) return this.#userSlot;
    const state = this.#state;
    // The current slot first: choosing the other must not make it give way.
    this.slot();
    const slot = this.#findSlot(false);
    this.#userSlot = slot;
    this.#userSlotKey = slot.key;
    if ((state.get(CPU.control) & PSR.E) === 0) {
      state.set(CPU.tableUserRead, slot.read);
      state.set(CPU.tableUserWrite, slot.write);
    }
    return slot;
  }

  /** SCTLR.EE is the byte order of translation tables, too (B3.5). */
  readonly #readDescriptor = (address: number): number | undefined => {
    const word = this.#physical.readWord(address);
    if (word === undefined || (this.#state.get(SYSTEM.SCTLR) & SCTLR.EE) === 0) return word;
    return swapBytes(word);
  };

  /** Walks the guest's tables. The result is only valid until the next walk. */
  translate(address: number, kind: number, privileged: boolean): Translation {
    return this.#walker.walk(this.#currentRegime(), address, kind, privileged);
  }

  /** Where an address leads, whatever permissions, domains and access flags say; undefined if nowhere. */
  mapping(address: number): number | undefined {
    const regime = this.#currentRegime();
    const anything = { ...regime, dacr: 0xffff_ffff, accessFlagEnable: false };
    const t = this.#walker.walk(anything, address, ACCESS_KIND.read, true);
    return t.fault === 0 ? t.physical : undefined;
  }

  /** What an address translation operation puts into PAR. */
  par(address: number, write: boolean, privileged: boolean): number {
    const t = this.translate(address, write ? ACCESS_KIND.write : ACCESS_KIND.read, privileged);
    if (t.fault !== 0) return 1 | ((t.fault & 0x1f) << 1);
    return (t.physical & ~0xfff) | 0;
  }
}

export function swapBytes(word: number): number {
  return ((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

// SPDX-License-Identifier: Apache-2.0
// Loads and stores of one CPU that generated code leaves to TypeScript: misses of the shadow tables, page crossings, devices,
// watched bytes, big-endian data. Faults are the CPU's to take.

import { ACCESS, ACCESS_KIND, CPU, type CpuState, FAULT } from '@plinth/arm';
import type { AccessSize } from '../devices/device.js';
import { PAGE, type PhysicalMemory } from '../memory/physical-memory.js';
import type { ShadowTables } from '../memory/shadow-tables.js';
import { NO_WATCHES, type TouchedWatches, type VirtualWatches } from '../memory/virtual-watches.js';
import type { CpuHost, VcpuOptions } from './cpu-host.js';
import { extended, inOrder, isMisaligned } from './data-value.js';
import type { HookVerdict } from './hooks.js';
import type { TranslationContext } from './translation.js';
import type { Vcpu } from './vcpu.js';

export class DataAccesses {
  readonly #cpu: Vcpu;
  readonly #state: CpuState;
  readonly #translation: TranslationContext;
  readonly #physical: PhysicalMemory;
  readonly #shadow: ShadowTables;
  readonly #watches: VirtualWatches;
  readonly #host: CpuHost;

  constructor(cpu: Vcpu, translation: TranslationContext, { physical, shadow, watches, host }: VcpuOptions) {
    this.#cpu = cpu;
    this.#state = cpu.state;
    this.#translation = translation;
    this.#physical = physical;
    this.#shadow = shadow;
    this.#watches = watches;
    this.#host = host;
  }

  /**
   * The physical address. The page's entry says it if there is one, also to who has come because of a watch: the guest may
   * have changed its tables without TLB maintenance, and must not see that it is watched. Else the page is entered when it may
   * be used directly. -1 if it faulted.
   */
  #address(address: number, access: number, write: boolean): number {
    const unprivileged = (access & ACCESS.unprivileged) !== 0;
    const slot = unprivileged ? this.#translation.userSlot() : this.#translation.slot();
    const entry = this.#shadow.entry(slot, address, write);
    if (entry !== 0) {
      if ((entry & 1) === 0) this.#cpu.countAsLeft();
      return this.#physical.addressOfHost((address + (entry & ~1)) >>> 0);
    }
    const privileged = this.#state.privileged && !unprivileged;
    const t = this.#translation.translate(address, write ? ACCESS_KIND.write : ACCESS_KIND.read, privileged);
    if (t.fault !== 0) {
      this.#cpu.dataAbort(address, t.fault, t.domain, write || (access & ACCESS.write) !== 0);
      return -1;
    }
    const page = this.#physical.pageOf(t.physical);
    if (page >= 0) {
      const marks = this.#physical.marks[page]!;
      if (!write || (marks & (PAGE.code | PAGE.fetchAllowed)) === 0) {
        const physically = (marks & (write ? PAGE.watchedWrite : PAGE.watchedRead)) !== 0;
        const watched = (this.#watches.active && this.#watches.entering(address, page, write)) || physically;
        this.#shadow.enter(slot, address, this.#physical.hostPage(page), page, write, t.sizeLog2, watched);
        if (write) this.#physical.dirty[page] = 1;
      }
    }
    return t.physical;
  }

  // ---- loads --------------------------------------------------------------------------------------------------

  /** Returns the value as the register gets it; what it is does not matter if the CPU has `aborted`. */
  load(address: number, access: number): number {
    const size = access & ACCESS.sizeMask;
    if (isMisaligned(this.#state, address, access, size)) {
      this.#cpu.dataAbort(address, FAULT.alignment, 0, (access & ACCESS.write) !== 0);
      return 0;
    }
    if ((address & 0xfff) + size > 0x1000) return this.#crossingLoad(address, access, size);
    const physical = this.#address(address, access, false);
    if (physical < 0) return 0;
    if ((access & ACCESS.write) !== 0) {
      // What a store-exclusive compares with is no read of the guest's: nobody is told.
      return this.#loaded(NO_WATCHES, address, access, this.#physical.peek(physical, size as AccessSize));
    }
    const watches = this.#watches.touchedBy(address, size);
    if (watches.length > 0 && this.#givenUpBeforeLoad(watches, address, size, physical, size, 0)) return 0;
    return this.#loaded(watches, address, access, this.#physical.read(physical, size as AccessSize));
  }

  /** A load over a page border: both pages are translated before either is read. */
  #crossingLoad(address: number, access: number, size: number): number {
    const first = this.#address(address, access, false);
    if (first < 0) return 0;
    const border = (address + size) & ~0xfff;
    const second = this.#address(border, access, false);
    if (second < 0) return 0;
    const inFirst = border - address;
    const watches = this.#watches.touchedBy(address, size);
    if (watches.length > 0 && this.#givenUpBeforeLoad(watches, address, size, first, inFirst, second)) return 0;
    return this.#loaded(watches, address, access, this.#physical.readSplit(first, inFirst, second, size));
  }

  /** Whether a watch keeps the CPU from a load of `inFirst` bytes at `first` and the others at `second`. */
  #givenUpBeforeLoad(
    watches: TouchedWatches,
    address: number,
    size: number,
    first: number,
    inFirst: number,
    second: number,
  ): boolean {
    const present = this.#physical.peekSplit(first, inFirst, second, size);
    const verdict = this.#watches.before(watches, this.#cpu, address, size, false, 0, present);
    return this.#givenUp(verdict);
  }

  /** Stops the CPU if those who were asked say so; true if the instruction is abandoned, for this reason or another. */
  #givenUp(verdict: HookVerdict): boolean {
    if (verdict === 'stop') this.#cpu.stopBefore(this.#cpu.instructionAddress);
    return this.#state.get(CPU.aborted) !== 0;
  }

  /** `value` as the access wants it; an abort where nothing answered. */
  #loaded(watches: TouchedWatches, address: number, access: number, value: number | undefined): number {
    if (value === undefined) {
      this.#host.busError(address >>> 0, ACCESS_KIND.read);
      this.#cpu.dataAbort(address, FAULT.external, 0, false);
      return 0;
    }
    const size = access & ACCESS.sizeMask;
    if (watches.length > 0) this.#watches.loaded(watches, this.#cpu, address, size, value);
    this.#noticeDevice();
    return extended(inOrder(this.#state, value, size), access);
  }

  // ---- stores -------------------------------------------------------------------------------------------------

  store(address: number, value: number, access: number): void {
    const size = access & ACCESS.sizeMask;
    if (isMisaligned(this.#state, address, access, size)) {
      this.#cpu.dataAbort(address, FAULT.alignment, 0, true);
      return;
    }
    const swapped = inOrder(this.#state, value, size);
    if ((address & 0xfff) + size > 0x1000) {
      this.#crossingStore(address, swapped, access, size);
      return;
    }
    const physical = this.#address(address, access, true);
    if (physical < 0) return;
    const watches = this.#watches.touchedBy(address, size);
    // Only of what is watched is it asked what is there.
    const before = watches.length > 0 ? this.#physical.peekSplit(physical, size, 0, size) : 0;
    if (watches.length > 0 && this.#keptFromStore(watches, address, swapped, before, size)) return;
    const answered = this.#physical.write(physical, size as AccessSize, swapped);
    this.#stored(watches, address, swapped, before, size, answered);
  }

  #crossingStore(address: number, value: number, access: number, size: number): void {
    const first = this.#address(address, access, true);
    if (first < 0) return;
    const border = (address + size) & ~0xfff;
    const second = this.#address(border, access, true);
    if (second < 0) return;
    const inFirst = border - address;
    const watches = this.#watches.touchedBy(address, size);
    const before = watches.length > 0 ? this.#physical.peekSplit(first, inFirst, second, size) : 0;
    if (watches.length > 0 && this.#keptFromStore(watches, address, value, before, size)) return;
    const answered = this.#physical.writeSplit(first, inFirst, second, size, value);
    this.#stored(watches, address, value, before, size, answered);
  }

  #keptFromStore(watches: TouchedWatches, address: number, value: number, before: number, size: number): boolean {
    const verdict = this.#watches.before(watches, this.#cpu, address, size, true, value, before);
    return this.#givenUp(verdict) || verdict === 'skip';
  }

  /** After a store: an abort where nothing answered. */
  #stored(
    watches: TouchedWatches,
    address: number,
    value: number,
    before: number,
    size: number,
    answered: boolean,
  ): void {
    if (!answered) {
      this.#host.busError(address >>> 0, ACCESS_KIND.write);
      this.#cpu.dataAbort(address, FAULT.external, 0, true);
      return;
    }
    if (watches.length > 0) this.#watches.stored(watches, this.#cpu, address, size, value, before);
    this.#noticeDevice();
  }

  #noticeDevice(): void {
    if (!this.#physical.deviceTouched) return;
    this.#physical.deviceTouched = false;
    this.#cpu.requestStop('device');
  }
}

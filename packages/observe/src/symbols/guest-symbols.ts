// SPDX-License-Identifier: Apache-2.0
// The symbols of whatever runs in a machine: those of a file, or else of the Linux kernel in RAM, which may appear late, as
// when it has first to unpack itself.

import type { Machine } from '@plinth/machine';
import { findKallsyms } from './kallsyms.js';
import type { GuestSymbol, SymbolTable } from './symbol-table.js';

/** A search takes a third of a second, so it is tried again when this many instructions more, and then twice as many, have run. */
const FIRST_RETRY = 50e6;

export class GuestSymbols {
  readonly #machine: Machine;
  #table: SymbolTable | undefined;
  #retryAt = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param table if it is known already; nothing else is looked for then */
  constructor(machine: Machine, table?: SymbolTable) {
    this.#machine = machine;
    this.#table = table;
  }

  /** Looks for a kernel if that has not been found yet. */
  get table(): SymbolTable | undefined {
    const { count, memory } = this.#machine;
    if (this.#table !== undefined || count < this.#retryAt) return this.#table;
    this.#retryAt = Math.max(2 * count, FIRST_RETRY);
    this.#table = findKallsyms(memory.ram)?.table;
    return this.#table;
  }

  get known(): boolean {
    return this.table !== undefined;
  }

  address(name: string): number | undefined {
    return this.table?.address(name);
  }

  matching(glob: string): readonly GuestSymbol[] {
    return this.table?.matching(glob) ?? [];
  }

  describe(address: number): string | undefined {
    return this.table?.describe(address);
  }

  whenKnown(then: () => void): void {
    if (this.known) then();
    else this.#waiting.push(then);
  }

  /** To be called between slices: tells those who wait, if there is something to tell. */
  poll(): void {
    if (this.#waiting.length === 0 || !this.known) return;
    for (const then of this.#waiting.splice(0)) then();
  }
}

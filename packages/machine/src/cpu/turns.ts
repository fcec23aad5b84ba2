// SPDX-License-Identifier: Apache-2.0
// Which CPU of a machine executes: each in turn, for a quantum counted in its own instructions, so that the order of
// everything follows from counts alone and not from the slices in which a machine is run. A CPU that waits or is off gives
// the rest of its turn up. With one CPU there are no turns.

import type { StateReader, StateWriter } from '@plinth/core';
import type { Vcpu } from './vcpu.js';

/** Instructions of a turn, at most. */
export const QUANTUM = 10_000;

export class Turns {
  readonly #cpus: readonly Vcpu[];
  #current = 0;
  /** Instructions that are left of the turn. */
  #left: number;

  constructor(cpus: readonly Vcpu[]) {
    this.#cpus = cpus;
    this.#left = this.#quantum;
  }

  get #quantum(): number {
    return this.#cpus.length === 1 ? Infinity : QUANTUM;
  }

  reset(): void {
    this.#current = 0;
    this.#left = this.#quantum;
  }

  /** The CPU that executes, or did so last. */
  get current(): Vcpu {
    return this.#cpus[this.#current]!;
  }

  get left(): number {
    return this.#left;
  }

  /** The CPU that is to execute next, made the current one; undefined if all wait. Not called before all is in that is due. */
  next(now: number): Vcpu | undefined {
    const { current } = this;
    if (this.#left > 0 && current.activity.readyAt(now)) {
      current.activity.begin();
      return current;
    }
    for (let distance = 1; distance <= this.#cpus.length; distance++) {
      const number = (this.#current + distance) % this.#cpus.length;
      const cpu = this.#cpus[number]!;
      if (!cpu.activity.readyAt(now)) continue;
      if (cpu !== current) {
        current.endTurn();
        cpu.beginTurn();
      }
      cpu.activity.begin();
      this.#current = number;
      this.#left = this.#quantum;
      return cpu;
    }
    return undefined;
  }

  /** It is that CPU's turn, unless it has some of its turn left. */
  give(index: number): void {
    if (index === this.#current) {
      if (this.#left <= 0) this.#left = this.#quantum;
      return;
    }
    this.current.endTurn();
    this.#current = index;
    this.#left = this.#quantum;
    this.current.beginTurn();
  }

  /** The current CPU has executed so many instructions. */
  spend(instructions: number): void {
    this.#left -= instructions;
    if (this.current.activity.waiting) this.#left = 0;
  }

  /** Whether a CPU could execute. */
  anyReady(now: number): boolean {
    return this.#cpus.some(({ activity }) => activity.readyAt(now));
  }

  /** When, by virtual time, a waiting CPU goes on by itself. */
  get wake(): number {
    return this.#cpus.reduce((earliest, { activity }) => Math.min(earliest, activity.until), Infinity);
  }

  /** Only of several CPUs. */
  save(writer: StateWriter): void {
    writer.u8(this.#current);
    writer.u32(this.#left);
  }

  restore(reader: StateReader): void {
    this.#current = reader.u8();
    reader.check(this.#current < this.#cpus.length, `it was the turn of CPU ${this.#current}, which there is not`);
    this.#left = reader.u32();
    reader.check(this.#left <= this.#quantum, `a turn cannot have ${this.#left} instructions left`);
  }

  get words(): readonly number[] {
    return [this.#current, this.#left];
  }
}

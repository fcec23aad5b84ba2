// SPDX-License-Identifier: Apache-2.0
// Whether a CPU executes instructions, and what it waits for if not: an interrupt (WFI), an event (WFE), or the firmware
// call that turns it on (PSCI). With it goes the Event Register of B1.8.13.

import type { StateReader, StateWriter } from '@plinth/core';

const RUNNING = 0;
const FOR_INTERRUPT = 1;
const FOR_EVENT = 2;
const OFF = 3;

export class Activity {
  #kind = RUNNING;
  /** The Event Register: the next WFE completes at once. */
  #event = false;
  /** Virtual time at which a WFE ends by itself; Infinity if it does not. */
  #until = Infinity;

  reset(on: boolean): void {
    this.#kind = on ? RUNNING : OFF;
    this.#event = false;
    this.#until = Infinity;
  }

  get on(): boolean {
    return this.#kind !== OFF;
  }

  /** Does nothing, for one reason or another. */
  get waiting(): boolean {
    return this.#kind !== RUNNING;
  }

  /** When, by virtual time, it goes on if nothing happens before. */
  get until(): number {
    return this.#kind === FOR_EVENT ? this.#until : Infinity;
  }

  turnOff(): void {
    this.reset(false);
  }

  waitForInterrupt(): void {
    this.#kind = FOR_INTERRUPT;
  }

  /** WFE: takes the event that has come already, or waits until that virtual time at most. True if it waits. */
  waitForEvent(until: number): boolean {
    if (this.#event) {
      this.#event = false;
      return false;
    }
    this.#kind = FOR_EVENT;
    this.#until = until;
    return true;
  }

  /** An event: ends a WFE, or the next one. */
  signal(): void {
    if (this.#kind === FOR_EVENT) this.#kind = RUNNING;
    else this.#event = true;
  }

  /** An interrupt has come: ends a WFI even if it is masked, a WFE if it is not. */
  interrupt(masked: boolean): void {
    if (this.#kind === FOR_INTERRUPT || (this.#kind === FOR_EVENT && !masked)) this.#kind = RUNNING;
  }

  /** Whether it can go on at that virtual time. */
  readyAt(now: number): boolean {
    return this.#kind === RUNNING || (this.#kind === FOR_EVENT && now >= this.#until);
  }

  /** Its turn to execute has come. */
  begin(): void {
    this.#kind = RUNNING;
  }

  save(writer: StateWriter): void {
    writer.u8(this.#kind);
    writer.bool(this.#event);
    writer.f64(this.until === Infinity ? -1 : this.until);
  }

  restore(reader: StateReader): void {
    this.#kind = reader.u8();
    reader.check(this.#kind <= OFF, `a CPU cannot be in state ${this.#kind}`);
    this.#event = reader.bool();
    const until = reader.f64();
    this.#until = until < 0 ? Infinity : until;
  }

  /** All of it as words, for comparing. */
  get words(): readonly number[] {
    const until = this.until === Infinity ? -1 : this.until;
    return [this.#kind, this.#event ? 1 : 0, until | 0, Math.floor(until / 2 ** 32)];
  }
}

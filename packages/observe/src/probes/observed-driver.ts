// SPDX-License-Identifier: Apache-2.0
// A machine that is driven while someone looks on: at exact counts of instructions, after each slice, and with the right to
// end the run. What the guest does and where slices end is what it would be without.

import type { Finding } from '@plinth/core';
import type { DriverStop, MachineDriver } from '@plinth/machine';
import { DriverAround } from '../record/driver-around.js';

export interface Observer {
  /** Instructions between two samples, and what is done there; the machine stands between two instructions. */
  readonly sampling?: { readonly interval: number; sample(): void } | undefined;
  /** After each slice, which has ended so. */
  afterSlice?(stop: DriverStop): void;
  /** Findings of which the run does not end; asked after each slice. */
  report?(): readonly Finding[];
  /** Why the run is to end; asked after each sample and each slice. */
  end?(): Finding | undefined;
  /** Why the machine is to stand until a debugger lets it go; asked when `end` is. */
  standstill?(): Standstill | undefined;
}

/** The machine stands for a debugger: because of what this CPU did, and what that was. */
export interface Standstill {
  readonly cpu: number;
  readonly message: string;
}

export class ObservedDriver extends DriverAround {
  readonly #observers: readonly Observer[];
  readonly #findings: Finding[] = [];
  #ended = false;
  #standstill: Standstill | undefined;

  constructor(driver: MachineDriver, observers: readonly Observer[]) {
    super(driver);
    this.#observers = observers;
  }

  override takeFindings(): readonly Finding[] {
    return [...super.takeFindings(), ...this.#findings.splice(0)];
  }

  override runSlice(maximumInstructions: number, comeBack: boolean): DriverStop {
    const end = this.instructions + maximumInstructions;
    let stop: DriverStop;
    do {
      const from = this.instructions;
      stop = super.runSlice(Math.min(end, this.#nextSample()) - from, comeBack);
      if (this.instructions > from) this.#sample();
    } while (stop.kind === 'slice' && stop.requested !== true && this.instructions < end && !this.#ends());
    for (const observer of this.#observers) observer.afterSlice?.(stop);
    this.#ends();
    for (const observer of this.#observers) this.#findings.push(...(observer.report?.() ?? []));
    const standstill = this.#standstill;
    const ended = this.#ended;
    this.#standstill = undefined;
    this.#ended = false;
    if (standstill !== undefined) return { kind: 'finding', standstill };
    return ended ? { kind: 'finding' } : stop;
  }

  /** Whether someone wants the slice to end here, and the run with it or not. */
  #ends(): boolean {
    for (const observer of this.#observers) {
      const finding = observer.end?.();
      if (finding !== undefined) this.#findings.push(finding);
      this.#ended ||= finding !== undefined;
      this.#standstill ??= observer.standstill?.();
    }
    return this.#ended || this.#standstill !== undefined;
  }

  /** The first count from here on at which someone wants a sample: a multiple of the interval. */
  #nextSample(): number {
    const next = ({ sampling }: Observer): number =>
      sampling === undefined ? Infinity : (Math.floor(this.instructions / sampling.interval) + 1) * sampling.interval;
    return Math.min(...this.#observers.map(next));
  }

  #sample(): void {
    const { instructions } = this;
    for (const { sampling } of this.#observers) {
      if (sampling !== undefined && instructions % sampling.interval === 0) sampling.sample();
    }
  }
}

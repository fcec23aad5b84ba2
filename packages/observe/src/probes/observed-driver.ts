// SPDX-License-Identifier: Apache-2.0
// A machine that is driven while someone looks on: at exact counts of instructions, after each slice, and with the right to
// end the run. What the guest does and where slices end is what it would be without.

import type { Finding } from '@plinth/core';
import type { DriverStop, MachineDriver } from '@plinth/machine';
import { DriverAround } from '../record/driver-around.js';

export interface Observer {
  /** Instructions between two samples, and what is done there; the machine stands between two instructions. */
  readonly sampling?: { readonly interval: number; sample(): void } | undefined;
  /** After each slice. */
  afterSlice?(): void;
  /** Why the run is to end; asked after each slice. */
  end?(): Finding | undefined;
}

export class ObservedDriver extends DriverAround {
  readonly #observers: readonly Observer[];
  readonly #findings: Finding[] = [];

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
    } while (stop.kind === 'slice' && stop.requested !== true && this.instructions < end);
    for (const observer of this.#observers) observer.afterSlice?.();
    const findings = this.#observers.flatMap((observer) => observer.end?.() ?? []);
    this.#findings.push(...findings);
    return findings.length > 0 ? { kind: 'finding' } : stop;
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

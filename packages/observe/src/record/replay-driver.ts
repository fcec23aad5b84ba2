// SPDX-License-Identifier: Apache-2.0
// A recorded run as something that is driven in slices: forwards it is as any machine, but nothing enters from outside and
// nothing that was shown is shown again.

import type { DriverStop, OpenDriver } from '@plinth/machine';
import type { History } from './history.js';
import type { ReplayStop } from './replay.js';

const NOTHING = new Uint8Array();

/** A run that can be gone back in, for debuggers. */
export interface PastRun {
  readonly history: History;
  /** It goes on where the recording ends. */
  readonly live: boolean;
  /** The last slice has come to the end of what was recorded, or the run is not the recorded one any more. */
  readonly ended: Extract<ReplayStop, { kind: 'end' | 'different' }> | undefined;
}

export class ReplayDriver implements PastRun {
  readonly history: History;
  readonly live: boolean = false;
  readonly #driver: OpenDriver;
  /** Up to here the console's output was given away. */
  #shown: number;
  #output: Uint8Array = NOTHING;
  #last: ReplayStop = { kind: 'until' };

  /** `history` is of the driver's machine. */
  constructor(driver: OpenDriver, history: History) {
    this.#driver = driver;
    this.history = history;
    this.#shown = history.count;
  }

  get ended(): PastRun['ended'] {
    return this.#last.kind === 'end' || this.#last.kind === 'different' ? this.#last : undefined;
  }

  /** As `MachineDriver.runSlice`, up to the end of the recording, where it does nothing. */
  runSlice(maximumInstructions: number): DriverStop {
    const { count } = this.history;
    const seen = count < this.#shown;
    // What was printed on the way to another place, or here before, is known.
    this.#driver.takeOutput();
    this.#last = this.history.run(Math.min(count + maximumInstructions, seen ? this.#shown : Infinity));
    const output = this.#driver.takeOutput();
    this.#output = seen ? NOTHING : output;
    this.#shown = Math.max(this.#shown, this.history.count);
    return this.#last.kind === 'hook' ? this.#last : { kind: 'slice' };
  }

  /** What the last slice has printed for the first time. */
  takeOutput(): Uint8Array {
    const output = this.#output;
    this.#output = NOTHING;
    return output;
  }

  /** There is only one way. */
  reset(): void {}
}

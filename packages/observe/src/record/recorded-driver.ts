// SPDX-License-Identifier: Apache-2.0
// A machine that is driven while a recorder looks on: the run loop need not know of it.

import type { DriverStop, OpenDriver } from '@plinth/machine';
import { DriverAround } from './driver-around.js';
import type { Recorder } from './recorder.js';

/** The driver of a machine whose inputs go to the recorder already (`DriverHost.onInput`). */
export class RecordedDriver extends DriverAround<OpenDriver> {
  readonly #recorder: Recorder;

  constructor(driver: OpenDriver, recorder: Recorder) {
    super(driver);
    this.#recorder = recorder;
  }

  /** Nothing while the recorder has not written what came before: memory is bounded. */
  override send(port: string, bytes: Uint8Array): number {
    return this.#recorder.behind ? 0 : super.send(port, bytes);
  }

  override runSlice(maximumInstructions: number, comeBack: boolean): DriverStop {
    const stop = super.runSlice(maximumInstructions, comeBack);
    if (stop.kind === 'slice' || stop.kind === 'waiting' || stop.kind === 'idle') {
      this.#recorder.afterSlice(stop.kind === 'idle');
    }
    return stop;
  }

  override reset(): void {
    this.#recorder.reset();
    super.reset();
  }

  /** A machine that is saved begins anew with its shadow tables, which a replay has to do there, too. */
  override saveSnapshot(packed: boolean): Promise<readonly Uint8Array[]> {
    this.#recorder.checkpoint();
    return super.saveSnapshot(packed);
  }
}

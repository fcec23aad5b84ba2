// SPDX-License-Identifier: Apache-2.0
// A machine that is driven while a recorder looks on: the run loop need not know of it.

import type { Finding } from '@plinth/core';
import type { DriverStop, MachineDriver, OpenDriver } from '@plinth/machine';
import type { Recorder } from './recorder.js';

/** The driver of a machine whose inputs go to the recorder already (`DriverHost.onInput`). */
export class RecordedDriver implements MachineDriver {
  readonly #driver: OpenDriver;
  readonly #recorder: Recorder;

  constructor(driver: OpenDriver, recorder: Recorder) {
    this.#driver = driver;
    this.#recorder = recorder;
  }

  get instructions(): number {
    return this.#driver.instructions;
  }

  get virtualTime(): number {
    return this.#driver.virtualTime;
  }

  /** Nothing while the recorder has not written what came before: memory is bounded. */
  send(port: string, bytes: Uint8Array): number {
    return this.#recorder.behind ? 0 : this.#driver.send(port, bytes);
  }

  personalize(own: { readonly seed: string; readonly timeOfDay: number }): void {
    this.#driver.personalize(own);
  }

  takeOutput(): Uint8Array {
    return this.#driver.takeOutput();
  }

  endSlicesAt(bytes: readonly number[]): void {
    this.#driver.endSlicesAt(bytes);
  }

  takeFindings(): readonly Finding[] {
    return this.#driver.takeFindings();
  }

  runSlice(maximumInstructions: number, comeBack: boolean): DriverStop {
    const stop = this.#driver.runSlice(maximumInstructions, comeBack);
    if (stop.kind === 'slice' || stop.kind === 'waiting' || stop.kind === 'idle') {
      this.#recorder.afterSlice(stop.kind === 'idle');
    }
    return stop;
  }

  passTime(nanoseconds: number): void {
    this.#driver.passTime(nanoseconds);
  }

  reset(): void {
    this.#recorder.reset();
    this.#driver.reset();
  }

  stateHash(): string {
    return this.#driver.stateHash();
  }

  /** A machine that is saved begins anew with its shadow tables, which a replay has to do there, too. */
  saveSnapshot(packed: boolean): Promise<readonly Uint8Array[]> {
    this.#recorder.checkpoint();
    return this.#driver.saveSnapshot(packed);
  }

  [Symbol.dispose](): void {
    this.#driver[Symbol.dispose]();
  }
}

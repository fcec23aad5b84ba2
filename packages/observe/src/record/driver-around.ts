// SPDX-License-Identifier: Apache-2.0
// A machine's driver around another: for who adds something to one of its functions.

import type { Finding } from '@plinth/core';
import type { DriverStop, MachineDriver } from '@plinth/machine';

export class DriverAround<Driver extends MachineDriver = MachineDriver> implements MachineDriver {
  protected readonly driver: Driver;

  constructor(driver: Driver) {
    this.driver = driver;
  }

  get instructions(): number {
    return this.driver.instructions;
  }

  get virtualTime(): number {
    return this.driver.virtualTime;
  }

  send(port: string, bytes: Uint8Array): number {
    return this.driver.send(port, bytes);
  }

  personalize(own: { readonly seed: string; readonly timeOfDay: number }): void {
    this.driver.personalize(own);
  }

  takeOutput(): Uint8Array {
    return this.driver.takeOutput();
  }

  endSlicesAt(bytes: readonly number[]): void {
    this.driver.endSlicesAt(bytes);
  }

  takeFindings(): readonly Finding[] {
    return this.driver.takeFindings();
  }

  runSlice(maximumInstructions: number, comeBack: boolean): DriverStop {
    return this.driver.runSlice(maximumInstructions, comeBack);
  }

  passTime(nanoseconds: number): void {
    this.driver.passTime(nanoseconds);
  }

  reset(): void {
    this.driver.reset();
  }

  stateHash(): string {
    return this.driver.stateHash();
  }

  saveSnapshot(packed: boolean): Promise<readonly Uint8Array[]> {
    return this.driver.saveSnapshot(packed);
  }

  [Symbol.dispose](): void {
    this.driver[Symbol.dispose]();
  }
}

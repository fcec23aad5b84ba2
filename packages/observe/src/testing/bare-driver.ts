// SPDX-License-Identifier: Apache-2.0
// A machine of a test as a driver, with nothing around it. Only for tests; no part of the package.

import type { Finding, Section, Sections } from '@plinth/core';
import type { BlockDevice, DriverStop, Machine, OpenDriver } from '@plinth/machine';

export class BareDriver implements OpenDriver {
  readonly machine: Machine;
  readonly name: string = 'a.elf';
  readonly disks: readonly BlockDevice[] = [];

  constructor(machine: Machine) {
    this.machine = machine;
  }

  get instructions(): number {
    return this.machine.count;
  }

  get virtualTime(): number {
    return this.machine.clock.now();
  }

  send(port: string, bytes: Uint8Array): number {
    return this.machine.inputs.send(port, bytes);
  }

  personalize(): void {}

  takeOutput(): Uint8Array {
    return new Uint8Array();
  }

  endSlicesAt(): void {}

  takeFindings(): readonly Finding[] {
    return [];
  }

  runSlice(maximumInstructions: number, comeBack: boolean): DriverStop {
    const stop = this.machine.run({ until: this.machine.count + maximumInstructions, waitForEvents: comeBack });
    if (stop.kind === 'until' || stop.kind === 'requested') return { kind: 'slice' };
    return stop.kind === 'fault-loop' || stop.kind === 'fetch-denied' ? { kind: 'finding' } : stop;
  }

  passTime(nanoseconds: number): void {
    this.machine.passTime(nanoseconds);
  }

  reset(): void {
    this.machine.reset();
  }

  saveState(): readonly Section[] {
    return this.machine.saveState();
  }

  restoreState(sections: Sections): void {
    this.machine.restoreState(sections);
  }

  stateHash(): string {
    return this.machine.stateHash();
  }

  async saveSnapshot(): Promise<readonly Uint8Array[]> {
    this.machine.save();
    return [];
  }

  [Symbol.dispose](): void {}
}

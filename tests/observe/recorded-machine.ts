// SPDX-License-Identifier: Apache-2.0
// A machine of a test as a driver, with nothing around it, and recordings of it in memory. Only for tests; no part of a
// package.

import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Finding, Section, SectionCodec, Sections } from '@plinth/core';
import {
  type BlockDevice,
  type DriverStop,
  type Input,
  type Machine,
  type MachineOptions,
  type OpenDriver,
  parseRunSpec,
} from '@plinth/machine';
import { openRecording, RecordedDriver, Recorder, type Recording, type RecordingStart } from '@plinth/observe';

export const codec: SectionCodec = {
  deflate: async (bytes) => deflateRawSync(bytes, { level: 1 }),
  inflate: async (bytes, length) => inflateRawSync(bytes, { maxOutputLength: Math.max(1, length) }),
};

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

export const START: RecordingStart = {
  spec: parseRunSpec({ program: '/a.elf' }),
  name: 'a.elf',
  files: [{ role: 'program', name: '/a.elf', size: 100, sha256: '0'.repeat(64) }],
  freshOverlays: [],
  disks: [],
  embedded: false,
};

/** A machine that is recorded: `start` puts its guest in place. */
export class RecordedMachine {
  readonly driver: RecordedDriver;
  readonly machine: Machine;
  readonly #recorder: Recorder;
  readonly #pieces: Uint8Array[] = [];

  constructor(
    make: (options: MachineOptions) => Machine,
    options: { readonly start?: RecordingStart; readonly interval?: number } = {},
  ) {
    this.machine = make({ onInput: (input: Input) => this.#recorder.input(input) });
    const driver = new BareDriver(this.machine);
    this.#recorder = new Recorder({
      driver,
      start: options.start ?? START,
      codec,
      append: (bytes) => void this.#pieces.push(bytes.slice()),
      now: () => 0,
      ...(options.interval === undefined ? {} : { interval: options.interval }),
    });
    this.driver = new RecordedDriver(driver, this.#recorder);
  }

  /** The recording, read again. */
  async recording(): Promise<Recording> {
    return openRecording(await this.end(), this.machine.board.description.name, codec);
  }

  /** The recording, with its end. */
  async end(): Promise<Uint8Array> {
    await this.#recorder.end({ kind: 'limit', limit: 'instructions' });
    return Buffer.concat(this.#pieces);
  }
}

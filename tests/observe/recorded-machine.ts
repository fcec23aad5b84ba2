// SPDX-License-Identifier: Apache-2.0
// Recordings of machines of tests, in memory.

import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { SectionCodec } from '@plinth/core';
import { type Input, type Machine, type MachineOptions, parseRunSpec } from '@plinth/machine';
import {
  openRecording,
  RecordedDriver,
  Recorder,
  type Recording,
  RecordingFile,
  type RecordingStart,
} from '@plinth/observe';
import { BareDriver } from '../../packages/observe/src/testing/bare-driver.js';

export const codec: SectionCodec = {
  deflate: async (bytes) => deflateRawSync(bytes, { level: 1 }),
  inflate: async (bytes, length) => inflateRawSync(bytes, { maxOutputLength: Math.max(1, length) }),
};

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
  readonly #file: RecordingFile;
  readonly #recorder: Recorder;
  readonly #pieces: Uint8Array[] = [];

  constructor(
    make: (options: MachineOptions) => Machine,
    options: { readonly start?: RecordingStart; readonly interval?: number } = {},
  ) {
    this.machine = make({ onInput: (input: Input) => this.#recorder.input(input) });
    const driver = new BareDriver(this.machine);
    this.#file = new RecordingFile({
      start: options.start ?? START,
      machine: this.machine,
      codec,
      append: (bytes) => void this.#pieces.push(bytes.slice()),
    });
    this.#recorder = new Recorder({
      driver,
      sink: this.#file,
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
    await this.#file.end(this.#recorder.end({ kind: 'limit', limit: 'instructions' }));
    return Buffer.concat(this.#pieces);
  }
}

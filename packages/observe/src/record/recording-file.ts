// SPDX-License-Identifier: Apache-2.0
// A recording as a file of sections (core/sections.ts) that grows by chunks of events while the run goes on. What was
// appended is never changed, so whatever ends the process, the recording is good up to its last whole chunk.

import { encodeOpenHeader, encodeSection, type Section, type SectionCodec, utf8 } from '@plinth/core';
import type { Machine } from '@plinth/machine';
import { CHUNK_VERSION, chunkTag } from './events.js';
import type { RecordedEnd, RecorderSink } from './recorder.js';
import { encodeStart, type RecordingStart } from './start.js';

/** Four letters that say what a file of sections is. */
export const RECORDING_KIND = 'RECD';
export const END_VERSION = 1;

/** Bytes that wait to be compressed: a recorder that is behind takes no more from outside. */
const MAX_PENDING = 8 * 1024 * 1024;

export interface RecordingFileOptions {
  readonly start: RecordingStart;
  /** Is where the recording begins. */
  readonly machine: Machine;
  readonly codec: SectionCodec;
  /** Puts bytes behind what the file has; a failure ends the recording and the run. */
  append(bytes: Uint8Array): void;
}

export class RecordingFile implements RecorderSink {
  readonly #options: RecordingFileOptions;
  #chunks = 0;
  /** Everything that was handed over so far is in the file when it resolves. */
  #written: Promise<void> = Promise.resolve();
  #pending = 0;
  #failure: unknown;

  constructor(options: RecordingFileOptions) {
    this.#options = options;
    options.append(encodeOpenHeader(RECORDING_KIND));
    for (const section of encodeStart(options.start, options.machine)) this.#write(section);
  }

  chunk(payload: Uint8Array): void {
    this.#write({ tag: chunkTag(this.#chunks++), version: CHUNK_VERSION, payload });
  }

  get behind(): boolean {
    return this.#pending > MAX_PENDING;
  }

  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #write(section: Section): void {
    const size = section.payload.length;
    this.#pending += size;
    const packed = encodeSection(section, this.#options.codec);
    this.#written = this.#written
      .then(async () => {
        for (const piece of await packed) this.#options.append(piece);
        this.#pending -= size;
      })
      .catch((error: unknown) => {
        this.#failure ??= error;
      });
  }

  /** Resolves when all is in the file. */
  async end(end: RecordedEnd): Promise<void> {
    this.#write({ tag: 'end', version: END_VERSION, payload: utf8(JSON.stringify(end)) });
    await this.#written;
    this.check();
  }
}

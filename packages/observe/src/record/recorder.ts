// SPDX-License-Identifier: Apache-2.0
// Writes a recording while the run goes on: a file of sections (core/sections.ts) that grows by chunks of events. What was
// appended is never changed, so whatever ends the process, the recording is good up to its last whole chunk.

import { encodeOpenHeader, encodeSection, type Section, type SectionCodec, utf8 } from '@plinth/core';
import type { Input, OpenDriver, RunExit } from '@plinth/machine';
import { CHUNK_VERSION, ChunkWriter, type Place } from './events.js';
import { RamHash } from './ram-hash.js';
import { encodeStart, type RecordingStart } from './start.js';

/** Four letters that say what a file of sections is. */
export const RECORDING_KIND = 'RECD';
export const END_VERSION = 1;

/** Instructions between two checkpoints; the end of the slice decides. */
export const CHECKPOINT_INTERVAL = 20_000_000;
/**
 * Instructions that are executed for each page of RAM that a checkpoint reads again: a page takes about as long as 600
 * instructions, so that this is 3 % of a run.
 */
const INSTRUCTIONS_PER_PAGE = 20_000;
/** Host milliseconds that an event may wait for its way to the file. */
const FLUSH_TIME = 500;
/** Bytes of a chunk. */
const CHUNK_SIZE = 256 * 1024;
/** Bytes that wait to be compressed: a recorder that is behind takes no more from outside. */
const MAX_PENDING = 8 * 1024 * 1024;

export interface RecorderOptions {
  /** Its machine is where the recording begins. */
  readonly driver: OpenDriver;
  readonly start: RecordingStart;
  readonly codec: SectionCodec;
  /** Puts bytes behind what the file has; a failure ends the recording and the run. */
  append(bytes: Uint8Array): void;
  /** The host's milliseconds, monotonic. */
  now(): number;
  /** Instructions between two checkpoints, at least; CHECKPOINT_INTERVAL if left out. */
  readonly interval?: number;
}

/** How a recorded run ended. */
export interface RecordedEnd extends Place {
  readonly exit: RunExit;
  /** `Machine.stateHash`. */
  readonly stateHash: string;
}

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #ram: RamHash;
  readonly #nanoseconds: number;
  #chunk: ChunkWriter;
  #chunks = 0;
  #flushed: number;
  #lastCheckpoint = 0;
  #lastRam = 0;
  /** Everything that was handed over so far is in the file when it resolves. */
  #written: Promise<void> = Promise.resolve();
  #pending = 0;
  #failure: unknown;

  /** The recording begins where the machine is. */
  constructor(options: RecorderOptions) {
    this.#options = options;
    const { machine } = options.driver;
    this.#nanoseconds = machine.identity.nanosecondsPerInstruction;
    this.#ram = new RamHash(machine.memory);
    options.append(encodeOpenHeader(RECORDING_KIND));
    for (const section of encodeStart(options.start, machine)) this.#write(section);
    this.#flushed = options.now();
    this.#chunk = this.#newChunk();
    this.checkpoint(true);
    this.#flush();
  }

  get #place(): Place {
    const { count, clock } = this.#options.driver.machine;
    return { count, time: clock.now() };
  }

  #newChunk(): ChunkWriter {
    return new ChunkWriter(this.#nanoseconds, this.#place);
  }

  /** What `DriverHost.onInput` hears. */
  input(input: Input): void {
    this.#chunk.add(input);
    if (this.#chunk.length >= CHUNK_SIZE) this.#flush();
  }

  /** To be called when the machine has come back and can go on; `idle` if it waits for what comes from outside. */
  afterSlice(idle: boolean): void {
    if (this.#failure !== undefined) throw this.#failure;
    const executed = this.#options.driver.machine.count - this.#lastCheckpoint;
    if (executed >= (this.#options.interval ?? CHECKPOINT_INTERVAL)) this.checkpoint();
    if (idle || this.#options.now() - this.#flushed >= FLUSH_TIME) this.#flush();
  }

  /** Notes what the machine is. `withRam`: all of it, whatever that costs. */
  checkpoint(withRam: boolean = false): void {
    const { machine } = this.#options.driver;
    this.#ram.note(machine.checkpoint());
    const place = this.#place;
    const cheap = place.count - this.#lastRam >= this.#ram.stalePages * INSTRUCTIONS_PER_PAGE;
    const ram = withRam || cheap ? this.#ram.value() : undefined;
    if (ram !== undefined) this.#lastRam = place.count;
    this.#lastCheckpoint = place.count;
    const address = machine.currentCpu.state.reg(15);
    const cpus = machine.cpuHash();
    this.#chunk.add({ kind: 'checkpoint', ...place, address, cpus, ...(ram === undefined ? {} : { ram }) });
    // A chunk ends with its checkpoint, so that a replay can begin at each.
    this.#flush();
  }

  /** The guest has reset its machine, which is about to start again. */
  reset(): void {
    this.#chunk.add({ kind: 'reset', ...this.#place });
    this.#flush();
  }

  /** More has come in than could be written yet: nothing more should be sent to the machine. */
  get behind(): boolean {
    return this.#pending > MAX_PENDING;
  }

  #flush(): void {
    this.#flushed = this.#options.now();
    if (this.#chunk.empty) return;
    this.#write({ tag: `chunk.${this.#chunks++}`, version: CHUNK_VERSION, payload: this.#chunk.take() });
    this.#chunk = this.#newChunk();
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

  /** Notes the end of the run, and resolves when all is in the file. */
  async end(exit: RunExit): Promise<void> {
    this.checkpoint();
    const end: RecordedEnd = { ...this.#place, exit, stateHash: this.#options.driver.machine.stateHash() };
    this.#write({ tag: 'end', version: END_VERSION, payload: utf8(JSON.stringify(end)) });
    await this.#written;
    if (this.#failure !== undefined) throw this.#failure;
  }
}

// SPDX-License-Identifier: Apache-2.0
// Notes what happens in a run while it goes on, in chunks of events. A chunk that was handed over is never changed. Where they
// go is another's affair: to a file (recording-file.ts), or to memory, where the run can be gone back in (live-driver.ts).

import type { Input, OpenDriver, RunExit } from '@plinth/machine';
import { connectDebuggerPort } from '../gdb/debugger-port.js';
import { ChunkWriter, type Place } from './events.js';
import { RamHash } from './ram-hash.js';

/** Instructions between two checkpoints; the end of the slice decides. */
export const CHECKPOINT_INTERVAL = 20_000_000;
/**
 * Instructions that are executed for each page of RAM that a checkpoint reads again: a page takes about as long as 600
 * instructions, so that this is 3 % of a run.
 */
const INSTRUCTIONS_PER_PAGE = 20_000;
/** Host milliseconds that an event may wait for its chunk to be handed over. */
const FLUSH_TIME = 500;
/** Bytes of a chunk. */
const CHUNK_SIZE = 256 * 1024;

/** Where chunks of events go. */
export interface RecorderSink {
  /** A whole chunk (`readChunk`), which nobody changes any more. */
  chunk(bytes: Uint8Array): void;
  /** More has come than could be stored yet: nothing more should be sent to the machine. */
  readonly behind: boolean;
  /** @throws what has gone wrong with what was handed over: it ends the run */
  check(): void;
}

export interface RecorderOptions {
  /** Its machine is where the recording begins. */
  readonly driver: OpenDriver;
  readonly sink: RecorderSink;
  /** The host's milliseconds, monotonic. */
  now(): number;
  /** Instructions between two checkpoints, at least; CHECKPOINT_INTERVAL if left out. */
  readonly interval?: number;
  /** A checkpoint was handed over; these pages of RAM may have changed since the one before. */
  onCheckpoint?(changed: readonly number[]): void;
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
  #flushed: number;
  #lastCheckpoint: Place | undefined;
  #lastRam = 0;

  /** The recording begins where the machine is. */
  constructor(options: RecorderOptions) {
    this.#options = options;
    const { machine } = options.driver;
    this.#nanoseconds = machine.identity.nanosecondsPerInstruction;
    this.#ram = new RamHash(machine.memory);
    connectDebuggerPort(machine);
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
    this.#options.sink.check();
    const executed = this.#options.driver.machine.count - this.#lastCheckpoint!.count;
    if (executed >= (this.#options.interval ?? CHECKPOINT_INTERVAL)) this.checkpoint();
    if (idle || this.#options.now() - this.#flushed >= FLUSH_TIME) this.#flush();
  }

  /** Notes what the machine is. `withRam`: all of it, whatever that costs. */
  checkpoint(withRam: boolean = false): void {
    const { machine } = this.#options.driver;
    const changed = machine.checkpoint();
    this.#ram.note(changed);
    const place = this.#place;
    const cheap = place.count - this.#lastRam >= this.#ram.stalePages * INSTRUCTIONS_PER_PAGE;
    const ram = withRam || cheap ? this.#ram.value() : undefined;
    if (ram !== undefined) this.#lastRam = place.count;
    this.#lastCheckpoint = place;
    const address = machine.currentCpu.state.reg(15);
    const cpus = machine.cpuHash();
    this.#chunk.add({ kind: 'checkpoint', ...place, address, cpus, ...(ram === undefined ? {} : { ram }) });
    // A chunk ends with its checkpoint, so that a replay can begin at each.
    this.#flush();
    this.#options.onCheckpoint?.(changed);
  }

  /** The machine is where it was at the last checkpoint, and nothing has come since. */
  get atCheckpoint(): boolean {
    const { count, time } = this.#place;
    const last = this.#lastCheckpoint;
    return last?.count === count && last.time === time && this.#chunk.empty;
  }

  /** The guest has reset its machine, which is about to start again. */
  reset(): void {
    this.#chunk.add({ kind: 'reset', ...this.#place });
    this.#flush();
  }

  /** More has come in than could be stored yet: nothing more should be sent to the machine. */
  get behind(): boolean {
    return this.#options.sink.behind;
  }

  #flush(): void {
    this.#flushed = this.#options.now();
    if (this.#chunk.empty) return;
    const chunk = this.#chunk.take();
    this.#chunk = this.#newChunk();
    this.#options.sink.chunk(chunk);
  }

  /** Notes the end of the run. */
  end(exit: RunExit): RecordedEnd {
    this.checkpoint();
    return { ...this.#place, exit, stateHash: this.#options.driver.machine.stateHash() };
  }
}

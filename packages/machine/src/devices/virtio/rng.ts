// SPDX-License-Identifier: Apache-2.0
// virtio-rng (Virtual I/O Device 1.2, section 5.4): random bytes for the guest, from the ChaCha20 key stream (RFC 8439)
// of a seed. The same seed gives the same bytes, so a run can be repeated; they are as secret as the seed is.

import { assert, type StateReader, type StateWriter } from '@plinth/core';
import { readBytes, type VirtioDevice, type VirtioPort } from './device.js';

const QUEUE_SIZE = 8;
/** Bytes given for one request; a device may give fewer than were asked for. */
const MAX_BYTES = 4096;
const BLOCK = 64;
const CONSTANTS = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

export interface VirtioRngOptions {
  readonly name: string;
  /** 32 bytes. */
  readonly seed: Uint8Array;
}

export class VirtioRng implements VirtioDevice {
  readonly name: string;
  readonly type: number = 4;
  readonly features: readonly number[] = [];
  readonly queueSizes: readonly number[] = [QUEUE_SIZE];
  readonly #key: Uint32Array;
  #port: VirtioPort | undefined;
  /** Blocks of the key stream that have been used. */
  #blocks = 0;

  constructor(options: VirtioRngOptions) {
    assert(options.seed.length === 32, 'the seed is 32 bytes long');
    this.name = options.name;
    this.#key = Uint32Array.from({ length: 8 }, (_, n) => readBytes(options.seed, 4 * n, 4));
  }

  connect(port: VirtioPort): void {
    this.#port = port;
  }

  readConfiguration(): number {
    return 0;
  }

  writeConfiguration(): void {}

  /** The stream goes on: what comes after a reset is not what came before it. */
  reset(): void {}

  /** An input port: another seed from now on, 32 bytes. */
  receive(bytes: Uint8Array): number {
    if (bytes.length !== 32) return 0;
    for (let n = 0; n < 8; n++) this.#key[n] = readBytes(bytes, 4 * n, 4);
    return 32;
  }

  save(writer: StateWriter): void {
    writer.array(this.#key);
    writer.f64(this.#blocks);
  }

  restore(reader: StateReader): void {
    reader.array(this.#key);
    this.#blocks = reader.count();
  }

  notify(): void {
    const queue = this.#port!.queues[0]!;
    for (let chain = queue.take(); chain !== undefined; chain = queue.take()) {
      const bytes = this.#take(Math.min(chain.writableLength, MAX_BYTES));
      queue.give(chain, chain.writeAt(0, bytes));
    }
    queue.signal();
  }

  /** What is left of the last block is thrown away. */
  #take(length: number): Uint8Array {
    const blocks = Math.ceil(length / BLOCK);
    const words = new Uint32Array((blocks * BLOCK) / 4);
    for (let n = 0; n < blocks; n++) words.set(chachaBlock(this.#key, this.#blocks++), (n * BLOCK) / 4);
    return new Uint8Array(words.buffer, 0, length);
  }
}

/** RFC 8439, section 2.3, with a 64-bit counter and no nonce, as the original ChaCha has it. */
export function chachaBlock(key: Uint32Array, counter: number): Uint32Array {
  const start = Uint32Array.of(...CONSTANTS, ...key, counter >>> 0, Math.floor(counter / 2 ** 32), 0, 0);
  const state = start.slice();
  for (let round = 0; round < 10; round++) {
    for (let n = 0; n < 4; n++) quarterRound(state, n, n + 4, n + 8, n + 12);
    for (let n = 0; n < 4; n++) quarterRound(state, n, 4 + ((n + 1) & 3), 8 + ((n + 2) & 3), 12 + ((n + 3) & 3));
  }
  return state.map((word, n) => word + start[n]!);
}

function quarterRound(x: Uint32Array, a: number, b: number, c: number, d: number): void {
  const step = (to: number, from: number, mixed: number, left: number): void => {
    x[to]! += x[from]!;
    const word = x[mixed]! ^ x[to]!;
    x[mixed] = (word << left) | (word >>> (32 - left));
  };
  step(a, b, d, 16);
  step(c, d, b, 12);
  step(a, b, d, 8);
  step(c, d, b, 7);
}

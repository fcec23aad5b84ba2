// SPDX-License-Identifier: Apache-2.0
// Reads a ring buffer (Documentation/bpf/ringbuf.rst): one page with the reader's position, one with the writers', then the
// data, mapped twice in a row so that no record is cut at the end.

import { assert } from '@plinth/core';
import { POLL, POLL_SIZE, setPoll, type SystemCalls } from '../system-calls.js';
import type { KernelMap } from './kernel-map.js';
import { refusal } from './refusal.js';

const PAGE = 4096;
const BUSY = 0x8000_0000;
const DISCARDED = 0x4000_0000;
const HEADER = 8;

export class RingBufferReader implements Disposable {
  readonly #calls: SystemCalls;
  readonly #map: KernelMap;
  readonly #consumer: Uint8Array;
  readonly #producer: Uint8Array;
  readonly #position: DataView;
  readonly #data: DataView;
  readonly #size: number;

  constructor(calls: SystemCalls, map: KernelMap) {
    assert(map.definition.type === 'ringBuffer', `${map.definition.name} is a ring buffer`);
    this.#calls = calls;
    this.#map = map;
    this.#size = map.definition.maxEntries;
    this.#consumer = mapped(calls, map, 0, PAGE, true);
    this.#producer = mapped(calls, map, PAGE, PAGE + 2 * this.#size, false);
    this.#position = new DataView(this.#consumer.buffer, this.#consumer.byteOffset, PAGE);
    this.#data = new DataView(this.#producer.buffer, this.#producer.byteOffset, this.#producer.length);
  }

  /** Tells what is there, in order; the bytes are valid until the call is over. Gives how many records it were. */
  drain(tell: (record: Uint8Array) => void): number {
    return this.#walk(tell, true);
  }

  /** As `drain`, but all stays there. */
  peek(tell: (record: Uint8Array) => void): number {
    return this.#walk(tell, false);
  }

  #walk(tell: (record: Uint8Array) => void, take: boolean): number {
    let count = 0;
    let at = this.#position.getBigUint64(0, true);
    while (at < this.#data.getBigUint64(0, true)) {
      const offset = PAGE + Number(at & BigInt(this.#size - 1));
      const header = this.#data.getUint32(offset, true);
      // Its writer has room, but has not finished yet; what comes after has to wait for it.
      if ((header & BUSY) !== 0) break;
      const length = header & ~DISCARDED;
      if ((header & DISCARDED) === 0) {
        tell(this.#producer.subarray(offset + HEADER, offset + HEADER + length));
        count++;
      }
      at += BigInt((length + HEADER + 7) & ~7);
      if (take) this.#position.setBigUint64(0, at, true);
    }
    return count;
  }

  /** Waits until there is something, at most so many milliseconds. */
  async wait(milliseconds: number): Promise<void> {
    const descriptors = new Uint8Array(POLL_SIZE);
    setPoll(descriptors, 0, this.#map.fd, POLL.in);
    await this.#calls.poll(descriptors, milliseconds);
  }

  [Symbol.dispose](): void {
    this.#calls.munmap(this.#consumer);
    this.#calls.munmap(this.#producer);
  }
}

function mapped(calls: SystemCalls, map: KernelMap, offset: number, length: number, writable: boolean): Uint8Array {
  const bytes = calls.mmap(map.fd, offset, length, writable);
  if (typeof bytes === 'number') throw refusal(`mapping ring buffer ${map.definition.name}`, -bytes);
  return bytes;
}

// SPDX-License-Identifier: Apache-2.0
// One request that a driver has put into a queue: buffers in guest memory, those that the device reads first and then
// those that it writes (Virtual I/O Device 1.2, section 2.7.4). Every buffer has been checked to lie in RAM.

/** RAM as a device reaches it: views for reading, and one way of writing that code pages and watches see. */
export interface DeviceMemory {
  /** A view, or undefined where not all of it is RAM. */
  bytes(address: number, length: number): Uint8Array | undefined;
  /** False, and nothing written, where not all of it is RAM. */
  writeBytes(address: number, bytes: Uint8Array, by?: 'device'): boolean;
}

export interface GuestBuffer {
  readonly address: number;
  readonly length: number;
}

export class DescriptorChain {
  /** Index of its first descriptor, by which it goes back to the driver. */
  readonly head: number;
  readonly readable: readonly GuestBuffer[];
  readonly writable: readonly GuestBuffer[];
  /** Bytes that the device may read, and bytes that it may write. */
  readonly readableLength: number;
  readonly writableLength: number;
  readonly #memory: DeviceMemory;

  constructor(head: number, readable: readonly GuestBuffer[], writable: readonly GuestBuffer[], memory: DeviceMemory) {
    this.head = head;
    this.readable = readable;
    this.writable = writable;
    this.readableLength = total(readable);
    this.writableLength = total(writable);
    this.#memory = memory;
  }

  /** Copies from the readable bytes, from `offset` on; returns how many there were. */
  readAt(offset: number, into: Uint8Array): number {
    let done = 0;
    for (const { address, length } of this.readable) {
      if (done === into.length) break;
      if (offset >= length) {
        offset -= length;
        continue;
      }
      const size = Math.min(length - offset, into.length - done);
      into.set(this.#memory.bytes(address + offset, size)!, done);
      done += size;
      offset = 0;
    }
    return done;
  }

  /** Copies into the writable bytes, from `offset` on; returns how many there was room for. */
  writeAt(offset: number, from: Uint8Array): number {
    let done = 0;
    for (const { address, length } of this.writable) {
      if (done === from.length) break;
      if (offset >= length) {
        offset -= length;
        continue;
      }
      const size = Math.min(length - offset, from.length - done);
      this.#memory.writeBytes(address + offset, from.subarray(done, done + size), 'device');
      done += size;
      offset = 0;
    }
    return done;
  }
}

function total(buffers: readonly GuestBuffer[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}

// SPDX-License-Identifier: Apache-2.0
// The device's side of a split virtqueue (Virtual I/O Device 1.2, section 2.7): direct and indirect descriptors, and
// both ways of suppressing notifications. The driver is not trusted: whatever it writes into the rings, a call ends
// after as many steps as the queue has room for, with a chain, with nothing, or with the queue broken.

import type { StateReader, StateWriter } from '@plinth/core';
import { DescriptorChain, type DeviceMemory, type GuestBuffer } from './chain.js';

export const MAX_QUEUE_SIZE = 1024;

const DESCRIPTOR_SIZE = 16;
const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;
/** In the flags of the available ring: the driver wants no interrupts. */
const NO_INTERRUPT = 1;

/** Where a driver has put the rings. */
export interface QueueLayout {
  readonly size: number;
  readonly descriptors: number;
  readonly available: number;
  readonly used: number;
}

export interface VirtqueueOptions {
  /** A power of two up to 1024. */
  readonly maximumSize: number;
  readonly memory: DeviceMemory;
  /** The driver should be interrupted. */
  onInterrupt(): void;
  /** The driver broke the rules of the rings. */
  onBroken(reason: string): void;
}

export class Virtqueue {
  readonly maximumSize: number;
  readonly #memory: DeviceMemory;
  readonly #options: VirtqueueOptions;
  #layout: QueueLayout | undefined;
  #indirect = false;
  #eventIndex = false;
  #table: DataView | undefined;
  #available: DataView | undefined;
  /** Next entry of the available ring, next entry of the used ring, and the latter when the driver was last told. */
  #next = 0;
  #usedIndex = 0;
  #signalled = 0;
  /** Chains that have been taken and not been given back. */
  readonly #taken = new Set<DescriptorChain>();
  readonly #element = new Uint8Array(8);
  readonly #half = new Uint8Array(2);

  constructor(options: VirtqueueOptions) {
    this.maximumSize = options.maximumSize;
    this.#memory = options.memory;
    this.#options = options;
  }

  get enabled(): boolean {
    return this.#layout !== undefined;
  }

  /** Entries of the rings; 0 while the queue is off. */
  get size(): number {
    return this.#layout?.size ?? 0;
  }

  /** Begins with empty rings; false, and the queue stays off, if the driver may not put them there. */
  enable(layout: QueueLayout, features: { readonly indirect: boolean; readonly eventIndex: boolean }): boolean {
    const { size, descriptors, available, used } = layout;
    this.disable();
    if (size < 1 || size > this.maximumSize || (size & (size - 1)) !== 0) return false;
    if (descriptors % 16 !== 0 || available % 2 !== 0 || used % 4 !== 0) return false;
    const table = this.#memory.bytes(descriptors, DESCRIPTOR_SIZE * size);
    const ring = this.#memory.bytes(available, 6 + 2 * size);
    if (table === undefined || ring === undefined || this.#memory.bytes(used, 6 + 8 * size) === undefined) return false;
    this.#layout = layout;
    this.#indirect = features.indirect;
    this.#eventIndex = features.eventIndex;
    this.#table = viewOf(table);
    this.#available = viewOf(ring);
    return true;
  }

  disable(): void {
    this.#layout = undefined;
    this.#table = this.#available = undefined;
    this.#next = this.#usedIndex = this.#signalled = 0;
    this.#taken.clear();
  }

  /** Are there chains to take? */
  get pending(): boolean {
    return this.#available !== undefined && this.#available.getUint16(2, true) !== this.#next;
  }

  /**
   * Takes the next chain that the driver has made available; undefined if there is none, and then nothing has changed: it may be
   * asked for in vain, as by input that finds no room, without the guest's seeing it.
   */
  take(): DescriptorChain | undefined {
    const layout = this.#layout;
    const chain = this.#chainAhead(0);
    if (layout === undefined || chain === undefined) return undefined;
    this.#next = (this.#next + 1) & 0xffff;
    this.#taken.add(chain);
    // With the last one goes the wish to be told of the next; without event indexes the driver tells of every one.
    if (this.#eventIndex && !this.pending) this.#writeHalf(layout.used + 4 + 8 * layout.size, this.#next);
    return chain;
  }

  /** The chains that can be taken, the next one first. They stay where they are. */
  *ahead(): Generator<DescriptorChain> {
    for (let n = 0; ; n++) {
      const chain = this.#chainAhead(n);
      if (chain === undefined) return;
      yield chain;
    }
  }

  /** What would be taken after `n` others. */
  #chainAhead(n: number): DescriptorChain | undefined {
    const layout = this.#layout;
    if (layout === undefined) return undefined;
    const waiting = (this.#available!.getUint16(2, true) - this.#next) & 0xffff;
    if (waiting <= n) return undefined;
    if (waiting > layout.size) return this.#broken(`${waiting} new entries in a ring of ${layout.size}`);
    if (this.#taken.size + n >= layout.size) return this.#broken('more requests at once than the ring has room for');
    const head = this.#available!.getUint16(4 + 2 * ((this.#next + n) & (layout.size - 1)), true);
    return this.#walk(head, layout.size);
  }

  /**
   * Gives a chain back, `written` bytes of it filled. The driver sees it at once; `signal` tells it to look. A chain
   * from before the queue was switched off goes nowhere.
   */
  give(chain: DescriptorChain, written: number): void {
    const layout = this.#layout;
    if (layout === undefined || !this.#taken.delete(chain)) return;
    const element = viewOf(this.#element);
    element.setUint32(0, chain.head, true);
    element.setUint32(4, written, true);
    this.#memory.writeBytes(layout.used + 4 + 8 * (this.#usedIndex & (layout.size - 1)), this.#element, 'device');
    this.#usedIndex = (this.#usedIndex + 1) & 0xffff;
    this.#writeHalf(layout.used + 2, this.#usedIndex);
  }

  /** Interrupts the driver for what has been given back since the last time, if it wants to know. */
  signal(): void {
    const available = this.#available;
    const since = (this.#usedIndex - this.#signalled) & 0xffff;
    if (available === undefined || since === 0) return;
    this.#signalled = this.#usedIndex;
    if (this.#eventIndex) {
      // Section 2.7.7.2: has the index that the driver waits for been passed?
      const event = available.getUint16(4 + 2 * this.#layout!.size, true);
      if (((this.#usedIndex - event - 1) & 0xffff) >= since) return;
    } else if ((available.getUint16(0, true) & NO_INTERRUPT) !== 0) return;
    this.#options.onInterrupt();
  }

  save(writer: StateWriter): void {
    writer.bool(this.#layout !== undefined);
    if (this.#layout === undefined) return;
    const { size, descriptors, available, used } = this.#layout;
    writer.u16(size);
    for (const address of [descriptors, available, used]) writer.f64(address);
    writer.bool(this.#indirect);
    writer.bool(this.#eventIndex);
    for (const index of [this.#next, this.#usedIndex, this.#signalled]) writer.u16(index);
  }

  restore(reader: StateReader): void {
    this.disable();
    if (!reader.bool()) return;
    const layout = { size: reader.u16(), descriptors: reader.f64(), available: reader.f64(), used: reader.f64() };
    const fits = this.enable(layout, { indirect: reader.bool(), eventIndex: reader.bool() });
    reader.check(fits, 'a queue that is not in RAM');
    this.#next = reader.u16();
    this.#usedIndex = reader.u16();
    this.#signalled = reader.u16();
  }

  /** For a device that holds chains it has taken; a restored queue gets them back by `restoreChain`. */
  saveChain(writer: StateWriter, chain: DescriptorChain): void {
    writer.u16(chain.head);
    for (const buffers of [chain.readable, chain.writable]) {
      writer.list(buffers, ({ address, length }) => {
        writer.f64(address);
        writer.u32(length);
      });
    }
  }

  restoreChain(reader: StateReader): DescriptorChain {
    const buffers = (): GuestBuffer[] =>
      reader.list(() => {
        const buffer = { address: reader.f64(), length: reader.u32() };
        reader.check(this.#memory.bytes(buffer.address, buffer.length) !== undefined, 'a buffer that is not in RAM');
        return buffer;
      });
    const chain = new DescriptorChain(reader.u16(), buffers(), buffers(), this.#memory);
    const { size } = this.#layout ?? { size: 0 };
    reader.check(chain.head < size && this.#taken.size < size, 'a request of a queue that has no room for it');
    this.#taken.add(chain);
    return chain;
  }

  #walk(head: number, size: number): DescriptorChain | undefined {
    const readable: GuestBuffer[] = [];
    const writable: GuestBuffer[] = [];
    let table = this.#table!;
    let count = size;
    /** Descriptors that may still come: a chain visits none twice. */
    let left = size;
    let indirect = false;
    let index = head;
    for (;;) {
      if (index >= count) return this.#broken(`descriptor ${index} of a table of ${count}`);
      if (left-- === 0) return this.#broken('a chain of descriptors that is longer than its table');
      const at = DESCRIPTOR_SIZE * index;
      // Above 2^53 this is not exact, but neither is there any RAM.
      const address = table.getUint32(at, true) + table.getUint32(at + 4, true) * 2 ** 32;
      const length = table.getUint32(at + 8, true);
      const flags = table.getUint16(at + 12, true);
      const buffer = this.#memory.bytes(address, length);
      if (buffer === undefined) return this.#broken(`a buffer of ${length} bytes outside of RAM`);
      if (length === 0) return this.#broken('a buffer of no bytes');
      if ((flags & INDIRECT) !== 0) {
        count = length / DESCRIPTOR_SIZE;
        if (!this.#indirect || indirect || (flags & NEXT) !== 0 || !Number.isInteger(count) || count > MAX_QUEUE_SIZE) {
          return this.#broken('an indirect table where none may be, or of a wrong size');
        }
        table = viewOf(buffer);
        left = count;
        index = 0;
        indirect = true;
        continue;
      }
      if ((flags & WRITE) !== 0) writable.push({ address, length });
      else if (writable.length > 0) return this.#broken('a buffer to read from behind one to write to');
      else readable.push({ address, length });
      if ((flags & NEXT) === 0) return new DescriptorChain(head, readable, writable, this.#memory);
      index = table.getUint16(at + 14, true);
    }
  }

  #broken(reason: string): undefined {
    this.#options.onBroken(reason);
  }

  #writeHalf(address: number, value: number): void {
    this.#half[0] = value;
    this.#half[1] = value >>> 8;
    this.#memory.writeBytes(address, this.#half, 'device');
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

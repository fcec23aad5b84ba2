// SPDX-License-Identifier: Apache-2.0
// The memory in which programs run without a kernel: one WebAssembly memory with areas that are handed out. Addresses are
// numbers below 2^32, so they fit into the 32-bit fields of contexts; page 0 is nobody's, so a null pointer is no area.

import { assert } from '@plinth/core';

const PAGE = 0x1_0000;

interface Area {
  readonly start: number;
  readonly end: number;
}

export class SimulatedMemory {
  readonly wasm: WebAssembly.Memory;
  /** By rising addresses. */
  readonly #areas: Area[] = [];
  #next = PAGE;
  #view: DataView | undefined;
  #last: Area = { start: 0, end: 0 };

  constructor() {
    this.wasm = new WebAssembly.Memory({ initial: 2, maximum: 0xffff });
  }

  /** Zeroed bytes at a multiple of 64; behind them lies room that belongs to nobody. */
  allocate(size: number): number {
    const start = this.#next;
    this.#next = (start + size + 64 + 63) & ~63;
    const missing = Math.ceil((this.#next - this.wasm.buffer.byteLength) / PAGE);
    if (missing > 0) this.wasm.grow(missing);
    this.#areas.push({ start, end: start + size });
    return start;
  }

  /** Valid until the next `allocate`. */
  get view(): DataView {
    if (this.#view?.buffer !== this.wasm.buffer) this.#view = new DataView(this.wasm.buffer);
    return this.#view;
  }

  bytes(address: number, size: number): Uint8Array {
    return new Uint8Array(this.wasm.buffer, address, size);
  }

  /** Whether all bytes lie in one area. */
  holds(address: number, size: number): boolean {
    if (address >= this.#last.start && address + size <= this.#last.end) return true;
    let low = 0;
    let high = this.#areas.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#areas[middle]!.start <= address) low = middle + 1;
      else high = middle;
    }
    const area = this.#areas[low - 1];
    if (area === undefined || address + size > area.end) return false;
    this.#last = area;
    return true;
  }

  /** An area may end earlier: a packet in a buffer that has room for more. */
  shorten(start: number, size: number): void {
    const index = this.#areas.findIndex((area) => area.start === start);
    assert(index >= 0, 'only an area can be shortened');
    this.#areas[index] = { start, end: start + size };
    this.#last = { start: 0, end: 0 };
  }
}

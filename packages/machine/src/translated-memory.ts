// SPDX-License-Identifier: Apache-2.0
// Guest-virtual memory as the executing CPU's own translation tables show it, for semihosting: no access flag is set, no fault is
// taken, and devices are not touched.

import type { Machine } from './machine.js';
import type { GuestMemory } from './semihosting.js';

const PAGE = 4096;

export class TranslatedMemory implements GuestMemory {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Guest-physical pieces of a range, or `undefined` if a page of it is not mapped to RAM. */
  #pieces(address: number, size: number): { physical: number; bytes: Uint8Array }[] | undefined {
    const pieces: { physical: number; bytes: Uint8Array }[] = [];
    for (let done = 0; done < size;) {
      const at = (address + done) >>> 0;
      const length = Math.min(size - done, PAGE - (at & (PAGE - 1)));
      const physical = this.#machine.currentCpu.peekTranslate(at);
      const bytes = physical === undefined ? undefined : this.#machine.memory.bytes(physical >>> 0, length);
      if (physical === undefined || bytes === undefined) return undefined;
      pieces.push({ physical: physical >>> 0, bytes });
      done += length;
    }
    return pieces;
  }

  read(address: number, size: number): Uint8Array | undefined {
    const pieces = this.#pieces(address, size);
    if (pieces === undefined) return undefined;
    const result = new Uint8Array(size);
    let done = 0;
    for (const { bytes } of pieces) {
      result.set(bytes, done);
      done += bytes.length;
    }
    return result;
  }

  write(address: number, bytes: Uint8Array): boolean {
    const pieces = this.#pieces(address, bytes.length);
    if (pieces === undefined) return false;
    let done = 0;
    for (const piece of pieces) {
      const { length } = piece.bytes;
      this.#machine.memory.writeBytes(piece.physical, bytes.subarray(done, done + length), 'cpu');
      done += length;
    }
    return true;
  }
}

// SPDX-License-Identifier: Apache-2.0
// Memory as a debugger sees it through translation tables, or physically: RAM, and of devices what a peek gives,
// so that looking changes nothing. Writes go the way of a device's, so that decoded code is forgotten and watches see them.

import type { Machine } from '@plinth/machine';

/** Guest-physical address of a virtual one; undefined where nothing is mapped. */
export type Mapping = (address: number) => number | undefined;

const PAGE = 4096;

interface Piece {
  readonly physical: number;
  readonly length: number;
}

export class DebugMemory {
  readonly #machine: Machine;
  physical: boolean = false;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** What is mapped of a range, up to the first page that is not. Addresses end at 2^32. */
  #pieces(mapping: Mapping, address: number, length: number): Piece[] {
    const end = Math.min(address + length, 2 ** 32);
    const pieces: Piece[] = [];
    for (let at = address; at < end;) {
      const next = Math.min(end, (Math.floor(at / PAGE) + 1) * PAGE);
      const physical = this.physical ? at : mapping(at);
      if (physical === undefined) break;
      pieces.push({ physical: physical >>> 0, length: next - at });
      at = next;
    }
    return pieces;
  }

  #isDevice(physical: number): boolean {
    return this.#machine.memory.peek((physical & ~3) >>> 0, 4) !== undefined;
  }

  read(mapping: Mapping, address: number, length: number): Uint8Array {
    const { memory } = this.#machine;
    const out = new Uint8Array(length);
    let done = 0;
    for (const piece of this.#pieces(mapping, address, length)) {
      const bytes = memory.bytes(piece.physical, piece.length);
      if (bytes !== undefined) out.set(bytes, done);
      else {
        for (let i = 0; i < piece.length; i++) {
          const at = piece.physical + i;
          // Registers of devices are words.
          const word = memory.peek((at & ~3) >>> 0, 4);
          if (word === undefined) return out.subarray(0, done + i);
          out[done + i] = (word >>> (8 * (at & 3))) & 0xff;
        }
      }
      done += piece.length;
    }
    return out.subarray(0, done);
  }

  /** All or nothing. A device is written as it would be by a CPU: in words where the range has them. */
  write(mapping: Mapping, address: number, bytes: Uint8Array): boolean {
    const { memory } = this.#machine;
    const pieces = this.#pieces(mapping, address, bytes.length);
    const there = pieces.reduce((sum, { length }) => sum + length, 0) === bytes.length;
    const answers = ({ physical, length }: Piece): boolean =>
      memory.bytes(physical, length) !== undefined ||
      (this.#isDevice(physical) && this.#isDevice(physical + length - 1));
    if (!there || !pieces.every(answers)) return false;
    let done = 0;
    for (const { physical, length } of pieces) {
      const part = bytes.subarray(done, done + length);
      if (!memory.writeBytes(physical, part, 'device')) this.#writeDevice(physical, part);
      done += length;
    }
    return true;
  }

  #writeDevice(physical: number, bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at < bytes.length;) {
      const place = physical + at;
      const left = bytes.length - at;
      const size = place % 4 === 0 && left >= 4 ? 4 : place % 2 === 0 && left >= 2 ? 2 : 1;
      const value = size === 4 ? view.getUint32(at, true) : size === 2 ? view.getUint16(at, true) : view.getUint8(at);
      this.#machine.memory.write(place, size, value, 'device');
      at += size;
    }
  }
}

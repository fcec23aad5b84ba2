// SPDX-License-Identifier: Apache-2.0
// A bounds-checked reader over bytes of outside origin. Reading past the end is an input error that names the file
// and the offset, so that a parser built on it is total: a value or one typed error.

import { PlinthError } from './errors.js';

export class ByteReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  offset: number = 0;
  littleEndian: boolean = true;

  /** `what` names the input in error messages, for example `kernel.elf`. */
  constructor(bytes: Uint8Array, what: string) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  get remaining(): number {
    return this.bytes.length - this.offset;
  }

  #take(size: number): number {
    const at = this.offset;
    if (at < 0 || size < 0 || at + size > this.bytes.length) {
      throw new PlinthError(
        'input',
        'truncated',
        `${this.#what}: ends at byte ${this.bytes.length}, but ${size} bytes are needed at offset ${at}: the file is cut short or damaged`,
      );
    }
    this.offset = at + size;
    return at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), this.littleEndian);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), this.littleEndian);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), this.littleEndian);
  }

  /** A view of the next `size` bytes, not a copy. */
  take(size: number): Uint8Array {
    const at = this.#take(size);
    return this.bytes.subarray(at, at + size);
  }

  seek(offset: number): this {
    this.offset = offset;
    return this;
  }
}

// SPDX-License-Identifier: Apache-2.0
// How 9P writes values: little-endian numbers, and texts behind a 16-bit length (the 9P2000 manual, intro(5)). The reader
// is total: past the end it gives zeros and remembers that it did. Texts are byte strings, a character for each byte.

import { latin1 } from '@plinth/core';

export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;
  /** Something was read that was not there. */
  short: boolean = false;

  constructor(bytes: Uint8Array, at: number = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  #has(size: number): boolean {
    if (size > this.remaining) this.short = true;
    return !this.short;
  }

  u8(): number {
    return this.#has(1) ? this.#view.getUint8(this.#at++) : 0;
  }

  u16(): number {
    if (!this.#has(2)) return 0;
    this.#at += 2;
    return this.#view.getUint16(this.#at - 2, true);
  }

  u32(): number {
    if (!this.#has(4)) return 0;
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  u64(): bigint {
    if (!this.#has(8)) return 0n;
    this.#at += 8;
    return this.#view.getBigUint64(this.#at - 8, true);
  }

  /** A view. */
  bytes(length: number): Uint8Array {
    if (!this.#has(length)) return new Uint8Array(0);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  text(): string {
    return latin1(this.bytes(this.u16()));
  }
}

/** Writes into a buffer of its owner's; the caller keeps within it. */
export class WireWriter {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  at: number = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(value: number): void {
    this.#view.setUint8(this.at, value);
    this.at += 1;
  }

  u16(value: number): void {
    this.#view.setUint16(this.at, value, true);
    this.at += 2;
  }

  u32(value: number): void {
    this.#view.setUint32(this.at, value, true);
    this.at += 4;
  }

  /** Of a larger number, the low 64 bits. */
  u64(value: bigint): void {
    this.#view.setBigUint64(this.at, BigInt.asUintN(64, value), true);
    this.at += 8;
  }

  text(text: string): void {
    this.u16(text.length);
    for (let n = 0; n < text.length; n++) this.bytes[this.at++] = text.charCodeAt(n);
  }
}

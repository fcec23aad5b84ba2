// SPDX-License-Identifier: Apache-2.0
// Segments of TCP that come twice, late, in another order and in pieces of any size.

import type { Random } from '../fuzz/random.js';

/** One direction of a connection whose sender does whatever it likes. */
export class RandomSegments {
  readonly #random: Random;
  readonly #stream: Uint8Array;
  readonly #begin: number;
  readonly #ends: Uint8Array;
  #at = 0;
  #last = 0;
  /** Where segments began and ended, the last ones. */
  #places: number[] = [0];

  constructor(random: Random) {
    this.#random = random;
    this.#stream = Uint8Array.from(
      Array.from({ length: 400 }, () => random.pick(['attack', 'SELECT', 'union', 'abc', 'bcab', 'aaa', 'zz'])).join(
        '',
      ),
      (char) => char.charCodeAt(0),
    );
    // Some numbers go beyond 2^32.
    this.#begin = random.chance(0.3) ? 0xffff_ff00 : random.word();
    this.#ends = Uint8Array.from({ length: 12 }, () => random.below(256));
  }

  /** The last segment did not arrive: it is sent again, or not. */
  lost(): void {
    if (this.#random.chance(0.3)) this.#at = this.#last;
  }

  segment(): Uint8Array {
    const random = this.#random;
    if (random.chance(0.15) && this.#places.length > 2) return this.#copy();
    this.#last = this.#at;
    const size = random.pick([1, 2, 3, 8, 30, 100]);
    const way = random.below(10);
    let from = this.#at;
    if (way === 0) from = Math.max(0, this.#at - random.below(40));
    if (way === 1) from = this.#at + 1 + random.below(10);
    const bytes = this.#stream.subarray(from, from + size);
    if (way !== 1 && from + bytes.length > this.#at) this.#at = from + bytes.length;
    if (way > 2 && this.#at > this.#last) this.#places = [...this.#places, this.#at].slice(-8);
    return this.#frame(from, way === 2 ? new Uint8Array(0) : bytes, random.chance(0.03) ? 2 : 16);
  }

  /** Of what was sent, from a place where a segment began, often to one; at times with other bytes, or with new ones behind them. */
  #copy(): Uint8Array {
    const random = this.#random;
    const last = this.#places.at(-1)!;
    const from = random.pick(this.#places.filter((place) => place < last));
    const end = random.pick(this.#places.filter((place) => place > from)) + random.pick([0, 0, 0, 1, 20]);
    const bytes = this.#stream.slice(from, end);
    if (random.chance(0.5)) bytes.set([random.pick([...'abcktzS']).charCodeAt(0)], random.below(bytes.length));
    if (random.chance(0.2)) bytes.reverse();
    this.#at = Math.max(this.#at, from + bytes.length);
    return this.#frame(from, bytes, 16);
  }

  #frame(from: number, payload: Uint8Array, flags: number): Uint8Array {
    const bytes = new Uint8Array(54 + payload.length);
    const view = new DataView(bytes.buffer);
    view.setUint16(12, 0x0800);
    view.setUint8(14, 0x45);
    view.setUint16(16, 40 + payload.length);
    view.setUint8(22, 64);
    view.setUint8(23, 6);
    bytes.set(this.#ends, 26);
    view.setUint32(38, (this.#begin + from) >>> 0);
    view.setUint8(46, 0x50);
    view.setUint8(47, flags);
    bytes.set(payload, 54);
    return bytes;
  }
}

// SPDX-License-Identifier: Apache-2.0
// Writes the tables of rules: numbers are little-endian, and equal sets are there once.

import type { AddressRange, AddressSet, PortSet } from '../rule.js';

/** Bytes of a set of ports: a bit for each. */
const PORT_SET = 0x1_0000 / 8;
/** A set of addresses: numbers of ranges of IPv4 and of IPv6, then those ranges, 8 bytes and 32 bytes each. */
export const ADDRESS_SET = { count4: 0, count6: 4, ranges: 8, size4: 8, size6: 32 } as const;

export class TableWriter {
  #bytes: Uint8Array;
  #length: number;
  readonly #known = new Map<string, number>();

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes.slice();
    this.#length = bytes.length;
  }

  /** Never 0, which stands for any set. */
  reserve(size: number): number {
    const at = Math.max(64, (this.#length + 63) & ~63);
    this.#length = at + size;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    return at;
  }

  u8(at: number, value: number): void {
    this.#bytes[at] = value;
  }

  u16(at: number, value: number): void {
    new DataView(this.#bytes.buffer).setUint16(at, value, true);
  }

  u32(at: number, value: number): void {
    new DataView(this.#bytes.buffer).setUint32(at, value, true);
  }

  u64(at: number, value: bigint): void {
    new DataView(this.#bytes.buffer).setBigUint64(at, value, true);
  }

  /** Equal sets are there once. */
  #once(key: string, make: () => number): number {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const at = make();
    this.#known.set(key, at);
    return at;
  }

  ports(set: PortSet | undefined): number {
    if (set === undefined) return 0;
    return this.#once(`ports ${set.map(({ first, last }) => `${first}-${last}`).join()}`, () => {
      const at = this.reserve(PORT_SET);
      for (const { first, last } of set) {
        for (let port = first; port <= last; port++) this.#bytes[at + (port >>> 3)]! |= 1 << (port & 7);
      }
      return at;
    });
  }

  addresses(set: AddressSet | undefined): number {
    if (set === undefined) return 0;
    return this.#once(
      `addresses ${set.map(({ version, first, last }) => `${version}:${first}-${last}`).join()}`,
      () => {
        const of = (version: 4 | 6): AddressRange[] => set.filter((range) => range.version === version);
        const [four, six] = [of(4), of(6)];
        const at = this.reserve(ADDRESS_SET.ranges + four.length * ADDRESS_SET.size4 + six.length * ADDRESS_SET.size6);
        this.u32(at + ADDRESS_SET.count4, four.length);
        this.u32(at + ADDRESS_SET.count6, six.length);
        let next = at + ADDRESS_SET.ranges;
        for (const { first, last } of four) {
          this.u32(next, Number(first));
          this.u32(next + 4, Number(last));
          next += ADDRESS_SET.size4;
        }
        for (const range of six) {
          [range.first >> 64n, range.first, range.last >> 64n, range.last].forEach((value, n) =>
            this.u64(next + 8 * n, BigInt.asUintN(64, value)),
          );
          next += ADDRESS_SET.size6;
        }
        return at;
      },
    );
  }

  /** With room behind it, for reads of a word at any place that the tables have. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length + 64);
  }
}

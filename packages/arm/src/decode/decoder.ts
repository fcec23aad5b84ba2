// SPDX-License-Identifier: Apache-2.0
// Finds the row of an instruction word. Rows are tried most specific first (most fixed bits), within a bucket chosen by
// the bits that tell most instructions apart; rows of equal weight must not overlap, which a test proves.

import { extractFields, type Row, type RowIsa } from '../isa/row.js';

export interface Decoded {
  readonly row: Row;
  /** Number of the row in its decoder. */
  readonly index: number;
  readonly fields: Readonly<Record<string, number>>;
  /** The encoding is UNPREDICTABLE: executed as undefined. */
  readonly unpredictable: boolean;
}

function bitCount(word: number): number {
  let count = 0;
  for (let rest = word >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count++;
  return count;
}

/** Bits that choose the bucket, as a mask, and how to gather them into a small number. */
const INDEX: Readonly<Record<RowIsa, { mask: number; buckets: number; of: (word: number) => number }>> = {
  A32: { mask: 0x0ff000f0, buckets: 4096, of: (word) => ((word >>> 16) & 0xff0) | ((word >>> 4) & 0xf) },
  T32: { mask: 0x1ff0f000, buckets: 8192, of: (word) => ((word >>> 16) & 0x1ff0) | ((word >>> 12) & 0xf) },
  T16: { mask: 0xffc0, buckets: 1024, of: (word) => (word >>> 6) & 0x3ff },
};

/** One instruction set's rows, ready to be searched. */
export class Decoder {
  readonly rows: readonly Row[];
  readonly #isa: RowIsa;
  readonly #buckets: (readonly number[] | undefined)[];
  readonly #order: readonly number[];

  constructor(rows: readonly Row[], isa: RowIsa) {
    this.rows = rows;
    this.#isa = isa;
    this.#buckets = Array.from({ length: INDEX[isa].buckets });
    this.#order = rows
      .map((_, index) => index)
      .filter((index) => rows[index]!.isa === isa)
      .toSorted((a, b) => bitCount(rows[b]!.mask) - bitCount(rows[a]!.mask) || a - b);
  }

  /** Rows that can match a word with this bucket's bits, in order of trial. */
  #candidates(word: number): readonly number[] {
    const index = INDEX[this.#isa];
    const bucket = index.of(word);
    const known = this.#buckets[bucket];
    if (known !== undefined) return known;
    const list = this.#order.filter((row) => {
      const { mask, value } = this.rows[row]!;
      return ((word ^ value) & mask & index.mask) === 0;
    });
    this.#buckets[bucket] = list;
    return list;
  }

  /** Number of the row of `word`, or -1 for an undefined instruction. */
  find(word: number): number {
    for (const index of this.#candidates(word)) {
      const row = this.rows[index]!;
      if (((word ^ row.value) & row.mask) !== 0) continue;
      if (row.conditional && word >>> 28 === 15) continue;
      if (row.where !== undefined && !row.where(extractFields(row, word))) continue;
      return index;
    }
    return -1;
  }

  /** The row of `word` with its fields, or nothing for an undefined instruction. */
  decode(word: number): Decoded | undefined {
    const index = this.find(word);
    if (index < 0) return undefined;
    const row = this.rows[index]!;
    const fields = extractFields(row, word);
    return { row, index, fields, unpredictable: row.unpredictable?.(fields) ?? false };
  }
}

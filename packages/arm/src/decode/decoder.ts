// SPDX-License-Identifier: Apache-2.0
// Finds the row of an instruction word. Rows are tried most specific first (most fixed bits), within a bucket chosen by
// the bits that tell most instructions apart; rows of equal weight must not overlap, which a test proves.

import { isConditional, extractFields, type Row, type RowIsa } from '../isa/row.js';

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

/** Bits that choose the bucket. */
const INDEX: Readonly<Record<RowIsa, readonly { shift: number; width: number }[]>> = {
  A32: [
    { shift: 20, width: 8 },
    { shift: 4, width: 4 },
  ],
  T32: [
    { shift: 20, width: 9 },
    { shift: 12, width: 4 },
  ],
  T16: [{ shift: 6, width: 10 }],
};

function bucketOf(isa: RowIsa, word: number): number {
  let bucket = 0;
  for (const { shift, width } of INDEX[isa]) bucket = (bucket << width) | ((word >>> shift) & (2 ** width - 1));
  return bucket;
}

/** One instruction set's rows, ready to be searched. */
export class Decoder {
  readonly rows: readonly Row[];
  readonly #isa: RowIsa;
  readonly #buckets = new Map<number, number[]>();
  readonly #order: readonly number[];

  constructor(rows: readonly Row[], isa: RowIsa) {
    this.rows = rows;
    this.#isa = isa;
    this.#order = rows
      .map((_, index) => index)
      .filter((index) => rows[index]!.isa === isa)
      .sort((a, b) => bitCount(rows[b]!.mask) - bitCount(rows[a]!.mask) || a - b);
  }

  /** Rows that can match a word with this bucket's bits, in order of trial. */
  #candidates(word: number): number[] {
    const bucket = bucketOf(this.#isa, word);
    const known = this.#buckets.get(bucket);
    if (known !== undefined) return known;
    let indexMask = 0;
    for (const { shift, width } of INDEX[this.#isa]) indexMask |= (2 ** width - 1) << shift;
    const list = this.#order.filter((index) => {
      const row = this.rows[index]!;
      return ((word ^ row.value) & row.mask & indexMask) === 0;
    });
    this.#buckets.set(bucket, list);
    return list;
  }

  /** The row of `word`, or nothing for an undefined instruction. */
  decode(word: number): Decoded | undefined {
    for (const index of this.#candidates(word)) {
      const row = this.rows[index]!;
      if (((word ^ row.value) & row.mask) !== 0) continue;
      if (isConditional(row) && word >>> 28 === 15) continue;
      const fields = extractFields(row, word);
      if (row.where !== undefined && !row.where(fields)) continue;
      return { row, index, fields, unpredictable: row.unpredictable?.(fields) ?? false };
    }
    return undefined;
  }
}

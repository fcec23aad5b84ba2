// SPDX-License-Identifier: Apache-2.0
// A hash of RAM that is kept as RAM changes: the sum of the hashes of its pages, so that only pages that may have changed
// are read again. Pages of zeros add nothing. For comparing runs; no defence against collisions that someone makes.

import { type PhysicalMemory, StateHash } from '@plinth/machine';

const PAGE_SIZE = 4096;
const WORDS = PAGE_SIZE / 4;

export class RamHash {
  readonly #words: Int32Array;
  /** Two lanes for each page. */
  readonly #pages: Uint32Array;
  readonly #sum: Uint32Array = new Uint32Array(2);
  readonly #stale: Set<number> = new Set();

  /** Of RAM that is zero but for the pages that will be noted. */
  constructor({ ram }: PhysicalMemory) {
    this.#words = new Int32Array(ram.buffer, ram.byteOffset, ram.length / 4);
    this.#pages = new Uint32Array((ram.length / PAGE_SIZE) * 2);
  }

  /** These pages may have changed. */
  note(pages: Iterable<number>): void {
    for (const page of pages) this.#stale.add(page);
  }

  /** Pages that `value` will have to read: two to three microseconds each. */
  get stalePages(): number {
    return this.#stale.size;
  }

  /** Sixteen hexadecimal digits. */
  value(): string {
    for (const page of this.#stale) this.#renew(page);
    this.#stale.clear();
    return [...this.#sum].map((lane) => lane.toString(16).padStart(8, '0')).join('');
  }

  #renew(page: number): void {
    const words = this.#words.subarray(page * WORDS, (page + 1) * WORDS);
    const lanes = words.some((word) => word !== 0) ? hashPage(page, words) : [0, 0];
    lanes.forEach((lane, n) => {
      const at = 2 * page + n;
      // The array keeps 32 bits of each.
      this.#sum[n]! += lane - this.#pages[at]!;
      this.#pages[at] = lane;
    });
  }
}

function hashPage(page: number, words: Int32Array): readonly number[] {
  const hash = new StateHash();
  hash.words(Int32Array.of(page));
  hash.words(words);
  return hash.lanes;
}

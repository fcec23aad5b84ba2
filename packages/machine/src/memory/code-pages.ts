// SPDX-License-Identifier: Apache-2.0
// Code pages: for each physical page that is executed, a descriptor and, per instruction set, an array with one
// handler number for each halfword. Zero means "not decoded yet". See CODE_PAGE in @plinth/arm.

import { CODE_PAGE } from '@plinth/arm';
import { CODE_POOL_AT, CODE_POOL_END } from './layout.js';

const ARRAY_SIZE = 4096;

export type HandlerArray = 'a32' | 't32' | 'it';

export class CodePages {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  /** Descriptor address by RAM page; 0 if the page was never executed. */
  readonly #descriptors: Int32Array;
  #next = CODE_POOL_AT;

  constructor(memory: WebAssembly.Memory, ramPages: number) {
    this.#words = new Int32Array(memory.buffer);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#descriptors = new Int32Array(ramPages);
  }

  #allocate(size: number): number {
    const at = this.#next;
    if (at + size > CODE_POOL_END) return 0;
    this.#next += size;
    return at;
  }

  /** Address of the page's descriptor with the array asked for, or 0 when the pool is full: `clear` then. */
  ensure(page: number, host: number, array: HandlerArray): number {
    let descriptor = this.#descriptors[page]!;
    if (descriptor === 0) {
      descriptor = this.#allocate(CODE_PAGE.size);
      if (descriptor === 0) return 0;
      this.#words[(descriptor + CODE_PAGE.host) >> 2] = host;
      this.#descriptors[page] = descriptor;
    }
    const place = (descriptor + CODE_PAGE[array]) >> 2;
    if (this.#words[place] === 0) {
      const at = this.#allocate(ARRAY_SIZE);
      if (at === 0) return 0;
      this.#words[place] = at;
    }
    return descriptor;
  }

  /** Address of a page's handler array, or 0. */
  array(page: number, array: HandlerArray): number {
    const descriptor = this.#descriptors[page]!;
    return descriptor === 0 ? 0 : this.#words[(descriptor + CODE_PAGE[array]) >> 2]!;
  }

  /** Forgets the page's decoded instructions; its descriptor stays. */
  forget(page: number): void {
    const descriptor = this.#descriptors[page]!;
    if (descriptor === 0) return;
    for (const array of [CODE_PAGE.a32, CODE_PAGE.t32, CODE_PAGE.it]) {
      const at = this.#words[(descriptor + array) >> 2]!;
      if (at !== 0) this.#bytes.fill(0, at, at + ARRAY_SIZE);
    }
  }

  /** Forgets every page; the caller must empty the fetch tables too. */
  clear(): void {
    this.#bytes.fill(0, CODE_POOL_AT, this.#next);
    this.#descriptors.fill(0);
    this.#next = CODE_POOL_AT;
  }
}

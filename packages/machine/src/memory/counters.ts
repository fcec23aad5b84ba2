// SPDX-License-Identifier: Apache-2.0
// Counters of 64 bits in the machine's memory, to which generated code adds inline. They are the host's: no snapshot has them.

import { PlinthError } from '@plinth/core';
import { COUNTERS, countersBase } from './layout.js';

export class Counters {
  readonly #words: BigUint64Array;
  readonly #start: number;
  readonly #free: number[] = [];
  #next = 0;

  constructor(memory: WebAssembly.Memory, ramSize: number) {
    this.#words = new BigUint64Array(memory.buffer);
    this.#start = countersBase(ramSize) / 8;
  }

  /** Address of a counter that stands at zero, until it is given back. */
  take(): number {
    const word = this.#free.pop() ?? (this.#next < COUNTERS ? this.#start + this.#next++ : undefined);
    if (word === undefined) {
      throw new PlinthError(
        'input',
        'too-many-counters',
        `a machine has ${COUNTERS} inline counters, and all are in use`,
      );
    }
    this.#words[word] = 0n;
    return word * 8;
  }

  give(counter: number): void {
    this.#free.push(counter / 8);
  }

  add(counter: number): void {
    this.#words[counter / 8]!++;
  }

  value(counter: number): number {
    return Number(this.#words[counter / 8]!);
  }
}

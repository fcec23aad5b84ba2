// SPDX-License-Identifier: Apache-2.0
// Something that is counted inline in generated code, from when it is made until it ends.

import type { Counters } from '../memory/counters.js';

export class Count {
  readonly #counters: Counters;
  readonly #end: () => void;
  #counter: number | undefined;
  #last = 0;

  /** `begin` has whoever passes add to the counter, and returns the function after which nobody does. */
  constructor(counters: Counters, begin: (counter: number) => () => void) {
    this.#counters = counters;
    const counter = counters.take();
    this.#counter = counter;
    this.#end = begin(counter);
  }

  /** How often it was passed, also after its end. */
  get value(): number {
    return this.#counter === undefined ? this.#last : this.#counters.value(this.#counter);
  }

  end(): void {
    if (this.#counter === undefined) return;
    this.#end();
    this.#last = this.value;
    this.#counters.give(this.#counter);
    this.#counter = undefined;
  }
}

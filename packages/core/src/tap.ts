// SPDX-License-Identifier: Apache-2.0
// A place where something happens that others may want to be told of. Who tells asks `active` first where making the
// arguments costs something.

export class Tap<Arguments extends readonly unknown[]> {
  readonly #listeners = new Set<{ readonly call: (...args: Arguments) => void }>();

  /** Whether anyone listens. */
  get active(): boolean {
    return this.#listeners.size > 0;
  }

  /** Calls `listener` each time, in the order in which they were added; returns the function that ends it. */
  add(listener: (...args: Arguments) => void): () => void {
    // The same function given twice listens twice.
    const own = { call: listener };
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** A listener that is added or removed meanwhile counts at once. */
  tell(...args: Arguments): void {
    for (const { call } of this.#listeners) call(...args);
  }
}

// SPDX-License-Identifier: Apache-2.0
// Sampled stacks in the folded format of flame graphs: a line for each different stack, its frames from the outermost to the
// innermost with semicolons between, and how often it was seen.

/** Different stacks; from there on a new one is counted as the outermost frame alone. */
const MOST_STACKS = 200_000;

export class FoldedStacks {
  readonly #counts = new Map<string, number>();

  /** @param frames from the outermost to the innermost */
  add(frames: readonly string[]): void {
    const names = frames.map((frame) => frame.replace(/[;\s\p{Cc}]/gu, '_'));
    const stack = names.join(';');
    const key = this.#counts.has(stack) || this.#counts.size < MOST_STACKS ? stack : names[0]!;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  get samples(): number {
    let sum = 0;
    for (const count of this.#counts.values()) sum += count;
    return sum;
  }

  /** By name; a line each. */
  get lines(): string[] {
    return [...this.#counts].map(([stack, count]) => `${stack} ${count}`).sort();
  }
}

// SPDX-License-Identifier: Apache-2.0
// Where a median lies, and whether that is known well enough to say anything of it.

/** Points of a ratio by which its interval may be wide. */
const DECIDED = 0.04;

/** Where the median lies with 95 % confidence, whatever the distribution: order statistics of the binomial one. */
export function medianInterval(values: readonly number[]): [low: number, high: number] {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  // The largest rank with at most 2.5 % of the probability below it.
  let rank = 0;
  let probability = 0.5 ** n;
  for (let sum = probability; sum <= 0.025; sum += probability) {
    rank++;
    probability *= (n - rank + 1) / rank;
  }
  const low = Math.max(0, rank - 1);
  return [sorted[low]!, sorted[n - 1 - low]!];
}

/** Whether the interval is narrow enough for what it is to decide. */
export function isDecided([low, high]: readonly [low: number, high: number]): boolean {
  return high - low <= DECIDED;
}

/** By pairs. */
export function ratios(numerators: readonly number[], denominators: readonly number[]): number[] {
  return numerators.map((value, n) => value / denominators[n]!);
}

// SPDX-License-Identifier: Apache-2.0
// A row of pairs: the same work with and without something, by turns, and where the median of their ratios lies.

import { isDecided, medianInterval, ratios } from './median-interval.js';
import { median, type Row } from './report.js';

/** Seconds of CPU time, pair by pair; a ratio whose place is not known well enough is said to be undecided. */
export function pairsRow(name: string, plain: readonly number[], probed: readonly number[], peerName: string): Row {
  const values = ratios(plain, probed);
  const interval = medianInterval(values);
  const [low, high] = interval;
  return {
    name: isDecided(interval) ? name : `${name} (undecided: ${low.toFixed(3)} to ${high.toFixed(3)})`,
    unit: 's CPU',
    ours: median(probed),
    peer: median(plain),
    peerName,
    ratio: median(values),
    inGeomean: false,
    interval,
    pairs: values.length,
  };
}

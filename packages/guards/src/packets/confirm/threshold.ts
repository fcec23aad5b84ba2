// SPDX-License-Identifier: Apache-2.0
// How often a match is told (Suricata user guide, "Global-Thresholds"). Time is that of the packets.

import type { Rule, Threshold } from '../rule.js';

/** What matches are told apart by. */
export interface ThresholdSubject {
  readonly source: string;
  readonly destination: string;
  /** Undefined for a packet of no flow. */
  readonly flow: number | undefined;
}

interface Window {
  begin: bigint;
  count: number;
  /** Of `backoff`: the next count that is told. */
  next: number;
}

/** Subjects that are remembered; the oldest is forgotten. */
const MOST_WINDOWS = 65_536;

export class Thresholds {
  readonly #windows = new Map<string, Window>();

  /**
   * Counts a match at `time` (nanoseconds). `act`: what the rule does is done, though it is not told; `none`: it does not count as a
   * match.
   */
  judge(rule: Rule, subject: ThresholdSubject, time: bigint): 'tell' | 'act' | 'none' {
    const { threshold } = rule;
    if (threshold === undefined) return 'tell';
    const key = `${rule.gid}:${rule.sid} ${keyOf(threshold, subject)}`;
    let window = this.#windows.get(key);
    const isNew =
      window === undefined ||
      (threshold.type !== 'backoff' && time - window.begin >= BigInt(threshold.seconds) * 1_000_000_000n);
    if (isNew) {
      window = { begin: time, count: 0, next: threshold.count };
      this.#windows.delete(key);
      this.#windows.set(key, window);
      if (this.#windows.size > MOST_WINDOWS) this.#windows.delete(this.#windows.keys().next().value!);
    }
    return step(threshold, window!);
  }
}

function step(threshold: Threshold, window: Window): 'tell' | 'act' | 'none' {
  const { count } = threshold;
  window.count++;
  switch (threshold.type) {
    case 'limit':
      return window.count <= count ? 'tell' : 'act';
    case 'threshold':
      if (window.count < count) return 'none';
      window.count = 0;
      return 'tell';
    case 'both':
      return window.count === count ? 'tell' : window.count > count ? 'act' : 'none';
    case 'detection':
      return window.count > count ? 'tell' : 'none';
    case 'backoff':
      if (window.count < window.next) return 'act';
      window.next *= threshold.multiplier;
      return 'tell';
  }
}

function keyOf({ track }: Threshold, { source, destination, flow }: ThresholdSubject): string {
  switch (track) {
    case 'by_src':
      return source;
    case 'by_dst':
      return destination;
    case 'by_both':
      // Whoever of both sends.
      return [source, destination].sort().join(' ');
    case 'by_rule':
      return '';
    case 'by_flow':
      return String(flow ?? `${source} ${destination}`);
  }
}

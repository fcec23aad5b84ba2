// SPDX-License-Identifier: Apache-2.0
// What comes of the rules that match a packet, as Suricata has it: by their actions and priorities, each as often as its threshold
// lets it be told; behind a rule that passes, none.

import { priorityOf } from '../classtypes.js';
import { ACTION_ORDER } from '../kernel-rule.js';
import type { Rule } from '../rule.js';
import type { Thresholds, ThresholdSubject } from './threshold.js';

export interface Matched<T> {
  readonly rule: Rule;
  /** Its number among the rules. */
  readonly order: number;
  /** What it matched in; a rule may match in several. */
  readonly where: T;
  /** It was found in a stream, not in a packet. */
  readonly inStream: boolean;
  /** What it does it does to the whole flow. */
  readonly ofFlow: boolean;
}

export interface Decided<T> {
  readonly told: readonly Matched<T>[];
  /** By the first rule that drops. */
  readonly dropped: Matched<T> | undefined;
  readonly passed: Matched<T> | undefined;
}

/** Alerts of one packet (packet-alert-max). */
export const MOST_ALERTS = 15;

export function decideAlerts<T>(
  matched: readonly Matched<T>[],
  thresholds: Thresholds,
  subject: ThresholdSubject,
  time: bigint,
  most: number = MOST_ALERTS,
): Decided<T> {
  const told: Matched<T>[] = [];
  let dropped: Matched<T> | undefined;
  const sorted = matched.toSorted((a, b) => rank(a.rule) - rank(b.rule) || a.order - b.order);
  for (const one of sorted) {
    const { rule } = one;
    const answer = thresholds.judge(rule, subject, time);
    if (answer === 'none') continue;
    const { action } = rule.header;
    if (action === 'pass') return { told, dropped, passed: one };
    if (action !== 'alert') dropped ??= one;
    if (answer === 'tell' && !rule.noalert && told.length < most) told.push(one);
  }
  return { told, dropped, passed: undefined };
}

function rank(rule: Rule): number {
  return ACTION_ORDER[rule.header.action] * 0x1_0000_0000 + priorityOf(rule);
}

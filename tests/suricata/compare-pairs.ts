// SPDX-License-Identifier: Apache-2.0
// Many rules and many conversations at once: for each rule the conversations in which it is told, by Suricata and by us.

import { expect } from 'vitest';
import { type EveEvent, runOurs, runSuricata } from './run-suricata.js';

/** The client's port of conversation 0; the others' follow. Other ends have lower ports. */
export const FIRST_PORT = 20_000;

export interface PairsCase {
  readonly seed: number;
  /** With numbers from 1. */
  readonly rules: readonly string[];
  readonly frames: readonly Uint8Array[];
  /** Pairs that there have to be: otherwise it says nothing. */
  readonly least: number;
  /** Rules that only Suricata may refuse. */
  readonly mostRefused: number;
}

export function expectSamePairs({ seed, rules, frames, least, mostRefused }: PairsCase): void {
  const timed = frames.map((bytes, n) => ({ time: BigInt(n) * 1_000_000n, bytes }));
  const both = { rules: rules.join('\n'), frames: timed, everyAlert: true };
  const theirs = runSuricata(both);
  const ours = runOurs(both);
  expect({ seed, errors: ours.errors, refused: [...ours.refused] }).toEqual({ seed, errors: [], refused: [] });
  const refused = new Set(theirs.refused.map((line) => Number(/sid:(\d+);/.exec(line)![1])));
  expect(refused.size).toBeLessThanOrEqual(mostRefused);
  const [expected, found] = [pairsOf(theirs.events, refused), pairsOf(ours.events, refused)];
  expect(expected.size).toBeGreaterThan(least);
  const differing = [
    ...[...expected].filter((pair) => !found.has(pair)).map((pair) => `${pair}: only Suricata`),
    ...[...found].filter((pair) => !expected.has(pair)).map((pair) => `${pair}: only we`),
  ];
  const shown = [...new Set(differing.map((pair) => Number.parseInt(pair, 10)))].map((sid) => rules[sid - 1]);
  expect({ seed, rules: shown.slice(0, 5), differing }).toEqual({ seed, rules: [], differing: [] });
}

/** Numbers of rule and conversation. */
function pairsOf(events: readonly EveEvent[], without: ReadonlySet<number>): Set<string> {
  const pairs = events.map((event) => {
    const { signature_id: sid } = event['alert'] as { signature_id: number };
    return { sid, talk: Math.max(Number(event['src_port']), Number(event['dest_port'])) - FIRST_PORT };
  });
  return new Set(pairs.filter(({ sid }) => !without.has(sid)).map(({ sid, talk }) => `${sid} in ${talk}`));
}

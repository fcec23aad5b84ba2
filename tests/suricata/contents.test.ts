// SPDX-License-Identifier: Apache-2.0
// What rules find in bytes, they find where Suricata finds it: each of many rules in each of many texts.

import { describe, expect, it } from 'vitest';
import { Random } from '../fuzz/random.js';
import { framesOf, type Talk } from './conversation.js';
import { randomConditions, randomText } from './random-content-rules.js';
import { type EveEvent, runOurs, runSuricata, whyNoSuricata } from './run-suricata.js';

const SEEDS = process.env['PLINTH_LONG'] === '1' ? 40 : 1;
const [RULES, TEXTS, FIRST_PORT] = [250, 150, 20_000];

/** Numbers of rule and text, for each pair that matches. */
function pairsOf(events: readonly EveEvent[], without: ReadonlySet<number>): string[] {
  return events
    .map((event) => [(event['alert'] as { signature_id: number }).signature_id, Number(event['src_port'])] as const)
    .filter(([sid]) => !without.has(sid))
    .map(([sid, port]) => `${sid} in ${port - FIRST_PORT}`)
    .sort();
}

describe.skipIf(whyNoSuricata('tests/suricata/contents.test.ts') !== undefined)('contents', () => {
  it.each([false, true])('are found where Suricata finds them, with variables: %s', (variables) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = new Random(1000 * seed + (variables ? 1 : 0));
      const rules = Array.from({ length: RULES }, (_, n) => {
        return `alert udp any any -> any any (${randomConditions(random, variables)}sid:${n + 1};)`;
      });
      const said = Array.from({ length: TEXTS }, () => randomText(random));
      const frames = said.flatMap((bytes, n) => {
        const talk: Talk = {
          protocol: 'udp',
          clientPort: FIRST_PORT + n,
          serverPort: 9999,
          said: [{ from: 'client', bytes }],
        };
        return framesOf(talk).map((frame) => ({ time: BigInt(n) * 1_000_000n, bytes: frame }));
      });
      const both = { rules: rules.join('\n'), frames, everyAlert: true };
      const theirs = runSuricata(both);
      const ours = runOurs(both);
      expect([ours.errors, [...ours.refused]]).toEqual([[], []]);
      const refused = theirs.refused.map((line) => Number(/sid:(\d+);/.exec(line)![1]));
      // Some numbers cannot be read where others stand.
      expect(refused.length).toBeLessThan(variables ? 10 : 1);
      const without = new Set(refused);
      const expected = pairsOf(theirs.events, without);
      expect(expected.length).toBeGreaterThan(1000);
      const found = pairsOf(ours.events, without);
      const differing = [
        ...expected.filter((pair) => !found.includes(pair)),
        ...found.filter((pair) => !expected.includes(pair)),
      ];
      const shown = [...new Set(differing.map((pair) => Number(pair.split(' ')[0])))].map((sid) => rules[sid - 1]);
      expect({ seed, shown: shown.slice(0, 5), differing: differing.slice(0, 5) }).toEqual({
        seed,
        shown: [],
        differing: [],
      });
    }
  });
});

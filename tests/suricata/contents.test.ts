// SPDX-License-Identifier: Apache-2.0
// What rules find in bytes, they find where Suricata finds it: each of many rules in each of many texts.

import { describe, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { Random } from '../fuzz/random.js';
import { framesOf } from './conversation.js';
import { expectSamePairs, FIRST_PORT } from './compare-pairs.js';
import { randomConditions, randomText } from './random-content-rules.js';
import { whyNoSuricata } from './run-suricata.js';

const SEEDS = process.env['PLINTH_LONG'] === '1' ? 40 : 1;
const [RULES, TEXTS] = [250, 150];

describe('contents', unless(whyNoSuricata('tests/suricata/contents.test.ts')), () => {
  it.each([false, true])('are found where Suricata finds them, with variables: %s', (variables) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = new Random(1000 * seed + (variables ? 1 : 0));
      const rules = Array.from({ length: RULES }, (_, n) => {
        return `alert udp any any -> any any (${randomConditions(random, variables)}sid:${n + 1};)`;
      });
      const frames = Array.from({ length: TEXTS }, (_, n) =>
        framesOf({
          protocol: 'udp',
          clientPort: FIRST_PORT + n,
          serverPort: 9999,
          said: [{ from: 'client', bytes: randomText(random) }],
        }),
      ).flat();
      // Some numbers cannot be read where others stand.
      expectSamePairs({ seed, rules, frames, least: 1000, mostRefused: variables ? 10 : 0 });
    }
  });
});

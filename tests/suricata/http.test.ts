// SPDX-License-Identifier: Apache-2.0
// Rules on buffers of HTTP find in odd conversations what Suricata finds: each of many rules in each of many conversations.

import { describe, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { Random } from '../fuzz/random.js';
import { framesOf } from './conversation.js';
import { expectSamePairs, FIRST_PORT } from './compare-pairs.js';
import { randomHttp, randomHttpRule } from './random-http.js';
import { whyNoSuricata } from './run-suricata.js';

const SEEDS = process.env['PLINTH_LONG'] === '1' ? 40 : 1;
const [RULES, TALKS] = [200, 120];

describe('buffers of HTTP', unless(whyNoSuricata('tests/suricata/http.test.ts')), () => {
  it('have what Suricata has in them', () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = new Random(seed);
      const rules = Array.from({ length: RULES }, (_, n) => `${randomHttpRule(random)}sid:${n + 1};)`);
      const frames = Array.from({ length: TALKS }, (_, n) =>
        framesOf({ protocol: 'tcp', clientPort: FIRST_PORT + n, serverPort: 80, said: randomHttp(random) }),
      ).flat();
      expectSamePairs({ seed, rules, frames, least: 1000, mostRefused: 20 });
    }
  });
});

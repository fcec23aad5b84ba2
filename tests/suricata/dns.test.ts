// SPDX-License-Identifier: Apache-2.0
// Rules on DNS find what Suricata finds, over UDP and TCP: each of many rules in each of many conversations.

import { describe, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { Random } from '../fuzz/random.js';
import { framesOf } from './conversation.js';
import { expectSamePairs, FIRST_PORT } from './compare-pairs.js';
import { randomDns, randomDnsRule } from './random-dns.js';
import { whyNoSuricata } from './run-suricata.js';

const SEEDS = process.env['PLINTH_LONG'] === '1' ? 40 : 1;
const [RULES, TALKS] = [150, 120];

describe('DNS', unless(whyNoSuricata('tests/suricata/dns.test.ts')), () => {
  it.each(['udp', 'tcp'] as const)('over %s is read as Suricata reads it', (protocol) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = new Random(1000 * seed);
      const rules = Array.from({ length: RULES }, (_, n) => `${randomDnsRule(random)}sid:${n + 1};)`);
      const frames = Array.from({ length: TALKS }, (_, n) =>
        framesOf({ protocol, clientPort: FIRST_PORT + n, serverPort: 53, said: randomDns(random, protocol) }),
      ).flat();
      expectSamePairs({ seed, rules, frames, least: 300, mostRefused: 12 });
    }
  });
});

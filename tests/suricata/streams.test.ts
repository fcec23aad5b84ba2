// SPDX-License-Identifier: Apache-2.0
// Streams of TCP, put together as Suricata does: standing in the way, and listening.

import { describe, expect, it } from 'vitest';
import { Random } from '../fuzz/random.js';
import { unless } from '../setup/skipping.js';
import { compare } from './compare.js';
import { caseNetwork } from './random-headers.js';
import { streamFrames, streamRules } from './random-streams.js';
import { type TimedFrame, whyNoSuricata } from './run-suricata.js';

const reason = whyNoSuricata('tests/suricata/streams.test.ts');
const seeds = process.env['SEED'] === undefined ? [1, 2] : [Number(process.env['SEED'])];
const CASES = 150;

describe('streams', unless(reason), () => {
  for (const seed of seeds) {
    for (const inline of [true, false]) {
      for (const disorder of [false, true]) {
        it(`of seed ${seed}, ${inline ? 'in the way' : 'listening'}${disorder ? ', in disorder' : ''}`, () => {
          const random = new Random(seed);
          const rules: string[] = [];
          const frames: TimedFrame[] = [];
          for (let n = 1; n <= CASES; n++) {
            const network = caseNetwork(n);
            rules.push(...streamRules(random, network, 10));
            for (const bytes of streamFrames(random, network, { disorder }))
              frames.push({ time: 1_700_000_000_000_000_000n + BigInt(frames.length) * 1_000_000n, bytes });
          }
          const { differences, told } = compare({ rules: rules.join('\n'), frames, inline });
          expect(differences).toEqual([]);
          expect(told).toBeGreaterThan(CASES);
        });
      }
    }
  }
});

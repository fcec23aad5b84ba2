// SPDX-License-Identifier: Apache-2.0
// How often rules are told, and what they remember of a flow, as Suricata has it.

import { describe, expect, it } from 'vitest';
import { Random } from '../fuzz/random.js';
import { unless } from '../setup/skipping.js';
import { compare } from './compare.js';
import { bytesOf, ethernet, internet, udp } from './packet-layers.js';
import { type CaseNetwork, caseNetwork } from './random-headers.js';
import { type TimedFrame, whyNoSuricata } from './run-suricata.js';

const reason = whyNoSuricata('tests/suricata/thresholds.test.ts');
const seeds = process.env['SEED'] === undefined ? [1, 2] : [Number(process.env['SEED'])];
const CASES = 120;

const BITS = [
  'set,a',
  'isset,a',
  'isnotset,a; flowbits:set,b',
  'isset,b; flowbits:unset,a',
  'toggle,c; flowbits:noalert',
  'isset,c',
  'isset,a|c',
  'isnotset,a|b',
  'set,a; noalert',
];

function option(random: Random): string {
  const track = random.pick(['by_src', 'by_dst', 'by_rule', 'by_both', 'by_flow']);
  const often = `track ${track}, count ${1 + random.below(4)}, seconds ${random.pick([1, 5, 60])}; `;
  return random.pick([
    `threshold:type ${random.pick(['limit', 'threshold', 'both'])}, ${often}`,
    `detection_filter:${often}`,
    `flowbits:${random.pick(BITS)}; `,
    '',
  ]);
}

function rulesOf(random: Random, network: CaseNetwork): string[] {
  const address = `${network.text4(0)}/24`;
  return Array.from({ length: 6 }, (_, n) => {
    const looks = random.pick(['content:"a"; ', 'content:"b"; ', 'content:"c"; ', 'dsize:>0; ']);
    const action = random.pick(['alert', 'alert', 'drop']);
    const sid = network.number * 100 + n + 1;
    return `${action} udp ${address} any -> ${address} any (${looks}${option(random)}sid:${sid};)`;
  });
}

function frameOf(random: Random, { address4 }: CaseNetwork): Uint8Array {
  const from = random.below(2);
  const port = 1000 + random.below(2);
  const datagram = udp(from === 0 ? [port, 80] : [80, port], bytesOf(random.pick(['a', 'b', 'c', 'ab', 'bc', 'abc'])));
  const ends = { source: address4(1 + from), destination: address4(2 - from) };
  return ethernet({ type: 0x0800 }, internet({ ...ends, protocol: 17 }, datagram));
}

describe('thresholds and flowbits', unless(reason), () => {
  it.each(seeds)('of seed %i', (seed) => {
    const random = new Random(seed);
    const networks = Array.from({ length: CASES }, (_, n) => caseNetwork(n + 1));
    const rules = networks.flatMap((network) => rulesOf(random, network));
    const frames: TimedFrame[] = [];
    let time = 1_700_000_000_000_000_000n;
    for (let turn = 0; turn < 15; turn++) {
      for (const network of networks) {
        time += random.pick([1_000_000n, 10_000_000n]);
        frames.push({ time, bytes: frameOf(random, network) });
      }
    }
    const { differences, told } = compare({ rules: rules.join('\n'), frames });
    expect(differences).toEqual([]);
    expect(told).toBeGreaterThan(CASES);
  });
});

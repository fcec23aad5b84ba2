// SPDX-License-Identifier: Apache-2.0
// Messages of DNS, plain and odd, and rules that look at what they ask for. Left out is what Suricata 7 does not know.

import type { Random } from '../fuzz/random.js';
import type { Said } from './conversation.js';

const LABELS = [
  'www',
  'WWW',
  'mail',
  'example',
  'Example',
  'com',
  'co',
  'uk',
  'a',
  'x-y',
  '_tcp',
  'xn--abc',
  '\u00e9',
  'a b',
];
const [FLAG_RESPONSE, HEADER] = [0x8000, 12] as const;

function randomName(random: Random): string[] {
  return Array.from({ length: random.below(4) }, () => random.pick(LABELS));
}

function encoded(labels: readonly string[]): number[] {
  return [...labels.flatMap((label) => [label.length, ...[...label].map((char) => char.charCodeAt(0))]), 0];
}

/** What a server answers has the question and a record whose name points to it. */
function message(random: Random, id: number, flags: number, names: readonly (readonly string[])[]): Uint8Array {
  const isResponse = (flags & FLAG_RESPONSE) !== 0;
  const u16 = (value: number): number[] => [value >> 8, value & 0xff];
  const questions = names.flatMap((name, n) => {
    // Another question may end with what the first one asks for.
    const text = n > 0 && random.chance(0.5) ? [...encoded(['sub']).slice(0, -1), 0xc0, HEADER] : encoded(name);
    return [...text, ...u16(random.pick([1, 15, 28])), ...u16(1)];
  });
  const answers = isResponse ? [0xc0, HEADER, ...u16(1), ...u16(1), 0, 0, 0, 9, ...u16(4), 10, 0, 0, 1] : [];
  const counts = [names.length, isResponse ? 1 : 0, 0, 0].flatMap(u16);
  return Uint8Array.from([...u16(id), ...u16(flags), ...counts, ...questions, ...answers]);
}

/** Over TCP each has its length before it. */
export function randomDns(random: Random, protocol: 'tcp' | 'udp'): Said[] {
  const said: Said[] = [];
  for (let n = 1 + random.below(2); n > 0; n--) {
    const id = random.below(0x1_0000);
    const names = Array.from({ length: random.pick([1, 1, 1, 2]) }, () => randomName(random));
    const flags = random.pick([0x0100, 0x0100, 0x0000, 0x0800, 0x1000, 0x2800]);
    const both = [
      message(random, id, flags, names),
      message(random, id, flags | FLAG_RESPONSE | random.below(4), names),
    ];
    both.forEach((bytes, side) => {
      const framed = protocol === 'tcp' ? Uint8Array.from([bytes.length >> 8, bytes.length & 0xff, ...bytes]) : bytes;
      said.push({ from: side === 0 ? 'client' : 'server', bytes: framed });
    });
  }
  return said;
}

const PIECES = [
  'www',
  'example',
  'Example',
  '.com',
  'com',
  '.',
  'a',
  'www.example',
  'mail',
  'co.uk',
  'x-y',
  'sub.',
  '|e9|',
  ' ',
];

/** A rule without its number. */
export function randomDnsRule(random: Random): string {
  const flow = random.pick(['', '', '', 'flow:to_server; ']);
  if (random.chance(0.15)) {
    return `alert dns any any -> any any (${random.pick([flow, 'flow:to_client; '])}dns.opcode:${random.pick(['0', '1', '2', '5', '!0', '!5'])}; `;
  }
  const part = (): string => {
    const changes = random.chance(0.15) ? random.pick(['to_lowercase; ', 'dotprefix; ', 'to_lowercase; ']) : '';
    const place = random.pick(['', '', '', 'startswith; ', 'endswith; ', 'offset:1; ', 'depth:12; ']);
    const nocase = random.chance(0.3) ? 'nocase; ' : '';
    const size = random.chance(0.1) ? `bsize:${random.pick(['<10', '>3', '4'])}; ` : '';
    return `${random.pick(['dns.query', 'dns.query', 'dns_query'])}; ${changes}content:"${random.pick(PIECES)}"; ${place}${nocase}${size}`;
  };
  // Asked for once more, it is another one of a message's questions.
  return `alert dns any any -> any any (${flow}${part()}${random.chance(0.3) ? part() : ''}`;
}

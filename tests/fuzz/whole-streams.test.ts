// SPDX-License-Identifier: Apache-2.0
// A content is found in a connection wherever segments, acknowledgements and the windows of whoever looks cut its stream.

import { inspectCapture } from '@plinth/cli';
import { DEFAULT_VARIABLES, judgeRules, parseRules } from '@plinth/guards';
import { describe, expect, it } from 'vitest';
import { ethernet, FLAG, internet, tcp } from '../suricata/packet-layers.js';
import { captureOf } from '../suricata/run-suricata.js';
import { Random } from './random.js';

const WORD = 'attack';
const RULES = `drop tcp any any -> any 80 (content:"attack"; sid:1;)
alert tcp any any -> any 80 (flow:established,to_server; content:"AtTaCk"; nocase; sid:2;)
alert tcp any any -> any 80 (content:"att"; content:"ack"; distance:0; within:3; sid:3;)
`;

const LENGTHS = [6, 100, 3000, 30_000, 300_000];
const SIZES = [1, 2, 7, 100, 536, 1460, 2560, 8000, 30_000, 60_000];
const MOST_SEGMENTS = 1500;
const SEEDS = process.env['PLINTH_LONG'] === '1' ? 2000 : 40;

interface Segment {
  readonly at: number;
  readonly bytes: Uint8Array;
  /** The other end has it at once, and says so. */
  readonly acknowledged: boolean;
}

describe('a content', () => {
  const { rules } = parseRules(RULES, 'my.rules', DEFAULT_VARIABLES);
  const judgements = judgeRules(rules, { streams: true });

  it.each([true, false])('is found in each stream, by whoever stands in the way: %s', (inline) => {
    const first = Number(process.env['PLINTH_SEED'] ?? 1);
    for (let seed = first; seed < first + SEEDS; seed++) {
      const random = new Random(seed);
      const text = new Uint8Array(random.pick(LENGTHS)).fill(0x78);
      const at = random.below(text.length - WORD.length + 1);
      text.set(new TextEncoder().encode(WORD), at);
      const frames = conversation(random, cut(random, text));
      const capture = captureOf(frames.map((bytes, n) => ({ bytes, time: BigInt(n) * 1000n })));
      const counts = { frames: 0, dropped: 0, tooLong: 0 };
      const settings = { failClosed: false, inline, midstream: false };
      const told = new Set<number>();
      for (const one of inspectCapture(capture, 'capture', judgements, settings, counts)) {
        for (const { rule } of one.told) told.add(rule.sid);
      }
      expect(
        [...told].sort((a, b) => a - b),
        `seed ${seed}: ${text.length} bytes, at ${at}`,
      ).toEqual([1, 2, 3]);
    }
  });
});

/** In order, or neighbours the other way round. */
function cut(random: Random, text: Uint8Array): Segment[] {
  const sizes = [random.pick(SIZES), random.pick(SIZES)];
  const chance = random.pick([0, 0.1, 0.9]);
  const least = Math.ceil(text.length / MOST_SEGMENTS);
  const segments: Segment[] = [];
  for (let at = 0; at < text.length;) {
    const bytes = text.subarray(at, at + Math.max(random.pick(sizes), least));
    segments.push({ at, bytes, acknowledged: random.chance(chance) });
    at += bytes.length;
  }
  if (!random.chance(0.3)) return segments;
  for (let n = 1; n < segments.length; n++) {
    if (random.chance(0.2)) [segments[n - 1], segments[n]] = [segments[n]!, segments[n - 1]!];
  }
  return segments.map((segment) => ({ ...segment, acknowledged: false }));
}

function conversation(random: Random, segments: readonly Segment[]): Uint8Array[] {
  const [client, server] = [random.word(), random.word()];
  const frames: Uint8Array[] = [];
  const send = (
    fromClient: boolean,
    flags: number,
    sequence: number,
    acknowledged: number,
    bytes: readonly number[] = [],
  ): void => {
    const ports: [number, number] = fromClient ? [1000, 80] : [80, 1000];
    const [source, destination] = [
      [10, 0, 0, 1],
      [10, 0, 0, 2],
    ];
    const ends = fromClient ? { source, destination } : { source: destination, destination: source };
    const numbers = { sequence: sequence >>> 0, acknowledged: acknowledged >>> 0 };
    const segment = tcp({ ports, flags, ...numbers }, bytes);
    frames.push(ethernet({ type: 0x0800 }, internet({ ...ends, protocol: 6 }, segment)));
  };
  send(true, FLAG.syn, client, 0);
  send(false, FLAG.syn | FLAG.ack, server, client + 1);
  send(true, FLAG.ack, client + 1, server + 1);
  for (const { at, bytes, acknowledged } of segments) {
    send(true, FLAG.ack, client + 1 + at, server + 1, [...bytes]);
    if (acknowledged) send(false, FLAG.ack, server + 1, client + 1 + at + bytes.length);
  }
  const end = segments.reduce((most, { at, bytes }) => Math.max(most, at + bytes.length), 0);
  if (random.chance(0.5)) send(true, FLAG.fin | FLAG.ack, client + 1 + end, server + 1);
  return frames;
}

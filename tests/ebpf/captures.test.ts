// SPDX-License-Identifier: Apache-2.0
// Whole captures, generated ones and those of others, get in each engine the verdicts of a plain evaluation.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { MOST_PACKET } from '@plinth/ebpf';
import { type CapturedFrame, readCapture } from '@plinth/guards';
import { describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { Random } from '../fuzz/random.js';
import { whyNoKernel } from './kernel-here.js';
import { kernelRules, PacketEngines } from './packet-engines.js';
import { RandomConversation } from './random-conversation.js';
import { randomFrame } from './random-frame.js';
import { flowRules, randomPayload, randomRules, streamRules } from './random-packet-rules.js';
import { RandomSegments } from './random-segments.js';

const long = process.env['PLINTH_LONG'] === '1';
const corpora = process.env['PLINTH_CORPORA'];
const noCorpora = corpora === undefined ? 'PLINTH_CORPORA does not name a folder of captures' : undefined;

/** What is often there. */
const COMMON = `
alert tcp any any -> any any (flow:established,to_server; content:"GET "; startswith; flowbits:set,get; sid:1;)
alert tcp any any -> any any (flow:established,to_client; content:"HTTP/1."; startswith; flowbits:isset,get; sid:2;)
alert tcp any any -> any any (content:"Host"; nocase; content:"User-Agent"; nocase; content:!"Mozilla"; sid:3;)
alert udp any any -> any 53 (content:"|01 00 00 01|"; offset:2; depth:4; sid:4;)
alert udp any any -> any any (flow:to_client; dsize:>20; ttl:>1; sid:5;)
alert icmp any any -> any any (itype:8; icmp_seq:>0; sid:6;)
alert ip6 any any -> any any (ip_proto:!6; sid:7;)
alert tcp any any -> any any (content:"|16 03|"; depth:2; content:"|00|"; offset:3; depth:1; sid:8;)
alert tcp any any -> any any (flags:S; window:>1000; sid:9;)
drop tcp any any -> any any (content:"eval("; sid:10;)
drop tcp any any -> any any (content:"root"; content:"passwd"; sid:11;)
alert tcp-pkt any any -> any any (content:"the"; content:"and"; sid:12;)
alert tcp any any <> any [21,25,110] (content:"|0d 0a|"; endswith; sid:13;)
`;

/** In the format of libpcap, nanoseconds. */
function capture(frames: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(24 + frames.reduce((sum, frame) => sum + 16 + frame.length, 0));
  const view = new DataView(bytes.buffer);
  [0xa1b2_3c4d, 0x0004_0002, 0, 0, 0x4_0000, 1].forEach((word, n) => view.setUint32(4 * n, word, true));
  let at = 24;
  frames.forEach((frame, n) => {
    [n >> 3, (n & 7) * 100_000_000, frame.length, frame.length].forEach((word, k) =>
      view.setUint32(at + 4 * k, word, true),
    );
    bytes.set(frame, at + 16);
    at += 16 + frame.length;
  });
  return bytes;
}

/** Frames of all kinds, in which each sender does as it likes. */
function randomFrames(random: Random, count: number): Uint8Array[] {
  const segments = Array.from({ length: 20 }, () => new RandomSegments(random));
  const conversations = Array.from({ length: 30 }, () => new RandomConversation(random, () => randomPayload(random)));
  return Array.from({ length: count }, () => {
    const kind = random.below(3);
    if (kind === 0) return randomFrame(random, random.chance(0.8) ? randomPayload(random) : undefined);
    return kind === 1 ? random.pick(segments).segment() : random.pick(conversations).frame();
  });
}

function randomTexts(random: Random): string {
  const texts = [randomRules(random), streamRules(random), flowRules(random)];
  return texts.map((text, n) => text.replaceAll(/sid:/g, `sid:${n + 1}0`)).join('\n');
}

function* capturesIn(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile() && /\.(pcap|pcapng|cap)$/.test(entry.name)) yield join(entry.parentPath, entry.name);
  }
}

describe('captures', () => {
  const kernel = whyNoKernel('tests/ebpf/captures.test.ts') === undefined;

  it('that are generated', () => {
    let [frames, told, dropped] = [0, 0, 0];
    for (let seed = 1; seed <= (long ? 20 : 2); seed++) {
      const random = new Random(20_000 + seed);
      const rules = kernelRules(randomTexts(random), () => random.chance(0.1));
      const [dropFlow, midstream, checked] = [random.chance(0.5), random.chance(0.5), random.chance(0.5)];
      const options = { failClosed: seed % 2 === 0, dropFlow, midstream, checked };
      using engines = new PacketEngines(rules, { ...options, kernel, interpreted: long });
      const bytes = capture(randomFrames(random, long ? 5000 : 500));
      for (const { number, bytes: frame, time } of readCapture(bytes, 'generated')) {
        const outcome = engines.inspect(frame, `seed ${seed}, frame ${number}`, time);
        frames++;
        if (outcome.told.length > 0) told++;
        if (outcome.verdict === 'drop') dropped++;
        if (outcome.held && random.chance(0.5)) engines.clear(frame);
      }
    }
    expect(frames).toBeGreaterThanOrEqual(long ? 100_000 : 1000);
    expect(told).toBeGreaterThan(frames / 5);
    expect(dropped).toBeGreaterThan(frames / 20);
  });

  it('of the folder that PLINTH_CORPORA names', unless(noCorpora), () => {
    const rules = kernelRules(COMMON);
    using both = new PacketEngines(rules, { kernel });
    // Frames that a test run of the kernel does not take.
    using simulated = new PacketEngines(rules, { kernel: false });
    let [captures, frames, told, time] = [0, 0, 0, 0n];
    for (const path of capturesIn(corpora!)) {
      if (!long && frames > 20_000) break;
      const read = framesOf(path);
      if (read.length === 0) continue;
      captures++;
      const engines = read.every(({ bytes }) => bytes.length <= 3500) ? both : simulated;
      const first = read[0]!.time;
      const start = time;
      for (const { number, bytes, time: at } of read) {
        if (start + at - first > time) time = start + at - first;
        frames++;
        if (engines.inspect(bytes, `${path}, frame ${number}`, time).told.length > 0) told++;
      }
    }
    console.log(`${captures} captures, ${frames} packets, of which ${told} match`);
    expect(told).toBeGreaterThan(0);
  });
});

/** Those that are frames of Ethernet; a capture that is damaged gives those before. */
function framesOf(path: string): CapturedFrame[] {
  const frames: CapturedFrame[] = [];
  try {
    for (const frame of readCapture(readFileSync(path), path)) {
      if (frame.bytes.length > 0 && frame.bytes.length <= MOST_PACKET) frames.push(frame);
    }
  } catch (error) {
    if (!(error instanceof PlinthError)) throw error;
  }
  return frames;
}

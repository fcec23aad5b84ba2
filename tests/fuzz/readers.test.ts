// SPDX-License-Identifier: Apache-2.0
// Readers of files from outside, captures, object files and rules, given damaged ones: a value or one typed error, and always an end.
// Some thousands of cases each; with PLINTH_LONG=1 ten minutes of them.

import { PlinthError } from '@plinth/core';
import { Assembler, R0, readProgramObject, writeProgramObject } from '@plinth/ebpf';
import {
  CaptureJudge,
  decodePacket,
  judgeRules,
  kernelRule,
  type KernelRule,
  packetProgram,
  PacketUnwrapper,
  parseRules,
  readCapture,
  ruleTables,
} from '@plinth/guards';
import { describe, expect, it } from 'vitest';
import { randomFrame } from '../ebpf/random-frame.js';
import { randomProgram } from '../ebpf/random-program.js';
import { captureFile, type CaptureForm } from './capture-file.js';
import { mutate } from './mutate.js';
import { Random } from './random.js';
import { randomRules } from './random-rules.js';

const LONG = process.env['PLINTH_LONG'] === '1';
/** Of each of the four. */
const LONG_MILLISECONDS = 150_000;

/** Runs cases by their seeds; one that fails says which it was. */
function campaign(cases: number, run: (random: Random) => void): void {
  const end = Date.now() + LONG_MILLISECONDS;
  for (let seed = 1; LONG ? Date.now() < end : seed <= cases; seed++) {
    try {
      run(new Random(seed));
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`, { cause: error });
    }
  }
}

/** What it gives, or undefined for an error that tells the user what is wrong, in one line. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof PlinthError)) throw error;
    expect(error.kind).toBe('input');
    expect(error.message).toMatch(/^[^\n]+$/);
    return undefined;
  }
}

const FORMS: readonly CaptureForm[] = ['pcap', 'pcap big-endian', 'pcap nanoseconds', 'pcapng', 'pcapng big-endian'];

describe('a damaged file', () => {
  it('that was a capture gives frames, then an end or an error', () => {
    let [frames, whole, refused] = [0, 0, 0];
    campaign(6000, (random) => {
      const made = Array.from({ length: 1 + random.below(4) }, () => randomFrame(random));
      const bytes = captureFile(random.pick(FORMS), random.pick([1, 1, 12, 101, 113, 0, 147]), made);
      const read = attempt(() => {
        for (const { bytes: frame, length, time } of readCapture(mutate(random, bytes), 'damaged.pcap')) {
          frames++;
          expect(frame.length).toBeLessThan(0x40_0010);
          expect(length).toBeGreaterThanOrEqual(0);
          expect(typeof time).toBe('bigint');
          const { payload, payloadLength } = decodePacket(frame);
          expect(payload + payloadLength).toBeLessThanOrEqual(frame.length);
        }
        return true;
      });
      if (read === true) whole++;
      else refused++;
    });
    // Damage is neither always seen nor never.
    expect(Math.min(frames, whole, refused)).toBeGreaterThan(500);
  });

  it('that was an object file gives programs or an error', () => {
    const objects = [3, 30].map((size, n) =>
      writeProgramObject({ programs: [randomProgram(new Random(n + 1), size)], contents: new Map() }),
    );
    objects.push(
      writeProgramObject({
        programs: [new Assembler('one', 'xdp').mov(R0, 1).exit().finish()],
        contents: new Map(),
      }),
    );
    let [good, refused] = [0, 0];
    campaign(12_000, (random) => {
      const read = attempt(() => readProgramObject(mutate(random, random.pick(objects)), 'damaged.o'));
      if (read === undefined) refused++;
      else {
        good++;
        expect(read.programs.length).toBeGreaterThan(0);
      }
    });
    expect(Math.min(good, refused)).toBeGreaterThan(200);
  });

  it('that was a file of rules gives rules and errors, and rules a program', () => {
    let [good, wrong, programs] = [0, 0, 0];
    campaign(3000, (random) => {
      const text = randomRules(random);
      const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0) & 0xff);
      const damaged = random.chance(0.3) ? bytes : mutate(random, bytes);
      const { rules, errors } = parseRules(Buffer.from(damaged).toString('latin1'), 'damaged.rules');
      for (const error of errors) {
        expect(error).toBeInstanceOf(PlinthError);
        expect(error.kind).toBe('input');
        expect(error.message).toMatch(/^damaged\.rules:\d+: [^\n]+$/);
      }
      good += rules.length;
      wrong += errors.length;
      const decided = rules
        .map((rule) => kernelRule(rule))
        .filter((judged): judged is KernelRule => typeof judged !== 'string');
      if (decided.length === 0 || random.chance(0.8)) return;
      const { program } = packetProgram(ruleTables(decided), { failClosed: random.chance(0.5) });
      expect(program.instructions.length).toBeGreaterThan(100);
      programs++;
    });
    expect(Math.min(good, wrong)).toBeGreaterThan(1000);
    expect(programs).toBeGreaterThan(100);
  });

  it('that was traffic is decided by rules, packet by packet', () => {
    let [told, connections] = [0, 0];
    campaign(1500, (random) => {
      const { rules } = parseRules(`${randomRules(random)}\n${RULES_ON_MESSAGES}`, 'damaged.rules');
      const inline = random.chance(0.5);
      const judge = new CaptureJudge(judgeRules(rules, { streams: true }), { inline, midstream: random.chance(0.5) });
      const unwrapper = new PacketUnwrapper();
      const place = { next: 1 };
      for (let n = 0n; n < 12n; n++) {
        const frame = random.chance(0.3) ? randomFrame(random) : segment(random, place);
        for (const carried of unwrapper.unwrap(random.chance(0.1) ? mutate(random, frame) : frame, n * 1_000_000n)) {
          const judged = judge.judge(carried, n * 1_000_000n, undefined);
          told += judged.told.length;
          if (judged.flow !== undefined) connections++;
        }
      }
    });
    expect(told).toBeGreaterThan(1000);
    expect(connections).toBeGreaterThan(1000);
  });
});

const RULES_ON_MESSAGES = `
alert http any any -> any any (http.uri; content:"/a"; pcre:"/[a-z]+\\.(?:php|html)/Ui"; sid:900001;)
alert tcp any any -> any any (content:"o"; content:"s"; distance:1; within:20; pcre:"/^.{2,5}t/R"; sid:900002;)
alert http any any -> any any (file.data; content:!"zzz"; bsize:>2; sid:900003;)
alert dns any any -> any any (dns.query; content:"a"; isdataat:!5,relative; sid:900004;)
alert pkthdr any any -> any any (decode-event:ipv4.trunc_pkt; sid:900005;)
drop tcp any any -> any any (http.host; content:"x.org"; endswith; sid:900006;)
alert ip any any -> any any (tcpv4-csum:invalid; threshold:type both, track by_src, count 2, seconds 5; sid:900007;)
`;

const WORDS = [
  'GET /a/../b.php HTTP/1.1\r\n',
  'POST /%61 HTTP/1.0\r\n',
  'HTTP/1.1 200 OK\r\n',
  'Host: x.org\r\n',
  'Content-Length: 9\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Content-Type: multipart/form-data; boundary=B\r\n',
  '--B\r\nfilename=x\r\n\r\n',
  '\r\n',
  '5\r\nhello\r\n',
  '0\r\n\r\n',
  '\0\x07\x01\0\0\x01\0\0\0\0\0\0\x01a\xc0\x0c\0\x01\0\x01',
  ' some text ',
] as const;

/** A piece of one of a few connections, mostly in order. */
function segment(random: Random, place: { next: number }): Uint8Array {
  const text = Array.from({ length: random.below(5) }, () => random.pick(WORDS)).join('');
  const payload = Buffer.from(text, 'latin1');
  const isTcp = random.chance(0.8);
  const header = isTcp ? 20 : 8;
  const frame = Buffer.alloc(34 + header + payload.length);
  frame.writeUInt16BE(0x0800, 12);
  frame[14] = 0x45;
  frame.writeUInt16BE(frame.length - 14, 16);
  const turned = random.chance(0.3);
  frame.set([64, isTcp ? 6 : 17, 0, 0, 10, 0, 0, turned ? 2 : 1, 10, 0, 0, turned ? 1 : 2], 22);
  const ports = [1000 + random.below(2), random.pick([53, 80])];
  (turned ? ports.reverse() : ports).forEach((port, n) => frame.writeUInt16BE(port, 34 + 2 * n));
  if (isTcp) {
    frame.writeUInt32BE(place.next + (random.chance(0.2) ? random.below(9) : 0), 38);
    frame.writeUInt32BE(random.chance(0.5) ? 1 : place.next, 42);
    frame.set([0x50, random.pick([0x18, 0x18, 0x18, 0x02, 0x12, 0x10, 0x11, 0x14])], 46);
    place.next += payload.length;
  } else frame.writeUInt16BE(8 + payload.length, 38);
  frame.set(payload, 34 + header);
  return frame;
}

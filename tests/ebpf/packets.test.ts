// SPDX-License-Identifier: Apache-2.0
// The program gives on every packet, in each engine, the verdict and the rules that a plain evaluation gives.

import { compile, Environment, interpret } from '@plinth/ebpf';
import {
  type KernelRule,
  kernelRule,
  matchingRules,
  type PacketProgram,
  packetProgram,
  parseRules,
  PIECE,
  RECORD,
  ruleTables,
  VERDICT,
} from '@plinth/guards';
import { KernelProgram, nativeCalls, RingBufferReader, testRun } from '@plinth/linux';
import { describe, expect, it } from 'vitest';
import { Random } from '../fuzz/random.js';
import { whyNoKernel } from './kernel-here.js';
import { leastOfTestRun } from './test-run-frames.js';
import { randomFrame } from './random-frame.js';

const KEY = new Uint8Array(4);
const long = process.env['PLINTH_LONG'] === '1';

interface Outcome {
  readonly verdict: number;
  readonly told: number[];
}

/** What a plain evaluation says. */
function plainly(rules: readonly KernelRule[], frame: Uint8Array): Outcome {
  const matched = matchingRules(rules, frame);
  const actions = matched.map((index) => rules[index]!.action);
  if (actions.includes('pass') || matched.length === 0) return { verdict: VERDICT.next, told: [] };
  const drops = actions.some((action) => action === 'drop' || action === 'reject');
  return { verdict: drops ? VERDICT.drop : VERDICT.next, told: matched };
}

/** The record of a packet; at most 16 rules are in it. */
function outcome(verdict: number, records: readonly Uint8Array[]): Outcome {
  expect(records.length).toBeLessThanOrEqual(1);
  const record = records[0]?.slice();
  if (record === undefined) return { verdict, told: [] };
  const view = new DataView(record.buffer);
  expect(view.getUint32(RECORD.verdict, true)).toBe(verdict);
  const told = Array.from({ length: view.getUint32(RECORD.count, true) }, (_, n) =>
    view.getUint32(RECORD.rules + 4 * n, true),
  );
  return { verdict, told: told.sort((a, b) => a - b) };
}

const WORDS = ['attack', 'SELECT', 'union', 'ab', 'abc', 'bcab', 'x', '|00 01|', '../..', 'cmd.exe', 'aa', 'aaaaaaaa'];

function randomRules(random: Random): string {
  const address = (): string =>
    random.pick([
      ...Array<string>(12).fill('any'),
      '10.0.0.0/8',
      '[0.0.0.0-127.255.255.255,!10.0.0.0/8]',
      '8000::/1',
      '!8000::/1',
      '[::/2,128.0.0.0/1]',
    ]);
  const port = (): string =>
    random.pick([...Array<string>(9).fill('any'), '1024:', ':32767', '[1:100,200:40000,!300]']);
  const option = (): string =>
    random.pick([
      `dsize:>${random.below(60)}; `,
      `dsize:${random.below(20)}<>${20 + random.below(200)}; `,
      `flags:${random.pick(['S', 'SA+', 'FPU*', '!R', 'S,CE'])}; `,
      `itype:<${random.below(300)}; `,
      `icode:${random.below(6)}<>${6 + random.below(200)}; `,
    ]);
  const content = (): string => {
    const word = random.pick(WORDS);
    const place = random.pick([
      '',
      '',
      'nocase; ',
      `offset:${random.below(30)}; `,
      `depth:${10 + random.below(40)}; `,
      `offset:${random.below(10)}; depth:${10 + random.below(20)}; `,
      'startswith; ',
      'endswith; ',
    ]);
    return `content:"${word}"; ${place}`;
  };
  return Array.from({ length: 1 + random.below(random.pick([4, 40])) }, (_, n) => {
    const contents = Array.from({ length: random.pick([0, 1, 1, 1, 2, 3]) }, content).join('');
    const options = Array.from({ length: random.pick([0, 0, 0, 0, 1, 2]) }, option).join('');
    const head = `${random.pick(['alert', 'alert', 'alert', 'drop', 'drop', 'reject', 'pass'])} ${random.pick(['ip', 'ip', 'tcp', 'udp', 'icmp'])}`;
    const ends = `${address()} ${port()} ${random.pick(['->', '<>'])} ${address()} ${port()}`;
    return `${head} ${ends} (${contents}${options}sid:${n + 1};)`;
  }).join('\n');
}

function payload(random: Random): Uint8Array {
  const text: string[] = [];
  for (let n = random.below(random.pick([2, 6, 40])); n > 0; n--) {
    text.push(random.pick([...WORDS.filter((word) => !word.includes('|')), 'AB', 'ATTack', '\u0000\u0001', ' ', 'zz']));
  }
  return Uint8Array.from(text.join(''), (char) => char.charCodeAt(0));
}

function simulated(program: PacketProgram): {
  compiled(frame: Uint8Array): Outcome;
  interpreted(frame: Uint8Array): Outcome;
} {
  const environment = new Environment(program.program);
  environment.map(program.tablesMap).update(KEY, program.tables.bytes);
  const run = compile(environment);
  const on = (frame: Uint8Array, how: () => number): Outcome => {
    environment.present({ frame });
    return outcome(how(), environment.take(program.events));
  };
  return {
    compiled: (frame) => on(frame, run),
    interpreted: (frame) => on(frame, () => interpret(environment)),
  };
}

describe('rules on packets', () => {
  const kernel = whyNoKernel('tests/ebpf/packets.test.ts') === undefined;
  const calls = nativeCalls();

  it('give in each engine what a plain evaluation gives', () => {
    const seen = { matched: 0, dropped: 0, frames: 0 };
    for (let seed = 1; seed <= (long ? 1000 : 60); seed++) {
      const random = new Random(seed);
      const { rules: parsed, errors } = parseRules(randomRules(random), 'random.rules', {});
      expect(errors).toEqual([]);
      const rules = parsed.map(kernelRule).filter((rule) => typeof rule !== 'string');
      if (rules.length === 0) continue;
      const program = packetProgram(ruleTables(rules));
      const engines = simulated(program);
      using loaded = kernel
        ? KernelProgram.load(calls, program.program, new Map(), (maps) => {
            maps.get(program.tablesMap.name)!.set(KEY, program.tables.bytes);
          })
        : undefined;
      using reader = loaded === undefined ? undefined : new RingBufferReader(calls, loaded.map(program.events));
      for (let n = 0; n < 100; n++) {
        const frame = randomFrame(random, random.chance(0.8) ? payload(random) : undefined);
        const where = `seed ${seed}, frame ${n}`;
        const expected = plainly(rules, frame);
        // More than 16 are not told.
        if (expected.told.length > 16) continue;
        seen.frames++;
        if (expected.told.length > 0) seen.matched++;
        if (expected.verdict === VERDICT.drop) seen.dropped++;
        expect(engines.compiled(frame), `${where}, compiled`).toEqual(expected);
        if (n % 20 === 0) expect(engines.interpreted(frame), `${where}, interpreted`).toEqual(expected);
        if (loaded === undefined || frame.length < leastOfTestRun(frame)) continue;
        const verdict = testRun(calls, loaded, frame).result;
        const records: Uint8Array[] = [];
        reader!.drain((record) => records.push(record.slice()));
        expect(outcome(verdict, records), `${where}, in the kernel`).toEqual(expected);
      }
    }
    expect(seen.matched).toBeGreaterThan(seen.frames / 10);
    expect(seen.dropped).toBeGreaterThan(seen.frames / 30);
  });

  it('find a content wherever it lies in a packet of many pieces', () => {
    const { rules } = parseRules(
      'drop udp any any -> any any (content:"needle in a haystack"; sid:1;)',
      'one.rules',
      {},
    );
    const kernelRules = rules.map(kernelRule).filter((rule) => typeof rule !== 'string');
    const engines = simulated(packetProgram(ruleTables(kernelRules)));
    const needle = Buffer.from('needle in a haystack');
    const size = 60_000;
    const frame = (at: number | undefined): Uint8Array => {
      const bytes = Buffer.alloc(42 + size, 'n');
      bytes.set([0x08, 0x00, 0x45, 0, (28 + size) >> 8, (28 + size) & 0xff, 0, 0, 0, 0, 64, 17], 12);
      if (at !== undefined) needle.copy(bytes, 42 + at);
      return bytes;
    };
    const borders = [1, 2, 3, 4, 5, 6, 7].map((n) => n * (PIECE - needle.length + 1));
    const places = [
      0,
      size - needle.length,
      ...borders.flatMap((at) => [-20, -19, -10, -1, 0, 1].map((by) => at + by)),
    ];
    for (const at of places) expect(engines.compiled(frame(at)).verdict, `at ${at}`).toBe(VERDICT.drop);
    expect(engines.compiled(frame(undefined)).verdict).toBe(VERDICT.next);
  });
});

// SPDX-License-Identifier: Apache-2.0
// The program gives on every packet, in each engine, the verdict and the rules that a plain evaluation gives.

import { compile, Environment, interpret } from '@plinth/ebpf';
import {
  type FlowFacts,
  type KernelRule,
  kernelRule,
  type PacketProgram,
  packetProgram,
  parseRules,
  PIECE,
  PlainInspector,
  readEvent,
  REASON,
  ruleTables,
  VERDICT,
} from '@plinth/guards';
import { KernelProgram, nativeCalls, RingBufferReader, testRun } from '@plinth/linux';
import { describe, expect, it } from 'vitest';
import { Random } from '../fuzz/random.js';
import { whyNoKernel } from './kernel-here.js';
import { RandomConversation } from './random-conversation.js';
import { leastOfTestRun } from './test-run-frames.js';
import { randomFrame } from './random-frame.js';

const KEY = new Uint8Array(4);
const long = process.env['PLINTH_LONG'] === '1';

interface Outcome {
  readonly verdict: number;
  readonly told: number[];
  readonly reason: number;
  /** Bytes that a flagged packet is told with. */
  readonly frame: Uint8Array | undefined;
  /** What is told of its connection; undefined if nothing is told at all. */
  readonly flow: FlowFacts | undefined;
}

/** Of each rule that is told, where its contents may be found; none of a rule without contents. */
type Places = ReadonlyMap<number, readonly number[]>;

/** What a plain evaluation says. */
function plainly(
  inspector: PlainInspector,
  rules: readonly KernelRule[],
  frame: Uint8Array,
  time?: bigint,
): { expected: Outcome; places: Places } {
  const { verdict, matches, reason, flow } = inspector.inspect(frame, time);
  const told = matches.map(({ rule }) => rule);
  const flagged = told.some((rule) => rules[rule]!.confirm);
  return {
    expected: {
      verdict: VERDICT[verdict],
      told,
      reason,
      frame: flagged ? frame : undefined,
      flow: told.length > 0 || reason !== 0 ? flow : undefined,
    },
    places: new Map(matches.map(({ rule, offsets }) => [rule, offsets])),
  };
}

/** The record of a packet; at most 32 rules are in it, each with a place where it may be found. */
function outcome(verdict: number, records: readonly Uint8Array[], places: Places): Outcome {
  expect(records.length).toBeLessThanOrEqual(1);
  if (records.length === 0) return { verdict, told: [], reason: 0, frame: undefined, flow: undefined };
  const event = readEvent(records[0]!);
  expect(VERDICT[event.verdict]).toBe(verdict);
  for (const { rule, offset } of event.matches) {
    const known = places.get(rule);
    if (known === undefined || known.length === 0) expect(offset).toBeUndefined();
    else expect(known).toContain(offset);
  }
  const told = event.matches.map(({ rule }) => rule).sort((a, b) => a - b);
  return { verdict, told, reason: event.reason, frame: event.frame, flow: event.flow };
}

const WORDS = ['attack', 'SELECT', 'union', 'ab', 'abc', 'bcab', 'x', '|00 01|', '../..', 'cmd.exe', 'aa', 'aaaaaaaa'];

const PROTOCOLS = ['ip', 'ip', 'ip', 'tcp', 'tcp', 'udp', 'udp', 'icmp', 'ip4', 'ipv6', 'tcp-pkt', 'tcp-stream'];

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
      `dsize:!${random.below(20)}; `,
      `ttl:>${random.below(256)}; `,
      `ip_proto:${random.pick(['6', '!17', '<20', '>40'])}; `,
      `id:<${random.below(0x10000)}; `,
      `seq:>${random.word()}; `,
      `ack:!${random.word()}; `,
      `window:<${random.below(0x10000)}; `,
      `icmp_id:>${random.below(0x10000)}; `,
      `icmp_seq:<${random.below(0x10000)}; `,
    ]);
  const content = (_: unknown, n: number): string => {
    const word = random.pick(WORDS);
    const length = word === '|00 01|' ? 2 : word.length;
    if (n > 0 && random.chance(0.3)) {
      const within = random.pick(['', `within:${length + random.below(20)}; `, `within:${length}; `]);
      const nocase = random.chance(0.2) ? 'nocase; ' : '';
      return `content:"${word}"; ${nocase}distance:${random.pick([0, 0, 1, -2, 5])}; ${within}`;
    }
    const place = random.pick([
      '',
      '',
      'nocase; ',
      `offset:${random.below(30)}; `,
      `depth:${10 + random.below(40)}; `,
      `offset:${random.below(10)}; depth:${10 + random.below(20)}; `,
      'startswith; ',
      'startswith; ',
      'endswith; ',
    ]);
    return `content:${random.chance(0.15) ? '!' : ''}"${word}"; ${place}`;
  };
  return Array.from({ length: 1 + random.below(random.pick([4, 40])) }, (_, n) => {
    const contents = Array.from({ length: random.pick([0, 1, 1, 1, 2, 3]) }, content).join('');
    const options = Array.from({ length: random.pick([0, 0, 0, 0, 1, 2]) }, option).join('');
    const head = `${random.pick(['alert', 'alert', 'alert', 'drop', 'drop', 'reject', 'pass'])} ${random.pick(PROTOCOLS)}`;
    const ends = `${address()} ${port()} ${random.pick(['->', '<>'])} ${address()} ${port()}`;
    return `${head} ${ends} (${contents}${options}sid:${n + 1};)`;
  }).join('\n');
}

/** Rules of which many have one content that may be anywhere. */
function streamRules(random: Random): string {
  const words = ['attack', 'SELECT', 'union', 'abcbcab', 'attackunion', 'zzaaaSELECT', 'bc', 'aaa'];
  return Array.from({ length: 1 + random.below(6) }, (_, n) => {
    const place = random.pick(['', '', '', 'nocase; ', 'startswith; ', 'offset:3; ', 'endswith; ']);
    const action = random.pick(['alert', 'alert', 'alert', 'drop']);
    const protocol = random.pick(['tcp', 'tcp', 'tcp', 'tcp-pkt', 'tcp-stream']);
    const more = random.pick([
      '',
      '',
      '',
      `content:!"${random.pick(words)}"; `,
      'flow:only_stream; ',
      'flow:no_stream; ',
    ]);
    const content = `content:"${random.pick(words)}"; ${place}`;
    return `${action} ${protocol} any any -> any any (${content}${more}sid:${n + 1};)`;
  }).join('\n');
}

/** Rules about connections. */
function flowRules(random: Random): string {
  return Array.from({ length: 1 + random.below(8) }, (_, n) => {
    const flow = random.pick([
      'flow:to_server; ',
      'flow:to_client; ',
      'flow:established; ',
      'flow:not_established; ',
      'flow:established,to_server; ',
      'flow:to_client,established; ',
      'flow:stateless; ',
      '',
    ]);
    const bits = random.pick([
      '',
      '',
      'flowbits:set,one; ',
      'flowbits:set,two; flowbits:noalert; ',
      'flowbits:isset,one|two; ',
      'flowbits:isset,one; flowbits:isset,two; ',
      'flowbits:isnotset,one; flowbits:set,one; ',
      'flowbits:isnotset,two; ',
      'flowbits:isset,one; flowbits:unset,one; ',
      'flowbits:toggle,two; ',
    ]);
    const content = random.pick(['', '', 'content:"attack"; ', 'content:"union"; content:"ab"; ', 'content:"bcab"; ']);
    const action = random.pick(['alert', 'alert', 'alert', 'alert', 'drop', 'pass']);
    const port = random.pick(['any', 'any', '1000', '[1001,1003]']);
    return `${action} ${random.pick(['ip', 'tcp', 'tcp', 'udp', 'icmp'])} any any -> any ${port} (${flow}${content}${bits}sid:${n + 1};)`;
  }).join('\n');
}

function payload(random: Random): Uint8Array {
  const text: string[] = [];
  for (let n = random.below(random.pick([2, 6, 40])); n > 0; n--) {
    text.push(random.pick([...WORDS.filter((word) => !word.includes('|')), 'AB', 'ATTack', '\u0000\u0001', ' ', 'zz']));
  }
  return Uint8Array.from(text.join(''), (char) => char.charCodeAt(0));
}

type Engine = (frame: Uint8Array, places?: Places, time?: bigint) => Outcome;

/** Each has a memory of its own. */
function simulated(program: PacketProgram, how: 'compiled' | 'interpreted' = 'compiled'): Engine {
  const environment = new Environment(program.program);
  environment.map(program.tablesMap).update(KEY, program.tables.bytes);
  const run = how === 'compiled' ? compile(environment) : () => interpret(environment);
  return (frame, places = new Map(), time = 0n) => {
    environment.present({ frame, time });
    return outcome(run(), environment.take(program.events), places);
  };
}

const calls = nativeCalls();

function load(program: PacketProgram): KernelProgram {
  return KernelProgram.load(calls, program.program, new Map(), (maps) => {
    maps.get(program.tablesMap.name)!.set(KEY, program.tables.bytes);
  });
}

/** One direction of a connection whose sender does whatever it likes. */
class Connection {
  readonly #random: Random;
  readonly #stream: Uint8Array;
  readonly #begin: number;
  readonly #ends: Uint8Array;
  #at = 0;
  #last = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#stream = Uint8Array.from(
      Array.from({ length: 400 }, () => random.pick(['attack', 'SELECT', 'union', 'abc', 'bcab', 'aaa', 'zz'])).join(
        '',
      ),
      (char) => char.charCodeAt(0),
    );
    // Some numbers go beyond 2^32.
    this.#begin = random.chance(0.3) ? 0xffff_ff00 : random.word();
    this.#ends = Uint8Array.from({ length: 12 }, () => random.below(256));
  }

  /** The last segment did not arrive: it is sent again, or not. */
  lost(): void {
    if (this.#random.chance(0.3)) this.#at = this.#last;
  }

  segment(): Uint8Array {
    const random = this.#random;
    this.#last = this.#at;
    const size = random.pick([1, 2, 3, 8, 30, 100]);
    const way = random.below(10);
    let from = this.#at;
    if (way === 0) from = Math.max(0, this.#at - random.below(40));
    if (way === 1) from = this.#at + 1 + random.below(10);
    const bytes = this.#stream.subarray(from, from + size);
    if (way !== 1 && from + bytes.length > this.#at) this.#at = from + bytes.length;
    return this.#frame(from, way === 2 ? new Uint8Array(0) : bytes, random.chance(0.03) ? 2 : 16);
  }

  #frame(from: number, payload: Uint8Array, flags: number): Uint8Array {
    const bytes = new Uint8Array(54 + payload.length);
    const view = new DataView(bytes.buffer);
    view.setUint16(12, 0x0800);
    view.setUint8(14, 0x45);
    view.setUint16(16, 40 + payload.length);
    view.setUint8(22, 64);
    view.setUint8(23, 6);
    bytes.set(this.#ends, 26);
    view.setUint32(38, (this.#begin + from) >>> 0);
    view.setUint8(46, 0x50);
    view.setUint8(47, flags);
    bytes.set(payload, 54);
    return bytes;
  }
}

describe('rules on packets', () => {
  const kernel = whyNoKernel('tests/ebpf/packets.test.ts') === undefined;

  it('give in each engine what a plain evaluation gives', () => {
    const seen = { matched: 0, dropped: 0, frames: 0 };
    for (let seed = 1; seed <= (long ? 1000 : 10); seed++) {
      const random = new Random(seed);
      const { rules: parsed, errors } = parseRules(randomRules(random), 'random.rules', {});
      expect(errors).toEqual([]);
      const rules = parsed
        .map((rule) => kernelRule(rule, { confirm: random.chance(0.1) }))
        .filter((rule) => typeof rule !== 'string');
      if (rules.length === 0) continue;
      const failClosed = random.chance(0.5);
      const program = packetProgram(ruleTables(rules), { failClosed });
      const inspector = new PlainInspector(rules, { failClosed });
      const compiled = simulated(program);
      const interpreted = seed === 1 ? simulated(program, 'interpreted') : undefined;
      using loaded = kernel ? load(program) : undefined;
      using reader = loaded === undefined ? undefined : new RingBufferReader(calls, loaded.map(program.events));
      for (let n = 0; n < 100; n++) {
        const frame = randomFrame(random, random.chance(0.8) ? payload(random) : undefined);
        const where = `seed ${seed}, frame ${n}`;
        const { expected, places } = plainly(inspector, rules, frame);
        // More than 32 are not told.
        if (expected.told.length > 32) continue;
        seen.frames++;
        if (expected.told.length > 0) seen.matched++;
        if (expected.verdict === VERDICT.drop) seen.dropped++;
        expect(compiled(frame, places), `${where}, compiled`).toEqual(expected);
        if (interpreted !== undefined) expect(interpreted(frame, places), `${where}, interpreted`).toEqual(expected);
        if (loaded === undefined || frame.length < leastOfTestRun(frame)) continue;
        const verdict = testRun(calls, loaded, frame).result;
        const records: Uint8Array[] = [];
        reader!.drain((record) => records.push(record.slice()));
        expect(outcome(verdict, records, places), `${where}, in the kernel`).toEqual(expected);
      }
    }
    expect(seen.matched).toBeGreaterThan(seen.frames / 10);
    expect(seen.dropped).toBeGreaterThan(seen.frames / 30);
  });

  it('take contents with a place by another one as contents at places', () => {
    const judged = (options: string): string => {
      const { rules, errors } = parseRules(`alert tcp any any -> any any (${options} sid:1;)`, 'one.rules', {});
      expect(errors).toEqual([]);
      const rule = kernelRule(rules[0]!);
      if (typeof rule === 'string') return rule;
      return rule.contents
        .map(
          ({ bytes, offset, end, negated }) => `${negated ? '!' : ''}${Buffer.from(bytes).toString()} ${offset}-${end}`,
        )
        .join(', ');
    };
    expect(judged('content:"GET "; startswith; content:"/a"; distance:0; within:2; content:"b"; within:3;')).toBe(
      'GET  0-4, /a 4-6, b 6-9',
    );
    expect(
      judged('content:"ab"; offset:3; depth:2; content:!"cd"; distance:1; content:"ef"; distance:2; nocase;'),
    ).toBe('ab 3-5, !cd 6-4294967295, ef 7-4294967295');
    expect(judged('content:"User"; content:"|3a| x"; distance:0; within:3;')).toBe('User: x 0-4294967295');
    expect(judged('content:"user"; nocase; content:"x"; distance:0; within:1;')).toContain('several places');
    expect(judged('content:"a b"; content:"cd"; distance:4;')).toContain('several places');
    expect(judged('content:"a b"; content:"c";')).toBe('content of one byte among more than 256');
  });

  it('find over segments what a plain evaluation finds, whatever comes twice, late or in another order', () => {
    const seen = { frames: 0, over: 0, reasons: new Set<number>(), dropped: 0 };
    for (let seed = 1; seed <= (long ? 400 : 8); seed++) {
      const random = new Random(5000 + seed);
      const { rules: parsed } = parseRules(streamRules(random), 'random.rules', {});
      const rules = parsed
        .map((rule) => kernelRule(rule, { confirm: random.chance(0.1) }))
        .filter((rule) => typeof rule !== 'string');
      if (rules.length === 0) continue;
      const options = { failClosed: random.chance(0.5), dropFlow: random.chance(0.2) };
      const program = packetProgram(ruleTables(rules), options);
      const inspector = new PlainInspector(rules, options);
      const alone = new PlainInspector(rules, options);
      const compiled = simulated(program);
      using loaded = kernel ? load(program) : undefined;
      using reader = loaded === undefined ? undefined : new RingBufferReader(calls, loaded.map(program.events));
      const connections = Array.from({ length: 3 }, () => new Connection(random));
      for (let n = 0; n < 120; n++) {
        const connection = random.pick(connections);
        const frame = connection.segment();
        const where = `seed ${seed}, frame ${n}`;
        const { expected, places } = plainly(inspector, rules, frame);
        seen.frames++;
        seen.reasons.add(expected.reason);
        if (expected.verdict === VERDICT.drop) {
          seen.dropped++;
          connection.lost();
        }
        // Of another connection it would be found only if it is whole in its segment.
        const other = frame.slice();
        other.set([n >> 8, n & 255], 28);
        if (expected.told.length > plainly(alone, rules, other).expected.told.length) seen.over++;
        expect(compiled(frame, places), `${where}, compiled`).toEqual(expected);
        if (loaded === undefined) continue;
        const verdict = testRun(calls, loaded, frame).result;
        const records: Uint8Array[] = [];
        reader!.drain((record) => records.push(record.slice()));
        expect(outcome(verdict, records, places), `${where}, in the kernel`).toEqual(expected);
      }
    }
    expect(seen.over).toBeGreaterThan(5);
    expect(seen.dropped).toBeGreaterThan(20);
    for (const reason of [0, REASON.gap, REASON.overlap]) expect(seen.reasons).toContain(reason);
  });

  it('know who is the client and what is established', () => {
    const seen = { told: 0, facts: new Set<string>() };
    for (let seed = 1; seed <= (long ? 400 : 8); seed++) {
      const random = new Random(9000 + seed);
      const { rules: parsed, errors } = parseRules(flowRules(random), 'random.rules', {});
      expect(errors).toEqual([]);
      const rules = parsed
        .map((rule) => kernelRule(rule, { confirm: random.chance(0.1) }))
        .filter((rule) => typeof rule !== 'string');
      const options = { failClosed: random.chance(0.3), midstream: random.chance(0.5) };
      const program = packetProgram(ruleTables(rules), options);
      // The kernel's time passes by itself, so it has an oracle of its own.
      const [inspector, timed] = [new PlainInspector(rules, options), new PlainInspector(rules, options)];
      const compiled = simulated(program);
      using loaded = kernel ? load(program) : undefined;
      using reader = loaded === undefined ? undefined : new RingBufferReader(calls, loaded.map(program.events));
      const conversations = Array.from({ length: 4 }, () => new RandomConversation(random, () => payload(random)));
      let time = 1_000_000_000_000n;
      for (let n = 0; n < 150; n++) {
        time += BigInt(random.pick([0, 1000, 1_000_000_000, random.chance(0.1) ? 61_000_000_000 : 0]));
        const frame = random.pick(conversations).frame();
        const where = `seed ${seed}, frame ${n}`;
        const { expected, places } = plainly(timed, rules, frame, time);
        if (expected.told.length > 0) seen.told++;
        if (expected.flow !== undefined) {
          seen.facts.add(`${expected.flow.direction} ${expected.flow.established} ${expected.flow.midstream}`);
        }
        expect(compiled(frame, places, time), `${where}, compiled`).toEqual(expected);
        if (loaded === undefined) continue;
        const real = plainly(inspector, rules, frame);
        const verdict = testRun(calls, loaded, frame).result;
        const records: Uint8Array[] = [];
        reader!.drain((record) => records.push(record.slice()));
        expect(outcome(verdict, records, real.places), `${where}, in the kernel`).toEqual(real.expected);
      }
    }
    expect(seen.told).toBeGreaterThan(100);
    for (const direction of ['to_server', 'to_client']) {
      for (const established of [false, true]) expect(seen.facts).toContain(`${direction} ${established} false`);
    }
    expect(seen.facts).toContain('to_server true true');
  });

  it('tell a packet that has to be confirmed with all its bytes, and hold it under fail-closed', () => {
    const { rules: parsed } = parseRules('drop udp any any -> any any (content:"attack"; sid:1;)', 'one.rules', {});
    const rules = parsed.map((rule) => kernelRule(rule, { confirm: true })).filter((rule) => typeof rule !== 'string');
    for (const failClosed of [false, true]) {
      const program = packetProgram(ruleTables(rules), { failClosed });
      const [compiled, interpreted] = [simulated(program), simulated(program, 'interpreted')];
      using loaded = kernel ? load(program) : undefined;
      using reader = loaded === undefined ? undefined : new RingBufferReader(calls, loaded.map(program.events));
      for (const size of [6, 100, 470, 471, 2000, 3400, 9000, 60_000, 65_507]) {
        const frame = new Uint8Array(42 + size);
        frame.set([0x08, 0x00, 0x45, 0, (28 + size) >> 8, (28 + size) & 0xff, 0, 0, 0, 0, 64, 17], 12);
        for (let n = 0; n < size; n++) frame[42 + n] = n % 251;
        frame.set(Buffer.from('attack'), 42 + size - 6);
        const expected = {
          verdict: failClosed ? VERDICT.drop : VERDICT.next,
          told: [0],
          reason: 0,
          frame,
          flow: { direction: 'to_server', established: false, midstream: false, position: undefined },
        };
        const places = new Map([[0, [size - 6]]]);
        expect(compiled(frame, places), `${size} bytes, compiled`).toEqual(expected);
        if (size < 1000) expect(interpreted(frame, places), `${size} bytes, interpreted`).toEqual(expected);
        // A test run takes no more than a page.
        if (loaded === undefined || size > 3500) continue;
        const verdict = testRun(calls, loaded, frame).result;
        const records: Uint8Array[] = [];
        reader!.drain((record) => records.push(record.slice()));
        expect(outcome(verdict, records, places), `${size} bytes, in the kernel`).toEqual(expected);
      }
    }
  });

  it('find a content wherever it lies in a packet of many pieces', () => {
    const { rules } = parseRules(
      'drop udp any any -> any any (content:"needle in a haystack"; sid:1;)',
      'one.rules',
      {},
    );
    const kernelRules = rules.map((rule) => kernelRule(rule)).filter((rule) => typeof rule !== 'string');
    const compiled = simulated(packetProgram(ruleTables(kernelRules)));
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
    for (const at of places) {
      expect(compiled(frame(at), new Map([[0, [at]]])).verdict, `at ${at}`).toBe(VERDICT.drop);
    }
    expect(compiled(frame(undefined)).verdict).toBe(VERDICT.next);
  });
});

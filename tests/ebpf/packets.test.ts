// SPDX-License-Identifier: Apache-2.0
// The program gives on every packet, in each engine, the verdict and the rules that a plain evaluation gives.

import { kernelRule, MOST_SUMMED, type PacketPlace, parseRules, PIECE, PlainInspector, REASON } from '@plinth/guards';
import { describe, expect, it } from 'vitest';
import { Random } from '../fuzz/random.js';
import { frameOf } from './build-frame.js';
import { whyNoKernel } from './kernel-here.js';
import { kernelRules, PacketEngines } from './packet-engines.js';
import { RandomConversation } from './random-conversation.js';
import { randomFrame } from './random-frame.js';
import { flowRules, randomPayload, randomRules, streamRules } from './random-packet-rules.js';
import { RandomSegments } from './random-segments.js';

const long = process.env['PLINTH_LONG'] === '1';

/** Some programs run at XDP. */
const placeOf = (seed: number): PacketPlace => (seed % 3 === 0 ? 'xdp' : 'tcx');

describe('rules on packets', () => {
  const kernel = whyNoKernel('tests/ebpf/packets.test.ts') === undefined;

  it('give in each engine what a plain evaluation gives', () => {
    const seen = { matched: 0, dropped: 0, frames: 0 };
    for (let seed = 1; seed <= (long ? 1000 : 10); seed++) {
      const random = new Random(seed);
      const rules = kernelRules(randomRules(random), () => random.chance(0.1));
      if (rules.length === 0) continue;
      const options = { failClosed: random.chance(0.5), place: placeOf(seed), kernel, interpreted: seed === 1 };
      using engines = new PacketEngines(rules, options);
      for (let n = 0; n < 100; n++) {
        const frame = randomFrame(random, random.chance(0.8) ? randomPayload(random) : undefined);
        const { told, verdict } = engines.inspect(frame, `seed ${seed}, frame ${n}`);
        seen.frames++;
        if (told.length > 0) seen.matched++;
        if (verdict === 'drop') seen.dropped++;
      }
    }
    expect(seen.matched).toBeGreaterThan(seen.frames / 10);
    expect(seen.dropped).toBeGreaterThan(seen.frames / 30);
  });

  it('find over segments what a plain evaluation finds, whatever comes twice, late or in another order', () => {
    const seen = { over: 0, reasons: new Set<number>(), dropped: 0 };
    for (let seed = 1; seed <= (long ? 400 : 12); seed++) {
      const random = new Random(5000 + seed);
      const rules = kernelRules(streamRules(random), () => random.chance(0.1));
      if (rules.length === 0) continue;
      const [failClosed, dropFlow, checked] = [random.chance(0.5), random.chance(0.2), random.chance(0.2)];
      const options = { failClosed, dropFlow, checked, place: placeOf(seed) };
      using engines = new PacketEngines(rules, { ...options, kernel });
      const alone = new PlainInspector(rules, options);
      const connections = Array.from({ length: 3 }, () => new RandomSegments(random));
      for (let n = 0; n < 120; n++) {
        const connection = random.pick(connections);
        const frame = connection.segment();
        const { told, verdict, reason, held } = engines.inspect(frame, `seed ${seed}, frame ${n}`);
        seen.reasons.add(reason);
        if (held && random.chance(0.5)) engines.clear(frame);
        if (verdict === 'drop') {
          seen.dropped++;
          connection.lost();
        }
        // Of another connection it would be found only if it is whole in its segment.
        const other = frame.slice();
        other.set([n >> 8, n & 255], 28);
        if (told.length > alone.inspect(other).matches.length) seen.over++;
      }
    }
    expect(seen.over).toBeGreaterThan(5);
    expect(seen.dropped).toBeGreaterThan(20);
    const { gap, overlap, conflict } = REASON;
    for (const reason of [0, gap, overlap, conflict, overlap | conflict]) expect(seen.reasons).toContain(reason);
  });

  it('know of a second copy of long segments whether contents begin in it as in the first one', () => {
    const seen = { conflicts: 0, same: 0 };
    const words = ['attack', 'SELECT', 'union', 'abc', 'bcab', 'aaa', 'zz'];
    for (let seed = 1; seed <= (long ? 100 : 4); seed++) {
      const random = new Random(7000 + seed);
      const rules = kernelRules(streamRules(random).replaceAll('drop', 'alert'));
      if (rules.length === 0) continue;
      using engines = new PacketEngines(rules, { place: placeOf(seed), kernel });
      const stream = Buffer.from(Array.from({ length: 20_000 }, () => random.pick(words)).join(''), 'latin1');
      const ends = { source: 1, destination: 2, sourcePort: 1000, destinationPort: 80 };
      const places = [0];
      for (let n = 0; n < 60; n++) {
        const isCopy = places.length > 2 && random.chance(0.7);
        const from = isCopy ? places.at(random.pick([-2, -3]))! : places.at(-1)!;
        const to = isCopy ? places.find((place) => place > from)! : from + random.pick([1, 30, 2040, 2049, 2060, 3300]);
        const payload = Uint8Array.from(stream.subarray(from, to));
        if (isCopy && random.chance(0.7)) {
          const other = Buffer.from(random.pick(words) + random.pick(words).slice(0, random.below(5)));
          payload.set(other.subarray(-payload.length), Math.max(0, payload.length - other.length - random.below(2)));
        }
        if (!isCopy) places.push(to);
        const frame = frameOf({ protocol: 'tcp', ...ends, sequence: 1000 + from, payload });
        const { reason } = engines.inspect(frame, `seed ${seed}, frame ${n}`);
        if (payload.length <= MOST_SUMMED) continue;
        if (reason === REASON.conflict) seen.conflicts++;
        else if (isCopy) seen.same++;
      }
    }
    expect(seen.conflicts).toBeGreaterThan(10);
    expect(seen.same).toBeGreaterThan(10);
  });

  it('know who is the client, what is established, and which bits are set', () => {
    const seen = { told: 0, facts: new Set<string>() };
    for (let seed = 1; seed <= (long ? 400 : 12); seed++) {
      const random = new Random(9000 + seed);
      const rules = kernelRules(flowRules(random), () => random.chance(0.1));
      if (rules.length === 0) continue;
      const [failClosed, midstream, checked] = [random.chance(0.3), random.chance(0.5), random.chance(0.3)];
      const engine = { kernel, place: placeOf(seed) };
      using engines = new PacketEngines(rules, { failClosed, midstream, checked, ...engine });
      const conversations = Array.from(
        { length: 4 },
        () => new RandomConversation(random, () => randomPayload(random)),
      );
      let time = 1_000_000_000_000n;
      for (let n = 0; n < 150; n++) {
        time += BigInt(random.pick([0, 1000, 1_000_000_000, random.chance(0.1) ? 61_000_000_000 : 0]));
        const { told, flow } = engines.inspect(random.pick(conversations).frame(), `seed ${seed}, frame ${n}`, time);
        if (told.length > 0) seen.told++;
        if (flow !== undefined) seen.facts.add(`${flow.direction} ${flow.established} ${flow.midstream}`);
      }
    }
    expect(seen.told).toBeGreaterThan(100);
    for (const direction of ['to_server', 'to_client']) {
      for (const established of [false, true]) expect(seen.facts).toContain(`${direction} ${established} false`);
    }
    expect(seen.facts).toContain('to_server true true');
  });

  it('drop where nothing needs to know of connections', () => {
    const text = 'drop ipv6 any any -> any any (content:"x"; offset:1; depth:24; itype:<150; sid:1;)';
    const random = new Random(340);
    for (const failClosed of [false, true]) {
      using engines = new PacketEngines(kernelRules(text), { failClosed, kernel });
      for (let n = 0; n < 50; n++) engines.inspect(randomFrame(random, Buffer.from('-x-')), `frame ${n}`);
    }
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

  it('refuse a set of more addresses than the program looks through, by name', () => {
    const addresses = Array.from({ length: 4097 }, (_, n) => `10.${n >> 8}.${n & 255}.1`);
    const judge = (set: readonly string[]): unknown =>
      kernelRule(parseRules(`alert ip [${set.join()}] any -> any any (sid:1;)`, 'one.rules', {}).rules[0]!);
    expect(judge(addresses)).toBe('more than 4096 ranges of addresses');
    expect(judge(addresses.slice(1))).toMatchObject({ action: 'alert' });
  });

  it('tell a packet that has to be confirmed with all its bytes, and hold it under fail-closed', () => {
    const rules = kernelRules('drop udp any any -> any any (content:"attack"; sid:1;)', () => true);
    for (const failClosed of [false, true]) {
      using engines = new PacketEngines(rules, { failClosed, kernel, interpreted: true });
      for (const size of [6, 100, 470, 471, 2000, 3400, 9000, 60_000, 65_507]) {
        const payload = Uint8Array.from({ length: size }, (_, n) => n % 251);
        payload.set(Buffer.from('attack'), size - 6);
        const ends = { source: 1, destination: 2, sourcePort: 1000 + (size % 1000), destinationPort: 53 };
        const frame = frameOf({ protocol: 'udp', ...ends, payload });
        const verdict = failClosed ? 'drop' : 'next';
        expect(engines.inspect(frame, `${size} bytes`)).toMatchObject({
          verdict,
          told: [0],
          bytes: 'all',
          held: failClosed,
        });
        if (!failClosed) continue;
        engines.clear(frame);
        expect(engines.inspect(frame, `${size} bytes, cleared`)).toMatchObject({ verdict: 'next', told: [] });
        const other = frame.slice();
        other[42]! ^= 1;
        expect(engines.inspect(other, `${size} bytes, others`)).toMatchObject({
          verdict: size === 6 ? 'next' : 'drop',
        });
      }
    }
  });

  it('find a content wherever it lies in a packet of many pieces', () => {
    const needle = Buffer.from('needle in a haystack');
    const rules = kernelRules(`drop udp any any -> any any (content:"${needle.toString()}"; sid:1;)`);
    using engines = new PacketEngines(rules, { kernel: false });
    const size = 60_000;
    const frame = (at: number | undefined): Uint8Array => {
      const payload = Buffer.alloc(size, 'n');
      if (at !== undefined) needle.copy(payload, at);
      return frameOf({ protocol: 'udp', source: 1, destination: 2, sourcePort: 1, destinationPort: 2, payload });
    };
    const borders = [1, 2, 3, 4, 5, 6, 7].map((n) => n * (PIECE - needle.length + 1));
    const places = [
      0,
      size - needle.length,
      ...borders.flatMap((at) => [-20, -19, -10, -1, 0, 1].map((by) => at + by)),
    ];
    for (const at of places) expect(engines.inspect(frame(at), `at ${at}`).verdict).toBe('drop');
    expect(engines.inspect(frame(undefined)).verdict).toBe('next');
  });

  it('count a packet as not looked at when the kernel has had enough of its loops', () => {
    // Each place is looked up in each list of addresses, to its end.
    const addresses = Array.from({ length: 4000 }, (_, n) => `10.${n >> 8}.${n & 255}.1`).join();
    // A kernel may count time instead, a quarter of a second.
    const rules = kernelRules(
      Array.from({ length: 30 }, (_, n) => {
        return `drop udp [${addresses}] any <> any any (content:"ab"; content:"cd"; sid:${n + 1};)`;
      }).join('\n'),
    );
    const payload = Buffer.from('ab'.repeat(1700));
    const ends = { source: 250, destination: 251, sourcePort: 1, destinationPort: 2 };
    for (const failClosed of [false, true]) {
      using engines = new PacketEngines(rules, { failClosed, kernel });
      for (const outcome of engines.run(frameOf({ protocol: 'udp', ...ends, payload }))) {
        expect(outcome).toMatchObject({ verdict: failClosed ? 'drop' : 'next', reason: REASON.tooMuch });
      }
    }
  });
});

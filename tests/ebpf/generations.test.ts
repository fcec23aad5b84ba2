// SPDX-License-Identifier: Apache-2.0
// Rules that are changed in the middle of a connection: what both sets look for is found over the change, in each engine.

import { compile, Environment } from '@plinth/ebpf';
import {
  kernelRule,
  type KernelRule,
  type Lineage,
  type PacketProgram,
  packetProgram,
  parseRules,
  type PlacedTables,
  REASON,
  readEvent,
  ruleTables,
} from '@plinth/guards';
import { type KernelMap, KernelProgram, nativeCalls, RingBufferReader, testRun } from '@plinth/linux';
import { describe, expect, it } from 'vitest';
import { Random } from '../fuzz/random.js';
import { frameOf } from './build-frame.js';
import { whyNoKernel } from './kernel-here.js';

const KEY = new Uint8Array(4);
const long = process.env['PLINTH_LONG'] === '1';
const calls = nativeCalls();

interface Word {
  readonly text: string;
  readonly nocase: boolean;
}

const WORDS: readonly Word[] = ['attack', 'tackle', 'abcab', 'cabbage', 'SELECT', 'ab', 'bca', 'ttackleabca'].flatMap(
  (text) => [
    { text, nocase: false },
    { text, nocase: true },
  ],
);

function rulesOf(words: readonly Word[]): KernelRule[] {
  const text = words
    .map(
      ({ text, nocase }, n) =>
        `alert tcp any any -> any any (content:"${text}"; ${nocase ? 'nocase; ' : ''}sid:${n + 1};)`,
    )
    .join('\n');
  const { rules } = parseRules(text, 'generation.rules', {});
  return rules.map((rule) => {
    const judged = kernelRule(rule);
    if (typeof judged === 'string') throw new Error(judged);
    return judged;
  });
}

/** The records of one frame: numbers of rules, of which tables, and why else. */
interface Heard {
  readonly told: readonly number[];
  readonly generation: number;
  readonly reason: number;
}

function heard(records: readonly Uint8Array[]): Heard {
  expect(records.length).toBeLessThanOrEqual(1);
  if (records.length === 0) return { told: [], generation: 0, reason: 0 };
  const { matches, generation, reason } = readEvent(records[0]!);
  return { told: matches.map(({ rule }) => rule).sort((a, b) => a - b), generation, reason };
}

interface Engine {
  /** Other rules from now on. */
  change(program: PacketProgram): void;
  see(frame: Uint8Array): Heard;
}

/** The compiled program; what lasts is carried over by hand. */
function simulated(): Engine {
  let environment: Environment | undefined;
  let run: (() => number) | undefined;
  let events: PacketProgram['events'];
  return {
    change: (program) => {
      const next = new Environment(program.program);
      next.map(program.tablesMap).update(KEY, program.tables.bytes);
      for (const map of program.lasting) {
        const old = environment?.maps.get(map.name);
        if (old === undefined || map.type === 'ringBuffer') continue;
        for (const key of old.keys()) {
          next.map(map).update(key, environment!.memory.bytes(old.lookup(key), map.valueSize).slice());
        }
      }
      environment = next;
      run = compile(next);
      ({ events } = program);
    },
    see: (frame) => {
      environment!.present({ frame });
      run!();
      return heard(environment!.take(events));
    },
  };
}

class InKernel implements Engine, Disposable {
  #loaded: KernelProgram | undefined;
  #reader: RingBufferReader | undefined;
  readonly #all: Disposable[] = [];

  change(program: PacketProgram): void {
    const shared = new Map<string, KernelMap>();
    for (const map of this.#loaded === undefined ? [] : program.lasting) {
      shared.set(map.name, this.#loaded!.map(map));
    }
    const next = KernelProgram.load(calls, program.program, shared, (maps) => {
      maps.get(program.tablesMap.name)!.set(KEY, program.tables.bytes);
    });
    this.#all.push(next);
    if (this.#reader === undefined) {
      this.#reader = new RingBufferReader(calls, next.map(program.events));
      this.#all.push(this.#reader);
    }
    this.#loaded = next;
  }

  see(frame: Uint8Array): Heard {
    testRun(calls, this.#loaded!, frame);
    const records: Uint8Array[] = [];
    this.#reader!.drain((record) => records.push(record.slice()));
    return heard(records);
  }

  [Symbol.dispose](): void {
    for (const one of this.#all.reverse()) one[Symbol.dispose]();
  }
}

function tcpFrame(of: { sequence: number; payload: Uint8Array; sourcePort?: number }): Uint8Array {
  return frameOf({ protocol: 'tcp', source: 1, destination: 2, sourcePort: 1000, destinationPort: 80, ...of });
}

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

/** Where the word ends in the stream: behind each of these. */
function ends({ text, nocase }: Word, stream: string): number[] {
  const [word, where] = nocase ? [text.toLowerCase(), stream.toLowerCase()] : [text, stream];
  const found: number[] = [];
  for (let at = where.indexOf(word); at >= 0; at = where.indexOf(word, at + 1)) found.push(at + word.length);
  return found;
}

describe('rules that are changed', () => {
  const kernel = whyNoKernel('tests/ebpf/generations.test.ts') === undefined;

  it('find over the change what is in both sets, and nothing that is not there', () => {
    const seen = { over: 0, changes: 0 };
    for (let seed = 1; seed <= (long ? 300 : 12); seed++) {
      const random = new Random(seed);
      using inKernel = new InKernel();
      // The verifier takes its time for each change.
      const both = kernel && (long || seed === 1);
      const engines: Engine[] = [simulated(), ...(both ? [inKernel] : [])];
      let before: PlacedTables | undefined;
      let generation = 0;
      let words: readonly Word[] = [];
      const change = (): void => {
        // Some numbers are left out: what was only tried has one, too.
        generation += random.chance(0.1) ? 2 : 1;
        words = WORDS.filter(() => random.chance(0.7));
        if (words.length === 0) words = [WORDS[0]!];
        const lineage: Lineage = before === undefined ? { generation } : { generation, before };
        const tables = ruleTables(rulesOf(words), lineage);
        before = { shape: JSON.parse(JSON.stringify(tables.shape)) as typeof tables.shape, bytes: tables.bytes };
        const program = packetProgram(tables);
        for (const engine of engines) engine.change(program);
      };
      const text = Array.from({ length: both ? 15 : 60 }, () =>
        random.pick(['attack', 'attackleabcab', 'cabbage', 'SELECT', 'select', 'abc', 'AB', 'z', 'ttackleabca']),
      ).join('');
      const begin = random.word();
      /** Where each set of words came. */
      const sets: { from: number; words: readonly Word[] }[] = [];
      for (let at = 0; at < text.length;) {
        if (at === 0 || random.chance(0.4)) {
          change();
          sets.push({ from: at, words });
          seen.changes++;
        }
        const size = random.pick([1, 1, 2, 3, 5, 20]);
        const payload = latin1(text.slice(at, at + size));
        const frame = tcpFrame({ sequence: begin + at, payload });
        const end = at + payload.length;
        const [first, ...others] = engines.map((engine) => engine.see(frame));
        for (const other of others) expect(other, `seed ${seed}, at ${at}`).toEqual(first);
        const { told, reason } = first!;
        if (told.length > 0) expect(first!.generation).toBe(generation);
        expect(reason & ~REASON.forgotten, `seed ${seed}, at ${at}`).toBe(0);
        words.forEach((word, number) => {
          const here = ends(word, text).filter((one) => one > at && one <= end);
          const where = `seed ${seed}, at ${at}, "${word.text}"`;
          if (told.includes(number)) expect(here.length, where).toBeGreaterThan(0);
          // Every set since it began had it.
          const must = here.filter((one) => {
            const since = sets.findLastIndex(({ from }) => from <= one - word.text.length);
            return sets.slice(since).every((set) => set.words.includes(word));
          });
          if (must.length > 0) expect(told, where).toContain(number);
          const { from } = sets.at(-1)!;
          if (must.some((one) => one - word.text.length < from)) seen.over++;
        });
        at = end;
      }
    }
    expect(seen.over).toBeGreaterThan(20);
    expect(seen.changes).toBeGreaterThan(100);
  });

  it('count contents of a rule that a segment before the change had', () => {
    const text = 'alert tcp any any -> any any (content:"attack"; content:"cabbage"; sid:9;)';
    const both = parseRules(text, 'both.rules').rules.map((rule) => kernelRule(rule));
    const rule = both[0]!;
    if (typeof rule === 'string') throw new Error(rule);
    using inKernel = new InKernel();
    for (const engine of [simulated(), ...(kernel ? [inKernel] : [])]) {
      const first = ruleTables([rule], { generation: 1 });
      engine.change(packetProgram(first));
      expect(engine.see(tcpFrame({ sequence: 7, payload: latin1('attack ') })).told).toEqual([]);
      const others = rulesOf([{ text: 'SELECT', nocase: true }]);
      engine.change(packetProgram(ruleTables([...others, rule], { generation: 2, before: first })));
      expect(engine.see(tcpFrame({ sequence: 14, payload: latin1('cabbage') })).told).toEqual([1]);
    }
  });

  it('compare a second copy with what came since the change', () => {
    const words = [{ text: 'attack', nocase: false }];
    using inKernel = new InKernel();
    for (const engine of [simulated(), ...(kernel ? [inKernel] : [])]) {
      const reasonOf = (sequence: number, text: string): number =>
        engine.see(tcpFrame({ sequence, payload: latin1(text) })).reason;
      const first = ruleTables(rulesOf(words), { generation: 1 });
      engine.change(packetProgram(first));
      expect([reasonOf(7, 'good'), reasonOf(11, 'text')]).toEqual([0, 0]);
      expect([reasonOf(7, 'baad'), reasonOf(7, 'goodtext'), reasonOf(11, 'TEXT')]).toEqual([
        REASON.conflict,
        0,
        REASON.conflict,
      ]);
      const then = ruleTables(rulesOf([...words, ...words]), { generation: 2, before: first });
      engine.change(packetProgram(then));
      expect([reasonOf(7, 'baad'), reasonOf(11, 'TEXT'), reasonOf(15, 'goes'), reasonOf(19, 'on')]).toEqual([
        0, 0, 0, 0,
      ]);
      expect([reasonOf(15, 'came'), reasonOf(15, 'goeson')]).toEqual([REASON.conflict, 0]);
    }
  });

  it('say of a stream that they do not know any more what it began with', () => {
    const words = [{ text: 'attack', nocase: false }];
    const engine = simulated();
    let before: PlacedTables | undefined;
    const change = (generation: number): void => {
      const tables = ruleTables(rulesOf(words), before === undefined ? { generation } : { generation, before });
      before = tables;
      engine.change(packetProgram(tables));
    };
    change(1);
    const [first, second] = [1000, 2000].map((port) => ({ sequence: 7, payload: latin1('att'), sourcePort: port }));
    engine.see(tcpFrame(first!));
    engine.see(tcpFrame(second!));
    const rest = { sequence: 10, payload: latin1('ack') };
    for (let generation = 2; generation <= 17; generation++) change(generation);
    expect(engine.see(tcpFrame({ ...rest, sourcePort: 1000 }))).toEqual({ told: [0], generation: 17, reason: 0 });
    change(18);
    const late = engine.see(tcpFrame({ ...rest, sourcePort: 2000 }));
    expect(late).toEqual({ told: [], generation: 18, reason: REASON.forgotten });
  });
});

// SPDX-License-Identifier: Apache-2.0
// Every executor of a matcher finds what Hyperscan finds: in JavaScript, in WebAssembly, and as a program of eBPF, whose engines
// tests/ebpf/scan.test.ts holds to each other.

import { PlinthError } from '@plinth/core';
import { compile, Environment } from '@plinth/ebpf';
import { buildMatcher, CompiledMatcher, type Match, type Pattern, Scanner, type StreamScanner } from '@plinth/match';
import { afterAll, describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { Hyperscan } from '../../bench/src/hyperscan.js';
import { noted, scanProgram } from '../ebpf/scan-program.js';
import { Random } from '../fuzz/random.js';

const SCENES = process.env['PLINTH_LONG'] === '1' ? 2000 : 60;
const opened = openHyperscan();
const [hyperscan, missing] = typeof opened === 'string' ? [undefined, opened] : [opened, undefined];
afterAll(() => hyperscan?.[Symbol.dispose]());

/** Or why there is none. */
function openHyperscan(): Hyperscan | string {
  try {
    return new Hyperscan();
  } catch (error) {
    if (!(error instanceof PlinthError) || error.kind !== 'host') throw error;
    return error.message;
  }
}

interface Scene {
  readonly patterns: readonly Pattern[];
  readonly chunks: readonly Uint8Array[];
}

/** Few letters, patterns that begin and end alike, texts made of their pieces, chunks of any size. */
function scene(random: Random, shortest: number): Scene {
  const letters = random.pick(['ab', 'abAB', 'abcdefgh', 'etaoinsETAOINS =<>/\u0000\u00ff']);
  const byte = (): number =>
    random.chance(0.05) ? random.below(256) : letters.charCodeAt(random.below(letters.length));
  const stem = Uint8Array.from({ length: 40 }, byte);
  const patterns = Array.from({ length: 1 + random.below(random.pick([3, 60, 300])) }, () => {
    const length = shortest + random.below(random.pick([1, 8, 30]));
    const bytes = Uint8Array.from({ length }, byte);
    if (random.chance(0.3)) bytes.set(stem.subarray(0, random.below(length + 1)));
    return { bytes, nocase: random.chance(0.5) };
  });
  const text: number[] = [];
  const size = random.below(random.pick([20, 300, 3000, 20_000]));
  while (text.length < size) {
    if (random.chance(0.3)) {
      const { bytes } = random.pick(patterns);
      text.push(...bytes.subarray(0, 1 + random.below(bytes.length)));
    } else text.push(byte());
  }
  const chunks: Uint8Array[] = [];
  const longest = random.pick([1, 20, 1000, 100_000]);
  for (let at = 0; at < text.length;) {
    const length = random.below(longest + 1);
    chunks.push(Uint8Array.from(text.slice(at, at + length)));
    at += length;
  }
  return { patterns, chunks };
}

function feedAll(scanner: StreamScanner, chunks: readonly Uint8Array[]): Match[] {
  const found: Match[] = [];
  for (const chunk of chunks) scanner.feed(chunk, (match) => found.push(match));
  return found.sort((a, b) => a.end - b.end || a.pattern - b.pattern);
}

describe('executors of a matcher', unless(missing), () => {
  it('find every match that Hyperscan finds, and no other, wherever the chunks are cut', () => {
    let all = 0;
    for (let seed = 1; seed <= SCENES; seed++) {
      const random = new Random(seed);
      const { patterns, chunks } = scene(random, random.pick([1, 2, 3, 5, 7, 9]));
      const expected = hyperscan!.find(patterns, chunks);
      all += expected.length;
      const matcher = buildMatcher(patterns, { form: 'compressed' });
      expect(feedAll(new Scanner(matcher), chunks), `seed ${seed}, JavaScript`).toEqual(expected);
      expect(feedAll(new CompiledMatcher(matcher).scanner(), chunks), `seed ${seed}, WebAssembly`).toEqual(expected);
    }
    expect(all).toBeGreaterThan(SCENES * 100);
  });

  it('find, as a program of eBPF, every pattern that Hyperscan finds', () => {
    for (let seed = 1; seed <= SCENES / 2; seed++) {
      const random = new Random(5000 + seed);
      const { patterns, chunks: any } = scene(random, random.pick([2, 3, 5, 7]));
      const text = Buffer.concat(any).subarray(0, 20_000);
      const chunks: Uint8Array[] = [];
      // A frame has 15 bytes and more, and the program takes so many of them.
      for (let at = 0; at + 15 <= text.length;) {
        const end = Math.min(text.length, at + 15 + random.below(random.pick([5, 200, 8000])));
        chunks.push(text.subarray(at, end));
        at = end;
      }
      const expected = new Set(hyperscan!.find(patterns, chunks).map(({ pattern }) => pattern));
      const scan = scanProgram(patterns, true);
      const environment = new Environment(scan.program);
      environment.map(scan.tablesMap).update(new Uint8Array(4), scan.tables.bytes);
      const hits = environment.map(scan.hits);
      const run = compile(environment);
      for (const frame of chunks) {
        environment.present({ frame });
        run();
      }
      const found = noted(scan, environment.memory.bytes(hits.lookup(new Uint8Array(4)), scan.lists.length));
      expect(found, `seed ${seed}`).toEqual([...expected].sort((a, b) => a - b));
    }
  });

  it('find each of 10,000 patterns', () => {
    const random = new Random(77);
    const letters = 'etaoinshrdlu /.=_-%0123456789';
    const patterns = Array.from({ length: 10_000 }, () => ({
      bytes: Uint8Array.from({ length: 4 + random.below(24) }, () => letters.charCodeAt(random.below(letters.length))),
      nocase: random.chance(0.5),
    }));
    const text = Buffer.concat(patterns.flatMap(({ bytes }) => [bytes, Buffer.from(' ')]));
    const chunks = [text.subarray(0, 33_333), text.subarray(33_333)];
    const expected = hyperscan!.find(patterns, chunks);
    const matcher = buildMatcher(patterns, { form: 'compressed' });
    expect(new Set(expected.map(({ pattern }) => pattern)).size).toBe(10_000);
    expect(feedAll(new CompiledMatcher(matcher).scanner(), chunks)).toEqual(expected);
    expect(feedAll(new Scanner(matcher), chunks)).toEqual(expected);
  });
});

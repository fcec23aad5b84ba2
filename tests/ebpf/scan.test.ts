// SPDX-License-Identifier: Apache-2.0
// The scanning code finds the same in the kernel, interpreted, compiled to WebAssembly, and as a naive search does.

import { compile, Environment, interpret } from '@plinth/ebpf';
import { KernelProgram, nativeCalls, testRun } from '@plinth/linux';
import { findAll, foldByte, type Pattern } from '@plinth/match';
import { describe, expect, it } from 'vitest';
import { Random } from '../fuzz/random.js';
import { whyNoKernel } from './kernel-here.js';
import { noted, scanProgram, type ScanProgram } from './scan-program.js';

const KEY = new Uint8Array(4);
/** What a test run of the kernel takes as one frame. */
const MOST = 3000;

interface Engine {
  run(frame: Uint8Array): number[];
}

function simulated(scan: ScanProgram, how: 'interpreted' | 'compiled'): Engine {
  const environment = new Environment(scan.program);
  environment.map(scan.tablesMap).update(KEY, scan.tables.bytes);
  const run = how === 'compiled' ? compile(environment) : () => interpret(environment);
  const hits = environment.map(scan.hits);
  return {
    run: (frame) => {
      hits.update(KEY, new Uint8Array(scan.lists.length));
      environment.present({ frame });
      run();
      return noted(scan, environment.memory.bytes(hits.lookup(KEY), scan.lists.length));
    },
  };
}

function inKernel(scan: ScanProgram): Engine & Disposable {
  const calls = nativeCalls();
  const program = KernelProgram.load(calls, scan.program, new Map(), (maps) => {
    maps.get(scan.tablesMap.name)!.set(KEY, scan.tables.bytes);
  });
  const hits = program.map(scan.hits);
  return {
    run: (frame) => {
      hits.set(KEY, new Uint8Array(scan.lists.length));
      testRun(calls, program, frame);
      return noted(scan, hits.lookup(KEY)!);
    },
    [Symbol.dispose]: () => program[Symbol.dispose](),
  };
}

function naively(patterns: readonly Pattern[], text: Uint8Array): number[] {
  const [whole, folded] = [Buffer.from(text), Buffer.from(text.map(foldByte))];
  return patterns.flatMap(({ bytes, nocase }, n) => {
    const found = nocase ? folded.includes(Buffer.from(bytes.map(foldByte))) : whole.includes(Buffer.from(bytes));
    return found ? [n] : [];
  });
}

function scene(random: Random): { patterns: Pattern[]; frames: Uint8Array[] } {
  const letters = random.pick(['abAB', 'abcdefgh', 'etaoinsETAOINS =<>/']);
  const byte = (): number =>
    random.chance(0.05) ? random.below(256) : letters.charCodeAt(random.below(letters.length));
  const shortest = random.pick([2, 3, 5, 7, 9]);
  const patterns = Array.from({ length: 1 + random.below(60) }, () => ({
    bytes: Uint8Array.from({ length: shortest + random.below(random.pick([1, 8, 30])) }, byte),
    nocase: random.chance(0.5),
  }));
  const frames = Array.from({ length: 8 }, () => {
    const text: number[] = [];
    const size = 14 + random.below(random.pick([20, 200, MOST - 14]));
    while (text.length < size) {
      if (random.chance(0.3)) {
        const { bytes } = random.pick(patterns);
        text.push(...bytes.subarray(0, 1 + random.below(bytes.length)));
      } else text.push(byte());
    }
    return Uint8Array.from(text.slice(0, size));
  });
  return { patterns, frames };
}

describe('the scanning code', () => {
  const kernel = whyNoKernel('tests/ebpf/scan.test.ts') === undefined;

  it('finds what is there, in each engine', () => {
    let found = 0;
    for (let seed = 1; seed <= 25; seed++) {
      const { patterns, frames } = scene(new Random(seed));
      const scan = scanProgram(patterns);
      const compiled = simulated(scan, 'compiled');
      const interpreted = simulated(scan, 'interpreted');
      using loaded = kernel ? inKernel(scan) : undefined;
      frames.forEach((frame, n) => {
        const where = `seed ${seed}, frame ${n}`;
        const expected = naively(patterns, frame);
        found += expected.length;
        expect(compiled.run(frame), `${where}, compiled`).toEqual(expected);
        if (n < 2) expect(interpreted.run(frame), `${where}, interpreted`).toEqual(expected);
        if (loaded !== undefined) expect(loaded.run(frame), `${where}, in the kernel`).toEqual(expected);
        expect([...new Set(findAll(scan.matcher, frame).map(({ pattern }) => pattern))].sort((a, b) => a - b)).toEqual(
          expected,
        );
      });
    }
    expect(found).toBeGreaterThan(500);
  });

  it('finds what lies over several chunks of a stream, in each engine', () => {
    let over = 0;
    for (let seed = 1; seed <= 25; seed++) {
      const random = new Random(1000 + seed);
      const { patterns, frames } = scene(random);
      const text = Buffer.concat(frames);
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < text.length;) {
        // A test run of the kernel takes no less.
        const size = Math.min(15 + random.below(random.pick([1, 30, 1000])), text.length - at);
        chunks.push(text.subarray(at, at + size));
        at += size;
      }
      const last = chunks.pop()!;
      const whole = text.subarray(0, text.length - last.length);
      const expected = naively(patterns, whole);
      const apart = new Set(chunks.flatMap((chunk) => naively(patterns, chunk)));
      over += expected.filter((pattern) => !apart.has(pattern)).length;
      const scan = scanProgram(patterns, true);
      using loaded = kernel ? inKernel(scan) : undefined;
      const engines = {
        compiled: simulated(scan, 'compiled'),
        interpreted: simulated(scan, 'interpreted'),
        kernel: loaded,
      };
      for (const [name, engine] of Object.entries(engines)) {
        if (engine === undefined || (name === 'interpreted' && seed > 3)) continue;
        const found = new Set(chunks.flatMap((chunk) => engine.run(chunk)));
        expect(
          [...found].sort((a, b) => a - b),
          `seed ${seed}, ${name}`,
        ).toEqual(expected);
      }
    }
    expect(over).toBeGreaterThan(5);
  });
});

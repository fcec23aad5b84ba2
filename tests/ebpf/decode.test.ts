// SPDX-License-Identifier: Apache-2.0
// The program that reads headers finds in each engine what `decodePacket` finds.

import { Assembler, compile, Environment, interpret, type MapDefinition, R0, R1, R6, R7 } from '@plinth/ebpf';
import { type DecodedPacket, decodePacket, emitDecode, FOUND, PACKET_KIND } from '@plinth/guards';
import { KernelProgram, nativeCalls, testRun } from '@plinth/linux';
import { describe, expect, it } from 'vitest';
import { Random } from '../fuzz/random.js';
import { whyNoKernel } from './kernel-here.js';
import { randomFrame } from './random-frame.js';
import { leastOfTestRun } from './test-run-frames.js';

const FIELDS = Object.keys(FOUND) as (keyof typeof FOUND)[];
const RESULT: MapDefinition = {
  name: 'result',
  type: 'array',
  keySize: 4,
  valueSize: FIELDS.length * 4,
  maxEntries: 1,
};
/** Where the program works. */
const WORK: MapDefinition = { name: 'work', type: 'array', keySize: 4, valueSize: 0x4000, maxEntries: 1 };
const KEY = new Uint8Array(4);

function program(): Assembler {
  const a = new Assembler('decode', 'schedCls').mov(R6, R1).loadMapValue(R7, WORK);
  emitDecode(a);
  a.loadMapValue(R1, RESULT);
  FIELDS.forEach((field, n) => a.load(4, R0, R7, FOUND[field]).store(4, R1, n * 4, R0));
  return a.mov(R0, 0).exit();
}

function expected(frame: Uint8Array): number[] {
  const decoded: DecodedPacket = decodePacket(frame);
  const of = { ...decoded, kind: PACKET_KIND[decoded.kind], length: frame.length };
  return FIELDS.map((field) => Number(of[field]));
}

const numbers = (value: Uint8Array): number[] => [...new Uint32Array(value.slice().buffer)];

describe('the program that reads headers', () => {
  const kernel = whyNoKernel('tests/ebpf/decode.test.ts') === undefined;

  it('finds what decodePacket finds', () => {
    const written = program().finish();
    const calls = nativeCalls();
    using loaded = kernel ? KernelProgram.load(calls, written) : undefined;
    const environment = new Environment(written);
    const result = environment.map(RESULT);
    const compiled = compile(environment);
    const kinds = new Map<string, number>();
    const value = (): number[] => numbers(environment.memory.bytes(result.lookup(KEY), RESULT.valueSize));
    for (let seed = 1; seed <= 6000; seed++) {
      const frame = randomFrame(new Random(seed));
      const right = expected(frame);
      const { kind } = decodePacket(frame);
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      environment.present({ frame });
      compiled();
      expect(value(), `seed ${seed}, compiled`).toEqual(right);
      if (seed % 10 === 0) {
        environment.present({ frame, linear: 14 });
        interpret(environment);
        expect(value(), `seed ${seed}, interpreted`).toEqual(right);
      }
      if (loaded !== undefined && frame.length >= leastOfTestRun(frame)) {
        testRun(calls, loaded, frame);
        expect(numbers(loaded.map(RESULT).lookup(KEY)!), `seed ${seed}, in the kernel`).toEqual(right);
      }
    }
    // Each way is taken often enough to be seen.
    for (const kind of Object.keys(PACKET_KIND)) expect(kinds.get(kind), kind).toBeGreaterThan(50);
  });
});

// SPDX-License-Identifier: Apache-2.0
// The kernel is the oracle: what it computes, we compute.

import { Assembler, compile, Environment, interpret, type Program, R0 } from '@plinth/ebpf';
import { KernelProgram, nativeCalls, testRun } from '@plinth/linux';
import { describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { Random } from '../fuzz/random.js';
import { whyNoKernel } from './kernel-here.js';
import { randomProgram } from './random-program.js';

const FRAME = new Uint8Array(64);

const reason = whyNoKernel('tests/ebpf/kernel.test.ts');

describe('a program', unless(reason), () => {
  const calls = nativeCalls();
  const inKernel = (program: Program): number => {
    using loaded = KernelProgram.load(calls, program);
    return testRun(calls, loaded, FRAME).result;
  };

  it('gives interpreted and compiled what it gives in the kernel', () => {
    for (let seed = 1; seed <= 1000; seed++) {
      const program = randomProgram(new Random(seed), 40);
      const expected = inKernel(program);
      const environment = new Environment(program);
      environment.present({ frame: FRAME });
      expect(interpret(environment), `seed ${seed}`).toBe(expected);
      expect(compile(environment)(), `seed ${seed}, compiled`).toBe(expected);
    }
  });

  it('that the verifier refuses is an error with the reason', () => {
    const program = new Assembler('refused', 'schedCls').load(4, R0, R0, 0).exit().finish();
    expect(() => KernelProgram.load(calls, program)).toThrow(
      /program refused: the kernel's verifier refuses it: R0 !read_ok at 0: \(61\)/,
    );
  });
});

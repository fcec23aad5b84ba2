// SPDX-License-Identifier: Apache-2.0
// Single-precision edge cases by hand, and random operands against the host's arithmetic. The differential test
// against a processor is in tests/float.

import { expect, test } from 'vitest';

import { fpAdd32, fpDiv32, fpMax32, fpMin32, fpMul32, fpMulAdd32, fpSqrt32, fpSub32 } from './single.js';
import {
  FPSCR_DN,
  FPSCR_DZC,
  FPSCR_FZ,
  FPSCR_IDC,
  FPSCR_IOC,
  FPSCR_IXC,
  FPSCR_OFC,
  FPSCR_UFC,
  FloatStatus,
} from './status.js';

const NEAREST = 0;
const UP = 1 << 22;
const DOWN = 2 << 22;
const TO_ZERO = 3 << 22;

const ONE = 0x3f80_0000;
const TWO = 0x4000_0000;
const MINUS = 0x8000_0000;
const INFINITY = 0x7f80_0000;
const GREATEST = 0x7f7f_ffff;
const LEAST_NORMAL = 0x0080_0000;
const DEFAULT_NAN = 0x7fc0_0000;

type Operation = (status: FloatStatus, ...operands: number[]) => number;

/** Result and flags under an FPSCR value, as `hex flags`. */
function apply(fpscr: number, operation: Operation, ...operands: number[]): string {
  const status = new FloatStatus();
  status.setControl(fpscr);
  const result = operation(status, ...operands);
  expect(result).toBe(result | 0);
  return show(result, status.flags);
}

const show = (result: number, flags: number = 0): string => `${(result >>> 0).toString(16)} ${flags.toString(16)}`;

test('addition rounds in the direction of the mode', () => {
  const half = 0x3380_0000; // 2^-24, half the last place of 1
  expect(apply(NEAREST, fpAdd32, ONE, half)).toBe(show(ONE, FPSCR_IXC));
  expect(apply(NEAREST, fpAdd32, ONE + 1, half)).toBe(show(ONE + 2, FPSCR_IXC));
  expect(apply(NEAREST, fpAdd32, ONE, half + 1)).toBe(show(ONE + 1, FPSCR_IXC));
  expect(apply(UP, fpAdd32, ONE, 1)).toBe(show(ONE + 1, FPSCR_IXC));
  expect(apply(DOWN, fpSub32, ONE, 1)).toBe(show(ONE - 1, FPSCR_IXC));
  expect(apply(TO_ZERO, fpSub32, ONE, 1)).toBe(show(ONE - 1, FPSCR_IXC));
  expect(apply(NEAREST, fpSub32, ONE, 1)).toBe(show(ONE, FPSCR_IXC));
});

test('an exact zero sum is negative only towards minus infinity', () => {
  expect(apply(NEAREST, fpSub32, ONE, ONE)).toBe(show(0));
  expect(apply(DOWN, fpSub32, ONE, ONE)).toBe(show(MINUS));
  expect(apply(DOWN, fpAdd32, 0, MINUS)).toBe(show(MINUS));
  expect(apply(DOWN, fpAdd32, 0, 0)).toBe(show(0));
  expect(apply(UP, fpAdd32, MINUS, MINUS)).toBe(show(MINUS));
});

test('overflow gives infinity or the greatest number', () => {
  const flags = FPSCR_OFC | FPSCR_IXC;
  expect(apply(NEAREST, fpMul32, GREATEST, TWO)).toBe(show(INFINITY, flags));
  expect(apply(TO_ZERO, fpMul32, GREATEST, TWO)).toBe(show(GREATEST, flags));
  expect(apply(DOWN, fpMul32, GREATEST, TWO)).toBe(show(GREATEST, flags));
  expect(apply(DOWN, fpMul32, GREATEST, TWO | MINUS)).toBe(show(INFINITY | MINUS, flags));
  expect(apply(UP, fpMul32, GREATEST, TWO | MINUS)).toBe(show(GREATEST | MINUS, flags));
});

test('underflow needs a tiny and inexact result, tiny before rounding', () => {
  expect(apply(NEAREST, fpDiv32, LEAST_NORMAL, TWO)).toBe(show(LEAST_NORMAL >> 1));
  // The product rounds up to the least normal number, but was below it.
  expect(apply(NEAREST, fpMul32, LEAST_NORMAL, ONE - 1)).toBe(show(LEAST_NORMAL, FPSCR_UFC | FPSCR_IXC));
  expect(apply(NEAREST, fpMul32, 1, 0x3f00_0000)).toBe(show(0, FPSCR_UFC | FPSCR_IXC));
  expect(apply(UP, fpMul32, 1, 1)).toBe(show(1, FPSCR_UFC | FPSCR_IXC));
});

test('flush-to-zero flushes operands with IDC and results with UFC alone', () => {
  expect(apply(FPSCR_FZ, fpAdd32, 1 | MINUS, MINUS)).toBe(show(MINUS, FPSCR_IDC));
  expect(apply(FPSCR_FZ, fpDiv32, LEAST_NORMAL | MINUS, TWO)).toBe(show(MINUS, FPSCR_UFC));
  expect(apply(FPSCR_FZ, fpMul32, LEAST_NORMAL, ONE - 1)).toBe(show(0, FPSCR_UFC));
  expect(apply(FPSCR_FZ, fpDiv32, ONE, 1)).toBe(show(INFINITY, FPSCR_IDC | FPSCR_DZC));
});

test('undefined operations give the default NaN', () => {
  const invalid = show(DEFAULT_NAN, FPSCR_IOC);
  expect(apply(NEAREST, fpSub32, INFINITY, INFINITY)).toBe(invalid);
  expect(apply(NEAREST, fpMul32, INFINITY, MINUS)).toBe(invalid);
  expect(apply(NEAREST, fpDiv32, MINUS, 0)).toBe(invalid);
  expect(apply(NEAREST, fpDiv32, INFINITY, INFINITY)).toBe(invalid);
  expect(apply(NEAREST, fpSqrt32, ONE | MINUS)).toBe(invalid);
  expect(apply(NEAREST, fpSqrt32, MINUS)).toBe(show(MINUS));
  expect(apply(NEAREST, fpDiv32, ONE, MINUS)).toBe(show(INFINITY | MINUS, FPSCR_DZC));
  expect(apply(NEAREST, fpDiv32, INFINITY, 0)).toBe(show(INFINITY));
});

test('a signalling NaN goes before a quiet one, then the first operand', () => {
  const quiet1 = 0xffc0_0001;
  const quiet2 = 0x7fc0_0002;
  const signalling1 = 0x7f80_0003;
  const signalling2 = 0xff80_0004;
  expect(apply(NEAREST, fpAdd32, quiet1, quiet2)).toBe(show(quiet1));
  expect(apply(NEAREST, fpSub32, ONE, quiet2)).toBe(show(quiet2));
  expect(apply(NEAREST, fpAdd32, quiet1, signalling2)).toBe(show(signalling2 | 0x40_0000, FPSCR_IOC));
  expect(apply(NEAREST, fpAdd32, signalling1, signalling2)).toBe(show(signalling1 | 0x40_0000, FPSCR_IOC));
  expect(apply(FPSCR_DN, fpAdd32, quiet1, quiet2)).toBe(show(DEFAULT_NAN));
  expect(apply(FPSCR_DN, fpSqrt32, signalling1)).toBe(show(DEFAULT_NAN, FPSCR_IOC));
  expect(apply(FPSCR_FZ, fpAdd32, quiet1, 1)).toBe(show(quiet1, FPSCR_IDC));
});

test('the fused multiply-add rounds once and treats its addend as the first operand', () => {
  const quiet = 0x7fc0_0005;
  // (1 + 2^-23)^2 - (1 + 2^-22) = 2^-46
  expect(apply(NEAREST, fpMulAdd32, (ONE + 2) | MINUS, ONE + 1, ONE + 1)).toBe(show(0x2880_0000));
  expect(apply(NEAREST, fpMulAdd32, quiet, INFINITY, 0)).toBe(show(DEFAULT_NAN, FPSCR_IOC));
  expect(apply(NEAREST, fpMulAdd32, quiet, ONE, 0)).toBe(show(quiet));
  expect(apply(NEAREST, fpMulAdd32, quiet, 0x7f80_0001, ONE)).toBe(show(0x7fc0_0001, FPSCR_IOC));
  expect(apply(NEAREST, fpMulAdd32, ONE, INFINITY, 0)).toBe(show(DEFAULT_NAN, FPSCR_IOC));
  expect(apply(NEAREST, fpMulAdd32, INFINITY | MINUS, INFINITY, ONE)).toBe(show(DEFAULT_NAN, FPSCR_IOC));
  expect(apply(NEAREST, fpMulAdd32, MINUS, ONE | MINUS, 0)).toBe(show(MINUS));
  expect(apply(DOWN, fpMulAdd32, ONE | MINUS, ONE, ONE)).toBe(show(MINUS));
  expect(apply(NEAREST, fpMulAdd32, ONE, 0, ONE)).toBe(show(ONE));
});

test('maximum and minimum order zeros by sign and let NaNs through', () => {
  const run = (operation: Operation, a: number, b: number): string => {
    const status = new FloatStatus();
    status.setStandardControl(0);
    return show(operation(status, a, b), status.flags);
  };
  expect(run(fpMax32, MINUS, 0)).toBe(show(0));
  expect(run(fpMax32, 0, MINUS)).toBe(show(0));
  expect(run(fpMin32, 0, MINUS)).toBe(show(MINUS));
  expect(run(fpMin32, MINUS, 0)).toBe(show(MINUS));
  expect(run(fpMax32, 0xffc0_0001, ONE)).toBe(show(DEFAULT_NAN));
  expect(run(fpMin32, ONE, 0x7f80_0001)).toBe(show(DEFAULT_NAN, FPSCR_IOC));
  expect(run(fpMax32, 1 | MINUS, MINUS)).toBe(show(MINUS, FPSCR_IDC));
  expect(run(fpMin32, INFINITY | MINUS, GREATEST | MINUS)).toBe(show(INFINITY | MINUS));
});

test('agrees with the host to nearest', () => {
  const status = new FloatStatus();
  const words = new Int32Array(1);
  const floats = new Float32Array(words.buffer);
  const bits = (value: number): number => {
    floats[0] = value;
    return Number.isNaN(value) ? DEFAULT_NAN : words[0]!;
  };
  const value = (word: number): number => {
    words[0] = word;
    return floats[0]!;
  };
  let state = 12345;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state ^ (state >>> 16);
  };
  for (let i = 0; i < 20_000; i++) {
    const a = next();
    // Every other pair has close exponents.
    const b = i % 2 === 0 ? next() : (a & 0x7f80_0000) ^ (next() & 0x83ff_ffff);
    const x = value(a);
    const y = value(b);
    if (Number.isNaN(x) || Number.isNaN(y)) continue;
    expect(fpAdd32(status, a, b)).toBe(bits(x + y));
    expect(fpSub32(status, a, b)).toBe(bits(x - y));
    expect(fpMul32(status, a, b)).toBe(bits(x * y));
    expect(fpDiv32(status, a, b)).toBe(bits(x / y));
    expect(fpSqrt32(status, a)).toBe(bits(Math.sqrt(x)));
  }
});

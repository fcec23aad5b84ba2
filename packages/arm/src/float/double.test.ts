// SPDX-License-Identifier: Apache-2.0
// Double-precision edge cases by hand, and random operands against the host's arithmetic. The differential test
// against a processor is in tests/float.

import { expect, test } from 'vitest';

import { fpAdd64, fpDiv64, fpMul64, fpMulAdd64, fpSqrt64, fpSub64 } from './double.js';
import { FPSCR_DN, FPSCR_FZ, FPSCR_IDC, FPSCR_IOC, FPSCR_IXC, FPSCR_OFC, FPSCR_UFC, FloatStatus } from './status.js';

type Operation = (status: FloatStatus, ...words: number[]) => number;

const DEFAULT_NAN = 0x7ff8_0000_0000_0000n;
const ONE = 0x3ff0_0000_0000_0000n;
const TWO = 0x4000_0000_0000_0000n;
const MINUS = 0x8000_0000_0000_0000n;
const INFINITY = 0x7ff0_0000_0000_0000n;
const GREATEST = 0x7fef_ffff_ffff_ffffn;
const LEAST_NORMAL = 0x0010_0000_0000_0000n;

function call(status: FloatStatus, operation: Operation, ...operands: bigint[]): bigint {
  const words = operands.flatMap((value) => [
    Number(BigInt.asIntN(32, value)),
    Number(BigInt.asIntN(32, value >> 32n)),
  ]);
  const low = operation(status, ...words);
  expect([low | 0, status.high | 0]).toEqual([low, status.high]);
  return (BigInt(status.high >>> 0) << 32n) | BigInt(low >>> 0);
}

/** Result and flags under an FPSCR value, as `hex flags`. */
function apply(fpscr: number, operation: Operation, ...operands: bigint[]): string {
  const status = new FloatStatus();
  status.setControl(fpscr);
  return show(call(status, operation, ...operands), status.flags);
}

const show = (result: bigint, flags: number = 0): string => `${result.toString(16)} ${flags.toString(16)}`;

test('rounds ties to even and in every direction', () => {
  const half = 0x3ca0_0000_0000_0000n; // 2^-53, half the last place of 1
  expect(apply(0, fpAdd64, ONE, half)).toBe(show(ONE, FPSCR_IXC));
  expect(apply(0, fpAdd64, ONE + 1n, half)).toBe(show(ONE + 2n, FPSCR_IXC));
  expect(apply(0, fpAdd64, ONE, half + 1n)).toBe(show(ONE + 1n, FPSCR_IXC));
  expect(apply(1 << 22, fpAdd64, ONE, 1n)).toBe(show(ONE + 1n, FPSCR_IXC));
  expect(apply(2 << 22, fpSub64, ONE, 1n)).toBe(show(ONE - 1n, FPSCR_IXC));
  expect(apply(3 << 22, fpSub64, ONE, 1n)).toBe(show(ONE - 1n, FPSCR_IXC));
  expect(apply(2 << 22, fpSub64, ONE, ONE)).toBe(show(MINUS));
});

test('tells almost half a last place from half of it', () => {
  const almostHalf = 0x3c9f_ffff_ffff_ffffn; // 2^-53 - 2^-106, against a last place of 2^-52
  for (const odd of [ONE + 1n, TWO - 1n]) {
    expect(apply(0, fpSub64, odd, almostHalf)).toBe(show(odd, FPSCR_IXC));
    expect(apply(0, fpAdd64, odd, almostHalf)).toBe(show(odd, FPSCR_IXC));
    expect(apply(0, fpMulAdd64, odd, almostHalf | MINUS, ONE)).toBe(show(odd, FPSCR_IXC));
    expect(apply(0, fpSub64, odd, almostHalf + 1n)).toBe(show(odd - 1n, FPSCR_IXC));
  }
  // Below a power of two the last place is half as large: the same distances, halved.
  const almostQuarter = almostHalf - LEAST_NORMAL;
  expect(apply(0, fpSub64, ONE, almostQuarter)).toBe(show(ONE, FPSCR_IXC));
  expect(apply(0, fpSub64, ONE, almostQuarter + 2n)).toBe(show(ONE - 1n, FPSCR_IXC));
});

test('overflows and underflows', () => {
  expect(apply(0, fpMul64, GREATEST, TWO)).toBe(show(INFINITY, FPSCR_OFC | FPSCR_IXC));
  expect(apply(3 << 22, fpMul64, GREATEST, TWO)).toBe(show(GREATEST, FPSCR_OFC | FPSCR_IXC));
  expect(apply(0, fpMul64, LEAST_NORMAL, ONE - 1n)).toBe(show(LEAST_NORMAL, FPSCR_UFC | FPSCR_IXC));
  expect(apply(0, fpDiv64, LEAST_NORMAL, TWO)).toBe(show(LEAST_NORMAL / 2n));
  expect(apply(FPSCR_FZ, fpDiv64, LEAST_NORMAL | MINUS, TWO)).toBe(show(MINUS, FPSCR_UFC));
  expect(apply(FPSCR_FZ, fpAdd64, 1n, 1n | MINUS)).toBe(show(0n, FPSCR_IDC));
});

test('NaNs keep their payload unless DN asks for the default one', () => {
  const signalling = 0xfff0_0000_0000_0001n;
  expect(apply(0, fpMul64, ONE, signalling)).toBe(show(0xfff8_0000_0000_0001n, FPSCR_IOC));
  expect(apply(FPSCR_DN, fpMul64, ONE, signalling)).toBe(show(DEFAULT_NAN, FPSCR_IOC));
  expect(apply(0, fpSqrt64, ONE | MINUS)).toBe(show(DEFAULT_NAN, FPSCR_IOC));
  expect(apply(0, fpMulAdd64, DEFAULT_NAN | 7n, 0n, INFINITY)).toBe(show(DEFAULT_NAN, FPSCR_IOC));
});

test('the fused multiply-add rounds once at every distance of its operands', () => {
  // (1 + 2^-52)^2 - (1 + 2^-51) = 2^-104
  expect(apply(0, fpMulAdd64, (ONE + 2n) | MINUS, ONE + 1n, ONE + 1n)).toBe(show(0x3970_0000_0000_0000n));
  // 1.5 * (1 + 2^-52) lies half way between two doubles: the addend decides, however small it is.
  const threeHalves = 0x3ff8_0000_0000_0000n;
  expect(apply(0, fpMulAdd64, 0n, threeHalves, ONE + 1n)).toBe(show(threeHalves + 2n, FPSCR_IXC));
  expect(apply(0, fpMulAdd64, 1n | MINUS, threeHalves, ONE + 1n)).toBe(show(threeHalves + 1n, FPSCR_IXC));
  expect(apply(2 << 22, fpMulAdd64, TWO | MINUS, 1n, 1n)).toBe(show(TWO | MINUS, FPSCR_IXC));
  expect(apply(1 << 22, fpMulAdd64, TWO | MINUS, 3n, 3n)).toBe(show((TWO | MINUS) - 1n, FPSCR_IXC));
  expect(apply(1 << 22, fpMulAdd64, ONE, LEAST_NORMAL + 1n, LEAST_NORMAL + 1n)).toBe(show(ONE + 1n, FPSCR_IXC));
});

test('agrees with the host to nearest', () => {
  const status = new FloatStatus();
  const view = new DataView(new ArrayBuffer(8));
  const bits = (value: number): bigint => {
    view.setFloat64(0, value);
    return Number.isNaN(value) ? DEFAULT_NAN : view.getBigUint64(0);
  };
  const value = (word: bigint): number => {
    view.setBigUint64(0, word);
    return view.getFloat64(0);
  };
  let state = 54321;
  const next = (): bigint => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return BigInt((state ^ (state >>> 16)) >>> 0);
  };
  for (let i = 0; i < 10_000; i++) {
    const a = (next() << 32n) | next();
    let b = (next() << 32n) | next();
    // Every other pair has close exponents.
    if (i % 2 === 0) b = (a & INFINITY) ^ (b & 0x801f_ffff_ffff_ffffn);
    const x = value(a);
    const y = value(b);
    if (Number.isNaN(x) || Number.isNaN(y)) continue;
    expect(call(status, fpAdd64, a, b)).toBe(bits(x + y));
    expect(call(status, fpSub64, a, b)).toBe(bits(x - y));
    expect(call(status, fpMul64, a, b)).toBe(bits(x * y));
    expect(call(status, fpDiv64, a, b)).toBe(bits(x / y));
    expect(call(status, fpSqrt64, a)).toBe(bits(Math.sqrt(x)));
  }
});

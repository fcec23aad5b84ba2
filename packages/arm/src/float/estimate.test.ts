// SPDX-License-Identifier: Apache-2.0
// Estimates and steps: every special operand, and the accuracy that the estimates promise.

import { expect, test } from 'vitest';

import {
  fpRSqrtEstimate,
  fpRSqrtStep,
  fpRecipEstimate,
  fpRecipStep,
  unsignedRSqrtEstimate,
  unsignedRecipEstimate,
} from './estimate.js';
import { FPSCR_DZC, FPSCR_IDC, FPSCR_IOC, FPSCR_UFC, FloatStatus } from './status.js';

const MINUS = 0x8000_0000;
const INFINITY = 0x7f80_0000;
const DEFAULT_NAN = 0x7fc0_0000;
const ONE = 0x3f80_0000;

/** Result (unsigned) and flags in standard arithmetic. */
function apply(run: (status: FloatStatus, a: number, b: number) => number, a: number, b: number = 0): [number, number] {
  const status = new FloatStatus();
  status.setStandardControl(0);
  return [run(status, a, b) >>> 0, status.flags];
}

test('reciprocal estimate', () => {
  expect(apply(fpRecipEstimate, ONE)).toEqual([0x3f7f_8000, 0]);
  expect(apply(fpRecipEstimate, 0)).toEqual([INFINITY, FPSCR_DZC]);
  expect(apply(fpRecipEstimate, 0x8000_0001)).toEqual([0xff80_0000, FPSCR_DZC | FPSCR_IDC]);
  expect(apply(fpRecipEstimate, 0xff80_0000)).toEqual([MINUS, 0]);
  expect(apply(fpRecipEstimate, 0xfe80_0000)).toEqual([MINUS, FPSCR_UFC]);
  expect(apply(fpRecipEstimate, 0x7e7f_ffff)).toEqual([0x0080_0000, 0]);
  expect(apply(fpRecipEstimate, 0x7f80_0001)).toEqual([DEFAULT_NAN, FPSCR_IOC]);
  expect(apply(fpRecipEstimate, 0xffff_ffff)).toEqual([DEFAULT_NAN, 0]);
});

test('reciprocal square root estimate', () => {
  expect(apply(fpRSqrtEstimate, ONE)).toEqual([0x3f7f_8000, 0]);
  expect(apply(fpRSqrtEstimate, MINUS)).toEqual([0xff80_0000, FPSCR_DZC]);
  expect(apply(fpRSqrtEstimate, ONE | MINUS)).toEqual([DEFAULT_NAN, FPSCR_IOC]);
  expect(apply(fpRSqrtEstimate, 0xff80_0000)).toEqual([DEFAULT_NAN, FPSCR_IOC]);
  expect(apply(fpRSqrtEstimate, INFINITY)).toEqual([0, 0]);
  expect(apply(fpRSqrtEstimate, 0x007f_ffff)).toEqual([INFINITY, FPSCR_DZC | FPSCR_IDC]);
  expect(apply(fpRSqrtEstimate, 0xffc0_0000)).toEqual([DEFAULT_NAN, 0]);
});

test('estimates are good to eight bits', () => {
  const words = new Int32Array(1);
  const floats = new Float32Array(words.buffer);
  const value = (word: number): number => {
    words[0] = word;
    return floats[0]!;
  };
  const status = new FloatStatus();
  status.setStandardControl(0);
  for (let a = 0x0100_0000; a < 0x7e00_0000; a += 0x1234_5) {
    expect(Math.abs(value(fpRecipEstimate(status, a)) * value(a) - 1)).toBeLessThan(1 / 256);
    expect(Math.abs(value(fpRSqrtEstimate(status, a)) ** 2 * value(a) - 1)).toBeLessThan(1 / 128);
  }
});

test('unsigned estimates', () => {
  expect(unsignedRecipEstimate(0x7fff_ffff)).toBe(-1);
  expect(unsignedRecipEstimate(0x8000_0000) >>> 0).toBe(0xff80_0000);
  expect(unsignedRecipEstimate(-1) >>> 0).toBe(0x8000_0000);
  expect(unsignedRSqrtEstimate(0x3fff_ffff)).toBe(-1);
  expect(unsignedRSqrtEstimate(0x4000_0000) >>> 0).toBe(0xff80_0000);
  expect(unsignedRSqrtEstimate(-1) >>> 0).toBe(0x8000_0000);
});

test('steps take infinity times zero for zero', () => {
  expect(apply(fpRecipStep, INFINITY, MINUS)).toEqual([0x4000_0000, 0]);
  expect(apply(fpRecipStep, 1, INFINITY)).toEqual([0x4000_0000, FPSCR_IDC]);
  expect(apply(fpRSqrtStep, 0, INFINITY)).toEqual([0x3fc0_0000, 0]);
  expect(apply(fpRecipStep, ONE, ONE)).toEqual([ONE, 0]);
  expect(apply(fpRSqrtStep, ONE, ONE)).toEqual([ONE, 0]);
  expect(apply(fpRSqrtStep, INFINITY, ONE)).toEqual([0xff80_0000, 0]);
  expect(apply(fpRecipStep, 0x7f80_0001, ONE)).toEqual([DEFAULT_NAN, FPSCR_IOC]);
  expect(apply(fpRSqrtStep, ONE, 0xffc0_0001)).toEqual([DEFAULT_NAN, 0]);
});

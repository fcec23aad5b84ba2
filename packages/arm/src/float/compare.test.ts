// SPDX-License-Identifier: Apache-2.0
// Comparisons: order, NaNs, and denormals under flush-to-zero.

import { expect, test } from 'vitest';

import {
  COMPARE_EQUAL,
  COMPARE_GREATER,
  COMPARE_LESS,
  COMPARE_UNORDERED,
  fpCompare32,
  fpCompare64,
  fpCompareEqual32,
  fpCompareGreater32,
  fpCompareGreaterEqual32,
} from './compare.js';
import { FPSCR_FZ, FPSCR_IDC, FPSCR_IOC, FloatStatus } from './status.js';

const MINUS = 0x8000_0000;
const QUIET = 0x7fc0_0000;
const SIGNALLING = 0x7f80_0001;

test('orders every kind of number', () => {
  const ascending = [0xff80_0000, 0xff7f_ffff, 0xbf80_0000, 0x8000_0001, 0, 1, 0x0080_0000, 0x3f80_0000, 0x7f80_0000];
  const status = new FloatStatus();
  ascending.forEach((a, i) =>
    ascending.forEach((b, j) => {
      const expected = i === j ? COMPARE_EQUAL : i < j ? COMPARE_LESS : COMPARE_GREATER;
      expect(fpCompare32(status, a, b, true)).toBe(expected);
      expect(fpCompareGreaterEqual32(status, a, b)).toBe(i >= j);
      expect(fpCompareGreater32(status, a, b)).toBe(i > j);
      expect(fpCompareEqual32(status, a, b)).toBe(i === j);
    }),
  );
  expect(fpCompare32(status, MINUS, 0, true)).toBe(COMPARE_EQUAL);
  expect(fpCompare64(status, 0, MINUS, 0, 0, true)).toBe(COMPARE_EQUAL);
  expect(fpCompare64(status, 1, 0x3ff0_0000, 2, 0x3ff0_0000, true)).toBe(COMPARE_LESS);
  expect(status.flags).toBe(0);
});

test('a NaN is unordered; a quiet one raises only where asked', () => {
  const raised = (run: (status: FloatStatus) => unknown): [unknown, number] => {
    const status = new FloatStatus();
    return [run(status), status.flags];
  };
  expect(raised((s) => fpCompare32(s, QUIET, 0, false))).toEqual([COMPARE_UNORDERED, 0]);
  expect(raised((s) => fpCompare32(s, 0, QUIET, true))).toEqual([COMPARE_UNORDERED, FPSCR_IOC]);
  expect(raised((s) => fpCompare32(s, QUIET, SIGNALLING, false))).toEqual([COMPARE_UNORDERED, FPSCR_IOC]);
  expect(raised((s) => fpCompare64(s, 1, 0x7ff0_0000, 0, 0, false))).toEqual([COMPARE_UNORDERED, FPSCR_IOC]);
  expect(raised((s) => fpCompareEqual32(s, QUIET, QUIET))).toEqual([false, 0]);
  expect(raised((s) => fpCompareEqual32(s, 0, SIGNALLING))).toEqual([false, FPSCR_IOC]);
  expect(raised((s) => fpCompareGreaterEqual32(s, QUIET, 0))).toEqual([false, FPSCR_IOC]);
  expect(raised((s) => fpCompareGreater32(s, 0, QUIET))).toEqual([false, FPSCR_IOC]);
});

test('flush-to-zero makes denormals equal to zero', () => {
  const status = new FloatStatus();
  status.setControl(FPSCR_FZ);
  expect(fpCompare32(status, 1, 0x807f_ffff, false)).toBe(COMPARE_EQUAL);
  expect(status.flags).toBe(FPSCR_IDC);
  expect(fpCompare64(status, 1, 0, 0, 0, false)).toBe(COMPARE_EQUAL);
});

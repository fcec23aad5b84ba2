// SPDX-License-Identifier: Apache-2.0
// Conversions: NaN payloads, half precision in both flavours, saturation, and the rounding overrides.

import { expect, test } from 'vitest';

import {
  fixedToFp32,
  fixedToFp64,
  fpDoubleToSingle,
  fpHalfToSingle,
  fpSingleToDouble,
  fpSingleToHalf,
  fpToFixed32,
  fpToFixed64,
} from './convert.js';
import {
  FPSCR_AHP,
  FPSCR_DN,
  FPSCR_FZ,
  FPSCR_IDC,
  FPSCR_IOC,
  FPSCR_IXC,
  FPSCR_OFC,
  FPSCR_UFC,
  FloatStatus,
} from './status.js';

const UP = 1 << 22;
const DOWN = 2 << 22;
const MINUS = 0x8000_0000;

/** Result (unsigned) and flags under an FPSCR value. */
function apply(fpscr: number, run: (status: FloatStatus) => number): [number, number] {
  const status = new FloatStatus();
  status.setControl(fpscr);
  return [run(status) >>> 0, status.flags];
}

test('half precision widens exactly', () => {
  expect(apply(0, (s) => fpHalfToSingle(s, 0x3c00))).toEqual([0x3f80_0000, 0]);
  expect(apply(FPSCR_FZ, (s) => fpHalfToSingle(s, 0x8001))).toEqual([0xb380_0000, 0]);
  expect(apply(0, (s) => fpHalfToSingle(s, 0xfc00))).toEqual([0xff80_0000, 0]);
  expect(apply(0, (s) => fpHalfToSingle(s, 0x7c01))).toEqual([0x7fc0_2000, FPSCR_IOC]);
  expect(apply(FPSCR_AHP, (s) => fpHalfToSingle(s, 0x7fff))).toEqual([0x47ff_e000, 0]);
});

test('single precision narrows to half', () => {
  const inexact = FPSCR_UFC | FPSCR_IXC;
  expect(apply(0, (s) => fpSingleToHalf(s, 0x477f_efff))).toEqual([0x7bff, FPSCR_IXC]);
  expect(apply(0, (s) => fpSingleToHalf(s, 0x477f_f000))).toEqual([0x7c00, FPSCR_OFC | FPSCR_IXC]);
  expect(apply(DOWN, (s) => fpSingleToHalf(s, 0x4800_0000))).toEqual([0x7bff, FPSCR_OFC | FPSCR_IXC]);
  expect(apply(FPSCR_FZ, (s) => fpSingleToHalf(s, 0x3380_0001))).toEqual([0x0001, inexact]);
  expect(apply(FPSCR_FZ, (s) => fpSingleToHalf(s, 1))).toEqual([0, FPSCR_IDC]);
  expect(apply(0, (s) => fpSingleToHalf(s, 0xff80_2000))).toEqual([0xfe01, FPSCR_IOC]);
  expect(apply(FPSCR_DN, (s) => fpSingleToHalf(s, 0xffc0_2000))).toEqual([0x7e00, 0]);
});

test('alternative half precision has no infinities and no NaNs', () => {
  expect(apply(FPSCR_AHP, (s) => fpSingleToHalf(s, 0x47ff_e000))).toEqual([0x7fff, 0]);
  expect(apply(FPSCR_AHP, (s) => fpSingleToHalf(s, 0x4800_0001))).toEqual([0x7fff, FPSCR_IOC]);
  expect(apply(FPSCR_AHP, (s) => fpSingleToHalf(s, 0xff80_0000))).toEqual([0xffff, FPSCR_IOC]);
  expect(apply(FPSCR_AHP, (s) => fpSingleToHalf(s, 0xffc0_0000))).toEqual([0x8000, FPSCR_IOC]);
});

test('single and double precision convert into each other', () => {
  const widened = (fpscr: number, a: number): [number, number, number] => {
    const status = new FloatStatus();
    status.setControl(fpscr);
    const low = fpSingleToDouble(status, a) >>> 0;
    return [status.high >>> 0, low, status.flags];
  };
  expect(widened(0, 1)).toEqual([0x36a0_0000, 0, 0]);
  expect(widened(FPSCR_FZ, 0x8000_0001)).toEqual([0x8000_0000, 0, FPSCR_IDC]);
  expect(widened(0, 0xff80_0001)).toEqual([0xfff8_0000, 0x2000_0000, FPSCR_IOC]);
  expect(widened(FPSCR_DN, 0xffc0_0001)).toEqual([0x7ff8_0000, 0, 0]);
  expect(apply(0, (s) => fpDoubleToSingle(s, 0x2000_0001, 0xfff0_0000))).toEqual([0xffc0_0001, FPSCR_IOC]);
  expect(apply(0, (s) => fpDoubleToSingle(s, 0x1000_0000, 0x3ff0_0000))).toEqual([0x3f80_0000, FPSCR_IXC]);
  expect(apply(0, (s) => fpDoubleToSingle(s, 0x3000_0000, 0x3ff0_0000))).toEqual([0x3f80_0002, FPSCR_IXC]);
  expect(apply(0, (s) => fpDoubleToSingle(s, 0xf000_0000, 0x47ef_ffff))).toEqual([0x7f80_0000, FPSCR_OFC | FPSCR_IXC]);
  expect(apply(0, (s) => fpDoubleToSingle(s, 1, 0))).toEqual([0, FPSCR_UFC | FPSCR_IXC]);
  expect(apply(FPSCR_FZ, (s) => fpDoubleToSingle(s, 0, 0xb690_0000))).toEqual([MINUS, FPSCR_UFC]);
});

test('to fixed point saturates, and a NaN gives zero', () => {
  expect(apply(0, (s) => fpToFixed32(s, 0x4f00_0000, 32, 0, false, true))).toEqual([0x7fff_ffff, FPSCR_IOC]);
  expect(apply(0, (s) => fpToFixed32(s, 0xcf00_0000, 32, 0, false, true))).toEqual([0x8000_0000, 0]);
  expect(apply(0, (s) => fpToFixed32(s, 0xff80_0000, 32, 0, false, true))).toEqual([0x8000_0000, FPSCR_IOC]);
  expect(apply(0, (s) => fpToFixed32(s, 0xbf80_0000, 32, 0, true, true))).toEqual([0, FPSCR_IOC]);
  expect(apply(0, (s) => fpToFixed32(s, 0x4f80_0000, 32, 0, true, true))).toEqual([0xffff_ffff, FPSCR_IOC]);
  expect(apply(0, (s) => fpToFixed32(s, 0xffc0_0000, 32, 0, false, true))).toEqual([0, FPSCR_IOC]);
  expect(apply(0, (s) => fpToFixed64(s, 0, 0x7ff8_0000, 32, 0, true, true))).toEqual([0, FPSCR_IOC]);
  expect(apply(0, (s) => fpToFixed32(s, 0xc000_0000, 16, 15, false, true))).toEqual([0xffff_8000, FPSCR_IOC]);
  expect(apply(0, (s) => fpToFixed32(s, 0x3f80_0000, 16, 16, true, true))).toEqual([0xffff, FPSCR_IOC]);
  expect(apply(0, (s) => fpToFixed32(s, 0x3f00_0000, 32, 32, true, true))).toEqual([0x8000_0000, 0]);
});

test('to integer rounds as told, and only the inexact result is flagged', () => {
  const MINUS_HALF = 0xbf00_0000;
  expect(apply(DOWN, (s) => fpToFixed32(s, MINUS_HALF, 32, 0, true, true))).toEqual([0, FPSCR_IXC]);
  expect(apply(DOWN, (s) => fpToFixed32(s, MINUS_HALF, 32, 0, true, false))).toEqual([0, FPSCR_IOC]);
  expect(apply(0, (s) => fpToFixed32(s, MINUS_HALF, 32, 0, true, false))).toEqual([0, FPSCR_IXC]);
  expect(apply(0, (s) => fpToFixed32(s, 0x3fc0_0000, 32, 0, false, false))).toEqual([2, FPSCR_IXC]);
  expect(apply(0, (s) => fpToFixed32(s, 0x4020_0000, 32, 0, false, false))).toEqual([2, FPSCR_IXC]);
  expect(apply(UP, (s) => fpToFixed32(s, 1, 32, 0, false, false))).toEqual([1, FPSCR_IXC]);
  expect(apply(UP | FPSCR_FZ, (s) => fpToFixed32(s, 1, 32, 0, false, false))).toEqual([0, FPSCR_IDC]);
  expect(apply(0, (s) => fpToFixed64(s, 0xffe0_0000, 0x41df_ffff, 32, 0, false, false))).toEqual([
    0x7fff_ffff,
    FPSCR_IOC,
  ]);
  expect(apply(0, (s) => fpToFixed64(s, 0xffe0_0000, 0x41df_ffff, 32, 0, false, true))).toEqual([
    0x7fff_ffff,
    FPSCR_IXC,
  ]);
});

test('from fixed point follows FPSCR only without the override', () => {
  expect(apply(UP, (s) => fixedToFp32(s, 0x0100_0001, 32, 0, false, false))).toEqual([0x4b80_0001, FPSCR_IXC]);
  expect(apply(UP, (s) => fixedToFp32(s, 0x0100_0001, 32, 0, false, true))).toEqual([0x4b80_0000, FPSCR_IXC]);
  expect(apply(0, (s) => fixedToFp32(s, -1, 32, 0, true, false))).toEqual([0x4f80_0000, FPSCR_IXC]);
  expect(apply(0, (s) => fixedToFp32(s, -1, 32, 0, false, false))).toEqual([0xbf80_0000, 0]);
  expect(apply(0, (s) => fixedToFp32(s, 0x1234_8000, 16, 15, false, true))).toEqual([0xbf80_0000, 0]);
  expect(apply(0, (s) => fixedToFp32(s, 0x1234_8000, 16, 16, true, true))).toEqual([0x3f00_0000, 0]);
  expect(apply(DOWN, (s) => fixedToFp32(s, 0x1234_0000, 16, 3, true, true))).toEqual([0, 0]);
  const status = new FloatStatus();
  expect([fixedToFp64(status, 0x8000_0001, 32, 32, true), status.high]).toEqual([0x0020_0000, 0x3fe0_0000]);
  expect(status.roundingMode).toBe(0);
});

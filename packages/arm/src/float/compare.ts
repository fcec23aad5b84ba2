// SPDX-License-Identifier: Apache-2.0
// FPCompare and FPCompareEQ, GE, GT (ARM DDI 0406C, A2.7). Flush-to-zero makes denormal operands equal to zero.

import { unpack32, unpack64 } from './format.js';
import { FPSCR_IOC, QUIET_NAN, SIGNALLING_NAN, ZERO } from './status.js';
import type { FloatStatus, Unpacked } from './status.js';

/** N, Z, C, V as bits 3..0, the order of FPSCR<31:28>. */
export const COMPARE_EQUAL: number = 0b0110;
export const COMPARE_LESS: number = 0b1000;
export const COMPARE_GREATER: number = 0b0010;
export const COMPARE_UNORDERED: number = 0b0011;

/** -1, 0 or 1 as `a` is less than, equal to or greater than `b`; neither may be a NaN. */
export function compareValues(a: Unpacked, b: Unpacked): number {
  if (a.type === ZERO && b.type === ZERO) return 0;
  if (a.sign !== b.sign) return a.sign === 0 ? 1 : -1;
  const positive = a.sign === 0 ? 1 : -1;
  if (a.exponent !== b.exponent) return a.exponent > b.exponent ? positive : -positive;
  if (a.significand !== b.significand) return a.significand > b.significand ? positive : -positive;
  return 0;
}

function raiseIfNan(status: FloatStatus, quietToo: boolean): boolean {
  const a = status.first.type;
  const b = status.second.type;
  if (a < QUIET_NAN && b < QUIET_NAN) return false;
  if (quietToo || a === SIGNALLING_NAN || b === SIGNALLING_NAN) status.flags |= FPSCR_IOC;
  return true;
}

function compare(status: FloatStatus, quietToo: boolean): number {
  if (raiseIfNan(status, quietToo)) return COMPARE_UNORDERED;
  const order = compareValues(status.first, status.second);
  return order === 0 ? COMPARE_EQUAL : order < 0 ? COMPARE_LESS : COMPARE_GREATER;
}

/** FPCompare: the NZCV nibble of VCMP, or of VCMPE when `quietNanExceptions` is set. */
export function fpCompare32(status: FloatStatus, a: number, b: number, quietNanExceptions: boolean): number {
  unpack32(status, a, status.first);
  unpack32(status, b, status.second);
  return compare(status, quietNanExceptions);
}

/** FPCompare in double precision: the NZCV nibble of VCMP, or of VCMPE when `quietNanExceptions` is set. */
export function fpCompare64(
  status: FloatStatus,
  aLow: number,
  aHigh: number,
  bLow: number,
  bHigh: number,
  quietNanExceptions: boolean,
): number {
  unpack64(status, aLow, aHigh, status.first);
  unpack64(status, bLow, bHigh, status.second);
  return compare(status, quietNanExceptions);
}

/** FPCompareEQ (VCEQ.F32): a quiet NaN is silently unequal. */
export function fpCompareEqual32(status: FloatStatus, a: number, b: number): boolean {
  return fpCompare32(status, a, b, false) === COMPARE_EQUAL;
}

/** FPCompareGE (VCGE.F32, VACGE.F32): any NaN is an invalid operation. */
export function fpCompareGreaterEqual32(status: FloatStatus, a: number, b: number): boolean {
  const order = fpCompare32(status, a, b, true);
  return order === COMPARE_GREATER || order === COMPARE_EQUAL;
}

/** FPCompareGT (VCGT.F32, VACGT.F32): any NaN is an invalid operation. */
export function fpCompareGreater32(status: FloatStatus, a: number, b: number): boolean {
  return fpCompare32(status, a, b, true) === COMPARE_GREATER;
}

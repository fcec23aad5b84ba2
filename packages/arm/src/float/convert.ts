// SPDX-License-Identifier: Apache-2.0
// Conversions between formats and to and from fixed point (ARM DDI 0406C, A2.7: FPHalfToSingle, FPSingleToHalf,
// FPSingleToDouble, FPDoubleToSingle, FPToFixed, FixedToFP). A conversion to an integer is one to fixed point with no
// fraction bits.

import { processNan } from './arithmetic.js';
import {
  pack16,
  pack32,
  pack64,
  roundsUp,
  setInteger,
  setZero,
  shiftOut,
  unpack16,
  unpack32,
  unpack64,
} from './format.js';
import { FPSCR_IOC, FPSCR_IXC, INFINITE, QUIET_NAN, ROUND_TO_NEAREST, ZERO } from './status.js';
import type { FloatStatus } from './status.js';

function firstToResult(status: FloatStatus): void {
  const { first, result } = status;
  if (first.type >= QUIET_NAN) {
    processNan(status, first);
    return;
  }
  result.type = first.type;
  result.sign = first.sign;
  result.exponent = first.exponent;
  result.significand = first.significand;
  result.error = 0;
}

/** FPHalfToSingle (VCVTB, VCVTT, VCVT.F32.F16): the half is in bits 15:0 of `a`. */
export function fpHalfToSingle(status: FloatStatus, a: number): number {
  unpack16(status, a, status.first);
  firstToResult(status);
  return pack32(status);
}

/** FPSingleToHalf (VCVTB, VCVTT, VCVT.F16.F32): the half is returned zero-extended. */
export function fpSingleToHalf(status: FloatStatus, a: number): number {
  const { first, result } = status;
  unpack32(status, a, first);
  if (status.alternativeHalf && first.type >= INFINITE) {
    // Alternative half precision has neither: a NaN becomes zero, infinity the greatest magnitude.
    status.flags |= FPSCR_IOC;
    if (first.type === INFINITE) return (first.sign << 15) | 0x7fff;
    setZero(result, first.sign);
  } else {
    firstToResult(status);
  }
  return pack16(status);
}

/** FPSingleToDouble: returns the low word, leaves the high word in `status.high`. */
export function fpSingleToDouble(status: FloatStatus, a: number): number {
  unpack32(status, a, status.first);
  firstToResult(status);
  return pack64(status);
}

/** FPDoubleToSingle. */
export function fpDoubleToSingle(status: FloatStatus, aLow: number, aHigh: number): number {
  unpack64(status, aLow, aHigh, status.first);
  firstToResult(status);
  return pack32(status);
}

/** FPToFixed of `status.first`. */
function toFixed(
  status: FloatStatus,
  size: number,
  fractionBits: number,
  unsigned: boolean,
  roundTowardsZero: boolean,
): number {
  const value = status.first;
  if (value.type >= QUIET_NAN) {
    status.flags |= FPSCR_IOC;
    return 0;
  }
  if (value.type === ZERO) return 0;
  const negative = value.sign === 1;
  const exponent = value.exponent + fractionBits;
  value.error = 0;
  // From 2^33 on, every destination saturates.
  let integer = exponent > 32 ? 2 ** 33 : shiftOut(value, 52 - exponent);
  if (!roundTowardsZero && roundsUp(status, value.sign, integer, value.error)) integer += 1;
  if (negative) integer = -integer;
  const minimum = unsigned ? 0 : -(2 ** (size - 1));
  const maximum = unsigned ? 2 ** size - 1 : 2 ** (size - 1) - 1;
  if (integer < minimum || integer > maximum) {
    status.flags |= FPSCR_IOC;
    return (negative ? minimum : maximum) | 0;
  }
  if (value.error !== 0) status.flags |= FPSCR_IXC;
  return integer | 0;
}

/**
 * FPToFixed from single precision. `size` is 16 or 32; the result is sign- or zero-extended from it to an int32.
 * Values out of range saturate and a NaN gives 0, both with IOC. VCVT rounds towards zero, VCVTR does not.
 */
export function fpToFixed32(
  status: FloatStatus,
  a: number,
  size: number,
  fractionBits: number,
  unsigned: boolean,
  roundTowardsZero: boolean,
): number {
  unpack32(status, a, status.first);
  return toFixed(status, size, fractionBits, unsigned, roundTowardsZero);
}

/** FPToFixed from double precision; see `fpToFixed32`. For a 64-bit register the caller extends the int32 further. */
export function fpToFixed64(
  status: FloatStatus,
  aLow: number,
  aHigh: number,
  size: number,
  fractionBits: number,
  unsigned: boolean,
  roundTowardsZero: boolean,
): number {
  unpack64(status, aLow, aHigh, status.first);
  return toFixed(status, size, fractionBits, unsigned, roundTowardsZero);
}

/** The operand of FixedToFP into `status.result`. */
function fromFixed(status: FloatStatus, a: number, size: number, fractionBits: number, unsigned: boolean): void {
  const unused = 32 - size;
  const integer = unsigned ? (a << unused) >>> unused : (a << unused) >> unused;
  if (integer === 0) setZero(status.result, 0);
  else setInteger(status.result, integer < 0 ? 1 : 0, Math.abs(integer), -fractionBits);
}

/**
 * FixedToFP to single precision from the low `size` (16 or 32) bits of `a`. The fixed-point forms of VCVT round to
 * nearest whatever FPSCR says; those from an integer follow it.
 */
export function fixedToFp32(
  status: FloatStatus,
  a: number,
  size: number,
  fractionBits: number,
  unsigned: boolean,
  roundToNearest: boolean,
): number {
  fromFixed(status, a, size, fractionBits, unsigned);
  if (!roundToNearest) return pack32(status);
  const mode = status.roundingMode;
  status.roundingMode = ROUND_TO_NEAREST;
  const result = pack32(status);
  status.roundingMode = mode;
  return result;
}

/**
 * FixedToFP to double precision, always exact: returns the low word, leaves the high word in `status.high`. See
 * `fixedToFp32` for the operand.
 */
export function fixedToFp64(
  status: FloatStatus,
  a: number,
  size: number,
  fractionBits: number,
  unsigned: boolean,
): number {
  fromFixed(status, a, size, fractionBits, unsigned);
  return pack64(status);
}

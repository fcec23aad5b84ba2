// SPDX-License-Identifier: Apache-2.0
// FPUnpack, FPRound and the assembly of results (ARM DDI 0406C, A2.7) for half, single and double
// precision. All three formats meet in the one unpacked form of `Unpacked`, so that the arithmetic exists once.

import {
  FPSCR_IDC,
  FPSCR_IOC,
  FPSCR_IXC,
  FPSCR_OFC,
  FPSCR_UFC,
  INFINITE,
  NONZERO,
  QUIET_NAN,
  ROUND_TO_NEAREST,
  ROUND_TOWARDS_MINUS_INFINITY,
  ROUND_TOWARDS_PLUS_INFINITY,
  ROUND_TOWARDS_ZERO,
  SIGNALLING_NAN,
  ZERO,
} from './status.js';
import type { FloatStatus, Unpacked } from './status.js';

const TWO_23 = 0x80_0000;
const TWO_29 = 0x2000_0000;
const TWO_32 = 0x1_0000_0000;
const TWO_42 = 0x400_0000_0000;
const TWO_51 = 0x8_0000_0000_0000;
const TWO_52 = 0x10_0000_0000_0000;
const TWO_53 = 0x20_0000_0000_0000;

/** Beyond every exponent that an operand, a product of two or a quotient can have. */
const EXPONENT_LIMIT = 0x10_0000;

/** `POWER_OF_TWO[n]` is 2^n, for n in 0..63. */
export const POWER_OF_TWO: Float64Array = Float64Array.from({ length: 64 }, (_, n) => 2 ** n);

/** How far an integer in (0, 2^53) must move left to reach [2^52, 2^53). */
export function normalisingShift(value: number): number {
  const high = Math.floor(value / TWO_32);
  return high === 0 ? 21 + Math.clz32(value) : Math.clz32(high) - 11;
}

export function setZero(into: Unpacked, sign: number): void {
  into.type = ZERO;
  into.sign = sign;
  into.exponent = -EXPONENT_LIMIT;
  into.significand = 0;
}

export function setInfinity(into: Unpacked, sign: number): void {
  into.type = INFINITE;
  into.sign = sign;
  into.exponent = EXPONENT_LIMIT;
  into.significand = TWO_52;
}

/** FPDefaultNaN: positive, quiet, nothing else in the fraction. */
export function setDefaultNan(into: Unpacked): void {
  into.type = QUIET_NAN;
  into.sign = 0;
  into.significand = TWO_51;
}

function setNan(into: Unpacked, sign: number, fraction: number): void {
  into.type = fraction >= TWO_51 ? QUIET_NAN : SIGNALLING_NAN;
  into.sign = sign;
  into.exponent = EXPONENT_LIMIT;
  into.significand = fraction;
}

function setNonzero(into: Unpacked, sign: number, exponent: number, significand: number): void {
  into.type = NONZERO;
  into.sign = sign;
  into.exponent = exponent;
  into.significand = significand;
}

/** The integer `magnitude`, below 2^53, times `2^scale`. */
export function setInteger(into: Unpacked, sign: number, magnitude: number, scale: number): void {
  const shift = normalisingShift(magnitude);
  setNonzero(into, sign, scale + 52 - shift, magnitude * POWER_OF_TWO[shift]!);
  into.error = 0;
}

/** FPUnpack of a half-precision value. Flush-to-zero does not touch this format. */
export function unpack16(status: FloatStatus, bits: number, into: Unpacked): void {
  const sign = (bits >>> 15) & 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) {
    if (fraction === 0) setZero(into, sign);
    else setInteger(into, sign, fraction, -24);
  } else if (exponent === 0x1f && !status.alternativeHalf) {
    if (fraction === 0) setInfinity(into, sign);
    else setNan(into, sign, fraction * TWO_42);
  } else {
    setNonzero(into, sign, exponent - 15, (fraction | 0x400) * TWO_42);
  }
}

/** FPUnpack of a single-precision value: may set IDC. */
export function unpack32(status: FloatStatus, bits: number, into: Unpacked): void {
  const sign = bits >>> 31;
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7f_ffff;
  if (exponent === 0) {
    if (fraction === 0) {
      setZero(into, sign);
    } else if (status.flushToZero) {
      status.flags |= FPSCR_IDC;
      setZero(into, sign);
    } else {
      setInteger(into, sign, fraction, -149);
    }
  } else if (exponent === 0xff) {
    if (fraction === 0) setInfinity(into, sign);
    else setNan(into, sign, fraction * TWO_29);
  } else {
    setNonzero(into, sign, exponent - 127, (fraction | TWO_23) * TWO_29);
  }
}

/** FPUnpack of a double-precision value: may set IDC. */
export function unpack64(status: FloatStatus, low: number, high: number, into: Unpacked): void {
  const sign = high >>> 31;
  const exponent = (high >>> 20) & 0x7ff;
  const fraction = (high & 0xf_ffff) * TWO_32 + (low >>> 0);
  if (exponent === 0) {
    if (fraction === 0) {
      setZero(into, sign);
    } else if (status.flushToZero) {
      status.flags |= FPSCR_IDC;
      setZero(into, sign);
    } else {
      setInteger(into, sign, fraction, -1074);
    }
  } else if (exponent === 0x7ff) {
    if (fraction === 0) setInfinity(into, sign);
    else setNan(into, sign, fraction);
  } else {
    setNonzero(into, sign, exponent - 1023, fraction + TWO_52);
  }
}

/**
 * Moves the significand of `value` down by `shift` bits, returns the integer part and leaves the rest in
 * `value.error`. `shift` is at least 0 and may be as large as it likes.
 */
export function shiftOut(value: Unpacked, shift: number): number {
  if (shift === 0) return value.significand;
  if (shift > 53) {
    value.error = 0.25; // below half of the last place whatever the significand is
    return 0;
  }
  const unit = POWER_OF_TWO[shift]!;
  const half = unit / 2;
  const kept = Math.floor(value.significand / unit);
  const rest = value.significand - kept * unit;
  if (rest > half) value.error = 0.75;
  else if (rest === half) value.error = value.error === 0 ? 0.5 : 0.75;
  else value.error = rest === 0 && value.error === 0 ? 0 : 0.25;
  return kept;
}

/** Whether the rounding mode takes a magnitude with this integer part and error to the next integer. */
export function roundsUp(status: FloatStatus, sign: number, integer: number, error: number): boolean {
  switch (status.roundingMode) {
    case ROUND_TO_NEAREST:
      return error > 0.5 || (error === 0.5 && integer % 2 === 1);
    case ROUND_TOWARDS_PLUS_INFINITY:
      return error !== 0 && sign === 0;
    case ROUND_TOWARDS_MINUS_INFINITY:
      return error !== 0 && sign === 1;
    default:
      return false;
  }
}

function overflowsToInfinity(status: FloatStatus, sign: number): boolean {
  const mode = status.roundingMode;
  return (
    mode !== ROUND_TOWARDS_ZERO && mode !== (sign === 0 ? ROUND_TOWARDS_MINUS_INFINITY : ROUND_TOWARDS_PLUS_INFINITY)
  );
}

/**
 * The first half of FPRound: rounds `status.result` to `fractionBits` and returns the integer mantissa with its
 * implicit bit, or -1 when the result is flushed to zero. The biased exponent goes to `status.result.exponent`; the
 * caller deals with overflow.
 */
function roundMantissa(status: FloatStatus, fractionBits: number, minimumExponent: number, mayFlush: boolean): number {
  const value = status.result;
  const exponent = value.exponent;
  let biased = 0;
  let shift = 52 - fractionBits;
  if (exponent < minimumExponent) {
    if (mayFlush && status.flushToZero) {
      status.flags |= FPSCR_UFC;
      return -1;
    }
    shift += minimumExponent - exponent;
  } else {
    biased = exponent - minimumExponent + 1;
  }
  let mantissa = shiftOut(value, shift);
  if (value.error !== 0) {
    if (biased === 0) status.flags |= FPSCR_UFC; // tininess is judged before rounding
    if (roundsUp(status, value.sign, mantissa, value.error)) {
      mantissa += 1;
      const implicit = POWER_OF_TWO[fractionBits]!;
      if (biased === 0 && mantissa === implicit) {
        biased = 1;
      } else if (mantissa === 2 * implicit) {
        biased += 1;
        mantissa = implicit;
      }
    }
  }
  value.exponent = biased;
  return mantissa;
}

/** Assembles `status.result`, which must not be a signalling NaN, in half precision; FPRound where it is finite. */
export function pack16(status: FloatStatus): number {
  const value = status.result;
  const sign = value.sign << 15;
  if (value.type === ZERO) return sign;
  if (value.type === INFINITE) return sign | 0x7c00;
  if (value.type !== NONZERO) return sign | 0x7c00 | Math.floor(value.significand / TWO_42);
  const mantissa = roundMantissa(status, 10, -14, false);
  if (status.alternativeHalf) {
    if (value.exponent > 0x1f) {
      status.flags |= FPSCR_IOC; // instead of overflow and inexact: this format has no infinity
      return sign | 0x7fff;
    }
  } else if (value.exponent >= 0x1f) {
    status.flags |= FPSCR_OFC | FPSCR_IXC;
    return sign | (overflowsToInfinity(status, value.sign) ? 0x7c00 : 0x7bff);
  }
  if (value.error !== 0) status.flags |= FPSCR_IXC;
  return sign | (value.exponent << 10) | (mantissa & 0x3ff);
}

/** Assembles `status.result`, which must not be a signalling NaN, in single precision; FPRound where it is finite. */
export function pack32(status: FloatStatus): number {
  const value = status.result;
  const sign = value.sign << 31;
  if (value.type === ZERO) return sign;
  if (value.type === INFINITE) return sign | 0x7f80_0000;
  if (value.type !== NONZERO) return sign | 0x7f80_0000 | Math.floor(value.significand / TWO_29);
  const mantissa = roundMantissa(status, 23, -126, true);
  if (mantissa < 0) return sign;
  if (value.exponent >= 0xff) {
    status.flags |= FPSCR_OFC | FPSCR_IXC;
    return sign | (overflowsToInfinity(status, value.sign) ? 0x7f80_0000 : 0x7f7f_ffff);
  }
  if (value.error !== 0) status.flags |= FPSCR_IXC;
  return sign | (value.exponent << 23) | (mantissa & 0x7f_ffff);
}

/**
 * Assembles `status.result`, which must not be a signalling NaN, in double precision; FPRound where it is finite.
 * Returns the low word, leaves the high word in `status.high`.
 */
export function pack64(status: FloatStatus): number {
  const value = status.result;
  const sign = value.sign << 31;
  if (value.type === NONZERO) {
    const mantissa = roundMantissa(status, 52, -1022, true);
    if (mantissa < 0) {
      status.high = sign;
      return 0;
    }
    if (value.exponent >= 0x7ff) {
      status.flags |= FPSCR_OFC | FPSCR_IXC;
      if (overflowsToInfinity(status, value.sign)) {
        status.high = sign | 0x7ff0_0000;
        return 0;
      }
      status.high = sign | 0x7fef_ffff;
      return -1;
    }
    if (value.error !== 0) status.flags |= FPSCR_IXC;
    status.high = sign | (value.exponent << 20) | (Math.floor(mantissa / TWO_32) & 0xf_ffff);
    return mantissa | 0;
  }
  if (value.type === ZERO) {
    status.high = sign;
    return 0;
  }
  if (value.type === INFINITE) {
    status.high = sign | 0x7ff0_0000;
    return 0;
  }
  status.high = sign | 0x7ff0_0000 | Math.floor(value.significand / TWO_32);
  return value.significand | 0;
}

/**
 * Stores the finite result `(whole + rest) * 2^(exponent - 52)`: `whole` an integer in [2^52, 2^53), `rest` at most
 * half its last place in magnitude, as rounding to nearest leaves it.
 */
export function setUnrounded(into: Unpacked, sign: number, exponent: number, whole: number, rest: number): void {
  if (rest < 0) {
    // Counted from the integer below, the error is at least 1/2. `1 + rest` could round to 1/2 and pass for a tie.
    if (whole === TWO_52) {
      // The true value lies in the binade below, where one last place is worth half as much.
      setNonzero(into, sign, exponent - 1, TWO_53 - 1);
      into.error = rest === -0.25 ? 0.5 : 0.75;
    } else {
      setNonzero(into, sign, exponent, whole - 1);
      into.error = rest === -0.5 ? 0.5 : 0.75;
    }
  } else {
    setNonzero(into, sign, exponent, whole);
    into.error = rest;
  }
}

// SPDX-License-Identifier: Apache-2.0
// The reciprocal and reciprocal square root estimates and Newton-Raphson steps of Advanced SIMD (ARM DDI 0406C, A2.7).
// They always use standard arithmetic: give them a status that `setStandardControl` has set up.

import { add, invalid, isInfinityTimesZero, processNan, processNans } from './arithmetic.js';
import { pack32, unpack32 } from './format.js';
import { FPSCR_DZC, FPSCR_UFC, INFINITE, NONZERO, QUIET_NAN, ZERO } from './status.js';
import type { FloatStatus } from './status.js';
import { fpMul32, fpSub32 } from './single.js';

const TWO = 0x4000_0000;
const THREE = 0x4040_0000;
const PLUS_INFINITY = 0x7f80_0000;
/** Biased exponent from which on a reciprocal would be denormal: the operand is at least 2^126. */
const RECIPROCAL_UNDERFLOW = 253;

/**
 * The manual's recip_estimate for an operand in [0.5, 1), given in units of 1/512 rounded down. The result, in [1, 2),
 * is in units of 1/256, without the leading one: 8 bits.
 */
function reciprocalFraction(units: number): number {
  const reciprocal = 512 / (units + 0.5);
  return Math.floor(256 * reciprocal + 0.5) & 0xff;
}

/** The manual's recip_sqrt_estimate for `scaled` in [0.25, 1); the result as in `reciprocalFraction`. */
function reciprocalRootFraction(scaled: number): number {
  const steps = scaled < 0.5 ? 512 : 256;
  const root = 1 / Math.sqrt((Math.floor(scaled * steps) + 0.5) / steps);
  return Math.floor(256 * root + 0.5) & 0xff;
}

/** FPRecipEstimate (VRECPE.F32). */
export function fpRecipEstimate(status: FloatStatus, a: number): number {
  const { first } = status;
  unpack32(status, a, first);
  const sign = a & 0x8000_0000;
  if (first.type >= QUIET_NAN) {
    processNan(status, first);
    return pack32(status);
  }
  if (first.type === INFINITE) return sign;
  if (first.type === ZERO) {
    status.flags |= FPSCR_DZC;
    return sign | PLUS_INFINITY;
  }
  const exponent = (a >>> 23) & 0xff;
  if (exponent >= RECIPROCAL_UNDERFLOW) {
    status.flags |= FPSCR_UFC;
    return sign;
  }
  const fraction = reciprocalFraction(0x100 | ((a >>> 15) & 0xff));
  return sign | ((RECIPROCAL_UNDERFLOW - exponent) << 23) | (fraction << 15);
}

/** FPRSqrtEstimate (VRSQRTE.F32). */
export function fpRSqrtEstimate(status: FloatStatus, a: number): number {
  const { first } = status;
  unpack32(status, a, first);
  if (first.type >= QUIET_NAN) {
    processNan(status, first);
    return pack32(status);
  }
  if (first.type === ZERO) {
    status.flags |= FPSCR_DZC;
    return (a & 0x8000_0000) | PLUS_INFINITY;
  }
  if (first.sign === 1) {
    invalid(status);
    return pack32(status);
  }
  if (first.type === INFINITE) return 0;
  const exponent = (a >>> 23) & 0xff;
  const significand = ((a & 0x7f_ffff) | 0x80_0000) / 0x100_0000; // in [0.5, 1)
  const fraction = reciprocalRootFraction(exponent % 2 === 0 ? significand : significand / 2);
  return (((380 - exponent) >> 1) << 23) | (fraction << 15);
}

/** UnsignedRecipEstimate (VRECPE.U32): both sides are fractions of 32 bits, the result 1.0 to 2.0 with 31. */
export function unsignedRecipEstimate(a: number): number {
  if (a >>> 31 === 0) return -1;
  return 0x8000_0000 | (reciprocalFraction(a >>> 23) << 23);
}

/** UnsignedRSqrtEstimate (VRSQRTE.U32). */
export function unsignedRSqrtEstimate(a: number): number {
  if (a >>> 30 === 0) return -1;
  return 0x8000_0000 | (reciprocalRootFraction((a >>> 0) / 0x1_0000_0000) << 23);
}

/** FPMul for a step: infinity times zero is plus zero and no exception. */
function stepProduct(status: FloatStatus, a: number, b: number): number {
  return isInfinityTimesZero(status.first, status.second) ? 0 : fpMul32(status, a, b);
}

/** FPRecipStep (VRECPS): `2 - a * b`, with the product rounded. */
export function fpRecipStep(status: FloatStatus, a: number, b: number): number {
  unpack32(status, a, status.first);
  unpack32(status, b, status.second);
  if (processNans(status)) return pack32(status);
  return fpSub32(status, TWO, stepProduct(status, a, b));
}

/** FPRSqrtStep (VRSQRTS): `(3 - a * b) / 2`, with the product rounded. */
export function fpRSqrtStep(status: FloatStatus, a: number, b: number): number {
  unpack32(status, a, status.first);
  unpack32(status, b, status.second);
  if (processNans(status)) return pack32(status);
  const product = stepProduct(status, a, b);
  unpack32(status, THREE, status.first);
  unpack32(status, product, status.second);
  add(status, 1);
  if (status.result.type === NONZERO) status.result.exponent -= 1; // FPHalvedSub halves before it rounds
  return pack32(status);
}

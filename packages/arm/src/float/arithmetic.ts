// SPDX-License-Identifier: Apache-2.0
// FPAdd, FPSub, FPMul, FPDiv, FPSqrt, FPMulAdd, FPProcessNaN(s) (ARM DDI 0406C, A2.7) on unpacked operands of any
// format; the result stays unrounded in `status.result`. Exactness rests on error-free transformations: the host's
// IEEE double arithmetic on significands in [2^52, 2^53), where nothing over- or underflows, gives the nearest value,
// and its error is representable and computed exactly (Dekker 1971). Only a double-precision FPMulAdd needs BigInt.

import { POWER_OF_TWO, normalisingShift, setDefaultNan, setInfinity, setUnrounded, setZero } from './format.js';
import {
  FPSCR_DZC,
  FPSCR_IOC,
  INFINITE,
  NONZERO,
  QUIET_NAN,
  ROUND_TOWARDS_MINUS_INFINITY,
  SIGNALLING_NAN,
  ZERO,
} from './status.js';
import type { FloatStatus, Unpacked } from './status.js';

const TWO_51 = 0x8_0000_0000_0000;
const TWO_52 = 0x10_0000_0000_0000;
const TWO_53 = 0x20_0000_0000_0000;
const TWO_MINUS_52 = 1 / TWO_52;
const SPLITTER = 0x800_0001; // 2^27 + 1, halves a 53-bit significand

/** FPProcessException for an invalid operation, with the default NaN that goes with it. */
export function invalid(status: FloatStatus): void {
  status.flags |= FPSCR_IOC;
  setDefaultNan(status.result);
}

/** FPProcessNaN: quietens `operand` into the result. */
export function processNan(status: FloatStatus, operand: Unpacked): void {
  const result = status.result;
  result.type = QUIET_NAN;
  result.sign = operand.sign;
  result.significand = operand.significand;
  if (operand.type === SIGNALLING_NAN) {
    status.flags |= FPSCR_IOC;
    result.significand += TWO_51;
  }
  if (status.defaultNan) setDefaultNan(result);
}

/** FPProcessNaNs of the first two operands; whether there was one. */
export function processNans(status: FloatStatus): boolean {
  const { first, second } = status;
  if (first.type < QUIET_NAN && second.type < QUIET_NAN) return false;
  if (first.type === SIGNALLING_NAN) processNan(status, first);
  else if (second.type === SIGNALLING_NAN) processNan(status, second);
  else if (first.type === QUIET_NAN) processNan(status, first);
  else processNan(status, second);
  return true;
}

/** FPProcessNaNs3, with the addend (`third`) as its first operand; whether there was one. */
function processNans3(status: FloatStatus): boolean {
  if (status.third.type === SIGNALLING_NAN) {
    processNan(status, status.third);
    return true;
  }
  if (status.third.type !== QUIET_NAN) return processNans(status);
  if (status.first.type === SIGNALLING_NAN) processNan(status, status.first);
  else if (status.second.type === SIGNALLING_NAN) processNan(status, status.second);
  else processNan(status, status.third);
  return true;
}

/** The exact zero of a sum takes its sign from the rounding mode. */
function setCancelled(status: FloatStatus): void {
  setZero(status.result, status.roundingMode === ROUND_TOWARDS_MINUS_INFINITY ? 1 : 0);
}

/** Sum of two finite operands, not both zero with one sign. */
function addFinite(status: FloatStatus, a: Unpacked, b: Unpacked): void {
  if (b.type === ZERO) {
    if (a.type === ZERO) setCancelled(status);
    else setUnrounded(status.result, a.sign, a.exponent, a.significand, 0);
    return;
  }
  if (a.type === ZERO) {
    setUnrounded(status.result, b.sign, b.exponent, b.significand, 0);
    return;
  }
  const swap = b.exponent > a.exponent || (b.exponent === a.exponent && b.significand > a.significand);
  const large = swap ? b : a;
  const small = swap ? a : b;
  const gap = large.exponent - small.exponent;
  // Past 63 places the smaller operand decides no more than the direction of rounding.
  const magnitude = small.significand / POWER_OF_TWO[gap > 63 ? 63 : gap]!;
  const addend = large.sign === small.sign ? magnitude : -magnitude;
  const sum = large.significand + addend;
  if (sum === 0) {
    setCancelled(status);
    return;
  }
  const rest = addend - (sum - large.significand);
  if (sum >= TWO_53) {
    setUnrounded(status.result, large.sign, large.exponent + 1, sum / 2, rest / 2);
  } else if (sum >= TWO_52) {
    setUnrounded(status.result, large.sign, large.exponent, sum, rest);
  } else {
    // Either a gap of at most one place, so an exact multiple of 1/2, or above 2^51, where doubles are such multiples.
    const shift = normalisingShift(2 * sum);
    const scale = 2 * POWER_OF_TWO[shift]!;
    setUnrounded(status.result, large.sign, large.exponent - shift - 1, sum * scale, rest * scale);
  }
}

/** FPAdd of the first two operands; FPSub is this with the sign of the second one changed by `negate` = 1. */
export function add(status: FloatStatus, negate: number): void {
  if (processNans(status)) return;
  const { first, second, result } = status;
  second.sign ^= negate;
  if (first.type === INFINITE) {
    if (second.type === INFINITE && first.sign !== second.sign) invalid(status);
    else setInfinity(result, first.sign);
  } else if (second.type === INFINITE) {
    setInfinity(result, second.sign);
  } else if (first.type === ZERO && second.type === ZERO && first.sign === second.sign) {
    setZero(result, first.sign);
  } else {
    addFinite(status, first, second);
  }
}

/** The exact error of the rounded product `product` of two doubles. */
function productError(a: number, b: number, product: number): number {
  const aScaled = SPLITTER * a;
  const aHigh = aScaled - (aScaled - a);
  const aLow = a - aHigh;
  const bScaled = SPLITTER * b;
  const bHigh = bScaled - (bScaled - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

function multiplyFinite(into: Unpacked, sign: number, a: Unpacked, b: Unpacked): void {
  const scaled = b.significand * TWO_MINUS_52;
  const product = a.significand * scaled; // in [2^52, 2^54)
  const rest = productError(a.significand, scaled, product);
  const exponent = a.exponent + b.exponent;
  if (product >= TWO_53) setUnrounded(into, sign, exponent + 1, product / 2, rest / 2);
  else setUnrounded(into, sign, exponent, product, rest);
}

/** The one product of numbers that is undefined. */
export function isInfinityTimesZero(a: Unpacked, b: Unpacked): boolean {
  return (a.type === INFINITE && b.type === ZERO) || (a.type === ZERO && b.type === INFINITE);
}

/** FPMul of the first two operands. */
export function multiply(status: FloatStatus): void {
  if (processNans(status)) return;
  const { first, second, result } = status;
  const sign = first.sign ^ second.sign;
  if (isInfinityTimesZero(first, second)) invalid(status);
  else if (first.type === INFINITE || second.type === INFINITE) setInfinity(result, sign);
  else if (first.type === ZERO || second.type === ZERO) setZero(result, sign);
  else multiplyFinite(result, sign, first, second);
}

/** FPDiv of the first two operands. */
export function divide(status: FloatStatus): void {
  if (processNans(status)) return;
  const { first, second, result } = status;
  const sign = first.sign ^ second.sign;
  if (first.type === second.type && first.type !== NONZERO) {
    invalid(status); // infinity by infinity, zero by zero
  } else if (first.type === INFINITE || second.type === ZERO) {
    setInfinity(result, sign);
    if (first.type !== INFINITE) status.flags |= FPSCR_DZC;
  } else if (first.type === ZERO || second.type === INFINITE) {
    setZero(result, sign);
  } else {
    const less = first.significand < second.significand;
    const dividend = less ? first.significand * 2 : first.significand;
    const quotient = dividend / second.significand; // in [1, 2)
    const product = quotient * second.significand;
    const remainder = dividend - product - productError(quotient, second.significand, product);
    // A quotient is never half way between two doubles: the side it lies on is enough.
    const exponent = first.exponent - second.exponent - (less ? 1 : 0);
    setUnrounded(result, sign, exponent, quotient * TWO_52, Math.sign(remainder) / 4);
  }
}

/** FPSqrt of the first operand. */
export function squareRoot(status: FloatStatus): void {
  const { first, result } = status;
  if (first.type >= QUIET_NAN) {
    processNan(status, first);
  } else if (first.type === ZERO) {
    setZero(result, first.sign);
  } else if (first.sign === 1) {
    invalid(status);
  } else if (first.type === INFINITE) {
    setInfinity(result, 0);
  } else {
    const odd = first.exponent & 1;
    const radicand = first.significand * TWO_MINUS_52 * (odd + 1); // in [1, 4)
    const root = Math.sqrt(radicand); // in [1, 2), never half way between two doubles
    const square = root * root;
    const remainder = radicand - square - productError(root, root, square);
    setUnrounded(result, 0, (first.exponent - odd) / 2, root * TWO_52, Math.sign(remainder) / 4);
  }
}

/** FPMulAdd, rounded once: the product of the first two operands plus the third. */
export function multiplyAdd(status: FloatStatus): void {
  const { first, second, third, result } = status;
  const undefinedProduct = isInfinityTimesZero(first, second);
  if (processNans3(status)) {
    if (third.type === QUIET_NAN && undefinedProduct) invalid(status);
    return;
  }
  const sign = first.sign ^ second.sign;
  const infiniteProduct = first.type === INFINITE || second.type === INFINITE;
  const zeroProduct = first.type === ZERO || second.type === ZERO;
  if (undefinedProduct || (third.type === INFINITE && infiniteProduct && third.sign !== sign)) {
    invalid(status);
  } else if (third.type === INFINITE) {
    setInfinity(result, third.sign);
  } else if (infiniteProduct) {
    setInfinity(result, sign);
  } else if (third.type === ZERO && zeroProduct && third.sign === sign) {
    setZero(result, sign);
  } else if (zeroProduct) {
    setZero(first, sign);
    addFinite(status, first, third);
  } else {
    multiplyFinite(result, sign, first, second);
    if (result.error === 0) addFinite(status, result, third);
    else if (third.type === NONZERO) addWideProduct(status, sign);
  }
}

/** The product of the first two operands, which needs more than 53 bits, plus the finite, nonzero third. */
function addWideProduct(status: FloatStatus, sign: number): void {
  const { first, second, third, result } = status;
  const productScale = first.exponent + second.exponent - 104;
  const addendScale = third.exponent - 52;
  let product = BigInt(first.significand) * BigInt(second.significand);
  let addend = BigInt(third.significand);
  let scale = Math.min(productScale, addendScale);
  // 106-bit product against 53-bit addend: past this distance the smaller one is only a direction of rounding.
  if (productScale - addendScale > 120) {
    addend = 1n;
    scale = productScale - 120;
  } else if (addendScale - productScale > 240) {
    product = 1n;
    scale = addendScale - 120;
    addend <<= 120n;
  } else if (addendScale > productScale) {
    addend <<= BigInt(addendScale - productScale);
  }
  if (productScale > scale) product <<= BigInt(productScale - scale);
  const sum = (sign === 1 ? -product : product) + (third.sign === 1 ? -addend : addend);
  if (sum === 0n) {
    setCancelled(status);
    return;
  }
  const negative = sum < 0n;
  const magnitude = negative ? -sum : sum;
  const digits = magnitude.toString(16);
  const extra = digits.length * 4 - (Math.clz32(Number.parseInt(digits.charAt(0), 16)) - 28) - 53;
  if (extra <= 0) {
    setUnrounded(result, negative ? 1 : 0, scale + extra + 52, Number(magnitude << BigInt(-extra)), 0);
    return;
  }
  const half = 1n << BigInt(extra - 1);
  const below = magnitude & (2n * half - 1n);
  setUnrounded(result, negative ? 1 : 0, scale + extra + 52, Number(magnitude >> BigInt(extra)), 0);
  if (below !== 0n) result.error = below < half ? 0.25 : below === half ? 0.5 : 0.75;
}

// SPDX-License-Identifier: Apache-2.0
// Double-precision operations of VFPv3/VFPv4 (ARM DDI 0406C, A2.7). An operand is two int32 words, low first; a result
// is the low word returned and the high word left in `status.high`, so that no call makes a BigInt for its interface.

import { add, divide, multiply, multiplyAdd, squareRoot } from './arithmetic.js';
import { pack64, unpack64 } from './format.js';
import type { FloatStatus } from './status.js';

/** FPAdd: `a + b`. */
export function fpAdd64(status: FloatStatus, aLow: number, aHigh: number, bLow: number, bHigh: number): number {
  unpack64(status, aLow, aHigh, status.first);
  unpack64(status, bLow, bHigh, status.second);
  add(status, 0);
  return pack64(status);
}

/** FPSub: `a - b`. */
export function fpSub64(status: FloatStatus, aLow: number, aHigh: number, bLow: number, bHigh: number): number {
  unpack64(status, aLow, aHigh, status.first);
  unpack64(status, bLow, bHigh, status.second);
  add(status, 1);
  return pack64(status);
}

/** FPMul: `a * b`. */
export function fpMul64(status: FloatStatus, aLow: number, aHigh: number, bLow: number, bHigh: number): number {
  unpack64(status, aLow, aHigh, status.first);
  unpack64(status, bLow, bHigh, status.second);
  multiply(status);
  return pack64(status);
}

/** FPDiv: `a / b`. */
export function fpDiv64(status: FloatStatus, aLow: number, aHigh: number, bLow: number, bHigh: number): number {
  unpack64(status, aLow, aHigh, status.first);
  unpack64(status, bLow, bHigh, status.second);
  divide(status);
  return pack64(status);
}

/** FPSqrt. */
export function fpSqrt64(status: FloatStatus, aLow: number, aHigh: number): number {
  unpack64(status, aLow, aHigh, status.first);
  squareRoot(status);
  return pack64(status);
}

/** FPMulAdd: `addend + a * b` rounded once (VFMA). */
export function fpMulAdd64(
  status: FloatStatus,
  addendLow: number,
  addendHigh: number,
  aLow: number,
  aHigh: number,
  bLow: number,
  bHigh: number,
): number {
  unpack64(status, addendLow, addendHigh, status.third);
  unpack64(status, aLow, aHigh, status.first);
  unpack64(status, bLow, bHigh, status.second);
  multiplyAdd(status);
  return pack64(status);
}

// SPDX-License-Identifier: Apache-2.0
// Single-precision operations of VFPv3/VFPv4 and Advanced SIMD (ARM DDI 0406C, A2.7). Operands and results are the
// 32 bits of the value as an int32. Advanced SIMD passes a status with StandardFPSCRValue(). Negation, absolute value
// and the combinations of VMLA, VNMUL, VFMS and the like are sign-bit flips and compositions left to the caller.

import { add, divide, multiply, multiplyAdd, processNans, squareRoot } from './arithmetic.js';
import { compareValues } from './compare.js';
import { pack32, unpack32 } from './format.js';
import { ZERO } from './status.js';
import type { FloatStatus } from './status.js';

/** FPAdd: `a + b`. */
export function fpAdd32(status: FloatStatus, a: number, b: number): number {
  unpack32(status, a, status.first);
  unpack32(status, b, status.second);
  add(status, 0);
  return pack32(status);
}

/** FPSub: `a - b`. */
export function fpSub32(status: FloatStatus, a: number, b: number): number {
  unpack32(status, a, status.first);
  unpack32(status, b, status.second);
  add(status, 1);
  return pack32(status);
}

/** FPMul: `a * b`. */
export function fpMul32(status: FloatStatus, a: number, b: number): number {
  unpack32(status, a, status.first);
  unpack32(status, b, status.second);
  multiply(status);
  return pack32(status);
}

/** FPDiv: `a / b`. */
export function fpDiv32(status: FloatStatus, a: number, b: number): number {
  unpack32(status, a, status.first);
  unpack32(status, b, status.second);
  divide(status);
  return pack32(status);
}

/** FPSqrt. */
export function fpSqrt32(status: FloatStatus, a: number): number {
  unpack32(status, a, status.first);
  squareRoot(status);
  return pack32(status);
}

/** FPMulAdd: `addend + a * b` rounded once (VFMA). */
export function fpMulAdd32(status: FloatStatus, addend: number, a: number, b: number): number {
  unpack32(status, addend, status.third);
  unpack32(status, a, status.first);
  unpack32(status, b, status.second);
  multiplyAdd(status);
  return pack32(status);
}

function select(status: FloatStatus, a: number, b: number, wanted: number): number {
  const { first, second } = status;
  unpack32(status, a, first);
  unpack32(status, b, second);
  if (processNans(status)) return pack32(status);
  const takesFirst = compareValues(first, second) === wanted;
  const taken = takesFirst ? first : second;
  // Between two zeros the positive one is the greater; an operand that was flushed counts as its zero.
  if (taken.type === ZERO) return (wanted > 0 ? first.sign & second.sign : first.sign | second.sign) << 31;
  return takesFirst ? a : b;
}

/** FPMax (VMAX). A quiet NaN operand wins over a number, as everywhere before ARMv8's VMAXNM. */
export function fpMax32(status: FloatStatus, a: number, b: number): number {
  return select(status, a | 0, b | 0, 1);
}

/** FPMin (VMIN). A quiet NaN operand wins over a number. */
export function fpMin32(status: FloatStatus, a: number, b: number): number {
  return select(status, a | 0, b | 0, -1);
}

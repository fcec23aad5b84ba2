// SPDX-License-Identifier: Apache-2.0
// Names and operand counts of the floating-point helpers; all operands and results are 32-bit words. They read and
// write CPU.fpscr and CPU.result0, no other state. Implemented in float/helpers.ts.

/** Operands by name: doubles count twice. */
export const FLOAT_HELPERS: Readonly<Record<string, number>> = {
  fpAdd32: 2,
  fpSub32: 2,
  fpMul32: 2,
  fpDiv32: 2,
  fpSqrt32: 1,
  /** (addend, a, b) */
  fpMulAdd32: 3,
  fpAdd64: 4,
  fpSub64: 4,
  fpMul64: 4,
  fpDiv64: 4,
  fpSqrt64: 2,
  fpMulAdd64: 6,
  /** (a, b, whether quiet NaNs are invalid) -> NZCV in bits 31:28 */
  fpCompare32: 3,
  fpCompare64: 5,
  /** (a, 16 or 32 bits, fraction bits, unsigned, round towards zero) */
  fpToFixed32: 5,
  fpToFixed64: 6,
  /** (integer, 16 or 32 bits, fraction bits, unsigned, round to nearest whatever FPSCR says) */
  fixedToFp32: 5,
  /** (integer, 16 or 32 bits, fraction bits, unsigned) */
  fixedToFp64: 4,
  fpSingleToDouble: 1,
  fpDoubleToSingle: 2,
  fpHalfToSingle: 1,
  fpSingleToHalf: 1,
  // One lane of an Advanced SIMD instruction each.
  simdAdd: 2,
  simdSub: 2,
  simdMul: 2,
  /** (addend, a, b) */
  simdMulAdd: 3,
  simdMax: 2,
  simdMin: 2,
  /** -> all ones or zero */
  simdCompareEqual: 2,
  simdCompareGreaterEqual: 2,
  simdCompareGreater: 2,
  simdRecipEstimate: 1,
  simdRecipStep: 2,
  simdRSqrtEstimate: 1,
  simdRSqrtStep: 2,
  simdUnsignedRecipEstimate: 1,
  simdUnsignedRSqrtEstimate: 1,
  /** (a, fraction bits, unsigned) */
  simdToFixed: 3,
  simdFromFixed: 3,
  simdHalfToSingle: 1,
  simdSingleToHalf: 1,
};

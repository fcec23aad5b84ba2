// SPDX-License-Identifier: Apache-2.0
// The floating-point functions that generated code calls by name (ir/helpers.ts): the exact library over the FPSCR of
// the calling processor. `fp…` obey FPSCR, `simd…` use the standard settings of Advanced SIMD (A2.7.1); both add to the
// cumulative flags. Doubles come as two words; of a double result the low word is returned, the high one in `result0`.

import { FLOAT_HELPERS } from '../ir/float-helpers.js';
import { CPU } from '../state/layout.js';
import {
  FloatStatus,
  fixedToFp32,
  fixedToFp64,
  fpAdd32,
  fpAdd64,
  fpCompare32,
  fpCompare64,
  fpCompareEqual32,
  fpCompareGreater32,
  fpCompareGreaterEqual32,
  fpDiv32,
  fpDiv64,
  fpDoubleToSingle,
  fpHalfToSingle,
  fpMax32,
  fpMin32,
  fpMul32,
  fpMul64,
  fpMulAdd32,
  fpMulAdd64,
  fpRSqrtEstimate,
  fpRSqrtStep,
  fpRecipEstimate,
  fpRecipStep,
  fpSingleToDouble,
  fpSingleToHalf,
  fpSqrt32,
  fpSqrt64,
  fpSub32,
  fpSub64,
  fpToFixed32,
  fpToFixed64,
  unsignedRSqrtEstimate,
  unsignedRecipEstimate,
} from './index.js';

/** A helper: the CPU block's address, then the operands as words. */
export type FloatHelper = (cpu: number, a: number, b: number, c: number, d: number, e: number, f: number) => number;
type Operation = (s: FloatStatus, a: number, b: number, c: number, d: number, e: number, f: number) => number;

const vfp: Readonly<Record<string, Operation>> = {
  fpAdd32,
  fpSub32,
  fpMul32,
  fpDiv32,
  fpSqrt32,
  fpMulAdd32,
  fpCompare32: (s, a, b, quiet) => fpCompare32(s, a, b, quiet !== 0) << 28,
  fpCompare64: (s, a, b, c, d, quiet) => fpCompare64(s, a, b, c, d, quiet !== 0) << 28,
  fpToFixed32: (s, a, width, fraction, unsigned, truncate) =>
    fpToFixed32(s, a, width, fraction, unsigned !== 0, truncate !== 0),
  fpToFixed64: (s, a, b, width, fraction, unsigned, truncate) =>
    fpToFixed64(s, a, b, width, fraction, unsigned !== 0, truncate !== 0),
  fixedToFp32: (s, a, width, fraction, unsigned, nearest) =>
    fixedToFp32(s, a, width, fraction, unsigned !== 0, nearest !== 0),
  fpDoubleToSingle,
  fpHalfToSingle,
  fpSingleToHalf,
};

/** Those with a doubleword result. */
const vfpDouble: Readonly<Record<string, Operation>> = {
  fpAdd64,
  fpSub64,
  fpMul64,
  fpDiv64,
  fpSqrt64,
  fpMulAdd64,
  fixedToFp64: (s, a, width, fraction, unsigned) => fixedToFp64(s, a, width, fraction, unsigned !== 0),
  fpSingleToDouble,
};

const standard: Readonly<Record<string, Operation>> = {
  simdAdd: fpAdd32,
  simdSub: fpSub32,
  simdMul: fpMul32,
  simdMulAdd: fpMulAdd32,
  simdMax: fpMax32,
  simdMin: fpMin32,
  simdCompareEqual: (s, a, b) => -fpCompareEqual32(s, a, b),
  simdCompareGreaterEqual: (s, a, b) => -fpCompareGreaterEqual32(s, a, b),
  simdCompareGreater: (s, a, b) => -fpCompareGreater32(s, a, b),
  simdRecipEstimate: fpRecipEstimate,
  simdRecipStep: fpRecipStep,
  simdRSqrtEstimate: fpRSqrtEstimate,
  simdRSqrtStep: fpRSqrtStep,
  simdUnsignedRecipEstimate: (_, a) => unsignedRecipEstimate(a) | 0,
  simdUnsignedRSqrtEstimate: (_, a) => unsignedRSqrtEstimate(a) | 0,
  simdToFixed: (s, a, fraction, unsigned) => fpToFixed32(s, a, 32, fraction, unsigned !== 0, true),
  simdFromFixed: (s, a, fraction, unsigned) => fixedToFp32(s, a, 32, fraction, unsigned !== 0, true),
  simdHalfToSingle: fpHalfToSingle,
  simdSingleToHalf: fpSingleToHalf,
};

/** The helpers of `FLOAT_HELPERS` over a machine's memory, seen as 32-bit words. */
export function floatHelpers(words: Int32Array): Record<string, FloatHelper> {
  const status = new FloatStatus();
  const wrap =
    (operation: Operation, isStandard: boolean, isDouble: boolean): FloatHelper =>
    (cpu, a, b, c, d, e, f) => {
      const place = (cpu + CPU.fpscr) >> 2;
      const fpscr = words[place]!;
      if (isStandard) status.setStandardControl(fpscr);
      else status.setControl(fpscr);
      status.flags = 0;
      const result = operation(status, a, b, c, d, e, f);
      words[place] = fpscr | status.flags;
      if (isDouble) words[(cpu + CPU.result0) >> 2] = status.high;
      return result;
    };
  const helpers: Record<string, FloatHelper> = {};
  for (const name of Object.keys(FLOAT_HELPERS)) {
    const operation = vfp[name] ?? vfpDouble[name] ?? standard[name];
    if (operation === undefined) throw new RangeError(`helper ${name} has no implementation`);
    helpers[name] = wrap(operation, standard[name] !== undefined, vfpDouble[name] !== undefined);
  }
  return helpers;
}

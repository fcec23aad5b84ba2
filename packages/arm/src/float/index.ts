// SPDX-License-Identifier: Apache-2.0
// Bit-exact VFPv3/VFPv4 and Advanced SIMD arithmetic: the slow path that is always right. Results and cumulative flags
// follow the pseudocode of ARM DDI 0406C, A2.7; trapped exceptions and vector lanes are not here.

export { FloatStatus } from './status.js';
export { fpAdd32, fpDiv32, fpMax32, fpMin32, fpMul32, fpMulAdd32, fpSqrt32, fpSub32 } from './single.js';
export { fpAdd64, fpDiv64, fpMul64, fpMulAdd64, fpSqrt64, fpSub64 } from './double.js';
export { fpCompare32, fpCompare64, fpCompareEqual32, fpCompareGreater32, fpCompareGreaterEqual32 } from './compare.js';
export {
  fixedToFp32,
  fixedToFp64,
  fpDoubleToSingle,
  fpHalfToSingle,
  fpSingleToDouble,
  fpSingleToHalf,
  fpToFixed32,
  fpToFixed64,
} from './convert.js';
export {
  fpRSqrtEstimate,
  fpRSqrtStep,
  fpRecipEstimate,
  fpRecipStep,
  unsignedRSqrtEstimate,
  unsignedRecipEstimate,
} from './estimate.js';

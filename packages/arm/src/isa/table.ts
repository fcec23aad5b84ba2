// SPDX-License-Identifier: Apache-2.0
// The instruction table: all rows, in the manual's order. Everything that knows instructions reads it: decoder,
// disassembler, interpreter, translator, fuzzer and coverage page.

import { branch } from './a32/branch.js';
import { coprocessor } from './a32/coprocessor.js';
import { dataProcessing } from './a32/data-processing.js';
import { exclusive } from './a32/exclusive.js';
import { extraLoadStore } from './a32/extra-load-store.js';
import { hint } from './a32/hint.js';
import { loadStore } from './a32/load-store.js';
import { loadStoreMultiple } from './a32/load-store-multiple.js';
import { media } from './a32/media.js';
import { multiplication } from './multiply.js';
import { saturating } from './a32/saturating.js';
import { status } from './a32/status.js';
import { system } from './a32/system.js';
import type { Row } from './row.js';
import { simdFloat } from './simd/float.js';
import { simdMemoryRows } from './simd/memory.js';
import { simdMisc } from './simd/misc.js';
import { simdMove } from './simd/move.js';
import { simdShift } from './simd/shift.js';
import { simdThreeDifferent } from './simd/three-different.js';
import { simdThreeSame } from './simd/three-same.js';
import { branches32 } from './t32/branch.js';
import { coprocessor32 } from './t32/coprocessor.js';
import { dataProcessing32 } from './t32/data-processing.js';
import { loadStoreMultiple32 } from './t32/load-store-multiple.js';
import { loadStore32 } from './t32/load-store.js';
import { media32 } from './t32/media.js';
import { misc32 } from './t32/misc.js';
import { dataProcessing16 } from './t32/t16-data-processing.js';
import { loadStore16 } from './t32/t16-load-store.js';
import { vfpArithmetic } from './vfp/arithmetic.js';
import { vfpConvert } from './vfp/convert.js';
import { vfpMemory } from './vfp/memory.js';
import { vfpTransfer } from './vfp/transfer.js';

export const ROWS: readonly Row[] = [
  ...dataProcessing,
  ...multiplication,
  ...saturating,
  ...media,
  ...loadStore,
  ...extraLoadStore,
  ...loadStoreMultiple,
  ...branch,
  ...exclusive,
  ...status,
  ...hint,
  ...system,
  ...coprocessor,
  ...dataProcessing16,
  ...dataProcessing32,
  ...media32,
  ...loadStore16,
  ...loadStore32,
  ...loadStoreMultiple32,
  ...branches32,
  ...misc32,
  ...coprocessor32,
  ...vfpTransfer,
  ...vfpMemory,
  ...vfpArithmetic,
  ...vfpConvert,
  ...simdThreeSame,
  ...simdThreeDifferent,
  ...simdShift,
  ...simdFloat,
  ...simdMisc,
  ...simdMove,
  ...simdMemoryRows,
];

/** The table, for tools that walk it. */
export function allRows(): readonly Row[] {
  return ROWS;
}

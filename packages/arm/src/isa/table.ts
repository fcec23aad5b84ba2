// SPDX-License-Identifier: Apache-2.0
// The instruction table: all rows, in the manual's order. Everything that knows instructions reads it: decoder,
// disassembler, interpreter, translator, fuzzer and coverage page.

import { dataProcessing } from './a32/data-processing.js';
import { media } from './a32/media.js';
import { multiplication } from './a32/multiply.js';
import { saturating } from './a32/saturating.js';
import type { Row } from './row.js';
import { dataProcessing32 } from './t32/data-processing.js';
import { media32 } from './t32/media.js';
import { multiplication32 } from './t32/multiply.js';
import { dataProcessing16 } from './t32/t16-data-processing.js';

export const ROWS: readonly Row[] = [
  ...dataProcessing,
  ...multiplication,
  ...saturating,
  ...media,
  ...dataProcessing16,
  ...dataProcessing32,
  ...multiplication32,
  ...media32,
];

/** The table, for tools that walk it. */
export function allRows(): readonly Row[] {
  return ROWS;
}

// SPDX-License-Identifier: Apache-2.0
// The instruction table: all rows, in the manual's order. Everything that knows instructions reads it: decoder,
// disassembler, interpreter, translator, fuzzer and coverage page.

import { dataProcessing } from './a32/data-processing.js';
import { media } from './a32/media.js';
import { multiplication } from './a32/multiply.js';
import { saturating } from './a32/saturating.js';
import type { Row } from './row.js';

export const ROWS: readonly Row[] = [...dataProcessing, ...multiplication, ...saturating, ...media];

/** The table, for tools that walk it. */
export function allRows(): readonly Row[] {
  return ROWS;
}

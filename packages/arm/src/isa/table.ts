// SPDX-License-Identifier: Apache-2.0
// The instruction table: all rows, in the manual's order. Everything that knows instructions reads it: decoder,
// disassembler, interpreter, translator, fuzzer and coverage page.

import { dataProcessing } from './a32/data-processing.js';
import type { Row } from './row.js';

export const ROWS: readonly Row[] = [...dataProcessing];

/** The table, for tools that walk it. */
export function allRows(): readonly Row[] {
  return ROWS;
}

// SPDX-License-Identifier: Apache-2.0
// T32 coprocessor instructions (A6.3.18): the A32 encodings, with 1110 in the place of the condition.

import { coprocessor } from '../a32/coprocessor.js';
import { parsePattern, type Row } from '../row.js';

export const coprocessor32: readonly Row[] = coprocessor.map((row) => {
  const pattern = row.pattern.replace(/^cond:4/, '1110');
  return { ...row, isa: 'T32', pattern, conditional: false, ...parsePattern(pattern, 32) };
});

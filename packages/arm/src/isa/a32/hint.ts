// SPDX-License-Identifier: Apache-2.0
// A32 hints and barriers (A5.2.11, A5.7.1). Memory is always in order here and an instruction is fetched when it is
// reached, so barriers do nothing; the waiting hints are the machine's affair.

import { a32, type Row } from '../row.js';
import { BARRIERS, barrierOption } from '../status-syntax.js';

const nothing = (): undefined => undefined;

const HINT = 'cond:4 001100100000 (1)(1)(1)(1)(0)(0)(0)(0)';

const WAITING = [
  { name: 'WFE', number: '00000010', helper: 'waitForEvent' },
  { name: 'WFI', number: '00000011', helper: 'waitForInterrupt' },
  { name: 'SEV', number: '00000100', helper: 'sendEvent' },
] as const;

export const hint: readonly Row[] = [
  a32('NOP', `${HINT} 00000000`, { syntax: () => 'nop{c} {0}' }, nothing),
  a32('YIELD', `${HINT} 00000001`, { syntax: 'yield{c}' }, nothing),
  ...WAITING.map(({ name, number, helper }) =>
    a32(name, `${HINT} ${number}`, { kind: 'system', syntax: `${name.toLowerCase()}{c}` }, (b) => {
      b.callChecked(helper);
    }),
  ),
  a32('DBG', `${HINT} 1111 option:4`, { syntax: (f) => `dbg{c} #${f.option}` }, nothing),
  a32('NOP (unallocated hint)', `${HINT} number:8`, { syntax: (f) => `nop{c} {${f.number}}` }, nothing),
  ...BARRIERS.map(({ name, op }) =>
    a32(
      name,
      `1111 01010111 (1)(1)(1)(1)(1)(1)(1)(1)(0)(0)(0)(0) ${op} option:4`,
      { syntax: (f) => `${name.toLowerCase()} ${barrierOption(name, f.option)}` },
      nothing,
    ),
  ),
];

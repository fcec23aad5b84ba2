// SPDX-License-Identifier: Apache-2.0
// 16-bit T32 loads and stores (A6.2.4), of register lists too (A6.2.5 and the STM and LDM of A6.2). Offsets are positive,
// and but for the lists nothing is written back.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { ACCESS } from '../../state/layout.js';
import { registerList } from '../operands.js';
import { t16, type Row } from '../row.js';
import { literal, transfer, type Transfer } from '../semantics/load-store.js';
import { loadMultiple, storeMultiple } from '../semantics/multiple.js';

const at = (address: Node): { address: Node; writeback: undefined } => ({ address, writeback: undefined });

/** In the order of the register forms' opcode. */
const registerForms = [
  { name: 'STR', op: '000', load: false, size: 4, flags: 0 },
  { name: 'STRH', op: '001', load: false, size: 2, flags: 0 },
  { name: 'STRB', op: '010', load: false, size: 1, flags: 0 },
  { name: 'LDRSB', op: '011', load: true, size: 1, flags: ACCESS.signed },
  { name: 'LDR', op: '100', load: true, size: 4, flags: 0 },
  { name: 'LDRH', op: '101', load: true, size: 2, flags: 0 },
  { name: 'LDRB', op: '110', load: true, size: 1, flags: 0 },
  { name: 'LDRSH', op: '111', load: true, size: 2, flags: ACCESS.signed },
] as const satisfies readonly (Transfer & { name: string; op: string })[];

const immediateForms = [
  { name: 'STR', op: '01100', load: false, size: 4, scale: 2 },
  { name: 'LDR', op: '01101', load: true, size: 4, scale: 2 },
  { name: 'STRB', op: '01110', load: false, size: 1, scale: 0 },
  { name: 'LDRB', op: '01111', load: true, size: 1, scale: 0 },
  { name: 'STRH', op: '10000', load: false, size: 2, scale: 1 },
  { name: 'LDRH', op: '10001', load: true, size: 2, scale: 1 },
] as const;

const offset = (value: number): string => `, #${value}`;

const single: readonly Row[] = [
  ...registerForms.map((form) =>
    t16(
      `${form.name} (register)`,
      `0101${form.op} Rm:3 Rn:3 Rt:3`,
      { syntax: `${form.name.toLowerCase()}{c} {Rt}, [{Rn}, {Rm}]` },
      (b, f) => transfer(b, form, f.Rt, at(b.add(b.reg(f.Rn), b.reg(f.Rm)))),
    ),
  ),
  ...immediateForms.map(({ name, op, load, size, scale }) =>
    t16(
      `${name} (immediate)${size === 4 ? ' T1' : ''}`,
      `${op} imm5:5 Rn:3 Rt:3`,
      { syntax: (f) => `${name.toLowerCase()}{c} {Rt}, [{Rn}${offset(f.imm5 << scale)}]` },
      (b, f) => transfer(b, { load, size, flags: 0 }, f.Rt, at(b.add(b.reg(f.Rn), b.shl(f.imm5, scale)))),
    ),
  ),
  ...(
    [
      ['STR', '0'],
      ['LDR', '1'],
    ] as const
  ).map(([name, l]) =>
    t16(
      `${name} (immediate) T2`,
      `1001${l} Rt:3 imm8:8`,
      { syntax: (f) => `${name.toLowerCase()}{c} {Rt}, [sp${offset(f.imm8 * 4)}]` },
      (b, f) => transfer(b, { load: name === 'LDR', size: 4, flags: 0 }, f.Rt, at(b.add(b.reg(13), b.shl(f.imm8, 2)))),
    ),
  ),
  t16('LDR (literal)', '01001 Rt:3 imm8:8', { syntax: (f) => `ldr{c} {Rt}, [pc${offset(f.imm8 * 4)}]` }, (b, f) =>
    transfer(b, { load: true, size: 4, flags: 0 }, f.Rt, literal(b, b.shl(f.imm8, 2), b.const(1))),
  ),
];

const up = { before: false, up: true } as const;

/** list8 with bit 14 or, for a known one, what it may mean for the PC. */
const withLr = (b: Builder, m: Node, list: Node): Node => b.or(b.shl(m, 14), list);

const lists: readonly Row[] = [
  t16(
    'PUSH',
    '1011010 M:1 list:8',
    {
      specialize: ['M'],
      unpredictable: (f) => f.M + f.list === 0,
      syntax: (f) => `push{c} ${registerList((f.M << 14) | f.list)}`,
    },
    (b, f) => storeMultiple(b, { rn: 13, list: withLr(b, f.M, f.list), before: true, up: false, writeback: true }),
  ),
  t16(
    'POP',
    '1011110 P:1 list:8',
    {
      specialize: ['P'],
      unpredictable: (f) => f.P + f.list === 0,
      syntax: (f) => `pop{c} ${registerList((f.P << 15) | f.list)}`,
    },
    (b, f) =>
      loadMultiple(b, { rn: 13, list: f.list, pc: b.known(f.P) === 1, writeback: true, baseListed: false, ...up }),
  ),
  t16(
    'STM',
    '11000 Rn:3 list:8',
    { unpredictable: (f) => f.list === 0, syntax: (f) => `stmia{c} {Rn}!, ${registerList(f.list)}` },
    (b, f) => storeMultiple(b, { rn: f.Rn, list: f.list, writeback: true, ...up }),
  ),
  t16(
    'LDM',
    '11001 Rn:3 list:8',
    {
      unpredictable: (f) => f.list === 0,
      syntax: (f) => `ldmia{c} {Rn}${(f.list >> f.Rn) & 1 ? '' : '!'}, ${registerList(f.list)}`,
    },
    // A base in the list is loaded and not written back.
    (b, f) => loadMultiple(b, { rn: f.Rn, list: f.list, pc: false, writeback: true, baseListed: true, ...up }),
  ),
];

export const loadStore16: readonly Row[] = [...single, ...lists];

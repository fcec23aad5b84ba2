// SPDX-License-Identifier: Apache-2.0
// A32 loads and stores of halfwords, signed bytes and pairs of words (A5.2.8), with the unprivileged forms (A5.2.9).

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { ACCESS } from '../../state/layout.js';
import { registerName } from '../operands.js';
import { a32, type Row } from '../row.js';
import { indexed, literal, transfer, transferTwo, type Place, type Transfer } from '../semantics/load-store.js';
import { indexedText, literalText } from './addressing.js';

interface Form extends Transfer {
  readonly name: string;
  /** Bits 6:5. */
  readonly op: '01' | '10' | '11';
  readonly L: '0' | '1';
  /** Two registers, of which objdump names the first only. */
  readonly pair: boolean;
}

const FORMS: readonly Form[] = [
  { name: 'STRH', op: '01', L: '0', load: false, size: 2, flags: 0, pair: false },
  { name: 'LDRH', op: '01', L: '1', load: true, size: 2, flags: 0, pair: false },
  { name: 'LDRSB', op: '10', L: '1', load: true, size: 1, flags: ACCESS.signed, pair: false },
  { name: 'LDRSH', op: '11', L: '1', load: true, size: 2, flags: ACCESS.signed, pair: false },
  { name: 'LDRD', op: '10', L: '0', load: true, size: 4, flags: 0, pair: true },
  { name: 'STRD', op: '11', L: '0', load: false, size: 4, flags: 0, pair: true },
];

interface Bases {
  readonly P: number;
  readonly W: number;
  readonly Rn: number;
  readonly Rt: number;
}

/** As for words: a load into its own base is refused, a store of it stores the old value. */
function unpredictable(form: Form, f: Bases): boolean {
  const writeback = f.P === 0 || f.W === 1;
  if (form.pair && ((f.Rt & 1) === 1 || f.Rt === 14)) return true;
  const base = f.Rn === f.Rt || (form.pair && f.Rn === f.Rt + 1);
  return f.Rt === 15 || (writeback && (f.Rn === 15 || (form.load && base)));
}

/** A pair may not be loaded over its index register either. */
function badIndex(form: Form, f: Bases & { Rm: number }): boolean {
  return f.Rm === 15 || (form.pair && form.load && (f.Rm === f.Rt || f.Rm === f.Rt + 1));
}

function access(b: Builder, form: Form, rt: Node, place: Place): void {
  if (form.pair) transferTwo(b, form.load, rt, b.add(rt, 1), place);
  else transfer(b, form, rt, place);
}

const imm8 = (b: Builder, f: { H: Node; L: Node }): Node => b.or(b.shl(f.H, 4), f.L);
const imm8Text = (f: { U: number; H: number; L: number }): string => `#${f.U === 1 ? '' : '-'}${(f.H << 4) | f.L}`;

function rows(form: Form): Row[] {
  const { name, op, L } = form;
  const mnemonic = name.toLowerCase();
  return [
    a32(
      `${name} (immediate)`,
      `cond:4 000 P:1 U:1 1 W:1 ${L} Rn:4 Rt:4 H:4 1 ${op} 1 L:4`,
      {
        specialize: ['P', 'U', 'W'],
        where: (f) => f.P === 1 || f.W === 0,
        unpredictable: (f) => unpredictable(form, f),
        syntax: (f) => indexedText(mnemonic, f, imm8Text(f)),
      },
      (b, f) => access(b, form, f.Rt, indexed(b, f.Rn, imm8(b, f), f)),
    ),
    a32(
      `${name} (register)`,
      `cond:4 000 P:1 U:1 0 W:1 ${L} Rn:4 Rt:4 (0)(0)(0)(0) 1 ${op} 1 Rm:4`,
      {
        specialize: ['P', 'U', 'W'],
        where: (f) => f.P === 1 || f.W === 0,
        unpredictable: (f) => badIndex(form, f) || unpredictable(form, f),
        syntax: (f) => indexedText(mnemonic, f, `${f.U === 1 ? '' : '-'}${registerName(f.Rm)}`),
      },
      (b, f) => access(b, form, f.Rt, indexed(b, f.Rn, b.reg(f.Rm), f)),
    ),
    ...(form.load
      ? [
          a32(
            `${name} (literal)`,
            `cond:4 0001 U:1 10 ${L} 1111 Rt:4 H:4 1 ${op} 1 L:4`,
            {
              unpredictable: (f) => unpredictable(form, { ...f, P: 1, W: 0, Rn: 15 }),
              syntax: (f) => literalText(mnemonic, f, (f.H << 4) | f.L),
            },
            (b, f) => access(b, form, f.Rt, literal(b, imm8(b, f), f.U)),
          ),
        ]
      : []),
    ...(form.pair ? [] : unprivilegedRows(form)),
  ];
}

function unprivilegedRows(form: Form): Row[] {
  const { name, op, L } = form;
  const mnemonic = `${name.toLowerCase()}t`;
  const user = { ...form, flags: form.flags | ACCESS.unprivileged };
  return [
    a32(
      `${name}T (immediate)`,
      `cond:4 0000 U:1 11 ${L} Rn:4 Rt:4 H:4 1 ${op} 1 L:4`,
      {
        specialize: ['U'],
        unpredictable: (f) => unpredictable(form, { ...f, P: 0, W: 0 }),
        syntax: (f) => indexedText(mnemonic, { ...f, P: 0, W: 0 }, imm8Text(f)),
      },
      (b, f) => transfer(b, user, f.Rt, indexed(b, f.Rn, imm8(b, f), { P: 0, U: f.U, W: 0 })),
    ),
    a32(
      `${name}T (register)`,
      `cond:4 0000 U:1 01 ${L} Rn:4 Rt:4 (0)(0)(0)(0) 1 ${op} 1 Rm:4`,
      {
        specialize: ['U'],
        unpredictable: (f) => f.Rm === 15 || unpredictable(form, { ...f, P: 0, W: 0 }),
        syntax: (f) => indexedText(mnemonic, { ...f, P: 0, W: 0 }, `${f.U === 1 ? '' : '-'}${registerName(f.Rm)}`),
      },
      (b, f) => transfer(b, user, f.Rt, indexed(b, f.Rn, b.reg(f.Rm), { P: 0, U: f.U, W: 0 })),
    ),
  ];
}

export const extraLoadStore: readonly Row[] = FORMS.flatMap(rows);

// SPDX-License-Identifier: Apache-2.0
// A32 loads and stores of words and bytes (A5.3) and the memory hints beside them (A5.7.1). The addressing modes are
// the fields P, U and W; P = 0 with W = 1 is the unprivileged form.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { ACCESS } from '../../state/layout.js';
import { registerName, shiftText } from '../operands.js';
import { a32, type Row } from '../row.js';
import { indexed, literal, shiftedIndex, transfer, type Transfer } from '../semantics/load-store.js';
import { indexedText, literalText } from './addressing.js';

interface Form extends Transfer {
  readonly name: string;
  readonly B: '0' | '1';
  readonly L: '0' | '1';
}

const FORMS: readonly Form[] = [
  { name: 'STR', B: '0', L: '0', load: false, size: 4, flags: 0 },
  { name: 'LDR', B: '0', L: '1', load: true, size: 4, flags: 0 },
  { name: 'STRB', B: '1', L: '0', load: false, size: 1, flags: 0 },
  { name: 'LDRB', B: '1', L: '1', load: true, size: 1, flags: 0 },
];

/** A load into its own base would leave open which value wins; stores keep the old one, as processors do. */
function unpredictable(form: Form, f: { P: number; W: number; Rn: number; Rt: number }): boolean {
  const writeback = f.P === 0 || f.W === 1;
  return (form.size !== 4 && f.Rt === 15) || (writeback && (f.Rn === 15 || (form.load && f.Rn === f.Rt)));
}

/** The unprivileged form differs in the check alone, and has no word load to the PC. */
function unprivileged(form: Form, f: { Rn: number; Rt: number }): boolean {
  return f.Rn === 15 || (f.Rt === 15 && (form.load || form.size !== 4)) || (form.load && f.Rn === f.Rt);
}

const indexText = (f: { Rm: number; type: number; imm5: number }): string =>
  registerName(f.Rm) + shiftText(f.type, f.imm5);

const postIndexed = (b: Builder, rn: Node, offset: Node, u: Node): ReturnType<typeof indexed> =>
  indexed(b, rn, offset, { P: 0, U: u, W: 0 });

function rows(form: Form): Row[] {
  const { name, B, L } = form;
  const mnemonic = name.toLowerCase();
  const user = { ...form, flags: form.flags | ACCESS.unprivileged };
  const toPc = form.load && form.size === 4 ? (['Rt=15'] as const) : [];
  return [
    a32(
      `${name} (immediate)`,
      `cond:4 010 P:1 U:1 ${B} W:1 ${L} Rn:4 Rt:4 imm12:12`,
      {
        specialize: ['P', 'U', 'W', ...toPc],
        where: (f) => f.P === 1 || f.W === 0,
        unpredictable: (f) => unpredictable(form, f),
        syntax: (f) => indexedText(mnemonic, f, `#${f.U === 1 ? '' : '-'}${f.imm12}`),
      },
      (b, f) => transfer(b, form, f.Rt, indexed(b, f.Rn, f.imm12, f)),
    ),
    a32(
      `${name} (register)`,
      `cond:4 011 P:1 U:1 ${B} W:1 ${L} Rn:4 Rt:4 imm5:5 type:2 0 Rm:4`,
      {
        specialize: ['P', 'U', 'W', 'type', ...toPc],
        where: (f) => f.P === 1 || f.W === 0,
        unpredictable: (f) => f.Rm === 15 || unpredictable(form, f),
        syntax: (f) => indexedText(mnemonic, f, `${f.U === 1 ? '' : '-'}${indexText(f)}`),
      },
      (b, f) => {
        const offset = shiftedIndex(b, b.reg(f.Rm), f.type, f.imm5);
        transfer(b, form, f.Rt, indexed(b, f.Rn, offset, f));
      },
    ),
    a32(
      `${name}T (immediate)`,
      `cond:4 0100 U:1 ${B} 1 ${L} Rn:4 Rt:4 imm12:12`,
      {
        specialize: ['U'],
        unpredictable: (f) => unprivileged(form, f),
        syntax: (f) => indexedText(`${mnemonic}t`, { ...f, P: 0, W: 0 }, `#${f.U === 1 ? '' : '-'}${f.imm12}`),
      },
      (b, f) => transfer(b, user, f.Rt, postIndexed(b, f.Rn, f.imm12, f.U)),
    ),
    a32(
      `${name}T (register)`,
      `cond:4 0110 U:1 ${B} 1 ${L} Rn:4 Rt:4 imm5:5 type:2 0 Rm:4`,
      {
        specialize: ['U', 'type'],
        unpredictable: (f) => f.Rm === 15 || unprivileged(form, f),
        syntax: (f) => indexedText(`${mnemonic}t`, { ...f, P: 0, W: 0 }, `${f.U === 1 ? '' : '-'}${indexText(f)}`),
      },
      (b, f) => {
        const offset = shiftedIndex(b, b.reg(f.Rm), f.type, f.imm5);
        transfer(b, user, f.Rt, postIndexed(b, f.Rn, offset, f.U));
      },
    ),
    ...(form.load
      ? [
          a32(
            `${name} (literal)`,
            `cond:4 0101 U:1 ${B} 01 1111 Rt:4 imm12:12`,
            {
              specialize: toPc,
              unpredictable: (f) => form.size !== 4 && f.Rt === 15,
              syntax: (f) => literalText(mnemonic, f, f.imm12),
            },
            (b, f) => transfer(b, form, f.Rt, literal(b, f.imm12, f.U)),
          ),
        ]
      : []),
  ];
}

/** One register on or off the stack: PUSH (A2) and POP (A2), which are STR and LDR with a fixed base and offset. */
const stack: readonly Row[] = [
  a32(
    'PUSH (one register)',
    'cond:4 010100101101 Rt:4 000000000100',
    { syntax: (f) => `push{c} {${registerName(f.Rt)}}` },
    (b, f) => {
      const place = indexed(b, b.const(13), 4, { P: 1, U: 0, W: 1 });
      transfer(b, { load: false, size: 4, flags: 0 }, f.Rt, place);
    },
  ),
  a32(
    'POP (one register)',
    'cond:4 010010011101 Rt:4 000000000100',
    {
      specialize: ['Rt=15'],
      unpredictable: (f) => f.Rt === 13,
      syntax: (f) => `pop{c} {${registerName(f.Rt)}}`,
    },
    (b, f) => {
      const place = indexed(b, b.const(13), 4, { P: 0, U: 1, W: 0 });
      transfer(b, { load: true, size: 4, flags: 0 }, f.Rt, place);
    },
  ),
];

/** Preloads: hints that never fault, and so do nothing. */
const HINTS = [
  { name: 'PLD', immediate: '0101', register: '0111', R: '1' },
  { name: 'PLDW', immediate: '0101', register: '0111', R: '0' },
  { name: 'PLI', immediate: '0100', register: '0110', R: '1' },
] as const;

const hints: readonly Row[] = [
  ...HINTS.flatMap(({ name, immediate, register, R }) => [
    a32(
      `${name} (immediate, literal)`,
      `1111 ${immediate} U:1 ${R} 01 Rn:4 (1)(1)(1)(1) imm12:12`,
      {
        syntax: (f) => indexedText(name.toLowerCase(), { ...f, P: 1, W: 0 }, `#${f.U === 1 ? '' : '-'}${f.imm12}`),
      },
      () => undefined,
    ),
    a32(
      `${name} (register)`,
      `1111 ${register} U:1 ${R} 01 Rn:4 (1)(1)(1)(1) imm5:5 type:2 0 Rm:4`,
      {
        unpredictable: (f) => f.Rm === 15,
        syntax: (f) => indexedText(name.toLowerCase(), { ...f, P: 1, W: 0 }, `${f.U === 1 ? '' : '-'}${indexText(f)}`),
      },
      () => undefined,
    ),
  ]),
  a32('memory hint (unallocated, immediate)', '1111 0100 x:1 001 any:20', { syntax: 'nop' }, () => undefined),
  a32('memory hint (unallocated, register)', '1111 0110 x:1 001 any:15 0 low:4', { syntax: 'nop' }, () => undefined),
];

export const loadStore: readonly Row[] = [...FORMS.flatMap(rows), ...stack, ...hints];

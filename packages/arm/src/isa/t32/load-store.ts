// SPDX-License-Identifier: Apache-2.0
// 32-bit T32 loads and stores of one register (A6.3.7 to A6.3.10) or two (A6.3.6), and the memory hints, which do
// nothing here. The single-register forms of PUSH and POP are those with SP as base.

import { ACCESS } from '../../state/layout.js';
import type { Node } from '../../ir/node.js';
import { any15, registerName } from '../operands.js';
import { t32, type Row } from '../row.js';
import { indexed, literal, transfer, transferTwo, type Place } from '../semantics/load-store.js';

const at = (address: Node): Place => ({ address, writeback: undefined });

interface Form {
  readonly name: string;
  /** Bits 24 and 22:20: sign extension, size, load. */
  readonly s: '0' | '1';
  readonly op: '000' | '001' | '010' | '011' | '100' | '101';
  readonly size: 1 | 2 | 4;
  readonly load: boolean;
  /** Encodings of the wide and of the indexed immediate form. */
  readonly wide: string;
  readonly indexed: string;
}

const FORMS: readonly Form[] = [
  { name: 'STRB', s: '0', op: '000', size: 1, load: false, wide: ' T2', indexed: ' T3' },
  { name: 'LDRB', s: '0', op: '001', size: 1, load: true, wide: ' T2', indexed: ' T3' },
  { name: 'STRH', s: '0', op: '010', size: 2, load: false, wide: ' T2', indexed: ' T3' },
  { name: 'LDRH', s: '0', op: '011', size: 2, load: true, wide: ' T2', indexed: ' T3' },
  { name: 'STR', s: '0', op: '100', size: 4, load: false, wide: ' T3', indexed: ' T4' },
  { name: 'LDR', s: '0', op: '101', size: 4, load: true, wide: ' T3', indexed: ' T4' },
  { name: 'LDRSB', s: '1', op: '001', size: 1, load: true, wide: ' T1', indexed: ' T2' },
  { name: 'LDRSH', s: '1', op: '011', size: 2, load: true, wide: ' T1', indexed: ' T2' },
];

interface Index {
  readonly P: number;
  readonly U: number;
  readonly W: number;
}

const signed = (u: number, offset: number): string => (u === 0 ? '-' : '') + String(offset);

/** `[r0, #-4]!` and the like; a zero offset is left out where nothing is written. */
function indexedText(rn: number, f: Index, offset: number): string {
  const base = registerName(rn);
  if (f.P === 0) return `[${base}], #${signed(f.U, offset)}`;
  if (f.W === 0 && f.U === 1 && offset === 0) return `[${base}]`;
  return `[${base}, #${signed(f.U, offset)}]${f.W === 1 ? '!' : ''}`;
}

/** A word may go to the PC; a byte or a halfword with Rt = 15 is a memory hint, a store of the PC does not exist. */
function rows(form: Form): Row[] {
  const { name, s, op, size, load } = form;
  const what = { load, size, flags: s === '1' ? ACCESS.signed : 0 };
  const word = size === 4 && load;
  const mnemonic = name.toLowerCase();
  const wideMnemonic = `${mnemonic}{c}.w`;
  const specializeWord = word ? (['Rt=15'] as const) : [];
  /** A load with Rn = 15 is PC-relative, a row of its own; a store with it does not exist. */
  const where = (f: { Rn: number }): boolean => !load || f.Rn !== 15;
  const unpredictable = (f: { Rn: number; Rt: number }): boolean => (!load && f.Rn === 15) || (!word && f.Rt === 15);
  return [
    t32(
      `${name} (immediate)${form.wide}`,
      `1111100${s}1${op} Rn:4 Rt:4 imm12:12`,
      {
        specialize: specializeWord,
        where,
        unpredictable,
        syntax: (f) => `${wideMnemonic} {Rt}, [{Rn}${f.imm12 === 0 ? '' : `, #${f.imm12}`}]`,
      },
      (b, f) => transfer(b, what, f.Rt, at(b.add(b.reg(f.Rn), f.imm12))),
    ),
    t32(
      `${name} (immediate)${form.indexed}`,
      `1111100${s}0${op} Rn:4 Rt:4 1 P:1 U:1 W:1 imm8:8`,
      {
        specialize: word ? ['P', 'U', 'W', 'Rt=15'] : ['P', 'U', 'W'],
        where: (f) => where(f) && (f.P === 1 || f.W === 1) && !(f.P === 1 && f.U === 1 && f.W === 0),
        unpredictable: (f) => unpredictable(f) || ((f.W === 1 || f.P === 0) && f.Rn === f.Rt),
        syntax: (f) => `${wideMnemonic} {Rt}, ${indexedText(f.Rn, f, f.imm8)}`,
      },
      (b, f) => transfer(b, what, f.Rt, indexed(b, f.Rn, f.imm8, f)),
    ),
    t32(
      `${name}T`,
      `1111100${s}0${op} Rn:4 Rt:4 1110 imm8:8`,
      {
        where,
        unpredictable: (f) => f.Rn === 15 || f.Rt === 15,
        syntax: (f) => `${mnemonic}t{c} {Rt}, [{Rn}${f.imm8 === 0 ? '' : `, #${f.imm8}`}]`,
      },
      (b, f) => {
        const place = at(b.add(b.reg(f.Rn), f.imm8));
        if (load) b.setReg(f.Rt, b.load(size, place.address, what.flags | ACCESS.unprivileged));
        else transfer(b, { ...what, flags: ACCESS.unprivileged }, f.Rt, place);
      },
    ),
    t32(
      `${name} (register)`,
      `1111100${s}0${op} Rn:4 Rt:4 000000 imm2:2 Rm:4`,
      {
        specialize: specializeWord,
        where,
        unpredictable: (f) => unpredictable(f) || f.Rm === 15,
        syntax: (f) => `${wideMnemonic} {Rt}, [{Rn}, {Rm}${f.imm2 === 0 ? '' : `, lsl #${f.imm2}`}]`,
      },
      (b, f) => transfer(b, what, f.Rt, at(b.add(b.reg(f.Rn), b.shl(b.reg(f.Rm), f.imm2)))),
    ),
    ...(load
      ? [
          t32(
            `${name} (literal)`,
            `1111100${s} U:1 ${op} 1111 Rt:4 imm12:12`,
            {
              specialize: specializeWord,
              unpredictable: (f) => !word && f.Rt === 15,
              syntax: (f) => `${wideMnemonic} {Rt}, [pc, #${signed(f.U, f.imm12)}]`,
            },
            (b, f) => transfer(b, what, f.Rt, literal(b, f.imm12, f.U)),
          ),
        ]
      : []),
  ];
}

const pairs: readonly Row[] = (
  [
    ['STRD', '0'],
    ['LDRD', '1'],
  ] as const
).map(([name, l]) =>
  t32(
    `${name} (immediate)`,
    `1110100 P:1 U:1 1 W:1 ${l} Rn:4 Rt:4 Rt2:4 imm8:8`,
    {
      specialize: ['P', 'U', 'W'],
      where: (f) => f.P === 1 || f.W === 1,
      unpredictable: (f) =>
        f.Rn === 15 ||
        f.Rt === 15 ||
        f.Rt2 === 15 ||
        (l === '1' && f.Rt === f.Rt2) ||
        ((f.W === 1 || f.P === 0) && (f.Rn === f.Rt || f.Rn === f.Rt2)),
      syntax: (f) => `${name.toLowerCase()}{c} {Rt}, {Rt2}, ${indexedText(f.Rn, f, f.imm8 * 4)}`,
    },
    (b, f) => transferTwo(b, l === '1', f.Rt, f.Rt2, indexed(b, f.Rn, b.shl(f.imm8, 2), f)),
  ),
);

const literalPair: Row = t32(
  'LDRD (literal)',
  '11101001 U:1 1 (0) 1 1111 Rt:4 Rt2:4 imm8:8',
  {
    unpredictable: (f) => f.Rt === 15 || f.Rt2 === 15 || f.Rt === f.Rt2,
    syntax: (f) => `ldrd{c} {Rt}, {Rt2}, [pc, #${signed(f.U, f.imm8 * 4)}]`,
  },
  (b, f) => transferTwo(b, true, f.Rt, f.Rt2, literal(b, b.shl(f.imm8, 2), f.U)),
);

/** PLD, PLDW, PLI, and the hints that are not allocated, which are executed as NOP. */
const hints: readonly Row[] = (
  [
    ['PLD', '0', '00'],
    ['PLDW', '0', '01'],
    ['PLI', '1', '00'],
    ['memory hint', '1', '01'],
  ] as const
).flatMap(([name, s, size]) => {
  const mnemonic = `${name === 'memory hint' ? 'nop' : name.toLowerCase()}{c}`;
  return [
    t32(
      `${name} (immediate) T1`,
      `1111100${s}1${size}1 Rn:4 1111 imm12:12`,
      { syntax: (f) => `${mnemonic} [{Rn}${f.imm12 === 0 ? '' : `, #${f.imm12}`}]` },
      () => {},
    ),
    t32(
      `${name} (immediate) T2`,
      `1111100${s}0${size}1 Rn:4 1111 1100 imm8:8`,
      { where: (f) => f.Rn !== 15, syntax: (f) => `${mnemonic} [{Rn}, #-${f.imm8}]` },
      () => {},
    ),
    t32(
      `${name} (literal)`,
      `1111100${s} U:1 ${size}1 1111 1111 imm12:12`,
      { syntax: (f) => `${mnemonic} [pc, #${signed(f.U, f.imm12)}]` },
      () => {},
    ),
    t32(
      `${name} (register)`,
      `1111100${s}0${size}1 Rn:4 1111 000000 imm2:2 Rm:4`,
      {
        where: (f) => f.Rn !== 15,
        unpredictable: any15('Rm'),
        syntax: (f) => `${mnemonic} [{Rn}, {Rm}${f.imm2 === 0 ? '' : `, lsl #${f.imm2}`}]`,
      },
      () => {},
    ),
  ];
});

export const loadStore32: readonly Row[] = [...FORMS.flatMap(rows), ...pairs, literalPair, ...hints];

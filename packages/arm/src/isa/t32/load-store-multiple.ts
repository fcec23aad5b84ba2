// SPDX-License-Identifier: Apache-2.0
// 32-bit T32 loads and stores of register lists (A6.3.5), exclusive accesses and table branches (A6.3.6), SRS and RFE.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { isMode } from '../../state/cpu-state.js';
import { any15, registerList } from '../operands.js';
import { t32, type Row } from '../row.js';
import { loadExclusive, storeExclusive } from '../semantics/exclusive.js';
import { loadMultiple, storeMultiple } from '../semantics/multiple.js';
import { returnFromException, storeReturnState } from '../semantics/status.js';

interface ListFields<T> {
  readonly M: T;
  readonly list: T;
}

const mask = (b: Builder, f: ListFields<Node>): Node => b.or(b.shl(f.M, 14), f.list);
const maskNumber = (f: ListFields<number> & { P?: number }): number => ((f.P ?? 0) << 15) | (f.M << 14) | f.list;

/** A list of one register has to be a single load or store. */
const few = (list: number): boolean => (list & (list - 1)) === 0;
const inList = (f: { Rn: number; W: number }, list: number): boolean => f.W === 1 && ((list >> f.Rn) & 1) === 1;

const lists: readonly Row[] = (
  [
    { name: '', before: false, up: true, op: '01' },
    { name: 'DB', before: true, up: false, op: '10' },
  ] as const
).flatMap(({ name, before, up, op }) => {
  const suffix = name === '' ? 'ia{c}.w' : 'db{c}';
  return [
    t32(
      `STM${name}`,
      `1110100${op}0 W:1 0 Rn:4 (0) M:1 (0) list:13`,
      {
        specialize: ['W'],
        unpredictable: (f) => f.Rn === 15 || few(maskNumber(f)) || inList(f, maskNumber(f)),
        syntax: (f) => `stm${suffix} {Rn}${f.W ? '!' : ''}, ${registerList(maskNumber(f))}`,
      },
      (b, f) => storeMultiple(b, { rn: f.Rn, list: mask(b, f), writeback: b.known(f.W) === 1, before, up }),
    ),
    t32(
      `LDM${name}`,
      `1110100${op}0 W:1 1 Rn:4 P:1 M:1 (0) list:13`,
      {
        specialize: ['W', 'P'],
        unpredictable: (f) => f.Rn === 15 || few(maskNumber(f)) || (f.P === 1 && f.M === 1) || inList(f, maskNumber(f)),
        syntax: (f) => `ldm${suffix} {Rn}${f.W ? '!' : ''}, ${registerList(maskNumber(f))}`,
      },
      (b, f) => {
        const writeback = b.known(f.W) === 1;
        const pc = b.known(f.P) === 1;
        loadMultiple(b, { rn: f.Rn, list: mask(b, f), pc, writeback, baseListed: !writeback, before, up });
      },
    ),
    t32(
      `SRS${name}`,
      `1110100${name === '' ? '11' : '00'}0 W:1 0 (1)(1)(0)(1) (1)(1)(0)(0)(0)(0)(0)(0)(0)(0)(0) mode:5`,
      {
        kind: 'system',
        specialize: ['W'],
        unpredictable: (f) => !isMode(f.mode),
        syntax: (f) => `srs${name === '' ? 'ia' : 'db'}{c} sp${f.W ? '!' : ''}, #${f.mode}`,
      },
      (b, f) => storeReturnState(b, f.mode, { before, up }, b.known(f.W) === 1),
    ),
    t32(
      `RFE${name}`,
      `1110100${name === '' ? '11' : '00'}0 W:1 1 Rn:4 (1)(1)(0)(0)(0)(0)(0)(0)(0)(0)(0)(0)(0)(0)(0)(0)`,
      {
        kind: 'system',
        it: 'last',
        specialize: ['W'],
        unpredictable: any15('Rn'),
        syntax: (f) => `rfe${name === '' ? 'ia' : 'db'}{c} {Rn}${f.W ? '!' : ''}`,
      },
      (b, f) => returnFromException(b, f.Rn, { before, up }, b.known(f.W) === 1),
    ),
  ];
});

const offset8 = (f: { imm8: number }): string => (f.imm8 === 0 ? '' : `, #${f.imm8 * 4}`);

interface Exclusive {
  readonly Rn: number;
  readonly Rt: number;
  readonly Rt2?: number;
  readonly Rd?: number;
}

/** Neither SP nor PC may be transferred, nor take the status; the status may not overwrite an operand. */
function unfitForExclusive({ Rn, Rt, Rt2, Rd }: Exclusive): boolean {
  const barred = (register: number | undefined): boolean => register === 13 || register === 15;
  const isOperand = Rd !== undefined && (Rd === Rn || Rd === Rt || Rd === Rt2);
  return Rn === 15 || barred(Rt) || barred(Rt2) || barred(Rd) || isOperand;
}

const exclusives: readonly Row[] = [
  t32(
    'LDREX',
    '111010000101 Rn:4 Rt:4 (1)(1)(1)(1) imm8:8',
    { unpredictable: unfitForExclusive, syntax: (f) => `ldrex{c} {Rt}, [{Rn}${offset8(f)}]` },
    (b, f) => loadExclusive(b, 4, b.add(b.reg(f.Rn), b.shl(f.imm8, 2)), f.Rt),
  ),
  t32(
    'STREX',
    '111010000100 Rn:4 Rt:4 Rd:4 imm8:8',
    { unpredictable: unfitForExclusive, syntax: (f) => `strex{c} {Rd}, {Rt}, [{Rn}${offset8(f)}]` },
    (b, f) => storeExclusive(b, 4, f.Rd, b.add(b.reg(f.Rn), b.shl(f.imm8, 2)), f.Rt),
  ),
  ...(
    [
      { suffix: 'B', op: '0100', size: 1 },
      { suffix: 'H', op: '0101', size: 2 },
    ] as const
  ).flatMap(({ suffix, op, size }) => [
    t32(
      `LDREX${suffix}`,
      `111010001101 Rn:4 Rt:4 (1)(1)(1)(1) ${op} (1)(1)(1)(1)`,
      { unpredictable: unfitForExclusive, syntax: `ldrex${suffix.toLowerCase()}{c} {Rt}, [{Rn}]` },
      (b, f) => loadExclusive(b, size, b.reg(f.Rn), f.Rt),
    ),
    t32(
      `STREX${suffix}`,
      `111010001100 Rn:4 Rt:4 (1)(1)(1)(1) ${op} Rd:4`,
      { unpredictable: unfitForExclusive, syntax: `strex${suffix.toLowerCase()}{c} {Rd}, {Rt}, [{Rn}]` },
      (b, f) => storeExclusive(b, size, f.Rd, b.reg(f.Rn), f.Rt),
    ),
  ]),
  t32(
    'LDREXD',
    '111010001101 Rn:4 Rt:4 Rt2:4 0111 (1)(1)(1)(1)',
    {
      unpredictable: (f) => unfitForExclusive(f) || f.Rt === f.Rt2,
      syntax: 'ldrexd{c} {Rt}, {Rt2}, [{Rn}]',
    },
    (b, f) => loadExclusive(b, 8, b.reg(f.Rn), f.Rt, f.Rt2),
  ),
  t32(
    'STREXD',
    '111010001100 Rn:4 Rt:4 Rt2:4 0111 Rd:4',
    { unpredictable: unfitForExclusive, syntax: 'strexd{c} {Rd}, {Rt}, {Rt2}, [{Rn}]' },
    (b, f) => storeExclusive(b, 8, f.Rd, b.reg(f.Rn), f.Rt, f.Rt2),
  ),
];

/** TBB, TBH: forward by twice the entry, counted from what the PC reads. */
const tableBranch: Row = t32(
  'TBB, TBH',
  '111010001101 Rn:4 (1)(1)(1)(1) (0)(0)(0)(0) 000 H:1 Rm:4',
  {
    it: 'last',
    specialize: ['H'],
    unpredictable: any15('Rm'),
    syntax: (f) => `tb${f.H ? 'h' : 'b'}{c} [{Rn}, {Rm}${f.H ? ', lsl #1' : ''}]`,
  },
  (b, f) => {
    const wide = b.known(f.H) === 1;
    const index = b.reg(f.Rm);
    const entry = b.load(wide ? 2 : 1, b.add(b.reg(f.Rn), wide ? b.shl(index, 1) : index));
    b.jump(b.add(b.readPc(), b.shl(entry, 1)));
  },
);

export const loadStoreMultiple32: readonly Row[] = [...lists, ...exclusives, tableBranch];

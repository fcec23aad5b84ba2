// SPDX-License-Identifier: Apache-2.0
// 32-bit T32 data-processing instructions: modified immediate (A6.3.1), plain binary immediate (A6.3.3, without the
// saturations and bit fields), shifted register (A6.3.11) and shifts by a register (A6.3.12). The SP forms of ADD and
// SUB, which the manual lists apart, differ in nothing but their register.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { any15, shiftText } from '../operands.js';
import { t32, type Row } from '../row.js';
import {
  alu,
  isComparison,
  SHIFT,
  shiftImmediate,
  shiftRegister,
  type AluName,
  type Shifted,
} from '../semantics/alu.js';
import { imm12, imm12Number, imm5, imm5Number, thumbExpandImm, thumbExpandImmNumber } from './operands.js';

interface Operation {
  readonly name: AluName;
  readonly op: string;
  /** objdump marks the wide form of what has a narrow one as well. */
  readonly suffix: string;
  /** The comparison that Rd = 15 with S set makes of it. */
  readonly comparison?: AluName;
  /** What Rn = 15 makes of it. */
  readonly unary?: AluName;
}

const OPERATIONS: readonly Operation[] = [
  { name: 'AND', op: '0000', suffix: '.w', comparison: 'TST' },
  { name: 'BIC', op: '0001', suffix: '.w' },
  { name: 'ORR', op: '0010', suffix: '.w', unary: 'MOV' },
  { name: 'ORN', op: '0011', suffix: '', unary: 'MVN' },
  { name: 'EOR', op: '0100', suffix: '.w', comparison: 'TEQ' },
  { name: 'ADD', op: '1000', suffix: '.w', comparison: 'CMN' },
  { name: 'ADC', op: '1010', suffix: '.w' },
  { name: 'SBC', op: '1011', suffix: '.w' },
  { name: 'SUB', op: '1101', suffix: '.w', comparison: 'CMP' },
  { name: 'RSB', op: '1110', suffix: '' },
];

/** One mnemonic in one form: which fields it has follows from what it computes. */
interface Form {
  readonly name: AluName;
  readonly op: string;
  readonly suffix: string;
}

function forms({ name, op, suffix, comparison, unary }: Operation): Form[] {
  const list: Form[] = [{ name, op, suffix }];
  if (comparison !== undefined) list.push({ name: comparison, op, suffix: comparison === 'TEQ' ? '' : '.w' });
  if (unary !== undefined) list.push({ name: unary, op, suffix: '.w' });
  return list;
}

type Loose = Record<string, Node>;
type LooseNumbers = Readonly<Record<string, number>>;
const isUnary = (name: AluName): boolean => name === 'MOV' || name === 'MVN';

/** Computes and writes Rd, or only the flags. */
function lift(b: Builder, f: Loose, name: AluName, operand: Shifted): void {
  const comparison = isComparison(name);
  const n = isUnary(name) ? b.const(0) : b.reg(f['Rn']!);
  const result = alu(b, name, n, operand, comparison || b.known(f['S']!) === 1);
  if (!comparison) b.setReg(f['Rd']!, result);
}

function shape({ name, suffix }: Form): {
  s: string;
  rn: string;
  rd: string;
  specialize: string[];
  mnemonic: string;
  operands: string;
  unpredictable: (f: LooseNumbers) => boolean;
} {
  const comparison = isComparison(name);
  const operands = [comparison ? '' : '{Rd}', isUnary(name) ? '' : '{Rn}'].filter((x) => x !== '').join(', ');
  return {
    s: comparison ? '1' : 'S:1',
    rn: isUnary(name) ? '1111' : 'Rn:4',
    rd: comparison ? '1111' : 'Rd:4',
    specialize: comparison ? [] : ['S'],
    mnemonic: `${name.toLowerCase()}${comparison ? '' : '{S}'}{c}${suffix}`,
    operands,
    unpredictable: any15('Rd', 'Rn'),
  };
}

function modifiedImmediate(form: Form): Row {
  const { s, rn, rd, specialize, mnemonic, operands, unpredictable } = shape(form);
  return t32(
    `${form.name} (immediate)`,
    `11110 i:1 0${form.op} ${s} ${rn} 0 imm3:3 ${rd} imm8:8` as string,
    {
      specialize: specialize as never[],
      unpredictable,
      syntax: (f: LooseNumbers) => `${mnemonic} ${operands}, #${thumbExpandImmNumber(f as never)}`,
    },
    (b, f) => lift(b, f as Loose, form.name, thumbExpandImm(b, f as never)),
  );
}

function shiftedRegister(form: Form): Row {
  const { s, rn, rd, specialize, mnemonic, operands, unpredictable } = shape(form);
  return t32(
    `${form.name} (register)`,
    `1110101${form.op} ${s} ${rn} (0) imm3:3 ${rd} imm2:2 type:2 Rm:4` as string,
    {
      specialize: [...specialize, 'type'] as never[],
      unpredictable: (f: LooseNumbers) => unpredictable(f) || f['Rm'] === 15,
      syntax: (f: LooseNumbers) => `${mnemonic} ${operands}, {Rm}${shiftText(f['type']!, imm5Number(f as never))}`,
    },
    (b, f) => {
      const { Rm, type } = f as Loose;
      lift(b, f as Loose, form.name, shiftImmediate(b, b.reg(Rm!), b.known(type!)!, imm5(b, f as never)));
    },
  );
}

/** MOV and the shifts by an immediate, which share an encoding. */
const moves: readonly Row[] = (
  [
    ['MOV (register)', '00', true],
    ['LSL (immediate)', '00', false],
    ['LSR (immediate)', '01', false],
    ['ASR (immediate)', '10', false],
    ['RRX', '11', true],
    ['ROR (immediate)', '11', false],
  ] as const
).map(([name, bits, zero]) => {
  const type = Number.parseInt(bits, 2);
  return t32(
    name,
    `11101010010 S:1 1111 (0) imm3:3 Rd:4 imm2:2 ${bits} Rm:4`,
    {
      specialize: ['S'],
      where: (f) => type === SHIFT.lsr || type === SHIFT.asr || (imm5Number(f) === 0) === zero,
      unpredictable: any15('Rd', 'Rm'),
      syntax: (f) => `mov{S}{c}.w {Rd}, {Rm}${shiftText(type, imm5Number(f))}`,
    },
    (b, f) => lift(b, f, 'MOV', shiftImmediate(b, b.reg(f.Rm), type, zero ? b.const(0) : imm5(b, f))),
  );
});

const registerShifts: readonly Row[] = (
  [
    ['LSL', '00'],
    ['LSR', '01'],
    ['ASR', '10'],
    ['ROR', '11'],
  ] as const
).map(([name, bits]) =>
  t32(
    `${name} (register)`,
    `111110100${bits} S:1 Rn:4 1111 Rd:4 0000 Rm:4`,
    {
      specialize: ['S'],
      unpredictable: any15('Rd', 'Rn', 'Rm'),
      syntax: `${name.toLowerCase()}{S}{c}.w {Rd}, {Rn}, {Rm}`,
    },
    (b, f) => lift(b, f, 'MOV', shiftRegister(b, b.reg(f.Rn), Number.parseInt(bits, 2), b.reg(f.Rm))),
  ),
);

/** ADDW, SUBW, and with Rn = 15 ADR from the aligned PC. */
const addresses: readonly Row[] = (['ADD', 'SUB'] as const).flatMap((name) => {
  const op = name === 'ADD' ? '00000' : '01010';
  const compute = (b: Builder, x: Node, y: Node): Node => (name === 'ADD' ? b.add(x, y) : b.sub(x, y));
  return [
    t32(
      `${name} (immediate, plain)`,
      `11110 i:1 1${op} Rn:4 0 imm3:3 Rd:4 imm8:8`,
      {
        unpredictable: any15('Rd'),
        syntax: (f) => `${name.toLowerCase()}w{c} {Rd}, {Rn}, #${imm12Number(f)}`,
      },
      (b, f) => b.setReg(f.Rd, compute(b, b.reg(f.Rn), imm12(b, f))),
    ),
    t32(
      name === 'ADD' ? 'ADR (after)' : 'ADR (before)',
      `11110 i:1 1${op} 1111 0 imm3:3 Rd:4 imm8:8`,
      {
        unpredictable: any15('Rd'),
        syntax: (f) => `${name.toLowerCase()}w{c} {Rd}, pc, #${imm12Number(f)}`,
      },
      (b, f) => b.setReg(f.Rd, compute(b, b.and(b.readPc(), ~3), imm12(b, f))),
    ),
  ];
});

const halves: readonly Row[] = [
  t32(
    'MOVW',
    '11110 i:1 100100 imm4:4 0 imm3:3 Rd:4 imm8:8',
    {
      unpredictable: any15('Rd'),
      syntax: (f) => `movw{c} {Rd}, #${(f.imm4 << 12) | imm12Number(f)}`,
    },
    (b, f) => b.setReg(f.Rd, b.or(b.shl(f.imm4, 12), imm12(b, f))),
  ),
  t32(
    'MOVT',
    '11110 i:1 101100 imm4:4 0 imm3:3 Rd:4 imm8:8',
    {
      unpredictable: any15('Rd'),
      syntax: (f) => `movt{c} {Rd}, #${(f.imm4 << 12) | imm12Number(f)}`,
    },
    (b, f) => {
      const high = b.or(b.shl(f.imm4, 28), b.shl(imm12(b, f), 16));
      b.setReg(f.Rd, b.or(b.and(b.reg(f.Rd), 0xffff), high));
    },
  ),
];

export const dataProcessing32: readonly Row[] = [
  ...OPERATIONS.flatMap(forms).map(modifiedImmediate),
  ...OPERATIONS.flatMap(forms)
    .filter((form) => form.name !== 'MOV')
    .map(shiftedRegister),
  ...moves,
  ...registerShifts,
  ...addresses,
  ...halves,
];

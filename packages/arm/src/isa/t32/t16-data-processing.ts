// SPDX-License-Identifier: Apache-2.0
// 16-bit T32 arithmetic: shifts, additions, moves and comparisons (A6.2.1), data-processing (A6.2.2), high registers
// (A6.2.3) and the SP and PC forms. Most set the flags outside IT blocks and leave them alone inside; `{s}` in the
// syntax is an s in the first case only.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { registerName } from '../operands.js';
import { t16, type Row } from '../row.js';
import {
  addWithCarry,
  alu,
  shiftImmediate,
  shiftRegister,
  subtract,
  type AluName,
  type Shifted,
} from '../semantics/alu.js';
import { multiply } from '../semantics/multiply.js';

const plain = (value: Node): Shifted => ({ value, carry: undefined });

/** Rd := value of a shift, with its flags outside IT blocks. */
function move(b: Builder, rd: Node, operand: Shifted): void {
  const result = alu(b, 'MOV', operand.value, operand, !b.inIt);
  b.setReg(rd, result);
}

const shiftsAndMoves: readonly Row[] = [
  // UNPREDICTABLE in an IT block, where it moves without flags like the shifts beside it.
  t16('MOV (register) T2', '0000000000 Rm:3 Rd:3', { variesInIt: true, syntax: 'mov{s}{c} {Rd}, {Rm}' }, (b, f) =>
    move(b, f.Rd, plain(b.reg(f.Rm))),
  ),
  ...(
    [
      ['LSL', '00'],
      ['LSR', '01'],
      ['ASR', '10'],
    ] as const
  ).map(([name, bits]) =>
    t16(
      `${name} (immediate)`,
      `000${bits} imm5:5 Rm:3 Rd:3`,
      {
        variesInIt: true,
        syntax: (f) => `${name.toLowerCase()}{s}{c} {Rd}, {Rm}, #${f.imm5 === 0 && name !== 'LSL' ? 32 : f.imm5}`,
      },
      (b, f) => move(b, f.Rd, shiftImmediate(b, b.reg(f.Rm), Number.parseInt(bits, 2), f.imm5)),
    ),
  ),
  t16(
    'MOV (immediate)',
    '00100 Rd:3 imm8:8',
    { variesInIt: true, syntax: (f) => `mov{s}{c} {Rd}, #${f.imm8}` },
    (b, f) => move(b, f.Rd, plain(f.imm8)),
  ),
  t16('CMP (immediate)', '00101 Rn:3 imm8:8', { syntax: (f) => `cmp{c} {Rn}, #${f.imm8}` }, (b, f) => {
    subtract(b, b.reg(f.Rn), f.imm8, true);
  }),
];

const sums: readonly Row[] = (
  [
    ['ADD', '0'],
    ['SUB', '1'],
  ] as const
).flatMap(([name, bit]) => {
  const compute = (b: Builder, rd: Node, x: Node, y: Node): void =>
    b.setReg(rd, name === 'ADD' ? addWithCarry(b, x, y, 0, !b.inIt) : subtract(b, x, y, !b.inIt));
  const mnemonic = `${name.toLowerCase()}{s}{c}`;
  return [
    t16(
      `${name} (register)`,
      `000110${bit} Rm:3 Rn:3 Rd:3`,
      { variesInIt: true, syntax: `${mnemonic} {Rd}, {Rn}, {Rm}` },
      (b, f) => compute(b, f.Rd, b.reg(f.Rn), b.reg(f.Rm)),
    ),
    t16(
      `${name} (immediate) T1`,
      `000111${bit} imm3:3 Rn:3 Rd:3`,
      { variesInIt: true, syntax: (f) => `${mnemonic} {Rd}, {Rn}, #${f.imm3}` },
      (b, f) => compute(b, f.Rd, b.reg(f.Rn), f.imm3),
    ),
    t16(
      `${name} (immediate) T2`,
      `0011${bit === '0' ? '0' : '1'} Rdn:3 imm8:8`,
      { variesInIt: true, syntax: (f) => `${mnemonic} {Rdn}, #${f.imm8}` },
      (b, f) => compute(b, f.Rdn, b.reg(f.Rdn), f.imm8),
    ),
  ];
});

const logic: readonly Row[] = (
  [
    ['AND', '0000'],
    ['EOR', '0001'],
    ['ADC', '0101'],
    ['SBC', '0110'],
    ['ORR', '1100'],
    ['BIC', '1110'],
  ] as const
).map(([name, bits]: readonly [AluName, string]) =>
  t16(
    `${name} (register)`,
    `010000${bits} Rm:3 Rdn:3`,
    { variesInIt: true, syntax: `${name.toLowerCase()}{s}{c} {Rdn}, {Rm}` },
    (b, f) => b.setReg(f.Rdn, alu(b, name, b.reg(f.Rdn), plain(b.reg(f.Rm)), !b.inIt)),
  ),
);

const comparisons: readonly Row[] = (
  [
    ['TST', '1000'],
    ['CMP', '1010'],
    ['CMN', '1011'],
  ] as const
).map(([name, bits]: readonly [AluName, string]) =>
  t16(
    `${name} (register)${name === 'CMP' ? ' T1' : ''}`,
    `010000${bits} Rm:3 Rn:3`,
    { syntax: `${name.toLowerCase()}{c} {Rn}, {Rm}` },
    (b, f) => {
      alu(b, name, b.reg(f.Rn), plain(b.reg(f.Rm)), true);
    },
  ),
);

const registerShifts: readonly Row[] = (
  [
    ['LSL', '0010', 0],
    ['LSR', '0011', 1],
    ['ASR', '0100', 2],
    ['ROR', '0111', 3],
  ] as const
).map(([name, bits, type]) =>
  t16(
    `${name} (register)`,
    `010000${bits} Rm:3 Rdn:3`,
    { variesInIt: true, syntax: `${name.toLowerCase()}{s}{c} {Rdn}, {Rm}` },
    (b, f) => move(b, f.Rdn, shiftRegister(b, b.reg(f.Rdn), type, b.reg(f.Rm))),
  ),
);

const others: readonly Row[] = [
  t16('RSB (immediate)', '0100001001 Rn:3 Rd:3', { variesInIt: true, syntax: 'neg{s}{c} {Rd}, {Rn}' }, (b, f) =>
    b.setReg(f.Rd, subtract(b, b.const(0), b.reg(f.Rn), !b.inIt)),
  ),
  t16('MUL', '0100001101 Rn:3 Rdm:3', { variesInIt: true, syntax: 'mul{s}{c} {Rdm}, {Rn}' }, (b, f) =>
    multiply(b, { Rd: f.Rdm, Rn: f.Rn, Rm: f.Rdm }, !b.inIt),
  ),
  t16('MVN (register)', '0100001111 Rm:3 Rd:3', { variesInIt: true, syntax: 'mvn{s}{c} {Rd}, {Rm}' }, (b, f) =>
    move(b, f.Rd, plain(b.not(b.reg(f.Rm)))),
  ),
];

/** Number of a register given as a top bit and three more. */
const high = (b: Builder, top: Node, rest: Node): Node => b.or(b.shl(top, 3), rest);

/** Only a register above r7 can be the PC. */
function writeAny(b: Builder, top: Node, rest: Node, value: Node): void {
  if (b.known(top) === 0) b.setReg(rest, value);
  else b.writeReg(high(b, top, rest), value);
}

const highRegisters: readonly Row[] = [
  t16(
    'ADD (register) T2',
    '01000100 DN:1 Rm:4 Rdn:3',
    {
      specialize: ['DN'],
      unpredictable: (f) => f.DN === 1 && f.Rdn === 7 && f.Rm === 15,
      syntax: (f) => `add{c} ${registerName((f.DN << 3) | f.Rdn)}, {Rm}`,
    },
    (b, f) => writeAny(b, f.DN, f.Rdn, b.add(b.reg(high(b, f.DN, f.Rdn)), b.reg(f.Rm))),
  ),
  t16(
    'CMP (register) T2',
    '01000101 N:1 Rm:4 Rn:3',
    {
      unpredictable: (f) => (f.N === 1 && f.Rn === 7) || f.Rm === 15,
      syntax: (f) => `cmp{c} ${registerName((f.N << 3) | f.Rn)}, {Rm}`,
    },
    (b, f) => {
      subtract(b, b.reg(high(b, f.N, f.Rn)), b.reg(f.Rm), true);
    },
  ),
  t16(
    'MOV (register) T1',
    '01000110 D:1 Rm:4 Rd:3',
    { specialize: ['D'], syntax: (f) => `mov{c} ${registerName((f.D << 3) | f.Rd)}, {Rm}` },
    (b, f) => writeAny(b, f.D, f.Rd, b.reg(f.Rm)),
  ),
];

const addresses: readonly Row[] = [
  t16('ADR', '10100 Rd:3 imm8:8', { syntax: (f) => `add{c} {Rd}, pc, #${f.imm8 * 4}` }, (b, f) =>
    b.setReg(f.Rd, b.add(b.and(b.readPc(), ~3), b.shl(f.imm8, 2))),
  ),
  t16('ADD (SP plus immediate) T1', '10101 Rd:3 imm8:8', { syntax: (f) => `add{c} {Rd}, sp, #${f.imm8 * 4}` }, (b, f) =>
    b.setReg(f.Rd, b.add(b.reg(13), b.shl(f.imm8, 2))),
  ),
  t16('ADD (SP plus immediate) T2', '101100000 imm7:7', { syntax: (f) => `add{c} sp, #${f.imm7 * 4}` }, (b, f) =>
    b.setReg(13, b.add(b.reg(13), b.shl(f.imm7, 2))),
  ),
  t16('SUB (SP minus immediate)', '101100001 imm7:7', { syntax: (f) => `sub{c} sp, #${f.imm7 * 4}` }, (b, f) =>
    b.setReg(13, b.sub(b.reg(13), b.shl(f.imm7, 2))),
  ),
];

export const dataProcessing16: readonly Row[] = [
  ...shiftsAndMoves,
  ...sums,
  ...logic,
  ...comparisons,
  ...registerShifts,
  ...others,
  ...highRegisters,
  ...addresses,
];

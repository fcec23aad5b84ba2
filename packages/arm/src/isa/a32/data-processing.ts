// SPDX-License-Identifier: Apache-2.0
// A32 data-processing instructions (A5.2.1 to A5.2.4): immediate, register and register-shifted register, and MOVW and
// MOVT. With S set and Rd = 15 they are exception returns (B9.3.20).

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { shiftName } from '../operands.js';
import { a32, type Row } from '../row.js';
import {
  ALU_NAMES,
  alu,
  armExpandImm,
  isComparison,
  shiftImmediate,
  shiftRegister,
  type AluName,
  type Shifted,
} from '../semantics/alu.js';
import { requireBankedMode } from '../semantics/multiple.js';

/** Writes the result where the operation has one; `MOVS pc` and its like return from an exception. */
function finish(b: Builder, name: AluName, rd: Node, rn: Node, operand: Shifted, s: Node): void {
  const comparison = isComparison(name);
  const setFlags = comparison || b.known(s) === 1;
  if (comparison) {
    alu(b, name, rn, operand, true);
    return;
  }
  b.if(
    b.eq(rd, 15),
    () => {
      const result = alu(b, name, rn, operand, false);
      if (setFlags) {
        requireBankedMode(b);
        b.callChecked('exceptionReturn', result);
      } else b.aluWritePc(result);
    },
    () => b.setReg(rd, alu(b, name, rn, operand, setFlags)),
  );
}

const opcodeBits = (number: number): string => number.toString(2).padStart(4, '0');
const usesRn = (name: AluName): boolean => name !== 'MOV' && name !== 'MVN';

/** MOV of a shifted register goes by the name of the shift. */
function moveText({ type, imm5 }: Readonly<Record<string, number>>): string {
  if (type === 0 && imm5 === 0) return 'mov{S}{c} {Rd}, {Rm}';
  if (type === 3 && imm5 === 0) return 'rrx{S}{c} {Rd}, {Rm}';
  return `${shiftName(type!)}{S}{c} {Rd}, {Rm}, #${imm5 === 0 ? 32 : imm5}`;
}

function rows(name: AluName, number: number): Row[] {
  const op = opcodeBits(number);
  const comparison = isComparison(name);
  const rd = comparison ? '(0)(0)(0)(0)' : 'Rd:4';
  const rn = usesRn(name) ? 'Rn:4' : '(0)(0)(0)(0)';
  const s = comparison ? '1' : 'S:1';
  const mnemonic = name.toLowerCase() + (comparison ? '' : '{S}') + '{c}';
  const operands = [comparison ? '' : '{Rd}', usesRn(name) ? '{Rn}' : ''].filter((x) => x !== '').join(', ');
  // Patterns are composed here, so their field names are not known to the compiler.
  const specialize = (comparison ? ['type'] : ['S', 'Rd=15', 'type']) as never[];
  const parts = (b: Builder, f: Record<string, Node>): [Node, Node, Node] => [
    f['Rd'] ?? b.const(0),
    usesRn(name) ? b.reg(f['Rn']!) : b.const(0),
    f['S'] ?? b.const(1),
  ];
  const immediateSpecialize = specialize.filter((x) => x !== 'type');
  return [
    a32(
      `${name} (immediate)`,
      `cond:4 001${op} ${s} ${rn} ${rd} imm12:12` as string,
      { specialize: immediateSpecialize, syntax: `${mnemonic} ${operands}, {imm12:modified}` },
      (b, fields) => {
        const f = fields as Record<string, Node>;
        const [d, n, setFlags] = parts(b, f);
        finish(b, name, d, n, armExpandImm(b, f['imm12']!), setFlags);
      },
    ),
    a32(
      `${name} (register)`,
      `cond:4 000${op} ${s} ${rn} ${rd} imm5:5 type:2 0 Rm:4` as string,
      { specialize, syntax: name === 'MOV' ? moveText : `${mnemonic} ${operands}, {Rm}{type:shift}` },
      (b, fields) => {
        const f = fields as Record<string, Node>;
        const [d, n, setFlags] = parts(b, f);
        const operand = shiftImmediate(b, b.reg(f['Rm']!), b.known(f['type']!)!, f['imm5']!);
        finish(b, name, d, n, operand, setFlags);
      },
    ),
    a32(
      `${name} (register-shifted register)`,
      `cond:4 000${op} ${s} ${rn} ${rd} Rs:4 0 type:2 1 Rm:4` as string,
      {
        specialize: specialize.filter((x) => x !== 'Rd=15'),
        unpredictable: (f: Record<string, number>) =>
          f['Rd'] === 15 || f['Rn'] === 15 || f['Rm'] === 15 || f['Rs'] === 15,
        syntax:
          name === 'MOV'
            ? '{type:shiftname}{S}{c} {Rd}, {Rm}, {Rs}'
            : `${mnemonic} ${operands}, {Rm}, {type:shiftname} {Rs}`,
      },
      (b, fields) => {
        const f = fields as Record<string, Node>;
        const [d, n, setFlags] = parts(b, f);
        const operand = shiftRegister(b, b.reg(f['Rm']!), b.known(f['type']!)!, b.reg(f['Rs']!));
        finish(b, name, d, n, operand, setFlags);
      },
    ),
  ];
}

/** Moves a 16-bit immediate into one half of a register (A8.8.102, A8.8.106). */
function moveHalf(b: Builder, rd: Node, imm16: Node, top: boolean): void {
  if (top) b.setReg(rd, b.or(b.and(b.reg(rd), 0xffff), b.shl(imm16, 16)));
  else b.setReg(rd, imm16);
}

export const dataProcessing: readonly Row[] = [
  ...ALU_NAMES.slice(0, 16).flatMap((name, number) => rows(name, number)),
  ...(['MOVW', 'MOVT'] as const).map((name) =>
    a32(
      name,
      `cond:4 00110${name === 'MOVT' ? '1' : '0'}00 imm4:4 Rd:4 imm12:12`,
      { unpredictable: (f) => f.Rd === 15, syntax: `${name.toLowerCase()}{c} {Rd}, {imm16}` },
      (b, f) => moveHalf(b, f.Rd, b.or(b.shl(f.imm4, 12), f.imm12), name === 'MOVT'),
    ),
  ),
];

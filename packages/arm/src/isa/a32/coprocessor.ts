// SPDX-License-Identifier: Apache-2.0
// A32 coprocessor instructions (A5.6) for coprocessors 14 and 15, the only ones besides floating point; the rest have
// no row and are undefined. The thread-identity registers and the CP15 barriers, which programs use all the time, are
// done here; everything else is one call, which gets the instruction word (its condition as 1110).

import type { Builder, Operand } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { CPU } from '../../state/layout.js';
import { EXCEPTION } from '../../system/exception.js';
import { registerName } from '../operands.js';
import { a32, type Row } from '../row.js';

/** Access by User mode. */
interface ThreadRegister {
  readonly name: string;
  readonly opc2: '010' | '011' | '100';
  readonly offset: number;
  readonly userReads: boolean;
  readonly userWrites: boolean;
}

const THREAD_REGISTERS: readonly ThreadRegister[] = [
  { name: 'TPIDRURW', opc2: '010', offset: CPU.tpidrurw, userReads: true, userWrites: true },
  { name: 'TPIDRURO', opc2: '011', offset: CPU.tpidruro, userReads: true, userWrites: false },
  { name: 'TPIDRPRW', opc2: '100', offset: CPU.tpidrprw, userReads: false, userWrites: false },
];

function requirePrivilege(b: Builder): void {
  b.if(b.eqz(b.privileged()), () => b.exception(EXCEPTION.undefined));
}

const threadRegisters: readonly Row[] = THREAD_REGISTERS.flatMap((register) => {
  const { name, opc2, offset } = register;
  const number = Number.parseInt(opc2, 2);
  const text = (mnemonic: string, rt: number): string =>
    `${mnemonic}{c} 15, 0, ${registerName(rt)}, cr13, cr0, {${number}}`;
  return [
    a32(
      `MRC (${name})`,
      `cond:4 1110 0001 1101 Rt:4 1111 ${opc2} 1 0000`,
      { where: (f) => f.Rt !== 15, syntax: (f) => text('mrc', f.Rt) },
      (b, f) => {
        if (!register.userReads) requirePrivilege(b);
        b.setReg(f.Rt, b.state(offset));
      },
    ),
    a32(
      `MCR (${name})`,
      `cond:4 1110 0000 1101 Rt:4 1111 ${opc2} 1 0000`,
      { unpredictable: (f) => f.Rt === 15, syntax: (f) => text('mcr', f.Rt) },
      (b, f) => {
        if (!register.userWrites) requirePrivilege(b);
        b.setState(offset, b.reg(f.Rt));
      },
    ),
  ];
});

/** Open to User mode as well (B4.2.5); what Rt holds does not matter. */
const BARRIERS = [
  { name: 'CP15ISB', crm: '0101', opc2: '100' },
  { name: 'CP15DSB', crm: '1010', opc2: '100' },
  { name: 'CP15DMB', crm: '1010', opc2: '101' },
] as const;

const barriers: readonly Row[] = BARRIERS.map(({ name, crm, opc2 }) =>
  a32(
    `MCR (${name})`,
    `cond:4 1110 0000 0111 Rt:4 1111 ${opc2} 1 ${crm}`,
    {
      syntax: (f) =>
        `mcr{c} 15, 0, ${registerName(f.Rt)}, cr7, cr${Number.parseInt(crm, 2)}, {${Number.parseInt(opc2, 2)}}`,
    },
    () => undefined,
  ),
);

/** An instruction word from its fixed bits and (field, shift) pairs. */
function call(b: Builder, fixed: number, ...parts: readonly (readonly [Node, number])[]): void {
  let word: Operand = fixed;
  for (const [field, shift] of parts) word = b.or(b.shl(field, shift), word);
  b.callChecked('coprocessor', word);
}

/** The conditional instruction and its form with condition 1111, the `2` of MCR2. */
const FORMS = [
  { cond: 'cond:4', two: '', fixed: 0xe000_0000 },
  { cond: '1111', two: '2', fixed: 0xf000_0000 },
] as const;

const coprocessorNumber = (f: { cp: number }): number => 14 | f.cp;

const general: readonly Row[] = FORMS.flatMap(({ cond, two, fixed }) => [
  ...(['MCR', 'MRC'] as const).map((name) =>
    a32(
      `${name}${two}`,
      `${cond} 1110 opc1:3 ${name === 'MRC' ? '1' : '0'} CRn:4 Rt:4 111 cp:1 opc2:3 1 CRm:4`,
      {
        kind: 'system',
        unpredictable: (f) => name === 'MCR' && f.Rt === 15,
        syntax: (f) => {
          const rt = name === 'MRC' && f.Rt === 15 ? 'APSR_nzcv' : registerName(f.Rt);
          const head = `${name.toLowerCase()}${two}{c} ${coprocessorNumber(f)}, ${f.opc1}, ${rt}`;
          return `${head}, cr${f.CRn}, cr${f.CRm}, {${f.opc2}}`;
        },
      },
      (b, f) => {
        const bits = fixed | 0x0e00_0e10 | (name === 'MRC' ? 0x10_0000 : 0) | 0;
        call(b, bits, [f.opc1, 21], [f.CRn, 16], [f.Rt, 12], [f.cp, 8], [f.opc2, 5], [f.CRm, 0]);
      },
    ),
  ),
  ...(['MCRR', 'MRRC'] as const).map((name) =>
    a32(
      `${name}${two}`,
      `${cond} 1100010 ${name === 'MRRC' ? '1' : '0'} Rt2:4 Rt:4 111 cp:1 opc1:4 CRm:4`,
      {
        kind: 'system',
        unpredictable: (f) => f.Rt === 15 || f.Rt2 === 15 || (name === 'MRRC' && f.Rt === f.Rt2),
        syntax: (f) => {
          const head = `${name.toLowerCase()}${two}{c} ${coprocessorNumber(f)}, ${f.opc1}`;
          return `${head}, ${registerName(f.Rt)}, ${registerName(f.Rt2)}, cr${f.CRm}`;
        },
      },
      (b, f) => {
        const bits = fixed | 0x0c40_0e00 | (name === 'MRRC' ? 0x10_0000 : 0) | 0;
        call(b, bits, [f.Rt2, 16], [f.Rt, 12], [f.cp, 8], [f.opc1, 4], [f.CRm, 0]);
      },
    ),
  ),
  a32(
    `CDP${two}`,
    `${cond} 1110 opc1:4 CRn:4 CRd:4 111 cp:1 opc2:3 0 CRm:4`,
    {
      kind: 'system',
      syntax: (f) => `cdp${two}{c} ${coprocessorNumber(f)}, ${f.opc1}, cr${f.CRd}, cr${f.CRn}, cr${f.CRm}, {${f.opc2}}`,
    },
    (b, f) => {
      const bits = fixed | 0x0e00_0e00 | 0;
      call(b, bits, [f.opc1, 20], [f.CRn, 16], [f.CRd, 12], [f.cp, 8], [f.opc2, 5], [f.CRm, 0]);
    },
  ),
  ...(['STC', 'LDC'] as const).map((name) =>
    a32(
      `${name}${two}`,
      `${cond} 110 P:1 U:1 D:1 W:1 ${name === 'LDC' ? '1' : '0'} Rn:4 CRd:4 111 cp:1 imm8:8`,
      {
        kind: 'system',
        where: (f) => f.P === 1 || f.U === 1 || f.W === 1,
        syntax: (f) => {
          const head = `${name.toLowerCase()}${two}${f.D === 1 ? 'l' : ''}{c}`;
          const register = `${coprocessorNumber(f)}, cr${f.CRd}, [${registerName(f.Rn)}`;
          const offset = `#${f.U === 1 ? '' : '-'}${f.imm8 * 4}`;
          if (f.P === 1 && f.W === 0 && offset === '#0') return `${head} ${register}]`;
          if (f.P === 1) return `${head} ${register}, ${offset}]${f.W === 1 ? '!' : ''}`;
          return `${head} ${register}], ${f.W === 1 ? offset : `{${f.imm8}}`}`;
        },
      },
      (b, f) => {
        const bits = fixed | 0x0c00_0e00 | (name === 'LDC' ? 0x10_0000 : 0) | 0;
        const mode = [[f.P, 24], [f.U, 23], [f.D, 22], [f.W, 21]] as const; // prettier-ignore
        call(b, bits, ...mode, [f.Rn, 16], [f.CRd, 12], [f.cp, 8], [f.imm8, 0]);
      },
    ),
  ),
]);

export const coprocessor: readonly Row[] = [...threadRegisters, ...barriers, ...general];

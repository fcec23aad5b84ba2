// SPDX-License-Identifier: Apache-2.0
// The instructions that nearly every test needs, under short names. Branch distances are in bytes from the branch to its
// target. Only for tests; no part of the package.

import { assemble, type Instruction, type InstructionFields } from './assemble.js';

export const a32 = (name: string, fields: InstructionFields = {}): Instruction => assemble(name, fields, 'A32');
export const t32 = (name: string, fields: InstructionFields = {}): Instruction => assemble(name, fields, 'T32');
export const t16 = (name: string, fields: InstructionFields = {}): Instruction => assemble(name, fields, 'T16');

export const AL = 14;
export const EQ = 0;
export const NE = 1;

// ---- A32 ------------------------------------------------------------------------------------------------------

export const nop = (): Instruction => a32('NOP');
/** rd := imm8. */
export const mov = (rd: number, imm8: number): Instruction => a32('MOV (immediate)', { Rd: rd, imm12: imm8 });
export const movReg = (rd: number, rm: number): Instruction => a32('MOV (register)', { Rd: rd, Rm: rm });
/** rd := value, in two instructions. */
export const mov32 = (rd: number, value: number): Instruction[] => {
  const half = (name: string, bits: number): Instruction =>
    a32(name, { Rd: rd, imm4: bits >>> 12, imm12: bits & 0xfff });
  return [half('MOVW', value & 0xffff), half('MOVT', value >>> 16)];
};
/** rd := rn + imm8, flags alone. */
export const add = (rd: number, rn: number, imm8: number): Instruction =>
  a32('ADD (immediate)', { Rd: rd, Rn: rn, imm12: imm8 });
/** rd := rn - imm8, with the flags. */
export const subs = (rd: number, rn: number, imm8: number): Instruction =>
  a32('SUB (immediate)', { S: 1, Rd: rd, Rn: rn, imm12: imm8 });
export const cmp = (rn: number, imm8: number): Instruction => a32('CMP (immediate)', { Rn: rn, imm12: imm8 });

const offsetFields = (rn: number, offset: number): InstructionFields => ({
  P: 1,
  U: offset < 0 ? 0 : 1,
  Rn: rn,
  imm12: Math.abs(offset),
});
export const ldr = (rt: number, rn: number, offset = 0): Instruction =>
  a32('LDR (immediate)', { ...offsetFields(rn, offset), Rt: rt });
export const str = (rt: number, rn: number, offset = 0): Instruction =>
  a32('STR (immediate)', { ...offsetFields(rn, offset), Rt: rt });
export const ldrb = (rt: number, rn: number, offset = 0): Instruction =>
  a32('LDRB (immediate)', { ...offsetFields(rn, offset), Rt: rt });
export const strb = (rt: number, rn: number, offset = 0): Instruction =>
  a32('STRB (immediate)', { ...offsetFields(rn, offset), Rt: rt });
export const ldrh = (rt: number, rn: number): Instruction => a32('LDRH (immediate)', { P: 1, U: 1, Rn: rn, Rt: rt });
export const strh = (rt: number, rn: number): Instruction => a32('STRH (immediate)', { P: 1, U: 1, Rn: rn, Rt: rt });

export const b = (distance: number, cond: number = AL): Instruction =>
  a32('B', { cond, imm24: ((distance - 8) >> 2) & 0xffffff });
export const bl = (distance: number): Instruction => a32('BL (immediate)', { imm24: ((distance - 8) >> 2) & 0xffffff });
export const bx = (rm: number): Instruction => a32('BX', { Rm: rm });
/** An endless loop. */
export const here = (): Instruction => b(0);
export const svc = (imm24 = 0): Instruction => a32('SVC', { imm24 });
export const udf = (): Instruction => a32('UDF');
export const wfi = (): Instruction => a32('WFI');
export const wfe = (): Instruction => a32('WFE');
export const sev = (): Instruction => a32('SEV');
export const ldrex = (rt: number, rn: number): Instruction => a32('LDREX', { Rn: rn, Rt: rt });
/** rd := 0 if rt was stored, else 1. */
export const strex = (rd: number, rt: number, rn: number): Instruction => a32('STREX', { Rn: rn, Rd: rd, Rt: rt });
export const mrsCpsr = (rd: number): Instruction => a32('MRS (CPSR)', { Rd: rd });
/** MOVS pc, lr: back from an exception. */
export const movsPcLr = (): Instruction => a32('MOV (register)', { S: 1, Rd: 15, Rm: 14 });
/** SUBS pc, lr, #imm8. */
export const subsPcLr = (imm8: number): Instruction => a32('SUB (immediate)', { S: 1, Rd: 15, Rn: 14, imm12: imm8 });

/** CP15 registers that tests use, as (CRn, opc1, CRm, opc2). */
const CP15 = {
  MIDR: [0, 0, 0, 0],
  MPIDR: [0, 0, 0, 5],
  SCTLR: [1, 0, 0, 0],
  CPACR: [1, 0, 0, 2],
  TTBR0: [2, 0, 0, 0],
  TTBR1: [2, 0, 0, 1],
  TTBCR: [2, 0, 0, 2],
  DACR: [3, 0, 0, 0],
  DFSR: [5, 0, 0, 0],
  IFSR: [5, 0, 0, 1],
  DFAR: [6, 0, 0, 0],
  IFAR: [6, 0, 0, 2],
  PAR: [7, 0, 4, 0],
  ATS1CPR: [7, 0, 8, 0],
  ATS1CPW: [7, 0, 8, 1],
  ATS1CUR: [7, 0, 8, 2],
  ATS1CUW: [7, 0, 8, 3],
  ICIMVAU: [7, 0, 5, 1],
  DCCMVAU: [7, 0, 11, 1],
  TLBIMVAIS: [8, 0, 3, 1],
  TLBIALL: [8, 0, 7, 0],
  TLBIMVA: [8, 0, 7, 1],
  TLBIASID: [8, 0, 7, 2],
  VBAR: [12, 0, 0, 0],
  CONTEXTIDR: [13, 0, 0, 1],
  TPIDRURW: [13, 0, 0, 2],
  CNTFRQ: [14, 0, 0, 0],
  CNTKCTL: [14, 0, 1, 0],
  CNTP_TVAL: [14, 0, 2, 0],
  CNTP_CTL: [14, 0, 2, 1],
  CNTV_TVAL: [14, 0, 3, 0],
  CNTV_CTL: [14, 0, 3, 1],
} as const;
export type Cp15Name = keyof typeof CP15;

export const cp15Fields = (name: Cp15Name): InstructionFields => {
  const [CRn, opc1, CRm, opc2] = CP15[name];
  return { cp: 1, CRn, opc1, CRm, opc2 };
};
export const mrc = (name: Cp15Name, rt: number): Instruction => a32('MRC', { ...cp15Fields(name), Rt: rt });
export const mcr = (name: Cp15Name, rt: number): Instruction => a32('MCR', { ...cp15Fields(name), Rt: rt });

// ---- T32 ------------------------------------------------------------------------------------------------------

export const tNop = (): Instruction => t16('NOP');
export const tMov = (rd: number, imm8: number): Instruction => t16('MOV (immediate)', { Rd: rd, imm8 });
export const tAdd = (rdn: number, imm8: number): Instruction => t16('ADD (immediate) T2', { Rdn: rdn, imm8 });
export const tB = (distance: number): Instruction => t16('B T2', { imm11: ((distance - 4) >> 1) & 0x7ff });
/** `it('eq', 'te')` is ITTE EQ. */
export const it = (firstcond: number, more = ''): Instruction => {
  let mask = 0;
  let bit = 3;
  for (const letter of more) mask |= ((firstcond & 1) ^ (letter === 't' ? 0 : 1)) << bit--;
  return t16('IT', { firstcond, mask: mask | (1 << bit) });
};

// SPDX-License-Identifier: Apache-2.0
// Small programs whose generated code is kept as text. An instruction alone becomes an interpreter handler; a program
// becomes a region that starts at its first instruction. Between them they show every shape that the generators know.

import type { Instruction } from '../../packages/machine/src/testing/assemble.js';
import {
  a32,
  add,
  b,
  bl,
  bx,
  cmp,
  EQ,
  it,
  ldr,
  ldrb,
  mcr,
  mov,
  mov32,
  movReg,
  NE,
  nop,
  str,
  strb,
  subs,
  svc,
  t16,
  t32,
  tB,
  tMov,
} from '../../packages/machine/src/testing/mnemonics.js';

export interface Program {
  /** The name of its file. */
  readonly name: string;
  readonly isa: 'A32' | 'T32';
  readonly code: readonly Instruction[];
  /** For regions: takes the second look at watched pages. */
  readonly watchful?: boolean;
}

const GE = 10;
const LT = 11;
const GT = 12;

/** One instruction each: the general form, with the fields of its word read at run time. */
export const HANDLERS: readonly Program[] = [
  { name: 'and-immediate', isa: 'A32', code: [a32('AND (immediate)', { Rd: 1, Rn: 2, imm12: 0xff })] },
  { name: 'adds-register-lsl', isa: 'A32', code: [a32('ADD (register)', { S: 1, Rd: 1, Rn: 2, Rm: 3, imm5: 4 })] },
  {
    name: 'movs-register-shifted',
    isa: 'A32',
    code: [a32('MOV (register-shifted register)', { S: 1, Rd: 1, Rm: 2, Rs: 3, type: 1 })],
  },
  { name: 'umull', isa: 'A32', code: [a32('UMULL', { RdHi: 1, RdLo: 0, Rm: 2, Rn: 3 })] },
  { name: 'ssat', isa: 'A32', code: [a32('SSAT', { sat_imm: 7, Rd: 1, Rn: 2 })] },
  { name: 'ldr-pre-index', isa: 'A32', code: [a32('LDR (immediate)', { P: 1, U: 1, W: 1, Rt: 1, Rn: 2, imm12: 4 })] },
  { name: 'strh-immediate', isa: 'A32', code: [a32('STRH (immediate)', { P: 1, U: 1, Rt: 1, Rn: 2, L: 2 })] },
  { name: 'ldmia-writeback', isa: 'A32', code: [a32('LDMIA', { W: 1, Rn: 0, list: 0x1e })] },
  { name: 'branch', isa: 'A32', code: [b(8)] },
  { name: 'blx-register', isa: 'A32', code: [a32('BLX (register)', { Rm: 3 })] },
  { name: 'ldrex', isa: 'A32', code: [a32('LDREX', { Rt: 1, Rn: 2 })] },
  {
    name: 'cps-interrupts-off',
    isa: 'A32',
    code: [a32('CPS', { imod: 3, I: 1 })],
  },
  { name: 'mcr', isa: 'A32', code: [mcr('SCTLR', 0)] },
  { name: 'svc', isa: 'A32', code: [svc()] },
  { name: 'vadd-f32', isa: 'A32', code: [a32('VADD (floating-point)', { Vd: 0, Vn: 1, Vm: 2 })] },
  {
    name: 'vadd-i32-quadword',
    isa: 'A32',
    code: [a32('VADD (integer)', { size: 2, Q: 1, Vd: 0, Vn: 2, Vm: 4 })],
  },
  { name: 't16-add-register', isa: 'T32', code: [t16('ADD (register)', { Rd: 0, Rn: 1, Rm: 2 })] },
  { name: 't16-it', isa: 'T32', code: [it(EQ, 'e')] },
  { name: 't32-table-branch', isa: 'T32', code: [t32('TBB, TBH', { Rn: 1, Rm: 2 })] },
];

const loop = (...body: readonly Instruction[]): Instruction[] => [
  ...body,
  subs(0, 0, 1),
  b(-4 * (body.length + 1), NE),
];

export const REGIONS: readonly Program[] = [
  // ---- straight lines -------------------------------------------------------------------------------------------
  { name: 'alu', isa: 'A32', code: [add(0, 1, 1), a32('EOR (register)', { Rd: 2, Rn: 0, Rm: 3 }), bx(14)] },
  {
    name: 'alu-flags',
    isa: 'A32',
    code: [
      a32('ADD (register)', { S: 1, Rd: 0, Rn: 0, Rm: 2 }),
      a32('ADC (register)', { S: 1, Rd: 1, Rn: 1, Rm: 3 }),
      bx(14),
    ],
  },
  {
    name: 'flags-overwritten',
    isa: 'A32',
    code: [subs(0, 0, 1), cmp(1, 2), a32('MOV (immediate)', { cond: GT, Rd: 2, imm12: 1 }), bx(14)],
  },
  { name: 'watchful-load-and-store', isa: 'A32', code: [ldr(0, 1), strb(0, 2), bx(14)], watchful: true },
  { name: 'constant-in-two-halves', isa: 'A32', code: [...mov32(0, 0x1234_5678), bx(14)] },
  {
    name: 'conditional-execution',
    isa: 'A32',
    code: [
      cmp(0, 10),
      a32('ADD (immediate)', { cond: LT, Rd: 1, Rn: 1, imm12: 1 }),
      a32('SUB (immediate)', { cond: GE, Rd: 1, Rn: 1, imm12: 1 }),
      bx(14),
    ],
  },
  {
    name: 'conditional-load',
    isa: 'A32',
    code: [cmp(0, 0), a32('LDR (immediate)', { cond: NE, P: 1, U: 1, Rt: 1, Rn: 0 }), bx(14)],
  },
  {
    name: 'shifts-immediate',
    isa: 'A32',
    code: [
      a32('MOV (register)', { Rd: 0, Rm: 0, imm5: 3 }),
      a32('MOV (register)', { Rd: 1, Rm: 1, imm5: 0, type: 1 }),
      a32('MOV (register)', { S: 1, Rd: 2, Rm: 2, imm5: 5, type: 2 }),
      a32('MOV (register)', { S: 1, Rd: 3, Rm: 3, imm5: 0, type: 3 }),
      bx(14),
    ],
  },
  {
    name: 'shift-register',
    isa: 'A32',
    code: [a32('MOV (register-shifted register)', { S: 1, Rd: 0, Rm: 1, Rs: 2, type: 2 }), bx(14)],
  },
  { name: 'multiply', isa: 'A32', code: [a32('MLA', { S: 1, Rd: 0, Rn: 1, Rm: 2, Ra: 3 }), bx(14)] },
  { name: 'multiply-long', isa: 'A32', code: [a32('SMLAL', { RdLo: 0, RdHi: 1, Rn: 2, Rm: 3 }), bx(14)] },
  { name: 'divide', isa: 'A32', code: [a32('UDIV', { Rd: 0, Rn: 0, Rm: 1 }), bx(14)] },
  {
    name: 'media',
    isa: 'A32',
    code: [
      a32('UADD8', { Rd: 0, Rn: 1, Rm: 2 }),
      a32('SEL', { Rd: 0, Rn: 1, Rm: 2 }),
      a32('UXTB', { Rd: 3, Rm: 0, rotate: 1 }),
      bx(14),
    ],
  },
  {
    name: 'bit-fields',
    isa: 'A32',
    code: [
      a32('UBFX', { Rd: 0, Rn: 1, lsb: 4, widthm1: 7 }),
      a32('BFI', { Rd: 2, Rn: 0, lsb: 8, msb: 15 }),
      a32('CLZ', { Rd: 3, Rm: 2 }),
      a32('REV', { Rd: 4, Rm: 2 }),
      bx(14),
    ],
  },
  { name: 'saturating-add', isa: 'A32', code: [a32('QADD', { Rd: 0, Rn: 1, Rm: 2 }), bx(14)] },
  { name: 'read-pc', isa: 'A32', code: [a32('ADD (immediate)', { Rd: 0, Rn: 15, imm12: 16 }), bx(14)] },
  { name: 'thread-register', isa: 'A32', code: [a32('MRC (TPIDRURO)', { Rt: 0 }), ldr(1, 0, 8), bx(14)] },
  { name: 'barrier', isa: 'A32', code: [str(0, 1), a32('DMB', { option: 15 }), ldr(2, 1), bx(14)] },

  // ---- memory ---------------------------------------------------------------------------------------------------
  { name: 'load-store', isa: 'A32', code: [ldr(0, 1, 4), add(0, 0, 1), str(0, 1, 4), bx(14)] },
  { name: 'load-literal', isa: 'A32', code: [a32('LDR (literal)', { U: 1, Rt: 0, imm12: 8 }), bx(14)] },
  {
    name: 'load-register-offset',
    isa: 'A32',
    code: [a32('LDR (register)', { P: 1, U: 1, Rt: 0, Rn: 1, Rm: 2, imm5: 2 }), bx(14)],
  },
  { name: 'load-post-index', isa: 'A32', code: [a32('LDRB (immediate)', { U: 1, Rt: 0, Rn: 1, imm12: 1 }), bx(14)] },
  {
    name: 'store-pre-index',
    isa: 'A32',
    code: [a32('STR (immediate)', { P: 1, W: 1, Rt: 0, Rn: 1, imm12: 4 }), bx(14)],
  },
  {
    name: 'load-sign-extended',
    isa: 'A32',
    code: [
      a32('LDRSB (immediate)', { P: 1, U: 1, Rt: 0, Rn: 2 }),
      a32('LDRSH (immediate)', { P: 1, U: 1, Rt: 1, Rn: 2, L: 2 }),
      bx(14),
    ],
  },
  { name: 'load-double', isa: 'A32', code: [a32('LDRD (immediate)', { P: 1, U: 1, Rt: 0, Rn: 2, L: 8 }), bx(14)] },
  {
    name: 'load-store-multiple',
    isa: 'A32',
    code: [a32('LDMIA', { W: 1, Rn: 0, list: 0x1c }), a32('STMDB', { W: 1, Rn: 1, list: 0x1c }), bx(14)],
  },
  {
    name: 'prologue-epilogue',
    isa: 'A32',
    code: [a32('PUSH', { list: 0x4010 }), mov(4, 0), a32('POP', { pc: 1, list: 0x10 })],
  },
  {
    name: 'exclusives',
    isa: 'A32',
    code: [
      a32('LDREX', { Rt: 1, Rn: 0 }),
      add(1, 1, 1),
      a32('STREX', { Rd: 2, Rt: 1, Rn: 0 }),
      cmp(2, 0),
      b(-16, NE),
      bx(14),
    ],
  },

  // ---- control --------------------------------------------------------------------------------------------------
  { name: 'loop', isa: 'A32', code: [...loop(add(1, 1, 2)), bx(14)] },
  {
    name: 'loop-with-memory',
    isa: 'A32',
    code: [
      ...loop(
        a32('LDRB (immediate)', { U: 1, Rt: 3, Rn: 1, imm12: 1 }),
        a32('STRB (immediate)', { U: 1, Rt: 3, Rn: 2, imm12: 1 }),
      ),
      bx(14),
    ],
  },
  {
    name: 'nested-loop',
    isa: 'A32',
    code: [mov(2, 3), add(3, 3, 1), subs(2, 2, 1), b(-8, NE), subs(0, 0, 1), b(-20, NE), bx(14)],
  },
  { name: 'loop-with-two-exits', isa: 'A32', code: [cmp(1, 7), b(16, EQ), subs(0, 0, 1), b(-12, NE), bx(14), bx(3)] },
  { name: 'endless-loop', isa: 'A32', code: [b(0)] },
  { name: 'if', isa: 'A32', code: [cmp(0, 0), b(8, EQ), add(1, 1, 1), bx(14)] },
  { name: 'if-else', isa: 'A32', code: [cmp(0, 0), b(12, EQ), mov(1, 1), b(8), mov(1, 2), bx(14)] },
  {
    name: 'early-return',
    isa: 'A32',
    code: [cmp(0, 0), a32('BX', { cond: EQ, Rm: 14 }), ldrb(1, 0), strb(1, 0, 1), bx(14)],
  },
  { name: 'irreducible', isa: 'A32', code: [cmp(0, 0), b(8, EQ), add(1, 1, 1), subs(2, 2, 1), b(-8, NE), b(-12)] },
  { name: 'call', isa: 'A32', code: [movReg(4, 14), bl(16), add(0, 0, 1), bx(4), nop(), mov(0, 7), bx(14)] },
  {
    name: 'call-conditional',
    isa: 'A32',
    code: [cmp(0, 0), a32('BL (immediate)', { cond: NE, imm24: 0x200 }), bx(14)],
  },
  { name: 'branch-off-page', isa: 'A32', code: [mov(0, 1), b(0x4000)] },
  { name: 'ends-at-system', isa: 'A32', code: [mov(0, 1), svc()] },
  { name: 'ends-at-undefined', isa: 'A32', code: [mov(0, 1), a32('UDF')] },
  { name: 'table-jump', isa: 'A32', code: [a32('LDR (register)', { P: 1, U: 1, Rt: 15, Rn: 15, Rm: 0, imm5: 2 })] },

  // ---- floating point and vectors -------------------------------------------------------------------------------
  {
    name: 'vfp-add',
    isa: 'A32',
    code: [
      a32('VLDR (singleword)', { U: 1, Rn: 0 }),
      a32('VADD (floating-point)', { Vd: 0, Vn: 0, N: 1, Vm: 1 }),
      a32('VSTR (singleword)', { U: 1, Rn: 0 }),
      bx(14),
    ],
  },
  {
    name: 'vfp-compare',
    isa: 'A32',
    code: [
      a32('VCMP, VCMPE', { sz: 1, Vd: 0, Vm: 1 }),
      a32('VMRS (FPSCR)', { Rt: 15 }),
      a32('MOV (immediate)', { cond: GT, Rd: 0, imm12: 1 }),
      bx(14),
    ],
  },
  {
    name: 'vfp-convert',
    isa: 'A32',
    code: [a32('VCVT (integer to floating-point)', { op: 1, Vd: 0, Vm: 0 }), bx(14)],
  },
  {
    name: 'neon-add',
    isa: 'A32',
    code: [
      a32('VLD1 (multiple 1-element structures, type 1010)', { size: 2, Rn: 0, Vd: 0, Rm: 13 }),
      a32('VADD (integer)', { size: 2, Q: 1, Vd: 0, Vn: 0, Vm: 2 }),
      a32('VST1 (multiple 1-element structures, type 1010)', { size: 2, Rn: 1, Vd: 0, Rm: 15 }),
      bx(14),
    ],
  },
  {
    name: 'neon-add-f32',
    isa: 'A32',
    code: [a32('VADD (floating-point, Advanced SIMD)', { Q: 1, Vn: 2, Vm: 4 }), bx(14)],
  },

  // ---- T32 ------------------------------------------------------------------------------------------------------
  {
    name: 't32-alu',
    isa: 'T32',
    code: [tMov(0, 1), t16('ADD (register)', { Rd: 1, Rn: 0, Rm: 2 }), t16('BX', { Rm: 14 })],
  },
  {
    name: 't32-it-block',
    isa: 'T32',
    code: [
      t16('CMP (immediate)', { Rn: 0, imm8: 5 }),
      it(EQ, 'te'),
      tMov(1, 1),
      t16('ADD (immediate) T2', { Rdn: 2, imm8: 3 }),
      tMov(1, 0),
      t16('BX', { Rm: 14 }),
    ],
  },
  {
    name: 't32-load-in-it-block',
    isa: 'T32',
    code: [
      t16('CMP (immediate)', { Rn: 0 }),
      it(NE),
      t16('LDR (immediate) T1', { Rt: 1, Rn: 0, imm5: 1 }),
      t16('BX', { Rm: 14 }),
    ],
  },
  {
    name: 't32-loop',
    isa: 'T32',
    code: [
      t16('SUB (immediate) T2', { Rdn: 0, imm8: 1 }),
      t16('B T1', { cond: NE, imm8: 0xfd }),
      t16('BX', { Rm: 14 }),
    ],
  },
  {
    name: 't32-compare-and-branch',
    isa: 'T32',
    code: [t16('CBZ', { Rn: 0, imm5: 1 }), tMov(1, 1), tMov(2, 2), t16('BX', { Rm: 14 })],
  },
  {
    name: 't32-call',
    isa: 'T32',
    code: [
      t16('PUSH', { M: 1, list: 0x10 }),
      t32('BL (immediate)', { J1: 1, J2: 1, imm11: 4 }),
      t16('POP', { P: 1, list: 0x10 }),
      tB(0),
    ],
  },
  {
    name: 't32-wide-load-store',
    isa: 'T32',
    code: [
      t32('LDR (immediate) T3', { Rt: 0, Rn: 8, imm12: 0x404 }),
      t32('STRD (immediate)', { P: 1, U: 1, Rt: 0, Rt2: 1, Rn: 2, imm8: 2 }),
      t16('BX', { Rm: 14 }),
    ],
  },
];

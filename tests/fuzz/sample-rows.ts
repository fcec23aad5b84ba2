// SPDX-License-Identifier: Apache-2.0
// A few dozen rows across the instruction sets that prove the chain generator - QEMU - comparison by themselves;
// the full list is the instruction table of @plinth/arm.

import type { Row } from './pattern.js';

function rows(isa: Row['isa'], patterns: Readonly<Record<string, string>>): Row[] {
  return Object.entries(patterns).map(([name, pattern]) => ({ name, isa, pattern }));
}

export const SAMPLE_ROWS: readonly Row[] = [
  ...rows('A32', {
    'ADD (immediate)': 'cond:4 0010100 S:1 Rn:4 Rd:4 imm12:12',
    'ADC (register)': 'cond:4 0000101 S:1 Rn:4 Rd:4 imm5:5 type:2 0 Rm:4',
    'RSB (register-shifted register)': 'cond:4 0000011 S:1 Rn:4 Rd:4 Rs:4 0 type:2 1 Rm:4',
    'CMP (register)': 'cond:4 00010101 Rn:4 (0)(0)(0)(0) imm5:5 type:2 0 Rm:4',
    MUL: 'cond:4 0000000 S:1 Rd:4 (0000) Rm:4 1001 Rn:4',
    SMLAL: 'cond:4 0000111 S:1 RdHi:4 RdLo:4 Rm:4 1001 Rn:4',
    QADD: 'cond:4 00010000 Rn:4 Rd:4 (0000) 0101 Rm:4',
    SADD8: 'cond:4 01100001 Rn:4 Rd:4 (1111) 1001 Rm:4',
    USAT: 'cond:4 0110111 sat_imm:5 Rd:4 imm5:5 sh:1 01 Rn:4',
    SEL: 'cond:4 01101000 Rn:4 Rd:4 (1111) 1011 Rm:4',
    BFI: 'cond:4 0111110 msb:5 Rd:4 lsb:5 001 Rn:4',
    CLZ: 'cond:4 00010110 (1111) Rd:4 (1111) 0001 Rm:4',
    'MSR (immediate)': 'cond:4 00110010 mask:4 (1111) imm12:12',
    MRS: 'cond:4 00010 R:1 00 (1111) Rd:4 (0000) 0000 (0000)',
    'LDR (immediate)': 'cond:4 010 P:1 U:1 0 W:1 1 Rn:4 Rt:4 imm12:12',
    'STR (register)': 'cond:4 011 P:1 U:1 0 W:1 0 Rn:4 Rt:4 imm5:5 type:2 0 Rm:4',
    'LDRD (immediate)': 'cond:4 000 P:1 U:1 1 W:1 0 Rn:4 Rt:4 imm4H:4 1101 imm4L:4',
    'STRH (register)': 'cond:4 000 P:1 U:1 0 W:1 0 Rn:4 Rt:4 (0000) 1011 Rm:4',
    LDM: 'cond:4 100010 W:1 1 Rn:4 register_list:16',
    STMDB: 'cond:4 100100 W:1 0 Rn:4 register_list:16',
    LDREX: 'cond:4 00011001 Rn:4 Rt:4 (1111) 1001 (1111)',
    STREX: 'cond:4 00011000 Rn:4 Rd:4 (1111) 1001 Rt:4',
    B: 'cond:4 1010 imm24:24',
    BX: 'cond:4 00010010 (1111) (1111) (1111) 0001 Rm:4',
    SVC: 'cond:4 1111 imm24:24',
    'VADD (floating-point)': 'cond:4 11100 D:1 11 Vn:4 Vd:4 101 sz:1 N:1 0 M:1 0 Vm:4',
    VDIV: 'cond:4 11101 D:1 00 Vn:4 Vd:4 101 sz:1 N:1 0 M:1 0 Vm:4',
    VCMP: 'cond:4 11101 D:1 110100 Vd:4 101 sz:1 E:1 1 M:1 0 Vm:4',
    VLDM: 'cond:4 1100 1 D:1 W:1 1 Rn:4 Vd:4 1011 imm7:7 0',
    'VADD (integer)': '1111 00100 D:1 size:2 Vn:4 Vd:4 1000 N:1 Q:1 M:1 0 Vm:4',
    VQADD: '1111 001 U:1 0 D:1 size:2 Vn:4 Vd:4 0000 N:1 Q:1 M:1 1 Vm:4',
    'VMUL (floating-point)': '1111 00110 D:1 0 0 Vn:4 Vd:4 1101 N:1 Q:1 M:1 1 Vm:4',
    VRECPE: '1111 00111 D:1 11 size:2 11 Vd:4 010 F:1 0 Q:1 M:1 0 Vm:4',
    'VLD1 (multiple single elements)': '1111 01000 D:1 10 Rn:4 Vd:4 0111 size:2 align:2 Rm:4',
  }),
  ...rows('T16', {
    'LSL (immediate)': '00000 imm5:5 Rm:3 Rd:3',
    'ADD (register)': '0001100 Rm:3 Rn:3 Rd:3',
    'ADD (high registers)': '01000100 DN:1 Rm:4 Rdn:3',
    'LDR (immediate, T16)': '01101 imm5:5 Rn:3 Rt:3',
    'LDR (literal)': '01001 Rt:3 imm8:8',
    PUSH: '1011010 M:1 register_list:8',
    'B (conditional)': '1101 cond:4 imm8:8',
    CBZ: '1011 0 0 i:1 1 imm5:5 Rn:3',
  }),
  ...rows('T32', {
    'ADD (immediate, T32)': '11110 i:1 01000 S:1 Rn:4 0 imm3:3 Rd:4 imm8:8',
    'EOR (register, T32)': '11101010100 S:1 Rn:4 (0) imm3:3 Rd:4 imm2:2 type:2 Rm:4',
    'LDR (immediate, T32)': '111110000101 Rn:4 Rt:4 1 P:1 U:1 W:1 imm8:8',
    'STRD (immediate, T32)': '1110100 P:1 U:1 1 W:1 0 Rn:4 Rt:4 Rt2:4 imm8:8',
    'UDIV (T32)': '111110111011 Rn:4 (1111) Rd:4 1111 Rm:4',
    'TBB (T32)': '111010001101 Rn:4 (1111) (0000) 000 H:1 Rm:4',
    'VMLA (floating-point, T32)': '11101110 0 D:1 00 Vn:4 Vd:4 101 sz:1 N:1 0 M:1 0 Vm:4',
  }),
];

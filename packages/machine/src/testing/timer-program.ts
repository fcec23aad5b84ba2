// SPDX-License-Identifier: Apache-2.0
// A small guest with everything that determinism tests need: a timer interrupt by the GIC every so many ticks, a loop
// that computes meanwhile, supervisor calls from User mode, and T32 code with IT blocks. Only for tests.

import { MODE } from '@plinth/arm';
import type { Instruction } from './assemble.js';
import { CODE, type CpuTest, DATA, VECTORS } from './contract.js';
import {
  a32,
  add,
  b,
  bl,
  bx,
  cmp,
  it,
  ldr,
  mcr,
  mov,
  mov32,
  NE,
  str,
  subs,
  subsPcLr,
  svc,
  t16,
  wfi,
} from './mnemonics.js';

const GICD = 0x0800_0000;
const GICC = 0x0801_0000;
const THUMB = CODE + 0x800;
const PERIOD = 37;

/** Enables the virtual timer's interrupt (PPI 11) and starts the timer. */
const setUp: readonly Instruction[] = [
  ...mov32(8, GICD),
  ...mov32(9, GICC),
  mov(0, 1),
  str(0, 8),
  str(0, 9),
  mov(0, 0xff),
  str(0, 9, 4),
  ...mov32(0, 1 << 27),
  str(0, 8, 0x100),
  mov(0, PERIOD),
  mcr('CNTV_TVAL', 0),
  mov(0, 1),
  mcr('CNTV_CTL', 0),
  ...mov32(10, DATA),
  a32('CPS', { imod: 2, I: 1 }),
];

/** Acknowledges, counts at DATA, sets the timer again. Uses r11, r12 and the registers that main leaves alone. */
const interruptHandler: readonly Instruction[] = [
  a32('STMDB', { W: 1, Rn: 13, list: 0b11 }),
  ldr(0, 9, 12),
  ldr(1, 10),
  add(1, 1, 1),
  str(1, 10),
  mov(1, PERIOD),
  mcr('CNTV_TVAL', 1),
  str(0, 9, 16),
  a32('LDMIA', { W: 1, Rn: 13, list: 0b11 }),
  subsPcLr(4),
];

const thumbPart: readonly Instruction[] = [
  t16('LSL (immediate)', { imm5: 31, Rm: 2, Rd: 0 }),
  it(NE, 'te'),
  t16('ADD (immediate) T2', { Rdn: 4, imm8: 3 }),
  t16('EOR (register)', { Rdn: 4, Rm: 2 }),
  t16('ADD (immediate) T2', { Rdn: 5, imm8: 7 }),
  t16('BX', { Rm: 14 }),
];

/** The loop; r2 counts, r4 to r6 are its results. With `wait`, every round waits for an interrupt. */
function main(wait: boolean): Instruction[] {
  const inner = [add(3, 3, 1), a32('MLA', { Rd: 6, Rn: 6, Rm: 3, Ra: 2 }), cmp(3, 9), b(-12, NE)];
  const body = [
    add(2, 2, 1),
    mov(3, 0),
    ...inner,
    ...mov32(7, THUMB + 1),
    a32('BLX (register)', { Rm: 7 }),
    str(6, 10, 8),
    ...(wait ? [wfi()] : []),
  ];
  return [...body, b(-4 * body.length)];
}

/** Puts the guest in place, ready to start. */
export function timerProgram(test: CpuTest, wait = false): CpuTest {
  return timerGuest(test, main(wait)).code(thumbPart, THUMB);
}

/** A guest whose timer interrupts it, which counts at DATA, while it does something else; r10 is DATA then. */
export function timerGuest(test: CpuTest, work: readonly Instruction[]): CpuTest {
  return test
    .masked('if')
    .code([...setUp, ...work])
    .code([b(0x100 - 24)], VECTORS + 24)
    .code(interruptHandler, VECTORS + 0x100)
    .banked('irq', { sp: DATA + 0x400 });
}

/** A guest of faults: data and prefetch aborts, undefined instructions, SVC from User mode, and a way on from each. */
export function faultProgram(test: CpuTest): CpuTest {
  const user = CODE + 0x400;
  const far = 0x2000_0000;
  const skip = [subsPcLr(4)];
  return test
    .code([
      ...mov32(1, far),
      mov(4, 50),
      ldr(0, 1),
      a32('UDF'),
      svc(1),
      bl(0x300 - 24),
      subs(4, 4, 1),
      b(-20, NE),
      ...mov32(14, user),
      a32('MSR (immediate, SPSR)', { mask: 9, imm12: MODE.usr }),
      a32('MOV (register)', { S: 1, Rd: 15, Rm: 14 }),
    ])
    .code(
      [a32('LDMIA', { Rn: 1, list: 0b1100 }), a32('ADD (immediate)', { Rd: 5, Rn: 5, imm12: 1 }), bx(14)],
      CODE + 0x300,
    )
    .code([add(6, 6, 1), svc(2), ldr(0, 1), b(-12)], user)
    .code([a32('MOV (register)', { S: 1, Rd: 15, Rm: 14 })], VECTORS + 4)
    .code([a32('MOV (register)', { S: 1, Rd: 15, Rm: 14 })], VECTORS + 8)
    .code(skip, VECTORS + 16);
}

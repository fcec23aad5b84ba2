// SPDX-License-Identifier: Apache-2.0
import { it as test } from 'vitest';
import { CODE, cpu, DATA, describeEngines, RAM, TABLES } from '../testing/contract.js';
import { EQ, it, NE, t16, t32, tAdd, tB, tMov, tNop } from '../testing/mnemonics.js';
import { PageTables } from '../testing/page-tables.js';

const UNMAPPED = 0x2000_0000;
/** ITSTATE as it stands before the n-th instruction of `IT firstcond` with this mask. */
const itState = (firstcond: number, mask: number): number => (firstcond << 4) | mask;

describeEngines('IT blocks', (engine) => {
  test('run then and else', () => {
    const run = (flags: string) =>
      cpu(engine)
        .thumb()
        .code([it(EQ, 'tee'), tMov(0, 1), tMov(1, 2), tMov(2, 3), tMov(3, 4), tMov(4, 5)])
        .flags(flags)
        .steps(6)
        .expectPc(CODE + 12)
        .expectIt(0);
    run('Z').expectRegs({ r0: 1, r1: 2, r2: 0, r3: 0, r4: 5 });
    run('z').expectRegs({ r0: 0, r1: 0, r2: 3, r3: 4, r4: 5 });
  });

  test('leave the flags alone in 16-bit forms, and set them outside', () => {
    cpu(engine)
      .thumb()
      .code([it(EQ), tMov(0, 0), tMov(1, 7)])
      .flags('NZ')
      .steps(2)
      .expectRegs({ r0: 0 })
      .expectFlags('NZcv')
      .steps(1)
      .expectFlags('nzcv');
  });

  test('let comparisons inside change the flags for the rest', () => {
    cpu(engine)
      .thumb()
      .code([it(EQ, 'tt'), t16('CMP (immediate)', { Rn: 0, imm8: 1 }), tMov(1, 1), tMov(2, 2)])
      .flags('Z')
      .steps(4)
      .expectRegs({ r1: 0, r2: 0 })
      .expectIt(0)
      .expectPc(CODE + 8);
  });

  test('go on at the target of a branch that is not their last instruction', () => {
    // UNPREDICTABLE, but the same on every engine.
    cpu(engine)
      .thumb()
      .code([it(EQ, 't'), t16('ADD (register) T2', { DN: 1, Rdn: 7, Rm: 1 }), tMov(2, 2), tNop(), tMov(3, 3), tB(0)])
      .regs({ r1: 2 })
      .flags('Z')
      .steps(10)
      .expectRegs({ r2: 0, r3: 3 })
      .expectFlags('nZcv')
      .expectIt(0);
  });

  test('step over coprocessor transfers whose condition fails', () => {
    cpu(engine)
      .thumb()
      .code([it(EQ), t32('MRC (TPIDRURO)', { Rt: 6 }), tB(0)])
      .regs({ r6: 7 })
      .flags('z')
      .steps(10)
      .expectRegs({ r6: 7 });
  });

  test('step over 32-bit instructions whose condition fails', () => {
    cpu(engine)
      .thumb()
      .code([it(NE, 't'), t32('ADD (immediate, plain)', { Rd: 0, Rn: 0, imm8: 1 }), tAdd(1, 1), tAdd(2, 1)])
      .flags('Z')
      .steps(4)
      .expectRegs({ r0: 0, r1: 0, r2: 1 })
      .expectPc(CODE + 10);
  });

  test('keep their state between single steps', () => {
    const steps = cpu(engine)
      .thumb()
      .code([it(EQ, 'ett'), tMov(0, 1), tMov(1, 1), tMov(2, 1), tMov(3, 1)])
      .flags('Z');
    steps
      .steps(1)
      .expectIt(itState(EQ, 0b1001))
      .expectPc(CODE + 2);
    steps
      .steps(1)
      .expectIt(itState(NE, 0b0010))
      .expectPc(CODE + 4);
    steps
      .steps(1)
      .expectIt(itState(EQ, 0b0100))
      .expectPc(CODE + 6);
    steps
      .steps(1)
      .expectIt(itState(EQ, 0b1000))
      .expectPc(CODE + 8);
    steps.steps(1).expectIt(0).expectRegs({ r0: 1, r1: 0, r2: 1, r3: 1 });
  });

  test('end with a branch', () => {
    const run = (flags: string) =>
      cpu(engine)
        .thumb()
        .code([it(EQ, 't'), tMov(0, 1), tB(20), tMov(1, 1)])
        .flags(flags)
        .steps(3)
        .expectIt(0);
    run('Z')
      .expectPc(CODE + 24)
      .expectRegs({ r0: 1 });
    run('z')
      .expectPc(CODE + 6)
      .expectRegs({ r0: 0 });
    cpu(engine)
      .thumb()
      .code([it(EQ), t16('BX', { Rm: 1 })])
      .flags('Z')
      .regs({ r1: CODE + 0x40 })
      .steps(2)
      .expectPc(CODE + 0x40)
      .expectThumb(false)
      .expectIt(0);
  });

  test('save their state when an instruction inside faults, and go on from there', () => {
    const tables = new PageTables(TABLES).section(RAM, RAM);
    const run = cpu(engine)
      .thumb()
      .code([it(EQ, 'et'), tMov(0, 1), tMov(3, 1), t16('LDR (immediate) T1', { Rt: 2, Rn: 1 }), tMov(4, 1)])
      .words(DATA, 42)
      .flags('Z')
      .regs({ r1: UNMAPPED })
      .mmu(tables)
      .steps(4)
      .expectException('data', CODE + 14)
      .expectIt(0)
      .expectSystem({ DFSR: 0x005, DFAR: UNMAPPED })
      .expectBanked('abt', { spsr: 0x4000_01f3 | (0b10 << 10) });
    // What a handler does: mend the address, then SUBS pc, lr, #8.
    run.state.setReg(1, DATA);
    run.machine.cpu.exceptionReturn((run.reg('lr') - 8) | 0);
    run.state.setReg(15, CODE + 6);
    run
      .expectIt(itState(EQ, 0b1000))
      .steps(1)
      .expectRegs({ r0: 1, r2: 42, r3: 0 })
      .expectIt(0)
      .expectPc(CODE + 8);
  });

  test('abort at a second half that cannot be fetched, though the condition fails', () => {
    const border = CODE + 0x1000;
    const run = (flags: string, nextPage: boolean) => {
      const tables = new PageTables(TABLES).section(RAM, RAM).page(UNMAPPED, CODE);
      if (nextPage) tables.page(UNMAPPED + 0x1000, border);
      return cpu(engine)
        .thumb()
        .code([it(EQ, 't'), tNop(), t32('MOVW', { Rd: 2, imm8: 1 }), tMov(3, 3)], border - 6)
        .at(UNMAPPED + 0xffa)
        .flags(flags)
        .mmu(tables);
    };
    for (const flags of ['Z', 'z']) {
      run(flags, false)
        .steps(3)
        .expectException('prefetch', UNMAPPED + 0x1002)
        .expectIt(0)
        .expectRegs({ r2: 0 })
        .expectSystem({ IFSR: 0x007, IFAR: UNMAPPED + 0x1000 })
        .expectBanked('abt', { spsr: (flags === 'Z' ? 0x4000_01f3 : 0x0000_01f3) | (0b10 << 10) });
      run(flags, true)
        .steps(4)
        .expectRegs({ r2: flags === 'Z' ? 1 : 0, r3: 3 })
        .expectIt(0)
        .expectPc(UNMAPPED + 0x1004);
    }
  });

  test('have moved on when a supervisor call inside is taken', () => {
    cpu(engine)
      .thumb()
      .code([it(EQ, 'te'), t16('SVC', { imm8: 3 }), tMov(0, 1), tMov(1, 1)])
      .mode('usr')
      .masked('')
      .flags('Z')
      .steps(2)
      .expectException('svc', CODE + 4)
      .expectIt(0)
      .expectThumb(false)
      .expectBanked('svc', { spsr: 0x4000_0030 | (0b011 << 10) });
  });

  test('skip a supervisor call whose condition fails', () => {
    cpu(engine)
      .thumb()
      .code([it(NE), t16('SVC'), tMov(0, 1)])
      .flags('Z')
      .steps(3)
      .expectPc(CODE + 6)
      .expectMode('svc');
  });

  test('are interrupted between their instructions', () => {
    cpu(engine)
      .thumb()
      .code([it(EQ, 'tt'), tMov(0, 1), tMov(1, 1), tMov(2, 1)])
      .masked('')
      .flags('Z')
      .steps(2)
      .interrupt('irq')
      .steps(1)
      .expectMode('irq')
      .expectIt(0)
      .expectRegs({ r0: 1, r1: 0, lr: CODE + 8 })
      .expectBanked('irq', { spsr: 0x4000_0033 | (0b01 << 10) });
  });

  test('begin again after an exception return into the middle', () => {
    // SPSR holds ITSTATE for "next one holds, then one that does not" of EQ.
    cpu(engine)
      .code([t16('NOP'), tMov(0, 1), tMov(1, 1), tMov(2, 1)])
      .thumb(itState(EQ, 0b1100))
      .at(CODE + 2)
      .flags('Z')
      .steps(3)
      .expectRegs({ r0: 1, r1: 0, r2: 1 })
      .expectIt(0);
  });

  test('treat an instruction that may not be inside as undefined', () => {
    cpu(engine)
      .thumb()
      .code([it(EQ), t16('CBZ', { Rn: 0, imm5: 4 }), tNop()])
      .flags('Z')
      .steps(2)
      .expectException('undefined', CODE + 4);
  });
});

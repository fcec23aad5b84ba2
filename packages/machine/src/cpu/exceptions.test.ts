// SPDX-License-Identifier: Apache-2.0
import { MODE } from '@plinth/arm';
import { it } from 'vitest';
import { CODE, cpu, DATA, describeEngines, RAM, TABLES, VECTORS } from '../testing/contract.js';
import { a32, here, ldr, mov, nop, svc, t16, t32, tNop, udf } from '../testing/mnemonics.js';
import { PageTables } from '../testing/page-tables.js';

const UNMAPPED = 0x2000_0000;
const HIGH = 0xffff_0000;
const V = 0x2000;
const EE = 0x200_0000;
const TE = 0x4000_0000;
const mapped = () => new PageTables(TABLES).section(RAM, RAM);

describeEngines('exception entry', (engine) => {
  // What masks an entry adds to none: table B1-6 and B1.8.
  it('by SVC: the next instruction, Supervisor mode, IRQ masked', () => {
    cpu(engine)
      .mode('usr')
      .masked('')
      .flags('nZcV')
      .code([nop(), svc(5)])
      .steps(2)
      .expectException('svc', CODE + 8)
      .expectMasked('i')
      .expectBanked('svc', { spsr: 0x5000_0010 });
    cpu(engine)
      .thumb()
      .mode('usr')
      .masked('f')
      .code([tNop(), t16('SVC')])
      .steps(2)
      .expectException('svc', CODE + 4)
      .expectMasked('if')
      .expectThumb(false)
      .expectBanked('svc', { spsr: 0x70 });
  });

  it('by an undefined instruction: link after it, Undefined mode', () => {
    cpu(engine)
      .mode('sys')
      .masked('')
      .code([nop(), udf()])
      .steps(2)
      .expectException('undefined', CODE + 8)
      .expectMasked('i')
      .expectBanked('und', { spsr: MODE.sys });
    cpu(engine)
      .thumb()
      .masked('')
      .code([tNop(), t16('UDF')])
      .steps(2)
      .expectException('undefined', CODE + 4);
    cpu(engine)
      .thumb()
      .masked('')
      .code([tNop(), t32('UDF')])
      .steps(2)
      .expectException('undefined', CODE + 4);
  });

  it('by a data abort: 8 after the instruction in both states', () => {
    cpu(engine)
      .masked('')
      .mode('usr')
      .code([nop(), ldr(0, 1)])
      .regs({ r1: UNMAPPED })
      .mmu(mapped())
      .steps(2)
      .expectException('data', CODE + 12)
      .expectMasked('ai')
      .expectBanked('abt', { spsr: 0x10 });
    cpu(engine)
      .thumb()
      .code([tNop(), t16('LDR (immediate) T1', { Rt: 0, Rn: 1 })])
      .regs({ r1: UNMAPPED })
      .mmu(mapped())
      .steps(2)
      .expectException('data', CODE + 10)
      .expectBanked('abt', { spsr: 0x1f3 });
  });

  it('by a prefetch abort: 4 after the instruction in both states', () => {
    cpu(engine)
      .masked('')
      .code([a32('BX', { Rm: 0 })])
      .regs({ r0: UNMAPPED + 8 })
      .mmu(mapped())
      .steps(2)
      .expectException('prefetch', UNMAPPED + 12)
      .expectMasked('ai')
      .expectSystem({ IFSR: 0x005, IFAR: UNMAPPED + 8 })
      .expectBanked('abt', { spsr: MODE.svc });
    cpu(engine)
      .code([a32('BX', { Rm: 0 })])
      .regs({ r0: UNMAPPED + 7 })
      .mmu(mapped())
      .steps(2)
      .expectException('prefetch', UNMAPPED + 10)
      .expectSystem({ IFSR: 0x005, IFAR: UNMAPPED + 6 })
      .expectBanked('abt', { spsr: 0x1f3 });
  });

  it('by BKPT: a prefetch abort with the debug status', () => {
    cpu(engine)
      .code([nop(), a32('BKPT')])
      .steps(2)
      .expectException('prefetch', CODE + 8)
      .expectSystem({ IFSR: 2 });
    cpu(engine)
      .thumb()
      .code([tNop(), t16('BKPT')])
      .steps(2)
      .expectException('prefetch', CODE + 6);
  });

  it('by an interrupt: 4 after the next instruction', () => {
    cpu(engine)
      .masked('')
      .code([nop(), nop(), nop()])
      .steps(1)
      .interrupt('irq')
      .steps(1)
      .expectException('irq', CODE + 8)
      .expectMasked('ai')
      .expectBanked('irq', { spsr: MODE.svc });
    cpu(engine)
      .thumb()
      .masked('')
      .code([tNop(), tNop(), tNop()])
      .steps(1)
      .interrupt('fiq')
      .steps(1)
      .expectException('fiq', CODE + 6)
      .expectMasked('aif')
      .expectBanked('fiq', { spsr: 0x20 | MODE.svc });
  });

  it('prefers FIQ, and takes IRQ when FIQ unmasks it', () => {
    cpu(engine)
      .masked('')
      .code([nop()])
      .words(VECTORS + 28, 0xf108_0080)
      .interrupt('irq')
      .interrupt('fiq')
      .steps(2)
      .expectException('irq', VECTORS + 36)
      .expectBanked('irq', { spsr: 0x140 | MODE.fiq });
  });

  it('leaves interrupts pending while they are masked, and takes them right after CPS or MSR', () => {
    const test = cpu(engine)
      .masked('i')
      .code([nop(), a32('CPS', { imod: 2, I: 1 }), nop()])
      .interrupt('irq')
      .steps(1)
      .expectPc(CODE + 4);
    test
      .steps(1)
      .expectPc(CODE + 8)
      .steps(1)
      .expectException('irq', CODE + 12);
    cpu(engine)
      .masked('i')
      .code([a32('MSR (immediate, CPSR)', { mask: 1, imm12: MODE.svc }), nop()])
      .interrupt('irq')
      .steps(2)
      .expectException('irq', CODE + 8);
  });

  it('does not take an interrupt whose line fell before', () => {
    cpu(engine)
      .masked('')
      .code([nop(), nop(), nop()])
      .interrupt('irq')
      .interrupt('irq', false)
      .steps(3)
      .expectPc(CODE + 12);
  });

  it('takes an interrupt at once after an exception return unmasks it', () => {
    cpu(engine)
      .mode('abt')
      .banked('abt', { spsr: 0x10 })
      .code([a32('MOV (register)', { S: 1, Rd: 15, Rm: 14 })])
      .regs({ lr: CODE + 0x20 })
      .interrupt('irq')
      .steps(2)
      .expectException('irq', CODE + 0x24)
      .expectBanked('irq', { spsr: 0x10 });
  });
});

describeEngines('exception vectors', (engine) => {
  it('lie at VBAR, whose low bits do not count', () => {
    cpu(engine)
      .system({ VBAR: DATA + 0x1f })
      .code([svc()])
      .words(DATA + 8, 0xeafffffe)
      .steps(1)
      .expectPc(DATA + 8)
      .expectSystem({ VBAR: DATA });
  });

  it('lie at 0 after reset', () => {
    const tables = mapped().page(0, DATA);
    cpu(engine).system({ VBAR: 0 }).code([svc()]).mmu(tables).steps(1).expectPc(8);
  });

  it('lie at 0xffff0000 with SCTLR.V, whatever VBAR says', () => {
    const tables = mapped().page(HIGH, DATA);
    cpu(engine)
      .code([svc()])
      .mmu(tables, { control: V })
      .steps(1)
      .expectPc(HIGH + 8);
    cpu(engine)
      .code([udf()])
      .mmu(tables, { control: V })
      .steps(1)
      .expectPc(HIGH + 4);
  });

  it('run in T32 with SCTLR.TE', () => {
    cpu(engine)
      .thumbVectors()
      .code([nop(), svc()])
      .control(TE)
      .steps(3)
      .expectException('svc', CODE + 8)
      .expectThumb(true)
      .expectBanked('svc', { spsr: 0x1d3 });
  });

  it('run with big-endian data with SCTLR.EE', () => {
    cpu(engine)
      .code([svc()])
      .words(VECTORS + 8, 0xe591_0000)
      .words(DATA, 0x1122_3344)
      .regs({ r1: DATA })
      .control(EE)
      .steps(2)
      .expectRegs({ r0: 0x4433_2211 });
    // And the other way round: the handler of a big-endian program runs little-endian.
    cpu(engine)
      .bigEndian()
      .code([svc()])
      .words(VECTORS + 8, 0xe591_0000)
      .words(DATA, 0x1122_3344)
      .regs({ r1: DATA })
      .steps(2)
      .expectRegs({ r0: 0x1122_3344 })
      .expectBanked('svc', { spsr: 0x3d3 });
  });
});

describeEngines('a round trip through a handler', (engine) => {
  it('leaves the program as it was', () => {
    cpu(engine)
      .mode('usr')
      .masked('')
      .flags('NzCv')
      .banked('svc', { sp: DATA + 0x100 })
      .code([mov(0, 1), svc(), mov(1, 2), here()])
      .words(VECTORS + 8, 0xea00_003c)
      .code(
        [
          a32('STMDB', { W: 1, Rn: 13, list: 0x4001 }),
          mov(0, 0),
          a32('CMP (immediate)', { Rn: 0, imm12: 0 }),
          a32('LDMIA (exception return)', { W: 1, Rn: 13, list: 1 }),
        ],
        VECTORS + 0x100,
      )
      .steps(8)
      .expectRegs({ r0: 1, r1: 2 })
      .expectFlags('NzCv')
      .expectMode('usr')
      .expectPc(CODE + 12)
      .expectBanked('svc', { sp: DATA + 0x100 });
  });

  it('counts aborted instructions and aborted fetches as one each, and interrupts as none', () => {
    const test = cpu(engine)
      .masked('')
      .code([ldr(0, 1)])
      .regs({ r1: UNMAPPED })
      .mmu(mapped());
    test.steps(1).expectPc(VECTORS + 16);
    const fetch = cpu(engine).at(UNMAPPED).mmu(mapped());
    fetch.steps(1).expectPc(VECTORS + 12);
    const interrupt = cpu(engine).masked('').code([nop()]).interrupt('irq');
    // Of the entry and one `b .` at the vector, only the branch is counted.
    interrupt.steps(1).expectPc(VECTORS + 24);
  });
});

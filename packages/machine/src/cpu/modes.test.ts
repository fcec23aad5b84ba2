// SPDX-License-Identifier: Apache-2.0
import { MODE } from '@plinth/arm';
import { describe, expect, it } from 'vitest';
import { CODE, cpu, DATA, describeEngines, type ModeName } from '../testing/contract.js';
import { a32, mov, movsPcLr, movReg, mrsCpsr, subsPcLr, t16 } from '../testing/mnemonics.js';

const PRIVILEGED: readonly ModeName[] = ['fiq', 'irq', 'svc', 'abt', 'und', 'sys'];
const EXCEPTION_MODES: readonly ModeName[] = ['fiq', 'irq', 'svc', 'abt', 'und'];
const cps = (mode: number) => a32('CPS', { M: 1, mode });
const msr = (mask: number, rn: number) =>
  a32(mask & 3 ? 'MSR (register, CPSR)' : 'MSR (register, CPSR flags)', { mask, Rn: rn });

describeEngines('modes and banks', (engine) => {
  it.each(PRIVILEGED)('gives %s its own registers', (mode) => {
    const own = { sp: 0x100 + MODE[mode], lr: 0x200 + MODE[mode] };
    const fiq = { r8: 0x80, r12: 0xc0 };
    const test = cpu(engine)
      .banked(mode, own)
      .banked('fiq', fiq)
      .banked('svc', { sp: 0x5000, lr: 0x6000 })
      .code([cps(MODE[mode]), movReg(0, 13), movReg(1, 14), movReg(2, 8), movReg(3, 12)])
      .regs({ r8: 8, r12: 12, sp: 0x5000, lr: 0x6000 })
      .steps(5)
      .expectMode(mode);
    test.expectRegs(mode === 'svc' ? { r0: 0x5000, r1: 0x6000 } : { r0: own.sp, r1: own.lr });
    test.expectRegs(mode === 'fiq' ? { r2: 0x80, r3: 0xc0 } : { r2: 8, r3: 12 });
    test.expectBanked('svc', { sp: 0x5000, lr: 0x6000 }).expectBanked('usr', { r8: 8, r12: 12 });
  });

  it('keeps every bank through a round of all modes', () => {
    const round = [...PRIVILEGED, ...PRIVILEGED, 'svc' as const];
    const test = cpu(engine).code(
      round.flatMap((mode) => [cps(MODE[mode]), a32('ADD (immediate)', { Rd: 13, Rn: 13, imm12: 1 })]),
    );
    for (const mode of PRIVILEGED) test.banked(mode, { sp: MODE[mode] << 8 });
    test.regs({ sp: MODE.svc << 8 }).steps(2 * round.length);
    for (const mode of PRIVILEGED) test.expectBanked(mode, { sp: (MODE[mode] << 8) + (mode === 'svc' ? 3 : 2) });
    test.expectBanked('usr', { sp: (MODE.sys << 8) + 2 });
  });

  it.each(EXCEPTION_MODES)('keeps an SPSR in %s', (mode) => {
    cpu(engine)
      .mode(mode)
      .code([
        a32('MSR (register, SPSR)', { mask: 15, Rn: 0 }),
        a32('MRS (SPSR)', { Rd: 1 }),
        a32('MSR (register, SPSR)', { mask: 1, Rn: 2 }),
      ])
      .regs({ r0: 0xf80f_01d3, r2: 0xffff_ff10 })
      .steps(2)
      .expectRegs({ r1: 0xf80f_01d3 })
      .steps(1)
      .expectBanked(mode, { spsr: 0xf80f_0110 });
  });

  it.each(['usr', 'sys'] as const)('has no SPSR in %s', (mode) => {
    for (const instruction of [a32('MRS (SPSR)', { Rd: 1 }), a32('MSR (register, SPSR)', { mask: 15, Rn: 0 })]) {
      cpu(engine)
        .mode(mode)
        .code([instruction])
        .steps(1)
        .expectException('undefined', CODE + 4);
    }
    for (const instruction of [movsPcLr(), subsPcLr(4)]) {
      cpu(engine)
        .mode(mode)
        .flags('NzCv')
        .regs({ lr: CODE + 0x40 })
        .code([instruction])
        .steps(1)
        .expectException('undefined', CODE + 4);
    }
  });
});

describeEngines('CPSR', (engine) => {
  it('reads without the execution state bits', () => {
    cpu(engine)
      .code([mrsCpsr(0)])
      .flags('NzCvQ')
      .steps(1)
      .expectRegs({ r0: 0xa800_01d3 });
    cpu(engine)
      .thumb()
      .code([t16('NOP'), a32('NOP')])
      .flags('Z')
      .steps(1)
      .expectThumb(true);
  });

  it('is written byte by byte', () => {
    cpu(engine)
      .code([msr(8, 0)])
      .regs({ r0: 0xffff_ffff })
      .steps(1)
      .expectFlags('NZCVQ')
      .expectGe(0)
      .expectMasked('aif');
    cpu(engine)
      .code([msr(4, 0)])
      .regs({ r0: 0xffff_ffff })
      .steps(1)
      .expectFlags('nzcvq')
      .expectGe(15);
    cpu(engine)
      .code([msr(1, 0)])
      .regs({ r0: MODE.irq })
      .steps(1)
      .expectMode('irq')
      .expectMasked('a');
    cpu(engine)
      .code([msr(2, 0)])
      .regs({ r0: 0 })
      .steps(1)
      .expectMode('svc')
      .expectMasked('if');
    cpu(engine)
      .code([msr(15, 0)])
      .regs({ r0: 0xf80f_0200 | MODE.fiq })
      .banked('fiq', { sp: 0x77 })
      .steps(1)
      .expectMode('fiq')
      .expectMasked('')
      .expectFlags('NZCVQ')
      .expectRegs({ sp: 0x77 });
  });

  it('does not change T by MSR, nor the mode to one that does not exist', () => {
    cpu(engine)
      .code([msr(1, 0)])
      .regs({ r0: 0xf3 })
      .steps(1)
      .expectThumb(false)
      .expectPc(CODE + 4)
      .expectMasked('aif');
    cpu(engine)
      .code([msr(1, 0)])
      .regs({ r0: 0x1c })
      .steps(1)
      .expectMode('svc');
    cpu(engine)
      .code([msr(1, 0)])
      .regs({ r0: 0 })
      .steps(1)
      .expectMode('svc');
  });

  it('gives User mode the flags and E only', () => {
    const test = cpu(engine)
      .mode('usr')
      .masked('i')
      .code([msr(15, 0), mrsCpsr(1)])
      .regs({ r0: 0xf80f_0200 | MODE.svc })
      .steps(2)
      .expectMode('usr')
      .expectMasked('i')
      .expectFlags('NZCVQ')
      .expectGe(15);
    expect(test.state.cpsr & 0x200).toBe(0x200);
    cpu(engine)
      .mode('usr')
      .masked('')
      .code([cps(MODE.svc), mov(0, 1)])
      .steps(2)
      .expectMode('usr')
      .expectRegs({ r0: 1 });
    cpu(engine)
      .mode('usr')
      .masked('')
      .code([a32('CPS', { imod: 3, I: 1, F: 1 })])
      .steps(1)
      .expectMasked('');
  });

  it('masks and unmasks by CPS', () => {
    cpu(engine)
      .code([a32('CPS', { imod: 2, I: 1 })])
      .steps(1)
      .expectMasked('af');
    cpu(engine)
      .masked('')
      .code([a32('CPS', { imod: 3, A: 1, F: 1 })])
      .steps(1)
      .expectMasked('af');
    cpu(engine)
      .masked('')
      .code([a32('CPS', { imod: 3, I: 1, M: 1, mode: MODE.und })])
      .steps(1)
      .expectMasked('i')
      .expectMode('und');
    cpu(engine)
      .thumb()
      .masked('')
      .code([t16('CPS', { im: 1, I: 1 })])
      .steps(1)
      .expectMasked('i');
  });
});

describeEngines('returns from exceptions', (engine) => {
  it('by MOVS and SUBS to the PC, into either state', () => {
    cpu(engine)
      .mode('und')
      .banked('und', { spsr: 0x9000_0030 })
      .banked('usr', { sp: 0x99 })
      .code([movsPcLr()])
      .regs({ lr: CODE + 0x43 })
      .steps(1)
      .expectPc(CODE + 0x42)
      .expectThumb(true)
      .expectMode('usr')
      .expectFlags('NzcV')
      .expectMasked('')
      .expectRegs({ sp: 0x99 });
    cpu(engine)
      .mode('irq')
      .banked('irq', { spsr: 0xd3 })
      .code([subsPcLr(4)])
      .regs({ lr: CODE + 0x46 })
      .steps(1)
      .expectPc(CODE + 0x40)
      .expectThumb(false)
      .expectMode('svc')
      .expectMasked('if');
  });

  it('by RFE, with the base written back to its own mode', () => {
    const run = (suffix: string, at: number, end: number) =>
      cpu(engine)
        .mode('abt')
        .words(DATA + at, CODE + 0x80, 0x6000_0000 | MODE.sys)
        .code([a32(`RFE${suffix}`, { W: 1, Rn: 13 })])
        .regs({ sp: DATA })
        .steps(1)
        .expectPc(CODE + 0x80)
        .expectMode('sys')
        .expectFlags('nZCv')
        .expectBanked('abt', { sp: DATA + end });
    run('IA', 0, 8);
    run('IB', 4, 8);
    run('DA', -4, -8);
    run('DB', -8, -8);
  });

  it('after SRS has stored the state on another stack', () => {
    const run = (suffix: string, at: number, end: number) =>
      cpu(engine)
        .mode('irq')
        .banked('irq', { spsr: 0x4000_0010 })
        .banked('svc', { sp: DATA + 0x100 })
        .code([a32(`SRS${suffix}`, { W: 1, mode: MODE.svc })])
        .regs({ sp: 0x55, lr: 0x1234 })
        .steps(1)
        .expectWords(DATA + 0x100 + at, 0x1234, 0x4000_0010)
        .expectRegs({ sp: 0x55 })
        .expectBanked('svc', { sp: DATA + 0x100 + end });
    run('IA', 0, 8);
    run('IB', 4, 8);
    run('DA', -4, -8);
    run('DB', -8, -8);
    cpu(engine)
      .mode('svc')
      .banked('svc', { spsr: 0x10 })
      .code([a32('SRSDB', { W: 1, mode: MODE.svc })])
      .regs({ sp: DATA + 8, lr: 7 })
      .steps(1)
      .expectWords(DATA, 7, 0x10)
      .expectRegs({ sp: DATA });
  });

  it('are undefined where there is no state to return to', () => {
    for (const instruction of [a32('RFEIA', { Rn: 0 }), a32('SRSDB', { mode: MODE.svc })]) {
      cpu(engine)
        .mode('usr')
        .code([instruction])
        .regs({ r0: DATA })
        .steps(1)
        .expectException('undefined', CODE + 4);
    }
  });

  it('ignore a mode that does not exist', () => {
    cpu(engine)
      .mode('irq')
      .banked('irq', { spsr: 0x4000_0001 })
      .code([movsPcLr()])
      .regs({ lr: CODE + 0x40 })
      .steps(1)
      .expectPc(CODE + 0x40)
      .expectMode('irq')
      .expectFlags('nZcv');
  });

  it('drop an IT state that A32 has no use for', () => {
    cpu(engine)
      .mode('irq')
      .banked('irq', { spsr: 0x0600_fc13 })
      .code([movsPcLr()])
      .regs({ lr: CODE + 0x40 })
      .code([mov(0, 1), mov(1, 2)], CODE + 0x40)
      .steps(3)
      .expectIt(0)
      .expectRegs({ r0: 1, r1: 2 })
      .expectPc(CODE + 0x48);
  });
});

describe('names of modes', () => {
  it('cover every mode of the profile', () => {
    expect(EXCEPTION_MODES.map((mode) => MODE[mode])).toEqual([0x11, 0x12, 0x13, 0x17, 0x1b]);
  });
});

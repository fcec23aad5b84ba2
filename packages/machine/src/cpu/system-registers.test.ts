// SPDX-License-Identifier: Apache-2.0
// System registers as instructions reach them: identification, gates for User mode and floating point, the architected
// timer (B8), PSCI, and registers that are not there.
import { expect, it } from 'vitest';
import type { MachineNotice } from '../machine.js';
import { CODE, cpu, CpuTest, describeEngines, VECTORS } from '../testing/contract.js';
import { data32 } from '../testing/assemble.js';
import { a32, add, b, cp15Fields, here, mcr, mov, mrc, nop, svc } from '../testing/mnemonics.js';

const CNTPCT = 0;
const CNTVCT = 1;
const mrrc = (opc1: number, rt = 0, rt2 = 1) => a32('MRRC', { cp: 1, opc1, CRm: 14, Rt: rt, Rt2: rt2 });
const mcrr = (opc1: number) => a32('MCRR', { cp: 1, opc1, CRm: 14, Rt: 0, Rt2: 1 });
const unknown = (name: 'MRC' | 'MCR') => a32(name, { cp: 1, opc1: 3, CRn: 15, CRm: 7, opc2: 5, Rt: 0 });

describeEngines('coprocessor 15', (engine) => {
  it('tells what the processor is', () => {
    cpu(engine)
      .code([mrc('MIDR', 0), mrc('CNTFRQ', 1)])
      .steps(2)
      .expectRegs({ r0: 0x414f_c0f0, r1: 62_500_000 });
  });

  it('keeps what is written, and moves flags by an MRC to APSR_nzcv', () => {
    cpu(engine)
      .code([mcr('CONTEXTIDR', 0), mrc('CONTEXTIDR', 1)])
      .regs({ r0: 0x1234_5601 })
      .steps(2)
      .expectRegs({ r1: 0x1234_5601 });
    cpu(engine)
      .code([mcr('DFAR', 0), mrc('DFAR', 15), nop()])
      .regs({ r0: 0xa000_0000 })
      .steps(2)
      .expectFlags('NzCv')
      .expectPc(CODE + 8);
  });

  it('reads unknown registers as zero, ignores writes, and says so once for each', () => {
    const notices: MachineNotice[] = [];
    const machine = engine.machine({ onNotice: (notice) => notices.push(notice) });
    new CpuTest(machine)
      .code([unknown('MRC'), unknown('MCR'), b(-8)])
      .regs({ r0: 5 })
      .steps(6)
      .expectRegs({ r0: 0 });
    expect(notices.map(({ kind, message }) => [kind, message])).toEqual([
      ['unknown-register', 'read of system register p15, 3, c15, c7, 5, which this CPU does not have'],
      ['unknown-register', 'write to system register p15, 3, c15, c7, 5, which this CPU does not have'],
    ]);
  });

  it('is closed to User mode, but for barriers and thread registers', () => {
    for (const instruction of [mrc('MIDR', 0), mcr('SCTLR', 0), mrc('SCTLR', 0), mcr('TLBIALL', 0), unknown('MRC')]) {
      cpu(engine)
        .mode('usr')
        .code([instruction])
        .steps(1)
        .expectException('undefined', CODE + 4);
    }
    const barrier = (CRm: number, opc2: number) => a32('MCR', { cp: 1, CRn: 7, CRm, opc2, Rt: 0 });
    cpu(engine)
      .mode('usr')
      .code([mcr('TPIDRURW', 0), mrc('TPIDRURW', 1), barrier(10, 5), barrier(10, 4), barrier(5, 4)])
      .regs({ r0: 77 })
      .steps(5)
      .expectRegs({ r1: 77 })
      .expectPc(CODE + 20);
    cpu(engine)
      .mode('usr')
      .code([a32('MCR (TPIDRURO)', { Rt: 0 })])
      .steps(1)
      .expectException('undefined', CODE + 4);
    cpu(engine)
      .mode('usr')
      .code([a32('MRC (TPIDRPRW)', { Rt: 0 })])
      .steps(1)
      .expectException('undefined', CODE + 4);
  });

  it('is not reached by the second form of its instructions', () => {
    for (const instruction of [
      a32('MRC2', cp15Fields('MIDR')),
      a32('MCR2', cp15Fields('DFAR')),
      a32('MRRC2', { cp: 1, opc1: 1, CRm: 14, Rt: 0, Rt2: 1 }),
    ])
      cpu(engine)
        .code([instruction])
        .steps(1)
        .expectException('undefined', CODE + 4);
  });

  it('has neighbours that are undefined', () => {
    cpu(engine)
      .code([data32(0xee10_0d10)])
      .steps(1)
      .expectException('undefined', CODE + 4);
    cpu(engine)
      .code([a32('CDP', { cp: 1 })])
      .steps(1)
      .expectException('undefined', CODE + 4);
  });
});

describeEngines('access to floating point', (engine) => {
  const EN = 0x4000_0000;
  const vmov = a32('VMOV (ARM core register to singleword)', { Vn: 0, Rt: 0 });
  const vmsr = (name: string, rt: number) => a32(`VMSR (${name})`, { Rt: rt });
  const vmrs = (name: string, rt: number) => a32(`VMRS (${name})`, { Rt: rt });
  const open = (cpacr: number, mode: 'svc' | 'usr') =>
    cpu(engine)
      .code([vmsr('FPEXC', 2), a32('CPS', { M: 1, mode: mode === 'usr' ? 0x10 : 0x13 }), vmov, nop()])
      .regs({ r2: EN })
      .system({ CPACR: cpacr << 20 })
      .steps(3);

  it('needs CPACR in the mode, and FPEXC.EN', () => {
    open(0, 'svc')
      .expectException('undefined', CODE + 12 - 8)
      .expectMode('und');
    open(0b0101, 'svc').expectPc(CODE + 12);
    open(0b0101, 'usr').expectException('undefined', CODE + 12);
    open(0b1111, 'usr').expectPc(CODE + 12);
    cpu(engine)
      .code([vmov])
      .system({ CPACR: 0xf << 20 })
      .steps(1)
      .expectException('undefined', CODE + 4);
  });

  it('leaves FPEXC and the identification readable while it is off, in privileged modes', () => {
    cpu(engine)
      .code([vmrs('FPEXC', 0), vmrs('MVFR0', 1), vmrs('FPSID', 3)])
      .system({ CPACR: 0xf << 20 })
      .steps(3)
      .expectRegs({ r0: 0, r1: 0x1011_0222, r3: 0x4104_30f0 });
    cpu(engine)
      .mode('usr')
      .code([vmrs('FPEXC', 0)])
      .system({ CPACR: 0xf << 20 })
      .steps(1)
      .expectException('undefined', CODE + 4);
    cpu(engine)
      .code([vmrs('FPSCR', 0)])
      .system({ CPACR: 0xf << 20 })
      .steps(1)
      .expectException('undefined', CODE + 4);
  });
});

describeEngines('the architected timer', (engine) => {
  it('counts virtual time: 16 nanoseconds a tick, 4 an instruction', () => {
    const test = cpu(engine)
      .code([mrrc(CNTVCT), ...Array.from({ length: 38 }, nop), mrrc(CNTPCT, 2, 3), mrrc(CNTVCT, 4, 5)])
      .start();
    test.machine.time.elapsed += 16 - (test.machine.clock.now() % 16);
    test.steps(41);
    const ticks = (low: 'r0' | 'r2' | 'r4', high: 'r1' | 'r3' | 'r5') => test.reg(low) + test.reg(high) * 2 ** 32;
    expect(ticks('r2', 'r3') - ticks('r0', 'r1')).toBe(10);
    expect(ticks('r4', 'r5')).toBe(ticks('r2', 'r3'));
    expect(ticks('r4', 'r5')).toBe(Math.floor(test.machine.clock.now() / 16));
  });

  it('gives the same count at the same instruction in one run and in single steps', () => {
    const code = [mrrc(CNTVCT, 0, 1), add(2, 2, 1), mrrc(CNTVCT, 3, 4), add(5, 5, 1), mrrc(CNTVCT, 6, 7), here()];
    const run = (steps: (test: CpuTest) => void) => {
      const test = new CpuTest(engine.machine()).code(code).start();
      steps(test);
      return (['r0', 'r3', 'r6'] as const).map((name) => test.reg(name));
    };
    const whole = run((test) => test.steps(5));
    const single = run((test) => {
      for (let i = 0; i < 5; i++) test.steps(1);
    });
    expect(single).toEqual(whole);
  });

  it('shows its condition in CTL, and TVAL counts down through zero', () => {
    const test = cpu(engine)
      .code([
        mcr('CNTP_TVAL', 0),
        mcr('CNTP_CTL', 1),
        mrc('CNTP_CTL', 2),
        ...Array.from({ length: 20 }, nop),
        mrc('CNTP_CTL', 3),
        mrc('CNTP_TVAL', 4),
        here(),
      ])
      .regs({ r0: 4, r1: 3 })
      .steps(26);
    test.expectRegs({ r2: 3, r3: 7 });
    expect(test.reg('r4') | 0).toBeLessThan(0);
    expect(test.reg('r4') | 0).toBeGreaterThan(-5);
  });

  it('compares with 64 bits', () => {
    cpu(engine)
      .code([mcrr(3), mrrc(3, 2, 3), mcrr(2), mrrc(2, 4, 5)])
      .regs({ r0: 0x89ab_cdef, r1: 0x0123_4567 })
      .steps(4)
      .expectRegs({ r2: 0x89ab_cdef, r3: 0x0123_4567, r4: 0x89ab_cdef, r5: 0x0123_4567 });
  });

  it('interrupts at exactly its time', () => {
    // GIC: distributor and CPU interface on, PPI 30 (CNTP) enabled.
    const test = cpu(engine)
      .masked('')
      .code([mov(0, 25), mcr('CNTP_TVAL', 0), mov(0, 1), mcr('CNTP_CTL', 0), add(2, 2, 1), b(-4)])
      .words(VECTORS + 24, 0xeafffffe)
      .start();
    const { machine } = test;
    machine.memory.write(0x0800_0000, 4, 1);
    machine.memory.write(0x0800_0100, 4, 1 << 30);
    machine.memory.write(0x0801_0000, 4, 1);
    machine.memory.write(0x0801_0004, 4, 0xff);
    machine.time.elapsed += 16 - (machine.clock.now() % 16);
    test.steps(300).expectMode('irq');
    // TVAL was written within the first tick (after two instructions); 25 ticks later are 100 instructions of the run.
    test.expectRegs({ r2: (100 - 4) / 2, lr: CODE + 16 + 4 });
  });

  it('opens to User mode by CNTKCTL, register by register', () => {
    const user = (kctl: number, instruction: ReturnType<typeof nop>) =>
      cpu(engine).mode('usr').code([instruction]).system({ CNTKCTL: kctl }).steps(1);
    const reaches = (kctl: number, instruction: ReturnType<typeof nop>, yes: boolean) =>
      yes ? user(kctl, instruction).expectPc(CODE + 4) : user(kctl, instruction).expectException('undefined', CODE + 4);
    for (const kctl of [0, 1, 2, 0x100, 0x200]) {
      reaches(kctl, mrrc(CNTPCT), kctl === 1);
      reaches(kctl, mrrc(CNTVCT), kctl === 2);
      reaches(kctl, mrc('CNTFRQ', 0), kctl === 1 || kctl === 2);
      reaches(kctl, mrc('CNTV_CTL', 0), kctl === 0x100);
      reaches(kctl, mrrc(3), kctl === 0x100);
      reaches(kctl, mcr('CNTP_TVAL', 0), kctl === 0x200);
      reaches(kctl, mrrc(2), kctl === 0x200);
      reaches(kctl, mrc('CNTKCTL', 0), false);
      reaches(kctl, mcr('CNTFRQ', 0), false);
    }
  });
});

describeEngines('PSCI', (engine) => {
  const call = (r0: number, r1 = 0) =>
    cpu(engine)
      .code([a32('HVC'), add(5, 5, 1), here()])
      .regs({ r0, r1 })
      .steps(2);

  it('tells its version and features', () => {
    call(0x8400_0000).expectRegs({ r0: 0x1_0001, r5: 1 });
    call(0x8400_000a, 0x8400_0008).expectRegs({ r0: 0 });
    call(0x8400_000a, 0x8400_000f).expectRegs({ r0: -1 });
    // SMCCC 1.0, which has no call for its version, as QEMU's firmware.
    call(0x8000_0000).expectRegs({ r0: -1 });
    call(0x1234).expectRegs({ r0: -1, r5: 1 });
  });

  it('switches off and resets', () => {
    const off = call(0x8400_0008);
    expect(off.stop).toEqual({ kind: 'shutdown' });
    off.expectPc(CODE + 4);
    expect(call(0x8400_0009).stop).toEqual({ kind: 'reset' });
  });

  it('suspends until an interrupt', () => {
    const test = call(0x8400_0001).expectRegs({ r0: 0, r5: 0 });
    expect(test.stop).toEqual({ kind: 'idle' });
    test.interrupt('irq').steps(1).expectRegs({ r5: 1 });
  });

  it('is undefined in User mode', () => {
    cpu(engine)
      .mode('usr')
      .code([a32('HVC')])
      .steps(1)
      .expectException('undefined', CODE + 4);
  });
});

describeEngines('semihosting', (engine) => {
  it('gets supervisor calls with its number and may exit; others are calls', () => {
    const seen: number[] = [];
    const machine = engine.machine({
      semihosting: (vcpu) => {
        seen.push(vcpu.state.reg(0));
        if (vcpu.state.reg(0) === 0x18) machine.exit(42);
        return true;
      },
    });
    const test = new CpuTest(machine)
      .code([mov(0, 1), svc(0x12_3456), mov(0, 0x18), svc(0x12_3456), mov(0, 3)])
      .steps(10);
    expect(test.stop).toEqual({ kind: 'exit', status: 42 });
    expect(seen).toEqual([1, 0x18]);
    test.expectRegs({ r0: 0x18 });
    new CpuTest(machine)
      .code([svc(1)])
      .steps(1)
      .expectException('svc', CODE + 4);
  });
});

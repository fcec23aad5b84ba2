// SPDX-License-Identifier: Apache-2.0
// The seam that breakpoints and probes stand on: whoever waits at an instruction is told before each of its executions, by
// every engine, and stops it there exactly.
import { expect, it } from 'vitest';
import { CODE, cpu, CpuTest, DATA, describeEngines, RAM, TABLES } from '../testing/contract.js';
import {
  a32,
  add,
  b,
  EQ,
  here,
  it as itBlock,
  mov,
  NE,
  nop,
  str,
  subs,
  svc,
  t32,
  tAdd,
  tMov,
  tNop,
} from '../testing/mnemonics.js';
import { PageTables } from '../testing/page-tables.js';
import { codeOf, severalCpus, to } from '../testing/several-cpus.js';
import type { HookVerdict } from './hooks.js';

/** Enough for the translator to translate a loop. */
const ROUNDS = 43_000;

interface Told {
  /** Virtual addresses, each time. */
  readonly at: number[];
  readonly end: () => void;
}

function stand(test: CpuTest, address: number, verdict: HookVerdict = 'go-on', virtual = false): Told {
  const at: number[] = [];
  const { hooks } = test.machine;
  const end = hooks[virtual ? 'addVirtual' : 'add'](address, (vcpu, place) => {
    expect(vcpu.instructionAddress >>> 0).toBe(place);
    at.push(place);
    return verdict;
  });
  return { at, end };
}

describeEngines('a hook', (engine) => {
  it('is told before its instruction, once for each execution, and changes nothing', () => {
    const test = cpu(engine)
      .code([add(0, 0, 1), add(1, 0, 0), here()])
      .start();
    const seen: number[] = [];
    const end = test.machine.hooks.add(CODE + 4, ({ state }) => {
      seen.push(state.reg(0), state.reg(1));
      return 'go-on';
    });
    const before = test.machine.count;
    test.steps(2).expectPc(CODE + 8);
    end();
    expect(seen).toEqual([1, 0]);
    expect(test.machine.count - before).toBe(2);
    test.expectRegs({ r0: 1, r1: 1 });
  });

  it('is told each time in a hot loop, and when it comes and goes while the loop runs', () => {
    const test = cpu(engine)
      .code([add(0, 0, 1), subs(1, 1, 1), b(-8, NE), here()])
      .regs({ r1: 4 * ROUNDS });
    const first = stand(test, CODE + 4);
    test.steps(3 * ROUNDS);
    expect(first.at).toHaveLength(ROUNDS);
    first.end();
    test.steps(3 * ROUNDS);
    const second = stand(test, CODE);
    test.steps(30);
    second.end();
    test.steps(3 * ROUNDS).expectRegs({ r0: 3 * ROUNDS + 10 });
    expect([first.at.length, second.at.length]).toEqual([ROUNDS, 10]);
  });

  it('is told of an instruction whose condition does not hold', () => {
    const test = cpu(engine)
      .code([a32('ADD (immediate)', { cond: EQ, Rd: 0, Rn: 0, imm12: 1 }), add(0, 0, 2), here()])
      .flags('z');
    const told = stand(test, CODE);
    test.steps(2).expectRegs({ r0: 2 });
    told.end();
    expect(told.at).toEqual([CODE]);
  });

  it('stops exactly there, uncounted, and lets the machine go on from there', () => {
    const test = cpu(engine)
      .code([add(0, 0, 1), add(1, 1, 1), b(-8)])
      .start();
    const told = stand(test, CODE + 4, 'stop');
    const before = test.machine.count;
    for (let n = 1; n <= 3; n++) {
      test.steps(100).expectPc(CODE + 4);
      expect(test.stop).toEqual({ kind: 'hook', address: CODE + 4 });
      test.expectRegs({ r0: n, r1: n - 1 });
      expect(test.machine.count - before).toBe(3 * n - 2);
    }
    expect(told.at).toHaveLength(3);
    told.end();
    test.steps(3).expectRegs({ r0: 4, r1: 3 });
  });

  it('is told again when the PC has been elsewhere since it stopped', () => {
    const test = cpu(engine)
      .code([nop(), add(0, 0, 1), b(-8)])
      .start();
    const told = stand(test, CODE + 4, 'stop');
    test.steps(10);
    test.state.setReg(15, CODE);
    test
      .steps(10)
      .expectPc(CODE + 4)
      .expectRegs({ r0: 0 });
    told.end();
    expect(told.at).toHaveLength(2);
  });

  it('is told again when an interrupt has come before its instruction', () => {
    const test = cpu(engine)
      .code([nop(), add(0, 0, 1), here()])
      .masked('af')
      .start();
    const told = stand(test, CODE + 4, 'stop');
    test
      .steps(10)
      .interrupt('irq')
      .steps(1)
      .expectException('irq', CODE + 8);
    test.interrupt('irq', false);
    test.machine.cpu.returnFromException(CODE + 4, test.state.spsrOf(test.state.mode));
    test.state.setReg(15, CODE + 4);
    test.steps(10).expectPc(CODE + 4);
    told.end();
    expect(told.at).toHaveLength(2);
  });

  it('stands at every place of an IT block', () => {
    for (const place of [2, 4, 6, 8]) {
      const run = (flags: string) =>
        cpu(engine)
          .thumb()
          .code([itBlock(EQ, 'te'), tMov(0, 1), t32('MOVW', { Rd: 1, imm8: 2 }), tMov(2, 3), tMov(3, 4)])
          .flags(flags)
          .start();
      for (const [flags, registers] of [
        ['Z', { r0: 1, r1: 2, r2: 0, r3: 4 }],
        ['z', { r0: 0, r1: 0, r2: 3, r3: 4 }],
      ] as const) {
        const test = run(flags);
        // Instructions lie at 0, 2, 4, 8 and 10.
        const told = stand(test, CODE + place, 'stop');
        test.steps(100);
        if (place === 6) expect(told.at).toEqual([]);
        else {
          test.expectPc(CODE + place);
          test.steps(1);
          expect(told.at).toEqual([CODE + place]);
        }
        told.end();
        test.steps(10).expectRegs(registers);
      }
    }
  });

  it('stands at an instruction that goes on on the next page, in an IT block and outside', () => {
    const border = CODE + 0x1ffe;
    for (const flags of ['Z', 'z']) {
      for (const inIt of [false, true]) {
        const test = cpu(engine)
          .thumb()
          .code([inIt ? itBlock(EQ) : tNop(), t32('MOVW', { Rd: 1, imm8: 2 }), tMov(3, 4)], border - 2)
          .at(border - 2)
          .flags(flags)
          .start();
        const told = stand(test, border, 'stop');
        test.steps(5).expectPc(border);
        test.steps(2).expectPc(border + 6);
        told.end();
        test.expectRegs({ r1: inIt && flags === 'z' ? 0 : 2, r3: 4 });
        expect(told.at).toEqual([border]);
      }
    }
  });

  it('stays when its page is written, and what was written is executed', () => {
    const test = cpu(engine)
      .code([str(2, 3), nop(), nop(), add(0, 0, 1), here()])
      .regs({ r2: 0xe280_0005, r3: CODE + 12 })
      .start();
    const told = stand(test, CODE + 12);
    test.steps(4).expectRegs({ r0: 5 });
    test.machine.memory.write(CODE + 12, 4, 0xe280_0007, 'device');
    test.state.setReg(15, CODE + 12);
    test.steps(1).expectRegs({ r0: 12 });
    told.end();
    expect(told.at).toHaveLength(2);
  });

  it('may change what it stands at, and the CPU', () => {
    const test = cpu(engine)
      .code([add(0, 0, 1), here()])
      .start();
    const { machine } = test;
    const end = machine.hooks.add(CODE, ({ state }) => {
      machine.memory.write(CODE, 4, 0xe280_0009, 'device');
      state.setReg(0, 100);
      return 'go-on';
    });
    test.steps(1).expectRegs({ r0: 109 });
    end();
  });

  it('may add and remove hooks, of its own place too', () => {
    const test = cpu(engine)
      .code([add(0, 0, 1), add(0, 0, 1), b(-8)])
      .start();
    const { hooks } = test.machine;
    const order: string[] = [];
    const ends: (() => void)[] = [];
    ends.push(
      hooks.add(CODE, () => {
        order.push('first');
        ends[0]!();
        ends[1]!();
        ends.push(hooks.add(CODE + 4, () => (order.push('other'), 'go-on')));
        ends.push(hooks.add(CODE, () => (order.push('again'), 'go-on')));
        return 'go-on';
      }),
      hooks.add(CODE, () => (order.push('second'), 'go-on')),
    );
    test.steps(6).expectRegs({ r0: 4 });
    for (const end of ends) end();
    expect(order).toEqual(['first', 'other', 'again', 'other']);
    test.steps(6);
    expect(order).toHaveLength(4);
  });

  it('stops if one of several says so, and all are told once', () => {
    const test = cpu(engine).code([nop(), nop(), here()]).start();
    const told = [stand(test, CODE + 4, 'stop'), stand(test, CODE + 4), stand(test, CODE + 4, 'stop')];
    test.steps(9).expectPc(CODE + 4);
    test.steps(9).expectPc(CODE + 8);
    for (const { at, end } of told) {
      end();
      expect(at).toEqual([CODE + 4]);
    }
  });

  it('comes from inside a loop of regions, by a watch, and is met at once', () => {
    const test = cpu(engine)
      .code([add(0, 0, 1), str(0, 2), subs(1, 1, 1), b(-12, NE), here()])
      .regs({ r1: 2 * ROUNDS, r2: DATA })
      .start();
    let told: Told | undefined;
    const end = test.machine.memory.watch({
      start: DATA,
      length: 4,
      onWrite: ({ value }) => {
        if (value === ROUNDS) told = stand(test, CODE + 8, 'stop');
      },
    });
    test
      .steps(8 * ROUNDS)
      .expectPc(CODE + 8)
      .expectRegs({ r0: ROUNDS });
    end();
    told!.end();
  });

  it('is met by a caller that a region comes back to', () => {
    // A loop that calls a function which stores; the hook behind the call comes while the function runs.
    const test = cpu(engine)
      .code([a32('BL (immediate)', { imm24: 2 }), subs(1, 1, 1), b(-8, NE), here(), str(1, 2), a32('BX', { Rm: 14 })])
      .regs({ r1: 2 * ROUNDS, r2: DATA })
      .start();
    let told: Told | undefined;
    const end = test.machine.memory.watch({
      start: DATA,
      length: 4,
      onWrite: ({ value }) => {
        if (value === 100) told = stand(test, CODE + 4, 'stop');
      },
    });
    test
      .steps(20 * ROUNDS)
      .expectPc(CODE + 4)
      .expectRegs({ r1: 100 });
    end();
    told!.end();
  });

  it('stays over a restored snapshot and a reset', () => {
    const test = new CpuTest(engine.machine()).code([add(0, 0, 1), add(1, 1, 1), here()]);
    const told = stand(test, CODE + 4, 'stop');
    test.steps(10);
    expect(test.stop?.kind).toBe('hook');
    test.machine.reset();
    test.steps(10);
    expect(test.stop?.kind).toBe('hook');
    told.end();
    expect(told.at).toHaveLength(2);
  });
});

describeEngines('a hook on a virtual address', (engine) => {
  const VIRTUAL = 0x2000_0000;
  const tables = (): PageTables =>
    new PageTables(TABLES)
      .section(RAM, RAM)
      .page(VIRTUAL, CODE + 0x1000)
      .page(VIRTUAL + 0x1000, CODE + 0x1000);
  const scene = (): CpuTest =>
    cpu(engine)
      .code([add(0, 0, 1), add(1, 1, 1), a32('BX', { Rm: 14 })], CODE + 0x1000)
      .code([a32('BLX (register)', { Rm: 4 }), a32('BLX (register)', { Rm: 5 }), b(-8)])
      .regs({ r4: VIRTUAL, r5: VIRTUAL + 0x1000 })
      .mmu(tables())
      .start();

  it('is told there and not at other addresses of the same place', () => {
    const test = scene().steps(100);
    const told = stand(test, VIRTUAL + 4, 'go-on', true);
    test.steps(9 * ROUNDS);
    told.end();
    test.steps(90);
    expect(new Set(told.at)).toEqual(new Set([VIRTUAL + 4]));
    expect(told.at).toHaveLength(ROUNDS);
  });

  it('waits for its page to be mapped', () => {
    const test = cpu(engine)
      .code([add(0, 0, 1), here()], CODE + 0x1000)
      .code([a32('BX', { Rm: 4 })])
      .regs({ r4: VIRTUAL })
      .mmu(tables());
    expect(test.machine.cpu.mappedTo(VIRTUAL)).toBe(VIRTUAL);
    const told = stand(test, VIRTUAL, 'stop', true);
    test.start();
    expect(test.machine.cpu.mappedTo(VIRTUAL)).toBe(CODE + 0x1000);
    test.steps(10).expectPc(VIRTUAL).expectRegs({ r0: 0 });
    told.end();
    expect(told.at).toEqual([VIRTUAL]);
  });
});

describeEngines('held interrupts', (engine) => {
  it('wait until they are let go', () => {
    const test = cpu(engine).code([nop(), nop(), nop(), here()]).masked('af').start();
    test.machine.cpu.interruptsHeld = true;
    test
      .steps(1)
      .interrupt('irq')
      .steps(1)
      .expectPc(CODE + 8);
    test.machine.cpu.interruptsHeld = false;
    test.steps(1).expectException('irq', CODE + 12);
    test.interrupt('irq', false);
  });

  it('wake a CPU that waits for one', () => {
    const test = cpu(engine)
      .code([a32('WFI'), mov(0, 7), here()])
      .masked('af')
      .start();
    test.machine.cpu.interruptsHeld = true;
    test.steps(5);
    expect(test.stop?.kind).toBe('idle');
    test.interrupt('irq').steps(1).expectRegs({ r0: 7 });
    test.machine.cpu.interruptsHeld = false;
    test.interrupt('irq', false);
  });
});

describeEngines('one of several CPUs', (engine) => {
  it('is stepped by giving it the turn', () => {
    const loop = ['l', add(0, 0, 1), to('l')];
    const test = severalCpus(engine, [loop, loop]);
    test.steps(30_000);
    const { machine } = test;
    const [first, second] = machine.cpus;
    for (const vcpu of [first!, second!, second!, first!]) {
      const before = machine.cpus.map(({ state }) => state.reg(15));
      machine.giveTurn(vcpu);
      machine.run({ until: machine.count + 1 });
      expect(machine.currentCpu).toBe(vcpu);
      const moved = machine.cpus.map(({ state }, n) => state.reg(15) !== before[n]);
      expect(moved).toEqual(machine.cpus.map((other) => other === vcpu));
    }
    expect(second!.state.reg(15) >>> 0).toBeGreaterThanOrEqual(codeOf(1));
  });
});

describeEngines('what a debugger looks at', (engine) => {
  it('is translated whatever permissions and domains say', () => {
    const tables = new PageTables(TABLES)
      .section(RAM, RAM)
      .page(0x2000_0000, DATA, { ap: 0 })
      .page(0x2100_0000, DATA + 0x1000, { domain: 3 });
    const test = cpu(engine).code([svc()]).mmu(tables, { dacr: 1 }).start();
    const { cpu: vcpu } = test.machine;
    expect([0x2000_0010, 0x2100_0010, 0x2200_0000].map((address) => vcpu.mappedTo(address))).toEqual([
      DATA + 0x10,
      DATA + 0x1010,
      undefined,
    ]);
    expect(vcpu.peekTranslate(0x2000_0010)).toBeUndefined();
  });

  it('is written with all that hangs on it: banks and mode with CPSR', () => {
    const test = cpu(engine)
      .code([add(13, 13, 1), tAdd(0, 1), tNop()])
      .banked('irq', { sp: 0x100 })
      .regs({ sp: 0x200 })
      .start();
    test.machine.cpu.setCpsr(0x6000_00d2);
    test.steps(1).expectRegs({ sp: 0x101 }).expectMode('irq').expectFlags('nZCv');
    test.machine.cpu.setCpsr(0xf3);
    test.expectRegs({ sp: 0x200 });
    test
      .steps(1)
      .expectPc(CODE + 6)
      .expectRegs({ r0: 1 });
  });
});

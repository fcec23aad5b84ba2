// SPDX-License-Identifier: Apache-2.0
// What a machine tells of itself, and what those who are told may do in the middle of an instruction.
import { EXCEPTION } from '@plinth/arm';
import { expect, it } from 'vitest';
import { CODE, cpu, DATA, describeEngines, VECTOR, VECTORS } from '../testing/contract.js';
import {
  a32,
  add,
  b,
  here,
  it as itBlock,
  ldr,
  mcr,
  mov,
  mov32,
  NE,
  str,
  svc,
  tAdd,
  tNop,
} from '../testing/mnemonics.js';
import { faultProgram, timerProgram } from '../testing/timer-program.js';

const UART = 0x0900_0000;

describeEngines('taps', (engine) => {
  it('tell of exceptions with the instruction they come from, and of the return', () => {
    const test = cpu(engine)
      .code([mov(0, 1), svc(7), here()])
      .code([a32('MOV (register)', { S: 1, Rd: 15, Rm: 14 })], VECTORS + VECTOR.svc)
      .start();
    const told: unknown[] = [];
    const { taps } = test.machine;
    const ends = [
      taps.exception.add(({ state }, kind, from) => told.push(['exception', kind, from, state.reg(15) >>> 0])),
      taps.exceptionReturn.add((_, to) => told.push(['return', to])),
    ];
    test.steps(4);
    for (const end of ends) end();
    expect(told).toEqual([
      ['exception', EXCEPTION.supervisorCall, CODE + 4, VECTORS + VECTOR.svc],
      ['return', CODE + 8],
    ]);
  });

  it('tell of every interrupt and fault of a run, and change nothing', () => {
    for (const make of [timerProgram, faultProgram]) {
      const plain = make(cpu(engine)).steps(60_000).machine.stateHash();
      const test = make(cpu(engine));
      let exceptions = 0;
      let returns = 0;
      const { taps } = test.machine;
      const ends = [taps.exception.add(() => exceptions++), taps.exceptionReturn.add(() => returns++)];
      expect(test.steps(60_000).machine.stateHash()).toBe(plain);
      for (const end of ends) end();
      expect(exceptions).toBeGreaterThan(300);
      // The first program leaves its start, and the second an exception, by a return.
      expect(Math.abs(exceptions - returns)).toBeLessThanOrEqual(2);
    }
  });

  it('tell of devices with the value, and of the console', () => {
    const test = cpu(engine).code([...mov32(1, UART), mov(0, 65), str(0, 1), ldr(2, 1, 0x18), here()]);
    const accesses: unknown[] = [];
    const bytes: number[] = [];
    const { taps } = test.machine;
    const ends = [
      taps.device.add(({ address, write, value, size }) => accesses.push([address, size, write, value])),
      taps.console.add((byte) => bytes.push(byte)),
    ];
    test.steps(6);
    for (const end of ends) end();
    expect(accesses).toEqual([
      [UART, 4, true, 65],
      [UART + 0x18, 4, false, test.reg('r2')],
    ]);
    expect(bytes).toEqual([65]);
  });

  it('tell what becomes of translations', () => {
    const test = cpu(engine)
      .code([mcr('TLBIALL', 0), mcr('TLBIMVA', 1), mcr('TLBIASID', 2), mcr('DACR', 3), here()])
      .regs({ r1: 0x1234_5007, r2: 7, r3: 0x5555_5555 })
      .start();
    const told: unknown[] = [];
    const end = test.machine.taps.translation.add((_, change) => told.push(change));
    test.steps(4);
    end();
    expect(told).toEqual([
      { kind: 'tlb-all' },
      { kind: 'tlb-address', address: 0x1234_5000 },
      { kind: 'tlb-asid', asid: 7 },
      { kind: 'registers' },
    ]);
  });

  it('ask before a supervisor call, which may be skipped with a result of ours, or stopped at', () => {
    const test = cpu(engine)
      .code([svc(1), svc(2), svc(3), here()])
      .start();
    const asked: number[] = [];
    let stops = 1;
    const end = test.machine.taps.onSupervisorCall(({ state }, immediate) => {
      asked.push(immediate);
      if (immediate === 2 && stops-- > 0) return 'stop';
      if (immediate === 3) return 'go-on';
      state.setReg(0, 40 + immediate);
      return 'skip';
    });
    test
      .steps(10)
      .expectPc(CODE + 4)
      .expectRegs({ r0: 41 });
    expect(test.stop?.kind).toBe('hook');
    test
      .steps(2)
      .expectPc(VECTORS + VECTOR.svc)
      .expectRegs({ r0: 42 });
    end();
    expect(asked).toEqual([1, 2, 2, 3]);
  });
});

describeEngines('who is told of an instruction', (engine) => {
  it('may skip it, also in an IT block', () => {
    const test = cpu(engine)
      .code([add(0, 0, 1), add(1, 1, 1), here()])
      .start();
    const end = test.machine.hooks.add(CODE, () => 'skip');
    test
      .steps(2)
      .expectPc(CODE + 8)
      .expectRegs({ r0: 0, r1: 1 });
    end();

    const thumb = cpu(engine)
      .code([itBlock(NE, 't'), tAdd(0, 1), tAdd(1, 1), tNop()])
      .thumb()
      .flags('nzcv')
      .start();
    const endThumb = thumb.machine.hooks.add(CODE + 2, () => 'skip');
    thumb
      .steps(4)
      .expectPc(CODE + 8)
      .expectRegs({ r0: 0, r1: 1 });
    endThumb();
  });

  it('may send the CPU elsewhere', () => {
    const test = cpu(engine)
      .code([add(0, 0, 1), add(0, 0, 2), add(0, 0, 4), here()])
      .start();
    const end = test.machine.hooks.add(CODE, (vcpu) => {
      vcpu.jump(CODE + 8);
      return 'go-on';
    });
    test
      .steps(2)
      .expectPc(CODE + 12)
      .expectRegs({ r0: 4 });
    end();
  });

  it('may have the guest take an exception', () => {
    const test = cpu(engine)
      .code([add(0, 0, 1), str(0, 1), here()])
      .regs({ r1: DATA });
    test.start();
    const end = test.machine.hooks.add(CODE + 4, (vcpu) => {
      vcpu.inject({ kind: 'data-abort', address: 0x1234, write: true });
      return 'go-on';
    });
    test.steps(2).expectPc(VECTORS + VECTOR.data);
    end();
    expect(test.systemRegister('DFAR')).toBe(0x1234);
    expect(test.systemRegister('DFSR')).toBe(0x80f);
    expect(test.machine.memory.peek(DATA, 4)).toBe(0);
  });

  it('may keep a store from memory', () => {
    const test = cpu(engine)
      .code([str(0, 1), str(0, 1, 4), b(-8)])
      .regs({ r0: 5, r1: DATA });
    const end = test.machine.virtualWatches.add({ start: DATA, length: 4, beforeWrite: () => 'skip' });
    test.steps(9);
    end();
    expect([test.machine.memory.peek(DATA, 4), test.machine.memory.peek(DATA + 4, 4)]).toEqual([0, 5]);
  });
});

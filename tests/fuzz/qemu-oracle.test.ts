// SPDX-License-Identifier: Apache-2.0
// The oracle must itself be right: instructions whose results are known from the manual, run on QEMU.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { assemble } from './assemble.js';
import { compare } from './cpu-under-test.js';
import { BANK, CODE_END, MODE, WINDOW_BORDER, WINDOW_END, initialBanks } from './layout.js';
import { QemuOracle, missingForOracle } from './qemu-oracle.js';
import { blankState, effectiveCpsr, type Isa, type TestCase, type TestResult, type TestState } from './test-case.js';

const missing = missingForOracle();
if (missing !== undefined) console.log(`skipped: QEMU oracle: ${missing}`);

describe('QEMU oracle', unless(missing), () => {
  let oracle: QemuOracle;
  beforeAll(() => {
    oracle = new QemuOracle({ timeoutSeconds: 5 });
  });
  afterAll(() => oracle[Symbol.dispose]());

  function prepare(isa: Isa, text: string, change: (state: TestState) => void = () => undefined): TestCase {
    const state = blankState(isa);
    change(state);
    return { isa, code: assemble(isa, text), state };
  }
  function run(isa: Isa, text: string, change?: (state: TestState) => void): TestResult {
    return oracle.run([prepare(isa, text, change)])[0]!;
  }
  const inMode = (mode: number, isa: Isa = 'A32'): number => effectiveCpsr(mode | (isa === 'T32' ? 0x20 : 0));
  const N = 0x80000000;
  const Z = 0x40000000;
  const C = 0x20000000;
  const V = 0x10000000;
  const Q = 0x08000000;

  it('adds with flags and ends after the slot', () => {
    const result = run('A32', 'adds r0, r1, r2', ({ registers }) => registers.set([0, 0x7fffffff, 1]));
    expect(result).toMatchObject({ outcome: 'completed', pc: CODE_END, cpsr: inMode(MODE.sys) + N + V });
    expect(result.registers[0]).toBe(0x80000000);
    expect(result.changes.size).toBe(0);
  });

  it('keeps all state that an instruction does not touch', () => {
    for (const mode of [MODE.usr, MODE.sys, MODE.svc, MODE.irq, MODE.fiq, MODE.und]) {
      const testCase = prepare('A32', 'nop', (state) => {
        state.cpsr = inMode(mode) + Q + 0x000a0000;
        state.spsr = 0x600001d3;
        for (let n = 0; n < 15; n++) state.registers[n] = 0x01010101 * (n + 1);
        for (let n = 0; n < 64; n++) state.d[n] = 0xd0d00000 + n;
        state.fpscr = 0xfbc0009f;
        for (let n = 0; n < state.memory.length; n++) state.memory[n] = n;
      });
      const { state } = testCase;
      const banked = initialBanks(mode, state.registers, state.spsr);
      banked[BANK.abt + 1] = banked[BANK.abt + 2] = 0;
      const expected: TestResult = {
        ...state,
        outcome: 'completed',
        pc: CODE_END,
        banked,
        faultStatus: 0,
        faultAddress: 0,
        changes: new Map(),
      };
      expect(compare([testCase], [expected], oracle.run([testCase])).map((one) => one.report)).toEqual([]);
    }
  });

  it('loads across the page border and faults past the window', () => {
    const memory = (state: TestState): void => state.memory.forEach((_, n) => (state.memory[n] = n));
    const loaded = run('A32', 'ldr r0, [r1, #2]', (state) => {
      memory(state);
      state.registers[1] = WINDOW_BORDER - 4;
    });
    expect(loaded).toMatchObject({ outcome: 'completed' });
    expect(loaded.registers[0]).toBe(0x81807f7e);
    const faulted = run('A32', 'ldr r0, [r1, #2]!', (state) => {
      memory(state);
      state.registers[1] = WINDOW_END - 4;
    });
    expect(faulted).toMatchObject({ outcome: 'data-abort', pc: CODE_END - 4, faultAddress: WINDOW_END });
    // A translation fault of a page (ARM DDI 0406C table B3-23), a read.
    expect(faulted.faultStatus & 0xc0f).toBe(7);
    expect(faulted.registers[1]).toBe(WINDOW_END - 4);
  });

  it('reports what a store changed, and a write to the code page as a permission fault', () => {
    const stored = run('T32', 'str.w r0, [r1], #8', (state) => {
      state.registers.set([0x11223344, WINDOW_BORDER - 6]);
    });
    expect([...stored.changes]).toEqual([
      [0xff8, 0x33440000],
      [0xffc, 0x00001122],
    ]);
    expect(stored.registers[1]).toBe(WINDOW_BORDER + 2);
    const faulted = run('A32', 'str r0, [pc, #-16]');
    expect(faulted).toMatchObject({ outcome: 'data-abort', faultAddress: CODE_END - 12 });
    expect(faulted.faultStatus & 0xc0f).toBe(0x80f & 0xc0f);
  });

  it('checks alignment of LDM always and of LDR when SCTLR.A is set', () => {
    const base = (state: TestState): number => (state.registers[1] = WINDOW_BORDER + 1);
    expect(run('A32', 'ldm r1, {r2, r3}', base)).toMatchObject({ outcome: 'data-abort', faultStatus: 1 });
    expect(run('A32', 'ldr r2, [r1]', base)).toMatchObject({ outcome: 'completed' });
    const checked = run('A32', 'ldr r2, [r1]', (state) => {
      base(state);
      state.sctlrToggle = 2;
    });
    expect(checked).toMatchObject({ outcome: 'data-abort', faultStatus: 1, faultAddress: WINDOW_BORDER + 1 });
  });

  it('loads and stores multiple registers, to PC with a change to T32 as well', () => {
    const result = run('A32', 'ldmdb r1!, {r2, r3, pc}', (state) => {
      state.registers[1] = WINDOW_BORDER + 8;
      new Uint32Array(state.memory.buffer).set([2, 3, 0x20000001], 128 / 4 - 1);
    });
    expect(result).toMatchObject({ outcome: 'completed', pc: 0x20000000, cpsr: inMode(MODE.sys, 'T32') });
    expect([...result.registers.subarray(1, 4)]).toEqual([WINDOW_BORDER - 4, 2, 3]);
    const stored = run('A32', 'stm r1, {r2, r3}', (state) => {
      state.registers.set([0, WINDOW_END - 4, 0x22222222, 3]);
    });
    expect(stored).toMatchObject({ outcome: 'data-abort', faultAddress: WINDOW_END });
    // The word before the unmapped page may or may not have been written (UNKNOWN); nothing else changes.
    expect([...stored.changes.keys()].every((offset) => offset === 0x1ffc)).toBe(true);
  });

  it('reaches the other banks', () => {
    const result = run('A32', 'ldm r1, {r8, sp, lr}^', (state) => {
      state.cpsr = inMode(MODE.svc);
      state.registers[1] = WINDOW_BORDER;
      new Uint32Array(state.memory.buffer).set([8, 13, 14], 128 / 4);
    });
    expect(result.registers[8]).toBe(8);
    expect([...result.banked.subarray(BANK.usr + 5, BANK.usr + 7)]).toEqual([13, 14]);
    expect(result.registers[13]).toBe(0);
    const returned = run('A32', 'movs pc, lr', (state) => {
      state.cpsr = inMode(MODE.svc);
      state.spsr = inMode(MODE.usr, 'T32') + C;
      state.registers[14] = 0x30000000;
    });
    expect(returned).toMatchObject({ outcome: 'completed', pc: 0x30000000, cpsr: inMode(MODE.usr, 'T32') + C });
  });

  it('gives the default NaN or the propagated one by FPSCR.DN, and sets the cumulative flags', () => {
    const operands = (state: TestState): void => {
      state.d.set([0, 0x7ff00000], 2); // d1 = +infinity
      state.d.set([0x123, 0x7ff00000], 4); // d2 = signalling NaN
    };
    const propagated = run('A32', 'vadd.f64 d0, d1, d2', operands);
    expect([...propagated.d.subarray(0, 2)]).toEqual([0x123, 0x7ff80000]);
    expect(propagated.fpscr).toBe(1);
    const byDefault = run('A32', 'vadd.f64 d0, d1, d2', (state) => {
      operands(state);
      state.fpscr = 0x02000000;
    });
    expect([...byDefault.d.subarray(0, 2)]).toEqual([0, 0x7ff80000]);
  });

  it('saturates and sets Q', () => {
    const result = run('A32', 'qadd r0, r1, r2', (state) => state.registers.set([0, 0x7fffffff, 1]));
    expect(result).toMatchObject({ cpsr: inMode(MODE.sys) + Q });
    expect(result.registers[0]).toBe(0x7fffffff);
  });

  it('takes undefined, supervisor-call and breakpoint exceptions', () => {
    const undefinedWord = run('A32', 'nop\n.word 0xe7f000f0');
    expect(undefinedWord).toMatchObject({ outcome: 'undefined', pc: CODE_END - 4, cpsr: inMode(MODE.sys) });
    expect(run('T32', '.hword 0xde00, 0xbf00')).toMatchObject({ outcome: 'undefined', pc: CODE_END - 4 });
    const call = run('A32', 'svc #0x123456', (state) => (state.cpsr = inMode(MODE.svc)));
    expect(call).toMatchObject({ outcome: 'supervisor-call', pc: CODE_END - 4, cpsr: inMode(MODE.svc) });
    expect(run('T32', 'svc #0xab')).toMatchObject({ outcome: 'supervisor-call', pc: CODE_END - 2 });
    expect(run('A32', 'bkpt #1')).toMatchObject({ outcome: 'prefetch-abort', pc: CODE_END - 4 });
    const off = run('A32', 'vadd.f32 s0, s1, s2', (state) => (state.fpexc = 0));
    expect(off).toMatchObject({ outcome: 'undefined', fpexc: 0 });
    const privileged = run('A32', 'mrc p15, 0, r0, c1, c0, 0', (state) => (state.cpsr = inMode(MODE.usr)));
    expect(privileged).toMatchObject({ outcome: 'undefined' });
  });

  it('branches: near, far, to the other instruction set and backwards into the filler', () => {
    const exchanged = run('A32', 'bx r3', (state) => (state.registers[3] = 0x20000003));
    expect(exchanged).toMatchObject({ outcome: 'completed', pc: 0x20000002, cpsr: inMode(MODE.sys, 'T32') });
    expect(run('A32', 'bl . + 0x1000')).toMatchObject({ outcome: 'completed', pc: CODE_END - 4 + 0x1000 });
    const back = run('T32', 'b . - 0x22');
    expect(back).toMatchObject({ outcome: 'undefined', pc: CODE_END - 2 - 0x22 });
    expect(run('A32', 'b . - 0x40')).toMatchObject({ outcome: 'undefined', pc: CODE_END - 4 - 0x40 });
  });

  it('runs IT blocks, and enters one in the middle', () => {
    const block = 'itte eq\nmoveq r0, #1\naddeq r1, r1, #2\nmovne r2, #3';
    const taken = run('T32', block, (state) => (state.cpsr = inMode(MODE.usr, 'T32') + Z));
    expect([...taken.registers.subarray(0, 3)]).toEqual([1, 2, 0]);
    expect(taken.cpsr).toBe(inMode(MODE.usr, 'T32') + Z);
    const middle = run('T32', 'adds r0, r0, #1\nnop', (state) => {
      // ITSTATE for the last instruction of an IT NE block: IT[7:5] = 000, IT[4:0] = 11000.
      state.cpsr = inMode(MODE.usr, 'T32') + 0x1800;
    });
    expect([taken.outcome, middle.registers[0]]).toEqual(['completed', 1]);
    expect(middle.cpsr).toBe(inMode(MODE.usr, 'T32'));
  });

  it('ends a case that loops, and goes on with the next', () => {
    const cases = [prepare('A32', 'b .'), prepare('A32', 'mov r0, #7'), prepare('T32', 'b .')];
    const results = oracle.run(cases);
    expect(results.map((result) => result.outcome)).toEqual(['endless', 'completed', 'endless']);
    expect(results[1]!.registers[0]).toBe(7);
  });

  it('marks a case that ends QEMU itself as lost, and goes on with the next', () => {
    const powerOff = prepare('A32', 'hvc #0', (state) => {
      state.cpsr = inMode(MODE.svc);
      state.registers[0] = 0x84000008; // PSCI SYSTEM_OFF
    });
    const move = prepare('A32', 'mov r0, #7');
    const results = oracle.run([powerOff, move, powerOff, powerOff, move]);
    expect(results.map(({ outcome }) => outcome)).toEqual(['lost', 'completed', 'lost', 'lost', 'completed']);
    expect(results[4]!.registers[0]).toBe(7);
  });

  it('gives up a case that never ends, and survives a store through the stack it enters cases from', () => {
    using quick = new QemuOracle({ timeoutSeconds: 1 });
    const hang = prepare('A32', 'cpsid i\nb .', (state) => (state.cpsr = inMode(MODE.svc)));
    const store = prepare('A32', 'srsib sp, #0x11', (state) => (state.cpsr = inMode(MODE.svc)));
    const results = quick.run([store, hang, store]);
    expect(results.map(({ outcome }) => outcome)).toEqual(['completed', 'lost', 'completed']);
  });

  it('starts every case from its own state, whatever ran before', () => {
    const store = prepare('A32', 'stm r1, {r0-r12}', (state) => {
      state.registers.fill(0xffffffff);
      state.registers[1] = WINDOW_BORDER - 16;
    });
    const load = prepare('A32', 'ldm r0, {r1-r12}', (state) => (state.registers[0] = WINDOW_BORDER - 16));
    const alone = oracle.run([load]);
    const after = oracle.run([store, load, store, load]);
    expect(compare([load, load], [alone[0]!, alone[0]!], [after[1]!, after[3]!])).toEqual([]);
    expect(after[0]!.changes.size).toBe(13);
  });
});

// SPDX-License-Identifier: Apache-2.0
// What A32 transfers, exclusives, status and coprocessor instructions do to a CPU, where the outcome is more than a
// register's value: instruction set, modes, banks, interrupts, aborts. Words are as GNU as assembles the text beside
// them.

import { CPU, MODE, PSR, SYSTEM } from '@plinth/arm';
import { beforeEach, describe, expect, it } from 'vitest';
import { Machine } from '../machine.js';

const RAM_SIZE = 0x10_0000;
const NOP = 0xe320f000;
const VECTORS = { undefined: 0x04, supervisorCall: 0x08, dataAbort: 0x10, interrupt: 0x18 } as const;

let machine: Machine;
let ram: number;
let code: number;
let data: number;

beforeEach(() => {
  machine = new Machine({ ramSize: RAM_SIZE });
  ram = machine.memory.ramBase;
  code = ram + 0x1000;
  data = ram + 0x8000;
  machine.cpu.reset(code, false);
  machine.cpu.state.set(SYSTEM.VBAR, ram);
});

const reg = (n: number): number => machine.cpu.state.reg(n) >>> 0;
const setReg = (n: number, value: number): void => machine.cpu.state.setReg(n, value);
const word = (address: number): number => machine.memory.read(address, 4)! >>> 0;

function poke(address: number, ...words: number[]): void {
  machine.memory.writeBytes(address, new Uint8Array(Uint32Array.from(words).buffer));
}

/** Changes the mode of the CPU as an exception return would, and keeps A, I and F set. */
function enter(mode: number): void {
  const { cpu } = machine;
  const pc = cpu.state.reg(15);
  cpu.returnFromException(pc, mode | PSR.A | PSR.I | PSR.F);
  cpu.state.set(CPU.aborted, 0);
  cpu.state.setReg(15, pc);
}

/** Runs these instructions from `code`, one count each. */
function run(...words: number[]): void {
  poke(code, ...words);
  machine.run({ until: machine.count + words.length });
}

describe('A32 loads and stores', () => {
  it('a load of the PC chooses the instruction set', () => {
    setReg(1, data);
    poke(data, code + 0x101);
    run(0xe591f000); // ldr pc, [r1]
    expect(reg(15)).toBe(code + 0x100);
    expect(machine.cpu.state.thumb).toBe(true);
  });

  it('writes the base back only if the access succeeded', () => {
    setReg(1, 0xf000_0000);
    setReg(3, 4);
    run(0xe7612103); // strb r2, [r1, -r3, lsl #2]!
    expect(reg(15)).toBe(ram + VECTORS.dataAbort);
    expect(reg(1)).toBe(0xf000_0000);
    expect(machine.cpu.state.get(SYSTEM.DFAR) >>> 0).toBe(0xeffffff0);
  });

  it('loads a pair and sign-extends a halfword', () => {
    setReg(1, data);
    poke(data, 0x11118000, 0x22222222);
    run(0xe1c140d0, 0xe0d100f2); // ldrd r4, r5, [r1]; ldrsh r0, [r1], #2
    expect([reg(4), reg(5), reg(0), reg(1)]).toEqual([0x11118000, 0x22222222, 0xffff8000, data + 2]);
  });
});

describe('A32 block transfers', () => {
  it('loads a base in the list with the others', () => {
    setReg(1, data);
    poke(data, 10, 11, 12);
    run(0xe8910007); // ldm r1, {r0, r1, r2}
    expect([reg(0), reg(1), reg(2)]).toEqual([10, 11, 12]);
  });

  it('keeps the base when a later access aborts, and faults on an address that is not a word', () => {
    setReg(1, ram + RAM_SIZE - 4);
    run(0xe8b1000c); // ldm r1!, {r2, r3}
    expect(reg(15)).toBe(ram + VECTORS.dataAbort);
    expect(reg(1)).toBe(ram + RAM_SIZE - 4);
    machine.cpu.state.setReg(15, code);
    setReg(1, data + 2);
    machine.run({ until: machine.count + 1 });
    expect(machine.cpu.state.get(SYSTEM.DFSR) & 0x40f).toBe(1);
  });

  it('pushes and pops, the PC among them', () => {
    setReg(13, data);
    setReg(0, 5);
    setReg(1, 6);
    setReg(14, code + 0x40);
    run(0xe92d4003, 0xe8bd800c); // push {r0, r1, lr}; pop {r2, r3, pc}
    expect([reg(2), reg(3), reg(13), reg(15)]).toEqual([5, 6, data, code + 0x40]);
  });

  it.each([
    ['Supervisor', MODE.svc],
    ['FIQ', MODE.fiq],
  ])('reaches the User registers from %s mode', (_name, mode) => {
    enter(mode);
    const { state } = machine.cpu;
    for (const n of [8, 13, 14]) state.setBanked(MODE.usr, n, 0x500 + n);
    setReg(1, data);
    setReg(7, 7);
    setReg(13, 0xbad);
    run(0xe8c16180); // stmia r1, {r7, r8, sp, lr}^
    expect([0, 4, 8, 12].map((at) => word(data + at))).toEqual([7, 0x508, 0x50d, 0x50e]);
    poke(data, 1, 2, 3);
    state.setReg(15, code);
    run(0xe8d16100); // ldm r1, {r8, sp, lr}^
    expect([8, 13, 14].map((n) => state.banked(MODE.usr, n))).toEqual([1, 2, 3]);
    expect(reg(13)).toBe(0xbad);
  });

  it('returns from an exception', () => {
    setReg(1, data);
    poke(data, 9, code + 0x80);
    machine.cpu.state.set(CPU.spsr, 0x8000_0000 | MODE.usr | PSR.T);
    run(0xe8f18004); // ldm r1!, {r2, pc}^
    expect([reg(2), reg(15)]).toEqual([9, code + 0x80]);
    expect(machine.cpu.state.cpsr >>> 0).toBe((0x8000_0000 | MODE.usr | PSR.T) >>> 0);
    expect(reg(1)).toBe(data + 8);
  });
});

describe('A32 exclusives', () => {
  beforeEach(() => {
    setReg(1, data);
    setReg(4, 40);
    poke(data, 1);
  });

  it('store once for a load', () => {
    run(0xe1912f9f, 0xe1813f94, 0xe1815f94); // ldrex r2, [r1]; strex r3, r4, [r1]; strex r5, r4, [r1]
    expect([reg(2), reg(3), reg(5), word(data)]).toEqual([1, 0, 1, 40]);
  });

  it('see that memory has another value', () => {
    setReg(6, 60);
    run(0xe1912f9f, 0xe5816000, 0xe1813f94); // ldrex r2, [r1]; str r6, [r1]; strex r3, r4, [r1]
    expect([reg(3), word(data)]).toEqual([1, 60]);
  });

  it('give up their reservation by CLREX', () => {
    run(0xe1912f9f, 0xf57ff01f, 0xe1813f94); // ldrex r2, [r1]; clrex; strex r3, r4, [r1]
    expect([reg(3), word(data)]).toEqual([1, 1]);
  });

  it('fault where the address is not aligned, whatever the monitor says', () => {
    setReg(1, data + 2);
    run(0xe1813f94); // strex r3, r4, [r1]
    expect(reg(15)).toBe(ram + VECTORS.dataAbort);
    expect(machine.cpu.state.get(SYSTEM.DFSR) & 0xc0f).toBe(0x801);
    expect(machine.cpu.state.get(SYSTEM.DFAR) >>> 0).toBe(data + 2);
  });
});

describe('A32 status registers', () => {
  const { svc, irq, usr } = MODE;

  it('take a pending interrupt before the instruction after CPSIE', () => {
    machine.cpu.setInterruptLine(PSR.I, true);
    run(0xf1080080, 0xe3a00001); // cpsie i; mov r0, #1
    expect(reg(0)).toBe(0);
    expect(machine.cpu.state.mode).toBe(irq);
    expect(reg(14)).toBe(code + 8);
  });

  it('change mode and masks by CPS', () => {
    setReg(13, 0x700);
    run(0xf10e01d2); // cpsid aif, #18
    expect(machine.cpu.state.mode).toBe(irq);
    expect(machine.cpu.state.banked(svc, 13)).toBe(0x700);
  });

  it('leave User mode neither by MSR nor by CPS', () => {
    enter(usr);
    setReg(0, 0xf000_0013);
    run(0xe129f000, 0xf10e01d2, 0xe10f2000); // msr CPSR_fc, r0; cpsid aif, #18; mrs r2, CPSR
    expect(reg(2)).toBe((0xf000_0000 | usr | PSR.A | PSR.I | PSR.F) >>> 0);
  });

  it('store and load a return state', () => {
    setReg(13, data + 8);
    setReg(14, code + 0x20);
    machine.cpu.state.set(CPU.spsr, 0x6000_0000 | usr);
    run(0xf96d0513, 0xf8bd0a00); // srsdb sp!, #19; rfeia sp!
    expect(reg(15)).toBe(code + 0x20);
    expect(machine.cpu.state.cpsr >>> 0).toBe(0x6000_0000 | usr);
    expect(machine.cpu.state.banked(svc, 13) >>> 0).toBe(data + 8);
  });

  it('are undefined as SPSR in User mode', () => {
    enter(usr);
    run(0xe14f2000); // mrs r2, SPSR
    expect(reg(15)).toBe(ram + VECTORS.undefined);
  });
});

describe('A32 branches and calls', () => {
  it('BL and BLX link to the next instruction', () => {
    run(0xeb000002); // bl .+16
    expect([reg(14), reg(15)]).toEqual([code + 4, code + 16]);
    machine.cpu.state.setReg(15, code);
    run(0xfb000001); // blx .+14
    expect([reg(14), reg(15), machine.cpu.state.thumb]).toEqual([code + 4, code + 14, true]);
  });

  it('BLX through LR reads it first', () => {
    setReg(14, code + 0x40);
    run(0xe12fff3e); // blx lr
    expect([reg(14), reg(15)]).toEqual([code + 4, code + 0x40]);
  });

  it('SVC returns to the next instruction, UDF to itself and 4', () => {
    enter(MODE.usr);
    run(0xef000001); // svc 1
    expect([reg(15), reg(14), machine.cpu.state.mode]).toEqual([ram + VECTORS.supervisorCall, code + 4, MODE.svc]);
    machine.cpu.state.setReg(15, code);
    run(0xe7f000f0); // udf #0
    expect([reg(15), reg(14), machine.cpu.state.mode]).toEqual([ram + VECTORS.undefined, code + 4, MODE.und]);
  });
});

describe('A32 coprocessor access', () => {
  it('lets User mode read TPIDRURO, not write it, and not see TPIDRPRW', () => {
    setReg(0, 0x1234);
    run(0xee0d0f70, NOP); // mcr 15, 0, r0, cr13, cr0, {3}
    enter(MODE.usr);
    machine.cpu.state.setReg(15, code);
    run(0xee1d2f70); // mrc 15, 0, r2, cr13, cr0, {3}
    expect(reg(2)).toBe(0x1234);
    for (const refused of [0xee0d0f70, 0xee1d2f90]) {
      enter(MODE.usr);
      machine.cpu.state.setReg(15, code);
      run(refused);
      expect(reg(15)).toBe(ram + VECTORS.undefined);
    }
  });

  it('has no coprocessors but its own', () => {
    run(0xee110110); // mrc 1, 0, r0, cr1, cr0, {0}
    expect(reg(15)).toBe(ram + VECTORS.undefined);
  });
});

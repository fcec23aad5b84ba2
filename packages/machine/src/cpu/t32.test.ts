// SPDX-License-Identifier: Apache-2.0
// T32 instructions where they meet the engine: over a page border, into IT blocks and out of them, between instruction
// sets. What single instructions compute is compared with QEMU in tests/fuzz. Halfwords are as GNU as assembles the text
// beside them.

import { CPU, MODE, PSR, SYSTEM } from '@plinth/arm';
import { beforeEach, describe, expect, it } from 'vitest';
import { Machine } from '../machine.js';

const RAM_SIZE = 0x10_0000;
const PREFETCH_ABORT = 0x0c;

let machine: Machine;
let ram: number;
let code: number;

beforeEach(() => {
  machine = new Machine({ ramSize: RAM_SIZE });
  ram = machine.memory.ramBase;
  code = ram + 0x1000;
  machine.cpu.reset(code, true);
  machine.cpu.state.set(SYSTEM.VBAR, ram);
});

const reg = (n: number): number => machine.cpu.state.reg(n) >>> 0;
const setReg = (n: number, value: number): void => machine.cpu.state.setReg(n, value);

/** Puts halfwords at an address and runs so many instructions from there. */
function run(address: number, count: number, ...halfwords: number[]): void {
  machine.memory.writeBytes(address, new Uint8Array(Uint16Array.from(halfwords).buffer));
  setReg(15, address);
  machine.cpu.state.set(CPU.fetchPage, 1);
  machine.run({ until: machine.count + count });
}

describe('a T32 instruction over a page border', () => {
  it('is one instruction, and reads the PC as its own address plus 4', () => {
    run(code + 0xffe, 2, 0xf20f, 0x0108, 0xbf00); // addw r1, pc, #8; nop
    expect(reg(1)).toBe(code + 0x1000 + 8);
    expect(reg(15)).toBe(code + 0x1004);
  });

  it('obeys its IT block', () => {
    machine.cpu.state.setFlags(0);
    run(code + 0xffc, 3, 0xbf0c, 0xf04f, 0x0001, 0x2002); // ite eq; moveq.w r0, #1; movne r0, #2
    expect(reg(0)).toBe(2);
    expect(machine.cpu.state.get(CPU.itState)).toBe(0);
  });

  it('aborts as a whole where its second half cannot be fetched', () => {
    const last = ram + RAM_SIZE - 2;
    run(last, 1, 0xf04f); // the first half of mov.w
    expect(reg(15)).toBe(ram + PREFETCH_ABORT);
    expect(machine.cpu.state.mode).toBe(MODE.abt);
    expect(reg(14)).toBe(last + 4);
    expect(machine.cpu.state.get(SYSTEM.IFAR) >>> 0).toBe(last + 2);
    expect(machine.cpu.state.get(CPU.spsr) & PSR.T).toBe(PSR.T);
  });

  it('does not keep the code behind it from being translated', () => {
    machine = new Machine({ ramSize: RAM_SIZE, engine: 'translator' });
    machine.cpu.reset(code, true);
    const long = Array.from({ length: 200 }, () => 0x3001); // adds r0, #1
    // addw r1, pc, #8 over the border, and after 200 more instructions a branch back to it: 0x198 bytes, from the PC.
    run(code + 0xffe, 20_000_000, 0xf20f, 0x0108, ...long, 0xe000 | (0x7ff & (-0x198 >> 1)));
    expect(reg(0)).toBeGreaterThan(19_700_000);
    // All but the first can be in one region.
    expect(machine.engine.translator!.instructions).toBe(201);
  });
});

describe('T32 branches', () => {
  it('call A32 from any halfword, and A32 returns', () => {
    run(code, 1, 0xbf00); // nop
    run(code + 2, 1, 0xf000, 0xe800 | 0x10); // blx code + 0x24: counts from Align(PC, 4)
    expect(machine.cpu.state.thumb).toBe(false);
    expect(reg(15)).toBe(code + 4 + 0x20);
    expect(reg(14)).toBe(code + 7);
    machine.memory.writeBytes(code + 0x24, new Uint8Array(Uint32Array.of(0xe12fff1e).buffer)); // bx lr
    machine.run({ until: machine.count + 1 });
    expect(machine.cpu.state.thumb).toBe(true);
    expect(reg(15)).toBe(code + 6);
  });

  it('end an IT block', () => {
    machine.cpu.state.setFlags(0x4000_0000);
    run(code, 2, 0xbf08, 0xe00e); // it eq; beq.n code + 0x22
    expect(reg(15)).toBe(code + 2 + 4 + 0x1c);
    expect(machine.cpu.state.get(CPU.itState)).toBe(0);
  });

  it('read their table after the PC', () => {
    setReg(1, 2);
    run(code, 1, 0xe8df, 0xf011, 0x0001, 0x0002, 0x0005); // tbh [pc, r1, lsl #1]
    expect(reg(15)).toBe(code + 4 + 2 * 5);
  });
});

describe('an exception in an IT block', () => {
  it('saves the state of the instruction that it stopped, and the block goes on after the return', () => {
    machine.cpu.state.setFlags(0x4000_0000);
    setReg(1, 0xf000_0000);
    run(code, 2, 0xbf04, 0x6808, 0x2007); // itt eq; ldreq r0, [r1]; moveq r0, #7
    expect(reg(15)).toBe(ram + 0x10);
    const spsr = machine.cpu.state.get(CPU.spsr);
    // ITSTATE 0000:0100 as it was for the load: bits 7:2 in 15:10, bits 1:0 in 26:25.
    expect([(spsr >>> 10) & 0x3f, (spsr >>> 25) & 3]).toEqual([1, 0]);
    setReg(1, code);
    machine.memory.writeBytes(ram + 0x10, new Uint8Array(Uint32Array.of(0xe25ef008).buffer)); // subs pc, lr, #8
    machine.run({ until: machine.count + 3 });
    expect([reg(0), reg(15)]).toEqual([7, code + 6]);
    expect(machine.cpu.state.get(CPU.itState)).toBe(0);
  });
});

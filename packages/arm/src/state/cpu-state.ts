// SPDX-License-Identifier: Apache-2.0
// The state of one CPU as TypeScript sees it: the same words of memory that generated code works on, with the banked
// registers and the program status registers put together (B1.3).

import type {} from '@plinth/core';
import { CPU, FPSCR_WRITABLE, MODE, PSR } from './layout.js';

/** Bank numbers in CPU.banks. */
const BANK: Readonly<Record<number, number>> = {
  [MODE.usr]: 0,
  [MODE.sys]: 0,
  [MODE.svc]: 1,
  [MODE.abt]: 2,
  [MODE.und]: 3,
  [MODE.irq]: 4,
  [MODE.fiq]: 5,
  [MODE.mon]: 6,
};

const CONTROL_BITS = PSR.T | PSR.F | PSR.I | PSR.A | PSR.E | PSR.J | 0x1f;

/** Whether a mode field names a mode of this profile. */
export function isMode(mode: number): boolean {
  return BANK[mode] !== undefined && mode !== MODE.mon;
}

export class CpuState {
  /** Every 32-bit word of the machine's memory; `words[(base + offset) >> 2]` is a field of the CPU block. */
  readonly words: Int32Array;
  /** Address of this CPU's block. */
  readonly base: number;
  readonly #index: number;

  constructor(memory: WebAssembly.Memory, base: number) {
    this.words = new Int32Array(memory.buffer);
    this.base = base;
    this.#index = base >> 2;
  }

  get(offset: number): number {
    return this.words[this.#index + (offset >> 2)]!;
  }

  set(offset: number, value: number): void {
    this.words[this.#index + (offset >> 2)] = value;
  }

  /** Register of the current mode; 15 is the address of the next instruction between instructions. */
  reg(n: number): number {
    return this.words[this.#index + n]!;
  }

  setReg(n: number, value: number): void {
    this.words[this.#index + n] = value;
  }

  get mode(): number {
    return this.get(CPU.control) & 0x1f;
  }

  get privileged(): boolean {
    return (this.get(CPU.control) & 0xf) !== 0;
  }

  get thumb(): boolean {
    return (this.get(CPU.control) & PSR.T) !== 0;
  }

  get cpsr(): number {
    const it = this.get(CPU.itState);
    return (
      (this.get(CPU.flagN) & 0x80000000) |
      (this.get(CPU.flagZ) === 0 ? 0x40000000 : 0) |
      (this.get(CPU.flagC) << 29) |
      ((this.get(CPU.flagV) >>> 31) << 28) |
      (this.get(CPU.flagQ) << 27) |
      ((it & 3) << 25) |
      ((it >> 2) << 10) |
      (this.get(CPU.flagGE) << 16) |
      this.get(CPU.control)
    );
  }

  setFlags(psr: number): void {
    this.set(CPU.flagN, psr);
    this.set(CPU.flagZ, (psr & 0x40000000) === 0 ? 1 : 0);
    this.set(CPU.flagC, (psr >>> 29) & 1);
    this.set(CPU.flagV, psr << 3);
  }

  /** Sets every bit of CPSR and changes banks; the mode must be a valid one. */
  set cpsr(psr: number) {
    this.setFlags(psr);
    this.set(CPU.flagQ, (psr >>> 27) & 1);
    this.set(CPU.flagGE, (psr >>> 16) & 0xf);
    this.set(CPU.itState, ((psr >>> 25) & 3) | (((psr >>> 10) & 0x3f) << 2));
    this.setControl(psr & CONTROL_BITS);
  }

  /** Sets the A, I, F, E, T and mode bits and changes banks. */
  setControl(control: number): void {
    const from = this.mode;
    const to = control & 0x1f;
    if (from !== to) this.#switchBank(from, to);
    this.set(CPU.control, control);
  }

  #switchBank(from: number, to: number): void {
    const a = BANK[from] ?? 0;
    const b = BANK[to] ?? 0;
    if (a !== b) {
      this.#saveBank(a);
      const at = CPU.banks + 12 * b;
      this.setReg(13, this.get(at));
      this.setReg(14, this.get(at + 4));
      this.set(CPU.spsr, this.get(at + 8));
    }
    if ((from === MODE.fiq) !== (to === MODE.fiq)) {
      const store = from === MODE.fiq ? CPU.fiqRegisters : CPU.userRegisters;
      const load = from === MODE.fiq ? CPU.userRegisters : CPU.fiqRegisters;
      for (let i = 0; i < 5; i++) {
        this.set(store + 4 * i, this.reg(8 + i));
        this.setReg(8 + i, this.get(load + 4 * i));
      }
    }
  }

  #saveBank(bank: number): void {
    const at = CPU.banks + 12 * bank;
    this.set(at, this.reg(13));
    this.set(at + 4, this.reg(14));
    this.set(at + 8, this.get(CPU.spsr));
  }

  /** Where register `n` (8 to 14) of `mode` lies now: in the bank, or among the current registers. */
  #bankedPlace(mode: number, n: number): number {
    const current = this.mode;
    if (n >= 13) {
      const bank = BANK[mode] ?? 0;
      return bank === (BANK[current] ?? 0) ? CPU.registers + 4 * n : CPU.banks + 12 * bank + 4 * (n - 13);
    }
    if (n < 8 || (mode === MODE.fiq) === (current === MODE.fiq)) return CPU.registers + 4 * n;
    return (mode === MODE.fiq ? CPU.fiqRegisters : CPU.userRegisters) + 4 * (n - 8);
  }

  /** Register `n` as `mode` sees it. */
  banked(mode: number, n: number): number {
    return this.get(this.#bankedPlace(mode, n));
  }

  setBanked(mode: number, n: number, value: number): void {
    this.set(this.#bankedPlace(mode, n), value);
  }

  #spsrPlace(mode: number): number {
    const bank = BANK[mode] ?? 0;
    return bank === (BANK[this.mode] ?? 0) ? CPU.spsr : CPU.banks + 12 * bank + 8;
  }

  /** SPSR of a mode that has one. */
  spsrOf(mode: number): number {
    return this.get(this.#spsrPlace(mode));
  }

  setSpsrOf(mode: number, value: number): void {
    this.set(this.#spsrPlace(mode), value);
  }

  get fpscr(): number {
    return this.get(CPU.fpscrFlags) | this.get(CPU.fpscr);
  }

  /** Bits that do not exist are ignored. */
  set fpscr(value: number) {
    this.set(CPU.fpscrFlags, value & 0xf000_0000);
    this.set(CPU.fpscr, value & FPSCR_WRITABLE);
  }
}

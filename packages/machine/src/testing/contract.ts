// SPDX-License-Identifier: Apache-2.0
// The frame of the CPU contract tests: every engine gets the same programs on a real machine, and a fluent runner sets
// the scene, runs and checks. RAM is 1 MiB at 0x40000000; the MMU is off unless tables are given. Only for tests; no part
// of the package.

// oxlint-disable vitest/no-standalone-expect -- the checks below are called from inside tests

import { CPU, type CpuState, MODE, PSR, SYSTEM } from '@plinth/arm';
import { describe, expect } from 'vitest';
import type { EngineKind } from '../cpu/engine.js';
import { Machine, type MachineOptions, type StopReason } from '../machine.js';
import { bytesOf, type Instruction, wordOf } from './assemble.js';
import { type Cp15Name, cp15Fields } from './mnemonics.js';
import type { PageTables } from './page-tables.js';

/** The engines that must agree. */
export const ENGINES: readonly EngineKind[] = ['interpreter', 'translator', 'translator-forced'];

export const RAM = 0x4000_0000;
export const RAM_SIZE = 0x10_0000;
export const CODE: number = RAM;
/** VBAR when a test begins: every vector is a branch to itself. */
export const VECTORS: number = RAM + 0x4000;
export const DATA: number = RAM + 0x8000;
export const TABLES: number = RAM + 0x1_0000;

export const VECTOR = { undefined: 4, svc: 8, prefetch: 12, data: 16, irq: 24, fiq: 28 } as const;
/** `b .`, and the same in T32, twice. */
const LOOP_A32 = 0xeafffffe;
const LOOP_T32 = 0xe7fee7fe;

export type ModeName = 'usr' | 'fiq' | 'irq' | 'svc' | 'abt' | 'und' | 'sys';
/** r0 to r12, sp, lr. */
export type RegisterName = `r${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12}` | 'sp' | 'lr';
export type Registers = Readonly<Partial<Record<RegisterName, number>>>;

const numberOf = (name: string): number => (name === 'sp' ? 13 : name === 'lr' ? 14 : Number(name.slice(1)));

export class EngineUnderTest {
  readonly kind: EngineKind;
  #machine: Machine | undefined;

  constructor(kind: EngineKind) {
    this.kind = kind;
  }

  /** A machine of a test's own. */
  machine(options: MachineOptions = {}): Machine {
    return new Machine({ ramSize: RAM_SIZE, engine: this.kind, ...options });
  }

  /** One machine for all tests that leave nothing behind but what `reset` and clean memory undo. */
  get shared(): Machine {
    this.#machine ??= this.machine();
    return this.#machine;
  }
}

/** One for each engine and test file, so that a file builds few machines. */
const UNDER_TEST: ReadonlyMap<EngineKind, EngineUnderTest> = new Map(
  ENGINES.map((kind) => [kind, new EngineUnderTest(kind)]),
);

/** Runs the tests in `body` once for each engine. */
export function describeEngines(title: string, body: (engine: EngineUnderTest) => void): void {
  describe.each(ENGINES)(`${title} (%s)`, (kind) => {
    body(UNDER_TEST.get(kind)!);
  });
}

/** Writes a CP15 register as MCR in Supervisor mode would. */
export function writeSystem(machine: Machine, name: Cp15Name, value: number): void {
  const { state, system } = machine.cpu;
  const saved = state.reg(0);
  state.setReg(0, value);
  system.execute(wordOf('MCR', cp15Fields(name)));
  state.setReg(0, saved);
}

export class CpuTest {
  readonly machine: Machine;
  /** Why the last `steps` came back. */
  stop: StopReason | undefined;
  #psr: number = MODE.svc | PSR.A | PSR.I | PSR.F;
  #entry: number = CODE;
  readonly #registers: [number, number][] = [];
  readonly #setUp: (() => void)[] = [];
  #started = false;

  constructor(machine: Machine) {
    this.machine = machine;
    machine.reset();
    machine.memory.writeBytes(RAM, new Uint8Array(machine.memory.ramSize));
    this.words(VECTORS, ...Array<number>(8).fill(LOOP_A32));
    writeSystem(machine, 'VBAR', VECTORS);
  }

  get state(): CpuState {
    return this.machine.cpu.state;
  }

  // ---- the scene --------------------------------------------------------------------------------------------------

  code(instructions: readonly Instruction[], at: number = CODE): this {
    return this.memory(at, bytesOf(instructions));
  }

  memory(address: number, bytes: Uint8Array | readonly number[]): this {
    if (!this.machine.memory.writeBytes(address, Uint8Array.from(bytes))) {
      throw new RangeError(`no memory at 0x${address.toString(16)}`);
    }
    return this;
  }

  words(address: number, ...words: readonly number[]): this {
    return this.memory(address, new Uint8Array(Uint32Array.from(words).buffer));
  }

  /** Vectors in T32: for SCTLR.TE. */
  thumbVectors(): this {
    return this.words(VECTORS, ...Array<number>(8).fill(LOOP_T32));
  }

  /** Begins in T32 state, in an IT block if `itState` says so. */
  thumb(itState = 0): this {
    this.#psr |= PSR.T | ((itState & 3) << 25) | ((itState >> 2) << 10);
    return this;
  }

  at(entry: number): this {
    this.#entry = entry;
    return this;
  }

  /** Registers of the mode that the test begins in. */
  regs(registers: Registers): this {
    for (const [name, value] of Object.entries(registers)) this.#registers.push([numberOf(name), value]);
    return this;
  }

  /** Capitals are set: `nZcv`; a `Q` at the end sets the saturation flag. */
  flags(text: string): this {
    for (const letter of text) {
      const bit = { N: 31, Z: 30, C: 29, V: 28, Q: 27 }[letter];
      if (bit !== undefined) this.#psr |= 1 << bit;
    }
    return this;
  }

  mode(name: ModeName): this {
    this.#psr = (this.#psr & ~0x1f) | MODE[name];
    return this;
  }

  /** Which of A, I and F are masked at the start: `'i'`; all three if not called. */
  masked(letters: string): this {
    this.#psr &= ~(PSR.A | PSR.I | PSR.F);
    for (const letter of letters) this.#psr |= { a: PSR.A, i: PSR.I, f: PSR.F }[letter] ?? 0;
    return this;
  }

  bigEndian(): this {
    this.#psr |= PSR.E;
    return this;
  }

  /** CP15 registers, written in order. */
  system(registers: Readonly<Partial<Record<Cp15Name, number>>>): this {
    this.#setUp.push(() => {
      for (const [name, value] of Object.entries(registers)) writeSystem(this.machine, name as Cp15Name, value);
    });
    return this;
  }

  /** SCTLR bits to set besides those at reset. */
  control(bits: number): this {
    this.#setUp.push(() => writeSystem(this.machine, 'SCTLR', this.state.get(SYSTEM.SCTLR) | bits));
    return this;
  }

  /** Writes tables and turns the MMU on; all domains are clients. */
  mmu(tables: PageTables, options: { dacr?: number; control?: number } = {}): this {
    for (const [address, word] of tables.entries()) this.words(address, word);
    this.system({ TTBR0: tables.base, DACR: options.dacr ?? 0x5555_5555 });
    return this.control(1 | (options.control ?? 0));
  }

  /** A register of a mode's bank, with `spsr`. */
  banked(mode: ModeName, registers: Registers & { readonly spsr?: number }): this {
    this.#setUp.push(() => {
      const { spsr, ...rest } = registers;
      for (const [name, value] of Object.entries(rest)) this.state.setBanked(MODE[mode], numberOf(name), value);
      if (spsr !== undefined) {
        const control = this.state.get(CPU.control);
        this.state.setControl((control & ~0x1f) | MODE[mode]);
        this.state.set(CPU.spsr, spsr);
        this.state.setControl(control);
      }
    });
    return this;
  }

  /** Puts the scene in place; done by the first `steps`. */
  start(): this {
    if (this.#started) return this;
    this.#started = true;
    for (const action of this.#setUp) action();
    this.machine.cpu.returnFromException(this.#entry, this.#psr);
    this.state.setReg(15, this.#entry);
    for (const [n, value] of this.#registers) this.state.setReg(n, value);
    return this;
  }

  // ---- running ----------------------------------------------------------------------------------------------------

  /** Runs exactly `count` instructions more, unless something stops the machine. */
  steps(count: number): this {
    this.start();
    this.stop = this.machine.run({ until: this.machine.count + count });
    return this;
  }

  interrupt(line: 'irq' | 'fiq', level = true): this {
    this.start();
    this.machine.cpu.setInterruptLine(line === 'irq' ? PSR.I : PSR.F, level);
    return this;
  }

  // ---- what came of it --------------------------------------------------------------------------------------------

  reg(name: RegisterName): number {
    return this.state.reg(numberOf(name)) >>> 0;
  }

  get pc(): number {
    return this.state.reg(15) >>> 0;
  }

  systemRegister(name: keyof typeof SYSTEM): number {
    return this.state.get(SYSTEM[name]) >>> 0;
  }

  expectRegs(registers: Registers): this {
    const seen = Object.fromEntries(Object.keys(registers).map((name) => [name, hex(this.reg(name as RegisterName))]));
    expect(seen).toEqual(Object.fromEntries(Object.entries(registers).map(([name, value]) => [name, hex(value)])));
    return this;
  }

  /** N, Z, C and V, and Q if five letters are given; capitals are set. */
  expectFlags(text: string): this {
    const { cpsr } = this.state;
    const seen = Array.from('nzcvq'.slice(0, text.length), (letter, i) =>
      ((cpsr >>> (31 - i)) & 1) === 1 ? letter.toUpperCase() : letter,
    );
    expect(seen.join('')).toBe(text);
    return this;
  }

  expectGe(bits: number): this {
    expect((this.state.cpsr >>> 16) & 15).toBe(bits);
    return this;
  }

  expectPc(address: number): this {
    expect(hex(this.pc)).toBe(hex(address));
    return this;
  }

  expectMode(name: ModeName): this {
    expect(this.state.mode).toBe(MODE[name]);
    return this;
  }

  /** Which of A, I and F are masked: `'ai'`. */
  expectMasked(letters: string): this {
    const { cpsr } = this.state;
    const seen = [...'aif'].filter((letter) => (cpsr & { a: PSR.A, i: PSR.I, f: PSR.F }[letter]!) !== 0);
    expect(seen.join('')).toBe(letters);
    return this;
  }

  expectThumb(thumb: boolean): this {
    expect(this.state.thumb).toBe(thumb);
    return this;
  }

  expectIt(itState: number): this {
    expect(this.state.get(CPU.itState)).toBe(itState);
    return this;
  }

  expectWords(address: number, ...words: readonly number[]): this {
    const seen = words.map((_, i) => this.machine.memory.peek(address + 4 * i, 4));
    expect(seen.map((word) => hex(word ?? -1))).toEqual(words.map(hex));
    return this;
  }

  expectBytes(address: number, ...bytes: readonly number[]): this {
    expect([...this.machine.memory.bytes(address, bytes.length)!]).toEqual(bytes);
    return this;
  }

  expectBanked(mode: ModeName, registers: Registers & { readonly spsr?: number }): this {
    const seen = Object.keys(registers).map((name) => [
      name,
      hex(name === 'spsr' ? this.state.spsrOf(MODE[mode]) : this.state.banked(MODE[mode], numberOf(name))),
    ]);
    expect(seen).toEqual(Object.entries(registers).map(([name, value]) => [name, hex(value)]));
    return this;
  }

  expectSystem(registers: Readonly<Partial<Record<keyof typeof SYSTEM, number>>>): this {
    const seen = Object.keys(registers).map((name) => [name, hex(this.systemRegister(name as keyof typeof SYSTEM))]);
    expect(seen).toEqual(Object.entries(registers).map(([name, value]) => [name, hex(value)]));
    return this;
  }

  /**
   * The CPU is at a vector of VBAR, in the mode and with the return address and the saved status that go with it.
   * `spsr` is compared under `spsrMask`.
   */
  expectException(vector: keyof typeof VECTOR, link: number): this {
    const mode: Record<keyof typeof VECTOR, ModeName> = {
      undefined: 'und',
      svc: 'svc',
      prefetch: 'abt',
      data: 'abt',
      irq: 'irq',
      fiq: 'fiq',
    };
    expect(`${hex(this.pc)} lr ${hex(this.reg('lr'))}`).toBe(`${hex(VECTORS + VECTOR[vector])} lr ${hex(link)}`);
    return this.expectMode(mode[vector]);
  }
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}

/** A test on the engine's shared machine. */
export function cpu(engine: EngineUnderTest): CpuTest {
  return new CpuTest(engine.shared);
}

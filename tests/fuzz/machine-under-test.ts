// SPDX-License-Identifier: Apache-2.0
// A Plinth machine as a CPU under test: builds the world of layout.ts in its RAM and runs each case to the exception
// that ends it, as the runner does in QEMU. The vectors hold branches to themselves.

import { CPU, SYSTEM } from '@plinth/arm';
import type { Machine } from '@plinth/machine';
import type { CpuUnderTest } from './cpu-under-test.js';
import {
  BANK,
  CODE_END,
  CODE_PAGE,
  MAX_CODE_BYTES,
  MODE,
  PAGE_BYTES,
  RUNNER_PAGES,
  SCTLR,
  WINDOW,
  WINDOW_BYTES,
  bankedLr,
  codePage,
  hasSpsr,
  initialBanks,
  registersIn,
  windowOf,
} from './layout.js';
import type { Outcome, TestCase, TestResult } from './test-case.js';

/** Where the world lies, from the start of RAM. */
const AT = {
  tables: 0,
  codeTable: 0x4000,
  vectorTable: 0x4400,
  code: 0x6000,
  window: 0x7000,
  vectors: 0x9000,
} as const;

/** Instructions after which a case is endless: more than the oracle's timer lets it execute. */
const LIMIT = 5000;

/** Access permissions AP[2:0] of a small page (B3.7.1), not using the access flag. */
const ACCESS = { privileged: 1, all: 3, readOnly: 7 } as const;

/** What the exceptions make of a case, the mode that each is taken to, and its return address less its instruction's. */
const VECTORS: readonly (readonly [Outcome, number, number, number])[] = [
  ['unexpected-exception', MODE.svc, 0, 0],
  ['undefined', MODE.und, 4, 2],
  ['supervisor-call', MODE.svc, 4, 2],
  ['prefetch-abort', MODE.abt, 4, 4],
  ['data-abort', MODE.abt, 8, 8],
];

const MODES = Object.values(MODE).filter((mode) => mode !== MODE.sys);
/** Banks of SPSR in the CPU block, in its order. */
const SPSR_BANKS = [MODE.usr, MODE.svc, MODE.abt, MODE.und, MODE.irq, MODE.fiq] as const;

export class MachineUnderTest implements CpuUnderTest {
  readonly name: string;
  readonly #machine: Machine;

  constructor(name: string, machine: Machine) {
    this.name = name;
    this.#machine = machine;
    this.#word(AT.tables + (CODE_PAGE >>> 20) * 4, this.#physical(AT.codeTable) | 1);
    this.#word(AT.tables + (RUNNER_PAGES.address >>> 20) * 4, this.#physical(AT.vectorTable) | 1);
    this.#page(AT.codeTable, CODE_PAGE, AT.code, ACCESS.readOnly, true);
    this.#page(AT.codeTable, WINDOW, AT.window, ACCESS.all, false);
    this.#page(AT.codeTable, WINDOW + PAGE_BYTES, AT.window + PAGE_BYTES, ACCESS.all, false);
    for (let offset = 0; offset < RUNNER_PAGES.bytes; offset += PAGE_BYTES)
      this.#page(AT.vectorTable, RUNNER_PAGES.address + offset, AT.vectors + offset, ACCESS.privileged, true);
    for (let vector = 0; vector < 8; vector++) this.#word(AT.vectors + 4 * vector, 0xeafffffe);
  }

  run(cases: readonly TestCase[]): TestResult[] {
    return cases.map((testCase) => this.#run(testCase));
  }

  #physical(offset: number): number {
    return this.#machine.memory.ramBase + offset;
  }

  #word(offset: number, value: number): void {
    this.#machine.memory.write(this.#physical(offset), 4, value, 'device');
  }

  #page(table: number, address: number, offset: number, access: number, execute: boolean): void {
    const permissions = ((access & 3) << 4) | ((access >> 2) << 9) | (execute ? 0 : 1);
    // Normal memory, write-back: C and B.
    this.#word(table + ((address >>> 12) & 0xff) * 4, this.#physical(offset) | permissions | 0xc | 2);
  }

  #run(testCase: TestCase): TestResult {
    const { cpu, memory } = this.#machine;
    const window = windowOf(testCase.state.memory);
    memory.writeBytes(this.#physical(AT.window), window, 'device');
    memory.writeBytes(this.#physical(AT.code), codePage(testCase.isa, testCase.code), 'device');
    this.#enter(testCase);
    for (let left = LIMIT; left > 0; left = cpu.budget) {
      cpu.execute(left);
      if (isVector(cpu.state.reg(15) >>> 0)) break;
    }
    return this.#result(window);
  }

  #enter({ code, state: initial }: TestCase): void {
    const { cpu } = this.#machine;
    const { state } = cpu;
    cpu.reset(CODE_END - code.length, false);
    state.set(SYSTEM.SCTLR, SCTLR ^ initial.sctlrToggle);
    state.set(SYSTEM.TTBR0, this.#physical(AT.tables));
    state.set(SYSTEM.DACR, 1);
    state.set(SYSTEM.CPACR, 0x00f0_0000);
    state.cpsr = initial.cpsr;
    const mode = initial.cpsr & 0x1f;
    const banks = initialBanks(mode, initial.registers, initial.spsr);
    for (let n = 0; n < 8; n++) state.setReg(n, initial.registers[n]!);
    for (let n = 8; n < 13; n++) {
      state.setBanked(MODE.usr, n, banks[BANK.usr + n - 8]!);
      state.setBanked(MODE.fiq, n, banks[BANK.fiq + n - 8]!);
    }
    for (const owner of MODES) {
      const lr = bankedLr(owner);
      state.setBanked(owner, 13, banks[lr - 1]!);
      state.setBanked(owner, 14, banks[lr]!);
      if (!hasSpsr(owner)) continue;
      const bank = SPSR_BANKS.indexOf(owner as (typeof SPSR_BANKS)[number]);
      state.set(owner === mode ? CPU.spsr : CPU.banks + 12 * bank + 8, banks[lr + 1]!);
    }
    initial.d.forEach((word, n) => state.set(CPU.vectors + 4 * n, word));
    state.set(CPU.fpscrFlags, initial.fpscr & 0xf000_0000);
    state.set(CPU.fpscr, initial.fpscr & 0x0fff_ffff);
    state.set(CPU.fpexc, initial.fpexc);
    cpu.system.updateFloatingPointAccess();
    state.set(CPU.fetchPage, 1);
  }

  #banks(): Uint32Array {
    const { state } = this.#machine.cpu;
    const banked = new Uint32Array(BANK.length);
    for (let n = 8; n < 13; n++) {
      banked[BANK.usr + n - 8] = state.banked(MODE.usr, n);
      banked[BANK.fiq + n - 8] = state.banked(MODE.fiq, n);
    }
    for (const owner of MODES) {
      const lr = bankedLr(owner);
      banked[lr - 1] = state.banked(owner, 13);
      banked[lr] = state.banked(owner, 14);
      if (hasSpsr(owner)) banked[lr + 1] = state.spsrOf(owner);
    }
    return banked;
  }

  #result(before: Uint8Array): TestResult {
    const { state } = this.#machine.cpu;
    const banked = this.#banks();
    const low = Uint32Array.from({ length: 8 }, (_, n) => state.reg(n));
    const fetchStatus = state.get(SYSTEM.IFSR) >>> 0;
    let pc = state.reg(15) >>> 0;
    let cpsr = state.cpsr >>> 0;
    let outcome: Outcome = 'endless';
    const vector = isVector(pc) ? VECTORS[(pc & 0x1f) >> 2] : undefined;
    if (vector !== undefined) {
      const [name, mode, a32, t32] = vector;
      const lr = bankedLr(mode);
      cpsr = banked[lr + 1]!;
      pc = (banked[lr]! - ((cpsr & 0x20) === 0 ? a32 : t32)) >>> 0;
      banked[lr] = banked[lr + 1] = 0;
      outcome = name;
      const inSlot = pc >= CODE_END - MAX_CODE_BYTES && pc < CODE_END;
      // Status 2 is the debug event of BKPT; any other abort is the fetch after the case's last instruction.
      if (outcome === 'prefetch-abort' && (fetchStatus & 0x40f) !== 2 && !inSlot) outcome = 'completed';
    }
    const isAbort = outcome === 'data-abort';
    return {
      outcome,
      pc,
      cpsr,
      registers: registersIn(cpsr & 0x1f, low, banked),
      banked,
      d: Uint32Array.from({ length: 64 }, (_, n) => state.get(CPU.vectors + 4 * n)),
      fpscr: ((state.get(CPU.fpscrFlags) & 0xf000_0000) | state.get(CPU.fpscr)) >>> 0,
      fpexc: state.get(CPU.fpexc) >>> 0,
      faultStatus: isAbort ? state.get(SYSTEM.DFSR) >>> 0 : outcome === 'prefetch-abort' ? fetchStatus : 0,
      faultAddress: isAbort ? state.get(SYSTEM.DFAR) >>> 0 : 0,
      changes: this.#changes(before),
    };
  }

  #changes(before: Uint8Array): Map<number, number> {
    const after = this.#machine.memory.bytes(this.#physical(AT.window), WINDOW_BYTES)!;
    const [a, b] = [before, after].map((bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
    const changes = new Map<number, number>();
    for (let offset = 0; offset < WINDOW_BYTES; offset += 4) {
      const value = b!.getUint32(offset, true);
      if (value !== a!.getUint32(offset, true)) changes.set(offset, value);
    }
    return changes;
  }
}

function isVector(pc: number): boolean {
  return pc >= RUNNER_PAGES.address && pc < RUNNER_PAGES.address + 0x20;
}

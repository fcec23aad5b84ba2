// SPDX-License-Identifier: Apache-2.0
// Coprocessors 14 and 15 as MCR, MRC, MCRR and MRRC see them (B3.17, B4.1, C6): system control, identification, memory
// system control, cache and TLB maintenance, the generic timer, and as much of debug as says that there is none.
// A register that is not here reads as zero, ignores writes, and is reported.

import type { CpuState } from '../state/cpu-state.js';
import { CPU } from '../state/layout.js';
import type { CpuModel } from './cpu-model.js';
import { SYSTEM, type SystemRegisterName } from './registers.js';

/** What a write to a system register sets in motion outside the registers. */
export interface SystemHooks {
  /** Translation, permissions or endianness may differ from now on. */
  translationChanged(): void;
  invalidateTlb(): void;
  invalidateTlbAddress(address: number): void;
  invalidateTlbAsid(asid: number): void;
  /** Address translation operation: the value for PAR. */
  translateForPar(address: number, write: boolean, privileged: boolean): number;
  /** 32-bit generic-timer registers by (CRm, opc2), and the 64-bit ones by opc1. */
  timerRead(crm: number, opc2: number): number | undefined;
  timerWrite(crm: number, opc2: number, value: number): boolean;
  timerRead64(opc1: number): bigint | undefined;
  timerWrite64(opc1: number, value: bigint): boolean;
  /** An access to a register that this processor does not have. */
  unknownRegister(description: string, write: boolean): void;
}

/** MCR and MRC name a register by these four numbers. */
function key(crn: number, opc1: number, crm: number, opc2: number): number {
  return (crn << 10) | (opc1 << 7) | (crm << 3) | opc2;
}

interface Register {
  read?: () => number;
  write?: (value: number) => void;
  /** Readable, or writable, in User mode too. */
  user?: 'read' | 'write';
}

export class Coprocessors {
  readonly #state: CpuState;
  readonly #hooks: SystemHooks;
  readonly #registers = new Map<number, Register>();

  constructor(state: CpuState, model: CpuModel, hooks: SystemHooks) {
    this.#state = state;
    this.#hooks = hooks;
    this.#identification(model);
    this.#control();
    this.#memory();
    this.#maintenance();
    this.#threads();
    this.#performance();
  }

  #define(crn: number, opc1: number, crm: number, opc2: number, register: Register): void {
    this.#registers.set(key(crn, opc1, crm, opc2), register);
  }

  /** A register that is just a word of the state. */
  #plain(name: SystemRegisterName, crn: number, opc1: number, crm: number, opc2: number, changed?: () => void): void {
    const offset = SYSTEM[name];
    this.#define(crn, opc1, crm, opc2, {
      read: () => this.#state.get(offset),
      write: (value) => {
        this.#state.set(offset, value);
        changed?.();
      },
    });
  }

  #identification(model: CpuModel): void {
    const id = model.identification;
    const constant = (value: number, opc1: number, crm: number, opc2: number): void =>
      this.#define(0, opc1, crm, opc2, { read: () => value });
    constant(id['MIDR']!, 0, 0, 0);
    constant(id['CTR']!, 0, 0, 1);
    constant(id['TCMTR']!, 0, 0, 2);
    constant(id['TLBTR']!, 0, 0, 3);
    constant(id['MIDR']!, 0, 0, 4);
    this.#define(0, 0, 0, 5, { read: () => this.#state.get(SYSTEM.MPIDR) });
    constant(id['REVIDR']!, 0, 0, 6);
    constant(id['MIDR']!, 0, 0, 7);
    ['ID_PFR0', 'ID_PFR1', 'ID_DFR0', 'ID_AFR0', 'ID_MMFR0', 'ID_MMFR1', 'ID_MMFR2', 'ID_MMFR3'].forEach((name, i) =>
      constant(id[name]!, 0, 1, i),
    );
    ['ID_ISAR0', 'ID_ISAR1', 'ID_ISAR2', 'ID_ISAR3', 'ID_ISAR4', 'ID_ISAR5'].forEach((name, i) =>
      constant(id[name]!, 0, 2, i),
    );
    constant(0, 0, 2, 6);
    constant(0, 0, 2, 7);
    for (let crm = 3; crm < 8; crm++) for (let opc2 = 0; opc2 < 8; opc2++) constant(0, 0, crm, opc2);
    constant(id['CLIDR']!, 1, 0, 1);
    constant(0, 1, 0, 7);
    this.#define(0, 1, 0, 0, { read: () => this.#cacheSize() });
    this.#plain('CSSELR', 0, 2, 0, 0);
  }

  /** CCSIDR of the cache that CSSELR selects: 32 KiB two-way L1, 1 MiB sixteen-way L2, lines of 64 bytes. */
  #cacheSize(): number {
    switch (this.#state.get(SYSTEM.CSSELR) & 0xf) {
      case 0:
        return 0x701fe00a;
      case 1:
        return 0x201fe00a;
      case 2:
        return 0x707fe07a;
      default:
        return 0;
    }
  }

  #control(): void {
    const changed = (): void => this.#hooks.translationChanged();
    this.#plain('SCTLR', 1, 0, 0, 0, () => {
      this.#hooks.invalidateTlb();
      changed();
    });
    this.#plain('ACTLR', 1, 0, 0, 1);
    this.#define(1, 0, 0, 2, {
      read: () => this.#state.get(SYSTEM.CPACR),
      write: (value) => {
        // Only the fields of coprocessors 10 and 11 exist; ASEDIS and D32DIS are not implemented.
        this.#state.set(SYSTEM.CPACR, value & 0x00f00000);
        this.updateFloatingPointAccess();
      },
    });
    this.#define(12, 0, 0, 0, {
      read: () => this.#state.get(SYSTEM.VBAR),
      // Bits 4:0 are not there.
      write: (value) => this.#state.set(SYSTEM.VBAR, value & ~0x1f),
    });
    this.#define(12, 0, 1, 0, { read: () => 0 });
    this.#plain('FCSEIDR', 13, 0, 0, 0);
    this.#plain('CONTEXTIDR', 13, 0, 0, 1, changed);
    this.#plain('L2CTLR', 9, 1, 0, 2);
    this.#plain('L2ECTLR', 9, 1, 0, 3);
  }

  /** Recomputes whether this mode may use the floating-point registers (CPACR.cp10, FPEXC.EN). */
  updateFloatingPointAccess(): void {
    const access = (this.#state.get(SYSTEM.CPACR) >> 20) & 3;
    const allowed = access === 3 || (access === 1 && this.#state.privileged);
    const enabled = (this.#state.get(CPU.fpexc) & 0x40000000) !== 0;
    this.#state.set(CPU.fpEnabled, allowed && enabled ? 1 : 0);
  }

  /** Whether CPACR lets this mode reach FPEXC and its like, enabled or not. */
  floatingPointAllowed(): boolean {
    const access = (this.#state.get(SYSTEM.CPACR) >> 20) & 3;
    return access === 3 || (access === 1 && this.#state.privileged);
  }

  #memory(): void {
    const changed = (): void => this.#hooks.translationChanged();
    this.#plain('TTBR0', 2, 0, 0, 0, changed);
    this.#plain('TTBR1', 2, 0, 0, 1, changed);
    this.#plain('TTBCR', 2, 0, 0, 2, changed);
    this.#plain('DACR', 3, 0, 0, 0, changed);
    this.#plain('DFSR', 5, 0, 0, 0);
    this.#plain('IFSR', 5, 0, 0, 1);
    this.#plain('ADFSR', 5, 0, 1, 0);
    this.#plain('AIFSR', 5, 0, 1, 1);
    this.#plain('DFAR', 6, 0, 0, 0);
    this.#plain('IFAR', 6, 0, 0, 2);
    this.#plain('PAR', 7, 0, 4, 0);
    this.#plain('PRRR', 10, 0, 2, 0);
    this.#plain('NMRR', 10, 0, 2, 1);
    this.#plain('AMAIR0', 10, 0, 3, 0);
    this.#plain('AMAIR1', 10, 0, 3, 1);
    for (let opc2 = 0; opc2 < 4; opc2++) {
      this.#define(7, 0, 8, opc2, {
        write: (address) => {
          const par = this.#hooks.translateForPar(address, (opc2 & 1) !== 0, opc2 < 2);
          this.#state.set(SYSTEM.PAR, par);
        },
      });
    }
  }

  /** Caches are not modelled, so their maintenance does nothing; TLB maintenance keeps the shadow tables in step. */
  #maintenance(): void {
    const nothing = (crm: number, opc2: number): void => this.#define(7, 0, crm, opc2, { write: () => undefined });
    for (const [crm, opc2] of [
      [1, 0], [1, 6], [5, 0], [5, 1], [5, 6], [5, 7], [6, 1], [6, 2], [10, 1], [10, 2], [11, 1], [14, 1], [14, 2],
      [0, 4], [6, 0], [14, 0], [10, 0], [13, 1], [15, 0],
    ] as const) nothing(crm, opc2); // prettier-ignore
    for (const [crm, opc2] of [
      [5, 4],
      [10, 4],
      [10, 5],
    ] as const) {
      // prettier-ignore
      this.#define(7, 0, crm, opc2, { write: () => undefined, user: 'write' });
    }
    for (const crm of [3, 5, 6, 7]) {
      this.#define(8, 0, crm, 0, { write: () => this.#hooks.invalidateTlb() });
      this.#define(8, 0, crm, 1, { write: (value) => this.#hooks.invalidateTlbAddress(value & ~0xfff) });
      this.#define(8, 0, crm, 2, { write: (value) => this.#hooks.invalidateTlbAsid(value & 0xff) });
      this.#define(8, 0, crm, 3, { write: (value) => this.#hooks.invalidateTlbAddress(value & ~0xfff) });
    }
  }

  #threads(): void {
    const word = (offset: number, opc2: number, user?: 'read' | 'write'): void => {
      const register: Register = {
        read: () => this.#state.get(offset),
        write: (value) => this.#state.set(offset, value),
      };
      if (user !== undefined) register.user = user;
      this.#define(13, 0, 0, opc2, register);
    };
    word(CPU.tpidrurw, 2, 'write');
    word(CPU.tpidruro, 3, 'read');
    word(CPU.tpidrprw, 4);
  }

  /** The performance monitors say that they have no counters; the cycle counter stands still. */
  #performance(): void {
    const names: readonly (readonly [SystemRegisterName, number, number])[] = [
      ['PMCR', 12, 0], ['PMCNTENSET', 12, 1], ['PMOVSR', 12, 3], ['PMSELR', 12, 5], ['PMCCNTR', 13, 0],
      ['PMUSERENR', 14, 0], ['PMINTENSET', 14, 1],
    ]; // prettier-ignore
    for (const [name, crm, opc2] of names) this.#plain(name, 9, 0, crm, opc2);
    for (const [crm, opc2] of [
      [12, 2],
      [12, 4],
      [13, 1],
      [13, 2],
      [14, 2],
    ] as const) {
      // prettier-ignore
      this.#define(9, 0, crm, opc2, { read: () => 0, write: () => undefined });
    }
  }

  /**
   * Does an MCR, MRC, MCRR or MRRC to coprocessor 14 or 15. Returns false if it is undefined: another coprocessor, or a
   * register that User mode may not touch. An MRC to APSR_nzcv (Rt 15) writes the flags.
   */
  execute(instruction: number): boolean {
    const coprocessor = (instruction >> 8) & 0xf;
    if (coprocessor !== 15 && coprocessor !== 14) return false;
    // MCR2 and its like name no register of these two (B3.15, C6.1).
    if (instruction >>> 28 === 0xf) return false;
    // Register transfers are 1110 with bit 4 set, or 1100010x.
    if ((instruction & 0x0f000010) === 0x0e000010) return this.#transfer(instruction, coprocessor);
    if ((instruction & 0x0fe00000) === 0x0c400000) return this.#transferTwo(instruction, coprocessor);
    return false;
  }

  #transfer(instruction: number, coprocessor: number): boolean {
    const state = this.#state;
    const read = (instruction & 0x100000) !== 0;
    const opc1 = (instruction >> 21) & 7;
    const crn = (instruction >> 16) & 15;
    const rt = (instruction >> 12) & 15;
    const opc2 = (instruction >> 5) & 7;
    const crm = instruction & 15;
    const value = read ? 0 : state.reg(rt);
    const result =
      coprocessor === 14
        ? this.#debug(read, crn, opc1, crm, opc2, value)
        : crn === 14
          ? this.#timer(read, opc1, crm, opc2, value)
          : this.#system(read, crn, opc1, crm, opc2, value);
    if (result === undefined) return false;
    if (read) {
      if (rt === 15) state.setFlags(result);
      else state.setReg(rt, result);
    }
    return true;
  }

  #unknown(name: string, write: boolean): number | undefined {
    if (!this.#state.privileged) return undefined;
    this.#hooks.unknownRegister(name, write);
    return 0;
  }

  #system(read: boolean, crn: number, opc1: number, crm: number, opc2: number, value: number): number | undefined {
    const register = this.#registers.get(key(crn, opc1, crm, opc2));
    const access = read ? register?.read : register?.write;
    if (register === undefined || access === undefined) {
      return this.#unknown(`p15, ${opc1}, c${crn}, c${crm}, ${opc2}`, !read);
    }
    if (!this.#state.privileged && register.user !== 'write' && !(read && register.user === 'read')) return undefined;
    return read ? register.read!() : (register.write!(value), 0);
  }

  #timer(read: boolean, opc1: number, crm: number, opc2: number, value: number): number | undefined {
    const name = `p15, ${opc1}, c14, c${crm}, ${opc2}`;
    if (opc1 !== 0) return this.#unknown(name, !read);
    if (!this.#state.privileged && !this.#timerOpenToUser(crm, opc2, read)) return undefined;
    if (crm === 1 && opc2 === 0) {
      if (read) return this.#state.get(SYSTEM.CNTKCTL);
      this.#state.set(SYSTEM.CNTKCTL, value);
      return 0;
    }
    if (read) return this.#hooks.timerRead(crm, opc2) ?? this.#unknown(name, false);
    return this.#hooks.timerWrite(crm, opc2, value) ? 0 : this.#unknown(name, true);
  }

  /** CNTKCTL: PL0PCTEN 0, PL0VCTEN 1, PL0VTEN 8, PL0PTEN 9 (B8.1.1). */
  #timerOpenToUser(crm: number, opc2: number, read: boolean): boolean {
    const kctl = this.#state.get(SYSTEM.CNTKCTL);
    // Only the highest privilege level writes the frequency.
    if (crm === 0 && opc2 === 0) return read && (kctl & 3) !== 0;
    if (crm === 2) return (kctl & 0x200) !== 0;
    if (crm === 3) return (kctl & 0x100) !== 0;
    return false;
  }

  /** Debug and the two Jazelle and ThumbEE registers that kernels look at (C11, A2.10): none of it is here. */
  #debug(read: boolean, crn: number, opc1: number, crm: number, opc2: number, value: number): number | undefined {
    const state = this.#state;
    if (opc1 === 6 && crm === 0 && opc2 === 0) {
      const offset = crn === 1 ? CPU.teehbr : crn === 0 && state.privileged ? SYSTEM.TEECR : undefined;
      if (offset === undefined) return undefined;
      if (read) return state.get(offset);
      state.set(offset, value);
      return 0;
    }
    if (opc1 === 7 && crm === 0 && opc2 === 0 && crn <= 2) return 0;
    if (opc1 !== 0 || !state.privileged) return undefined;
    if (crn === 0 && crm === 0 && opc2 === 0 && read) return 0x3515f005; // DBGDIDR: v7.1 debug
    if (crn === 0 && crm === 7 && opc2 === 0) return this.#word(read, SYSTEM.DBGVCR, value);
    if (crn === 0 && (crm === 1 || crm === 2) && opc2 === 2) return this.#word(read, SYSTEM.DBGDSCR, value);
    if (crn === 1 && crm === 1 && opc2 === 4 && read) return 8 | (state.get(SYSTEM.DBGOSLSR) & 2); // DBGOSLSR
    if (crn === 1 && crm === 0 && opc2 === 4 && !read) {
      state.set(SYSTEM.DBGOSLSR, value === 0xc5acce55 - 0x100000000 ? 2 : 0);
      return 0;
    }
    // Breakpoint and watchpoint registers, power, and the rest: nothing there.
    return 0;
  }

  #word(read: boolean, offset: number, value: number): number {
    if (read) return this.#state.get(offset);
    this.#state.set(offset, value);
    return 0;
  }

  #transferTwo(instruction: number, coprocessor: number): boolean {
    const state = this.#state;
    const read = (instruction & 0x100000) !== 0;
    const opc1 = (instruction >> 4) & 15;
    const crm = instruction & 15;
    const rt = (instruction >> 12) & 15;
    const rt2 = (instruction >> 16) & 15;
    if (coprocessor === 14) {
      // DBGDRAR and DBGDSAR: no memory-mapped debug.
      if (!read || !state.privileged) return false;
      state.setReg(rt, 0);
      state.setReg(rt2, 0);
      return true;
    }
    if (crm !== 14) {
      if (this.#unknown(`p15, ${opc1}, c${crm} (64 bits)`, !read) === undefined) return false;
      if (read) {
        state.setReg(rt, 0);
        state.setReg(rt2, 0);
      }
      return true;
    }
    if (!state.privileged) {
      const bit = opc1 === 0 ? 1 : opc1 === 1 ? 2 : opc1 === 2 ? 0x200 : 0x100;
      if ((state.get(SYSTEM.CNTKCTL) & bit) === 0) return false;
    }
    if (read) {
      const value = this.#hooks.timerRead64(opc1);
      if (value === undefined) return this.#unknown(`p15, ${opc1}, c14 (64 bits)`, false) !== undefined;
      state.setReg(rt, Number(BigInt.asIntN(32, value)));
      state.setReg(rt2, Number(BigInt.asIntN(32, value >> 32n)));
      return true;
    }
    const value = (BigInt(state.reg(rt2) >>> 0) << 32n) | BigInt(state.reg(rt) >>> 0);
    return this.#hooks.timerWrite64(opc1, value) || this.#unknown(`p15, ${opc1}, c14 (64 bits)`, true) !== undefined;
  }
}

// SPDX-License-Identifier: Apache-2.0
// One virtual CPU: runs generated code over its block of the machine's memory and does what generated code leaves to
// TypeScript: shadow-table misses, devices, exceptions, system registers. It stops exactly at the budget it is given.

import {
  ACCESS_KIND,
  Coprocessors,
  CPU,
  CpuState,
  type CpuModel,
  enterException,
  EXCEPTION,
  FAULT,
  MODE,
  PSR,
  restoreCpuState,
  RUN_EXIT,
  saveCpuState,
  SYSTEM,
  writeCpsrByInstruction,
  writeWholeCpsr,
} from '@plinth/arm';
import type { StateReader, StateWriter } from '@plinth/core';
import { type CodePages, type HandlerArray, moreOf } from '../memory/code-pages.js';
import { PAGE, type PhysicalMemory } from '../memory/physical-memory.js';
import type { ShadowTables } from '../memory/shadow-tables.js';
import { Activity } from './activity.js';
import { type CpuHost, type CpuStop, type GuestException, STOP_RANK, type VcpuOptions } from './cpu-host.js';
import { DataAccesses } from './data-accesses.js';
import type { Engine } from './engine.js';
import type { Blocks } from './blocks.js';
import type { Hooks } from './hooks.js';
import { isWide } from './t32-words.js';
import type { Taps } from './taps.js';
import { TranslationContext } from './translation.js';

/** Exceptions at the first instruction of a vector, in a row, that make a fault loop. */
const FAULT_LOOP = 64;

export class Vcpu {
  readonly state: CpuState;
  readonly system: Coprocessors;
  readonly #model: CpuModel;
  readonly index: number;
  readonly activity: Activity = new Activity();
  readonly #physical: PhysicalMemory;
  readonly #shadow: ShadowTables;
  readonly #codePages: CodePages;
  readonly #hooks: Hooks;
  readonly #blocks: Blocks;
  readonly #taps: Taps;
  readonly #host: CpuHost;
  readonly #translation: TranslationContext;
  /** What generated code calls for loads and stores that it does not do itself. */
  readonly data: DataAccesses;
  #engine: Engine | undefined;
  #stop: CpuStop | undefined;
  #lastVector = -1;
  #faultsInARow = 0;
  /** Where hooks have been told of the instruction and stopped before it: it is not told again when the CPU goes on. */
  #announced: number | undefined;
  #interruptsHeld = false;

  constructor(options: VcpuOptions) {
    this.state = new CpuState(options.memory, options.base);
    this.index = options.index;
    this.#model = options.model;
    this.#physical = options.physical;
    this.#shadow = options.shadow;
    this.#codePages = options.codePages;
    this.#hooks = options.hooks;
    this.#blocks = options.blocks;
    this.#taps = options.taps;
    this.#host = options.host;
    this.#translation = new TranslationContext(this.state, options.physical, options.shadow);
    this.data = new DataAccesses(this, this.#translation, options);
    this.system = new Coprocessors(this.state, options.model, {
      translationChanged: () => {
        this.#contextChanged();
        this.#taps.translation.tell(this, { kind: 'registers' });
      },
      invalidateTlb: () => {
        this.#tlbChanged(() => this.#shadow.flush());
        this.#taps.translation.tell(this, { kind: 'tlb-all' });
      },
      invalidateTlbAddress: (address) => {
        this.#tlbChanged(() => this.#shadow.flushAddress(address));
        this.#taps.translation.tell(this, { kind: 'tlb-address', address: address >>> 0 });
      },
      invalidateTlbAsid: (asid) => {
        this.#tlbChanged(() => this.#shadow.flushAsid(asid));
        this.#taps.translation.tell(this, { kind: 'tlb-asid', asid });
      },
      translateForPar: (address, write, privileged) => this.#translation.par(address, write, privileged),
      timerRead: (crm, opc2) => this.#host.timer(this).read(crm, opc2),
      timerWrite: (crm, opc2, value) => this.#afterDevice(this.#host.timer(this).write(crm, opc2, value)),
      timerRead64: (opc1) => this.#host.timer(this).read64(opc1),
      timerWrite64: (opc1, value) => this.#afterDevice(this.#host.timer(this).write64(opc1, value)),
      unknownRegister: (description, write) => this.#host.unknownRegister(description, write),
    });
  }

  /** Gives the CPU its engine; done once, when the engine's imports have been made from this CPU. */
  attach(engine: Engine): void {
    this.#engine = engine;
  }

  /** Power-on state (B1.9.1): Supervisor mode, interrupts masked, MMU off, A32. Not `on`, it waits to be turned on. */
  reset(entry: number, thumb: boolean, on = true): void {
    const { state } = this;
    const first = state.base >> 2;
    state.words.fill(0, first, first + (CPU.system >> 2) + 64);
    state.set(CPU.control, MODE.svc | PSR.A | PSR.I | PSR.F | (thumb ? PSR.T : 0));
    state.set(CPU.flagZ, 1);
    state.set(CPU.exclusiveAddress, -1);
    state.set(CPU.blockEntry, 1);
    state.set(CPU.watchedForRead, this.#physical.granules.read);
    state.set(CPU.watchedForWrite, this.#physical.granules.write);
    state.set(SYSTEM.SCTLR, this.#model.sctlrReset);
    state.set(SYSTEM.MPIDR, 0x80000000 | this.index);
    state.set(SYSTEM.L2CTLR, Math.min(this.#host.cpuCount - 1, 3) << 24);
    state.setReg(15, entry);
    this.#stop = undefined;
    this.activity.reset(on);
    this.#faultsInARow = 0;
    this.#announced = undefined;
    this.#shadow.flush();
    this.#contextChanged();
  }

  /** The firmware starts it: power-on state but for the interrupt inputs, which others drive. */
  turnOn(entry: number, context: number): void {
    const lines = this.state.get(CPU.interruptLines);
    this.reset(entry & ~1, (entry & 1) !== 0);
    this.state.set(CPU.interruptLines, lines);
    this.state.setReg(0, context);
  }

  turnOff(): void {
    this.activity.turnOff();
    this.requestStop('wait');
  }

  /** Between two instructions. Translations are not saved: see `dropTranslations`. */
  save(writer: StateWriter): void {
    saveCpuState(this.state, writer);
    this.activity.save(writer);
    writer.i32(this.#lastVector);
    writer.u8(Math.min(this.#faultsInARow, FAULT_LOOP));
  }

  restore(reader: StateReader): void {
    restoreCpuState(this.state, reader);
    this.activity.restore(reader);
    this.#lastVector = reader.i32();
    this.#faultsInARow = reader.u8();
    this.#stop = undefined;
    this.#announced = undefined;
    // Whether a block begins here is not known.
    this.state.set(CPU.blockEntry, 0);
    this.dropTranslations();
  }

  /**
   * Between two instructions: the tables' entries are made anew. A machine that is saved goes on without any, as a restored
   * one does: a guest that changes its tables without TLB maintenance would see the difference.
   */
  dropTranslations(): void {
    this.#shadow.reset();
    this.#contextChanged();
  }

  /** Instructions of the current budget that are left. */
  get budget(): number {
    return this.state.get(CPU.budget);
  }

  /** Raises or lowers the IRQ (PSR.I) or FIQ (PSR.F) input. */
  setInterruptLine(bit: number, level: boolean): void {
    const { state } = this;
    const lines = state.get(CPU.interruptLines);
    state.set(CPU.interruptLines, level ? lines | bit : lines & ~bit);
    if (!level) return;
    this.activity.interrupt((state.get(CPU.control) & bit) !== 0);
    this.#attendIfUnmasked();
  }

  get interruptPending(): boolean {
    return this.state.get(CPU.interruptLines) !== 0;
  }

  /** Another CPU will execute now. */
  endTurn(): void {
    const { state } = this;
    if (state.get(CPU.exclusiveSize) === 0) return;
    // The others may store to what is reserved, and the monitor only looks at the value. Losing a reservation is an event.
    state.set(CPU.exclusiveAddress, -1);
    state.set(CPU.exclusiveSize, 0);
    this.activity.signal();
  }

  /** Others have executed, and may have made use of its shadow tables. */
  beginTurn(): void {
    if (this.#translation.lost) this.#contextChanged();
  }

  /** Comes back before the next instruction. */
  requestStop(reason: CpuStop): void {
    if (this.#stop === undefined || STOP_RANK[reason] > STOP_RANK[this.#stop]) this.#stop = reason;
    this.#attend();
  }

  #attend(): void {
    this.state.set(CPU.attention, 1);
    this.state.set(CPU.fetchPage, 1);
  }

  #attendIfUnmasked(): void {
    const { state } = this;
    if (!this.#interruptsHeld && (state.get(CPU.interruptLines) & ~state.get(CPU.control)) !== 0) this.#attend();
  }

  /** Runs `budget` instructions, or until something else is due. */
  execute(budget: number): CpuStop | undefined {
    const { state } = this;
    state.set(CPU.budget, budget);
    if (state.reg(15) !== this.#announced) this.#announced = undefined;
    const engine = this.#engine!;
    for (;;) {
      switch (engine.run(state.base)) {
        case RUN_EXIT.budget:
          return this.takeStop();
        case RUN_EXIT.fetch:
          this.#resolveFetch(state.reg(15));
          break;
        case RUN_EXIT.hot:
          this.#hot();
          break;
        default:
          state.set(CPU.attention, 0);
          this.#takeInterrupts();
      }
      if (this.#stop !== undefined) return this.takeStop();
    }
  }

  /** The reason to stop that has come up since the last was taken. */
  takeStop(): CpuStop | undefined {
    const stop = this.#stop;
    this.#stop = undefined;
    return stop;
  }

  #takeInterrupts(): void {
    const { state } = this;
    const pending = state.get(CPU.interruptLines) & ~state.get(CPU.control);
    if (pending === 0 || this.#interruptsHeld) return;
    this.#announced = undefined;
    const kind = (pending & PSR.F) !== 0 ? EXCEPTION.fastInterrupt : EXCEPTION.interrupt;
    const from = state.reg(15);
    this.noteBlockEnd(from);
    state.setReg(15, enterException(state, kind, from));
    this.#contextChanged();
    this.#taps.exception.tell(this, kind, from >>> 0);
  }

  // ---- translation --------------------------------------------------------------------------------------------

  /** Mode, domains or tables have changed: the next access finds out what holds now. */
  #contextChanged(): void {
    this.#translation.drop();
    this.system.updateFloatingPointAccess();
    this.#attendIfUnmasked();
  }

  #tlbChanged(change: () => void): void {
    change();
    this.state.set(CPU.fetchPage, 1);
  }

  /** Virtual to physical without side effects, as a privileged mode reads; undefined if it faults. */
  peekTranslate(address: number): number | undefined {
    const t = this.#translation.translate(address, ACCESS_KIND.read, true);
    return t.fault === 0 ? t.physical : undefined;
  }

  /** The same whatever permissions, domains and access flags say, between two instructions: for debuggers. */
  mappedTo(address: number): number | undefined {
    return this.#translation.mapping(address);
  }

  // ---- what a debugger does between two instructions ----------------------------------------------------------

  /** Writes all of CPSR; a mode that there is not leaves the mode as it is. */
  setCpsr(psr: number): void {
    writeWholeCpsr(this.state, psr);
    this.#contextChanged();
  }

  /** Writes FPEXC, whose bit EN has effect at once. */
  setFpexc(value: number): void {
    this.state.set(CPU.fpexc, value & 0x40000000);
    this.system.updateFloatingPointAccess();
  }

  /** While true no interrupt is taken; what waits for one wakes all the same. */
  get interruptsHeld(): boolean {
    return this.#interruptsHeld;
  }

  set interruptsHeld(held: boolean) {
    this.#interruptsHeld = held;
    this.#attendIfUnmasked();
  }

  /** Whether hooks have been told of the instruction at `pc`, which now runs. For the engine. */
  takeAnnounced(pc: number): boolean {
    const announced = this.#announced === pc;
    this.#announced = undefined;
    return announced;
  }

  /** A hook stops before the instruction at `pc`, which has not begun: its count is taken back. For the engine. */
  stopBefore(pc: number): void {
    const { state } = this;
    state.set(CPU.budget, state.get(CPU.budget) + 1);
    this.#announced = pc;
    state.set(CPU.blockEntry, 0);
    this.requestStop('hook');
    this.#leaveTo(pc);
  }

  // ---- instruction fetch --------------------------------------------------------------------------------------

  /** Gives the fetch table an entry for the page of `address`, or takes the prefetch abort. True if it has one. */
  #resolveFetch(address: number): boolean {
    const { state } = this;
    const slot = this.#translation.slot();
    const t = this.#translation.translate(address, ACCESS_KIND.execute, state.privileged);
    if (t.fault !== 0) {
      this.#prefetchAbort(address, t.fault);
      return false;
    }
    const page = this.#physical.pageOf(t.physical);
    if (page < 0) {
      this.#host.busError(address >>> 0, ACCESS_KIND.execute);
      this.#prefetchAbort(address, FAULT.external);
      return false;
    }
    if ((this.#physical.marks[page]! & PAGE.fetchAllowed) === 0) {
      if (!this.#host.fetchAllowed(page)) {
        this.requestStop('fetch-denied');
        return false;
      }
      this.#physical.mark(page, PAGE.fetchAllowed);
    }
    this.#hooks.fetching(address, page);
    const array: HandlerArray = state.thumb ? (state.get(CPU.itState) === 0 ? 't32' : 'it') : 'a32';
    const host = this.#physical.hostPage(page);
    let descriptor = this.#codePages.ensure(page, host, array);
    if (descriptor === 0 || (this.#engine?.translator?.full ?? false)) {
      this.#dropCode();
      descriptor = this.#codePages.ensure(page, host, array);
    }
    if (this.#blocks.active) this.#noteFetch(page, address);
    this.#shadow.enterFetch(slot, address, descriptor, page, t.sizeLog2);
    return true;
  }

  #noteFetch(page: number, address: number): void {
    const before = this.#codePages.entriesOf(page);
    const wanted = moreOf(before, this.#blocks.entriesAt(address));
    // It has been fetched from by an address at which nobody, or nobody who is told, waits, too.
    if (wanted !== before) this.codeWritten(page);
    this.#codePages.noteFetch(page, address, wanted);
  }

  #prefetchAbort(address: number, fault: number): void {
    const { state } = this;
    // The attempt counts as an instruction, so that endless aborts use up any limit.
    state.set(CPU.budget, state.get(CPU.budget) - 1);
    state.set(SYSTEM.IFSR, faultStatus(fault));
    state.set(SYSTEM.IFAR, address);
    this.#enter(EXCEPTION.prefetchAbort, state.reg(15));
  }

  /** A page's marks changed: see PageListener. */
  pageRestricted(page: number, reads: boolean): void {
    this.#shadow.remove(page, reads ? 'all-data' : 'writes');
  }

  watchesEnded(): void {
    for (const page of this.#engine?.translator?.endWatchfulness() ?? []) this.codeWritten(page);
  }

  /**
   * The instruction that is running touches something watched: no region has it, and one that leads here is left. Where it goes
   * on counts as branched to, for the code from there to the next branch may be long and as hot.
   */
  countAsLeft(): void {
    const { state } = this;
    const translator = this.#engine?.translator;
    if (translator === undefined || state.get(CPU.itState) !== 0) return;
    const pc = this.instructionAddress;
    const page = this.#physical.pageOfHost(pc + state.get(CPU.fetchHost));
    const { ram } = this.#physical;
    const at = page * 4096 + (pc & 0xfff);
    const narrow = state.thumb && !isWide(ram[at]! | (ram[at + 1]! << 8));
    const next = (pc + (narrow ? 2 : 4)) | 0;
    if ((next & 0xfff) > (pc & 0xfff) && translator.countBranch(next)) {
      translator.hot(next, page, state.thumb, this.#host.count);
    }
  }

  /** The code that runs here has met many watched pages, and left its region each time. */
  secondLooks(): void {
    const page = this.#physical.pageOfHost(this.instructionAddress + this.state.get(CPU.fetchHost));
    if (this.#engine?.translator?.makeWatchful(page) === true) this.codeWritten(page);
  }

  /** Others or none stand before instructions of the page, or of the virtual pages that lead to it. */
  hooksChanged(page: number): void {
    this.codeWritten(page);
    this.#engine?.translator?.hooksChanged(page);
  }

  /** Whether blocks are counted or told has changed: all code is decoded anew. */
  blocksChanged(): void {
    this.state.set(CPU.blockEntry, 0);
    this.#dropCode();
    this.#attend();
  }

  #dropCode(): void {
    this.#codePages.clear();
    this.#engine?.translator?.forgetAll();
    this.#shadow.flush();
    this.state.set(CPU.fetchPage, 1);
  }

  #afterDevice(done: boolean): boolean {
    this.requestStop('device');
    return done;
  }

  /** The next instruction begins a block; the one at `from` has ended the last. */
  noteBlockEnd(from: number): void {
    this.state.set(CPU.blockEntry, 1);
    this.state.set(CPU.blockFrom, from);
  }

  /** The next fetch looks its page up. */
  fetchAnew(): void {
    this.state.set(CPU.fetchPage, 1);
  }

  codeWritten(page: number): void {
    this.#codePages.forget(page);
    this.#engine?.translator?.forget(page);
    this.#shadow.remove(page, 'fetches');
    this.state.set(CPU.fetchPage, 1);
  }

  // ---- exceptions ---------------------------------------------------------------------------------------------

  /** Address of the instruction that is running, while a helper is called. */
  get instructionAddress(): number {
    return (this.state.reg(15) - this.state.get(CPU.pcAhead)) | 0;
  }

  /** Enters an exception and sets the PC for the loop that is not running generated code. */
  #enter(kind: number, pc: number): void {
    const { state } = this;
    if (pc === this.#lastVector) this.#faultsInARow++;
    else this.#faultsInARow = 0;
    if (this.#faultsInARow >= FAULT_LOOP) this.requestStop('fault-loop');
    this.#announced = undefined;
    this.noteBlockEnd(pc);
    this.#lastVector = enterException(state, kind, pc);
    state.setReg(15, this.#lastVector);
    this.#contextChanged();
    this.#taps.exception.tell(this, kind, pc >>> 0);
  }

  /** The same from within generated code, which abandons the instruction and goes on at the vector. */
  #raise(kind: number): void {
    const pc = this.instructionAddress;
    this.#enter(kind, pc);
    this.#leaveTo(this.#lastVector);
  }

  #leaveTo(address: number): void {
    this.state.set(CPU.nextPc, address);
    this.state.set(CPU.aborted, 1);
    this.state.set(CPU.fetchPage, 1);
  }

  /** Abandons the instruction that is running with a data abort. */
  dataAbort(address: number, fault: number, domain: number, write: boolean): void {
    const { state } = this;
    const status = faultStatus(fault) | (domain << 4) | (write ? 0x800 : 0);
    state.set(SYSTEM.DFSR, status);
    state.set(SYSTEM.DFAR, address);
    this.#raise(EXCEPTION.dataAbort);
  }

  // ---- for those who are told of an instruction in the middle of it ---------------------------------------------

  /** Abandons the instruction and goes on at `address` in the same instruction set. */
  jump(address: number): void {
    this.noteBlockEnd(this.instructionAddress);
    this.#leaveTo(address);
  }

  /** Abandons the instruction and has the guest take an exception there. */
  inject(exception: GuestException): void {
    const fault = exception.kind === 'undefined' ? 0 : (exception.status ?? FAULT.permissionPage);
    switch (exception.kind) {
      case 'undefined':
        this.#raise(EXCEPTION.undefined);
        return;
      case 'prefetch-abort':
        this.state.set(SYSTEM.IFSR, faultStatus(fault));
        this.state.set(SYSTEM.IFAR, this.instructionAddress);
        this.#raise(EXCEPTION.prefetchAbort);
        return;
      case 'data-abort':
        this.dataAbort(exception.address, fault, 0, exception.write ?? false);
    }
  }

  // ---- what the instructions call by name (HELPERS) -----------------------------------------------------------

  exception(kind: number, immediate: number): void {
    const calls = kind === EXCEPTION.supervisorCall || kind === EXCEPTION.breakpoint;
    if (calls && this.#host.semihostingCall(this, kind, immediate)) return;
    if (kind === EXCEPTION.supervisorCall) {
      const verdict = this.#taps.supervisorCall(this, immediate);
      if (verdict === 'stop') this.stopBefore(this.instructionAddress);
      if (verdict !== 'go-on' || this.state.get(CPU.aborted) !== 0) return;
    }
    if (kind === EXCEPTION.hypervisorCall || kind === EXCEPTION.secureMonitorCall) {
      const conduit = kind === EXCEPTION.hypervisorCall ? 'hvc' : 'smc';
      if (this.state.privileged && this.#host.firmwareCall(this, conduit)) {
        this.requestStop('device');
        return;
      }
      this.#raise(EXCEPTION.undefined);
      return;
    }
    if (kind === EXCEPTION.breakpoint) {
      this.state.set(SYSTEM.IFSR, FAULT.debug);
      this.state.set(SYSTEM.IFAR, this.instructionAddress);
      this.#raise(EXCEPTION.prefetchAbort);
      return;
    }
    this.#raise(kind);
  }

  alignmentFault(address: number, write: number): void {
    this.dataAbort(address, FAULT.alignment, 0, write !== 0);
  }

  writeCpsr(value: number, mask: number): void {
    writeCpsrByInstruction(this.state, value, mask);
    this.#contextChanged();
  }

  /** Undefined in User and System mode, which have no SPSR: UNPREDICTABLE there. */
  exceptionReturn(target: number): void {
    const { mode } = this.state;
    if (mode === MODE.usr || mode === MODE.sys) {
      this.#raise(EXCEPTION.undefined);
      return;
    }
    this.returnFromException(target, this.state.get(CPU.spsr));
  }

  returnFromException(target: number, psr: number): void {
    writeWholeCpsr(this.state, psr);
    this.activity.signal();
    this.#contextChanged();
    const to = target & (this.state.thumb ? ~1 : ~3);
    this.#leaveTo(to);
    this.#taps.exceptionReturn.tell(this, to >>> 0);
  }

  setEndianness(big: number): void {
    const control = this.state.get(CPU.control);
    this.state.set(CPU.control, big === 0 ? control & ~PSR.E : control | PSR.E);
    this.#contextChanged();
  }

  coprocessor(instruction: number): void {
    if (!this.system.execute(instruction)) this.#raise(EXCEPTION.undefined);
  }

  readBankedSp(mode: number): number {
    return this.state.banked(mode, 13);
  }

  writeBankedSp(mode: number, value: number): void {
    this.state.setBanked(mode, 13, value);
  }

  waitForInterrupt(): void {
    if (this.interruptPending) return;
    this.activity.waitForInterrupt();
    this.requestStop('wait');
  }

  /** WFE. Completing at once is allowed (B1.8.13), and what a CPU alone does. */
  waitForEvent(): void {
    const { state } = this;
    if (this.#host.cpuCount === 1) return;
    if ((state.get(CPU.interruptLines) & ~state.get(CPU.control)) !== 0) return;
    const until = this.#host.timer(this).nextStreamEvent(state.get(SYSTEM.CNTKCTL));
    if (this.activity.waitForEvent(until)) this.requestStop('wait');
  }

  sendEvent(): void {
    this.#host.sendEvent();
  }

  readFloatingPointSystem(register: number): number {
    if (!this.state.privileged || !this.system.floatingPointAllowed()) {
      this.#raise(EXCEPTION.undefined);
      return 0;
    }
    switch (register) {
      case 0:
        return this.#model.fpsid;
      case 6:
        return this.#model.mvfr1;
      case 7:
        return this.#model.mvfr0;
      case 8:
        return this.state.get(CPU.fpexc);
      default:
        this.#raise(EXCEPTION.undefined);
        return 0;
    }
  }

  writeFloatingPointSystem(register: number, value: number): void {
    if (!this.state.privileged || !this.system.floatingPointAllowed()) {
      this.#raise(EXCEPTION.undefined);
      return;
    }
    if (register !== 8) return;
    this.state.set(CPU.fpexc, value & 0x40000000);
    this.system.updateFloatingPointAccess();
  }

  /** Raises Undefined Instruction and returns the vector: for slots without an instruction. */
  undefinedInstruction(): number {
    this.#raise(EXCEPTION.undefined);
    return this.#lastVector;
  }

  /**
   * Host address of the code at a virtual address on another page than the PC's, where the instruction in hand goes on,
   * or -1 after a prefetch abort or a refusal of that page. The instruction has not begun then: its count is taken back.
   */
  fetchHost(address: number): number {
    const { state } = this;
    const pc = this.instructionAddress;
    const budget = state.get(CPU.budget);
    state.set(CPU.budget, budget + 1);
    state.setReg(15, pc);
    // The page of the PC may have lost its handlers to make room.
    state.set(CPU.fetchPage, 1);
    if (!this.#resolveFetch(address)) {
      this.#leaveTo(state.reg(15));
      return -1;
    }
    state.set(CPU.budget, budget);
    state.setReg(15, pc + state.get(CPU.pcAhead));
    const t = this.#translation.translate(address, ACCESS_KIND.execute, this.state.privileged);
    const page = this.#physical.pageOf(t.physical);
    return this.#physical.hostPage(page) + (address & 0xfff);
  }

  /**
   * RAM page of the code at `pc`, where the loop has just fetched from: not by another walk, for the guest may have changed
   * its tables without a TLB maintenance operation. Writes to the page are looked at from now on.
   */
  noteDecoded(pc: number): number {
    const page = this.#physical.pageOfHost(pc + this.state.get(CPU.fetchHost));
    this.#physical.mark(page, PAGE.code);
    return page;
  }

  #pageOfCode(pc: number): number {
    const t = this.#translation.translate(pc, ACCESS_KIND.execute, this.state.privileged);
    return t.fault === 0 ? this.#physical.pageOf(t.physical) : -1;
  }

  /** The PC was branched to often. */
  #hot(): void {
    const { state } = this;
    if (state.get(CPU.itState) !== 0) return;
    const pc = state.reg(15);
    const page = this.#pageOfCode(pc);
    if (page >= 0) this.#engine!.translator?.hot(pc, page, state.thumb, this.#host.count);
  }
}

/** The five bits of a fault's kind at their places in DFSR and IFSR (B3.13.3). */
function faultStatus(fault: number): number {
  return (fault & 0xf) | ((fault & 0x10) << 6);
}

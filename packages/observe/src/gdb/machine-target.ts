// SPDX-License-Identifier: Apache-2.0
// A machine as a debugger's target. It stands between the run loop, which it tells when to run (RunDebugger), and the
// protocol, which knows nothing of machines (Target). Threads are CPUs, unless one wants others. Stop points are the engine's hooks and virtual
// watches, so the guest's own reads never show them.
//
// A step runs one instruction of its CPU, which gets the turn for it; the others run only while that CPU waits. As with
// QEMU, interrupts are held meanwhile unless `stepInterrupts` says otherwise: a step would end in the handler of the timer.

import type {
  DriverStop,
  HookVerdict,
  Machine,
  MachineDriver,
  RunDebugger,
  RunExit,
  RunOrder,
  Vcpu,
} from '@plinth/machine';
import { ARM_GENERAL_REGISTERS, ARM_REGISTERS, armTargetDescription } from './arm-registers.js';
import { tellDifference } from '../record/replay.js';
import type { PastRun } from '../record/replay-driver.js';
import { encodeChange } from './debugger-port.js';
import { DebugMemory, type Mapping } from './machine-memory.js';
import {
  type MemoryRegion,
  type Resumption,
  type ReverseExecution,
  SIGNAL,
  type StopPoint,
  type Target,
  type TargetRegister,
  type TargetStop,
  type TargetThread,
} from './target.js';
import { CpuThreads, type ThreadView } from './threads.js';
import { TimeTravel } from './time-travel.js';

export interface MachineTargetOptions {
  /** What runs the machine. */
  readonly driver: Pick<MachineDriver, 'runSlice' | 'reset'>;
  readonly machine: Machine;
  /** The driver, if its run can be gone back in: one only looks then. */
  readonly past?: PastRun;
  /** The machine stands still until a debugger has come and lets it go. */
  readonly paused: boolean;
  /** Name of the ELF file that runs, if it is one. */
  readonly executable?: string;
  /** Looking only: what a recording could not repeat is refused, and no CPU gets a turn out of order. */
  readonly lookOnly?: boolean;
  /** Changes enter by this door (`DEBUGGER_PORT`), which a recording can repeat; it says whether they have. */
  readonly change?: (bytes: Uint8Array) => boolean;
}

/** What is said where a machine has come from its past to its present. */
const PRESENT = 'this is the present: from here on it lives on';

const PC = 15;

/** Steps between two looks at what else there is to do. */
const STEPS_AT_ONCE = 2000;

interface Step {
  readonly cpu: Vcpu;
  /** Where it began: a hook there has stopped it already, or is to be stepped over. */
  from: number | undefined;
  readonly range: { readonly start: number; readonly end: number } | undefined;
}

/** Addresses are virtual, and what is mapped where changes: GDB must not take anything for absent. */
const EVERYTHING: readonly MemoryRegion[] = [{ kind: 'ram', start: 0, length: 2 ** 32 }];

export class MachineTarget implements Target, RunDebugger {
  readonly features: ReadonlyMap<string, string> = new Map([['target.xml', armTargetDescription()]]);
  readonly registers: readonly TargetRegister[] = ARM_REGISTERS;
  readonly generalRegisters: number = ARM_GENERAL_REGISTERS;
  readonly memoryMap: readonly MemoryRegion[] = EVERYTHING;
  readonly executable?: string;
  /** Interrupts may be taken in a step. */
  stepInterrupts: boolean = false;
  /** What the machine stands for since its guest died. */
  crash: string | undefined;
  readonly machine: Machine;
  readonly reverse?: ReverseExecution;
  readonly #driver: MachineTargetOptions['driver'];
  readonly #past: PastRun | undefined;
  /** Where it stops now. */
  readonly #points = new Set<StopPoint>();
  readonly #lookOnly: boolean;
  readonly #change: MachineTargetOptions['change'];
  readonly #memory: DebugMemory;
  #wake: () => void = () => {};
  #onStop: ((stop: TargetStop) => void) | undefined;
  #standing: boolean;
  #step: Step | undefined;
  /** What a hook or a watch has found in the slice that runs. */
  #found: { readonly cpu: Vcpu; readonly reason?: NonNullable<TargetStop['reason']> } | undefined;
  /** The instruction that a watch has stopped before: when it is tried again, it is done. */
  #passed: { readonly cpu: Vcpu; readonly pc: number; readonly count: number } | undefined;
  /** How the machine has ended while someone looked at it. */
  #ended: RunExit | undefined;
  #restarted = false;
  #killed = false;
  #currentCpu: Vcpu;
  /** Ends the wait for a thread that no CPU executes. */
  #endWait: (() => void) | undefined;
  /** What is shown as threads. */
  threadView: ThreadView;

  constructor(options: MachineTargetOptions) {
    this.machine = options.machine;
    this.#driver = options.driver;
    this.#standing = options.paused;
    this.#past = options.past;
    this.#lookOnly = options.lookOnly ?? options.past !== undefined;
    this.#change = options.change;
    this.#memory = new DebugMemory(options.machine);
    this.#currentCpu = options.machine.cpu;
    this.threadView = new CpuThreads(options.machine);
    if (options.executable !== undefined) this.executable = options.executable;
    if (options.past === undefined) return;
    this.reverse = new TimeTravel(options.past.history, this.#points, (cpu, stop) => {
      this.#passed = undefined;
      this.#report(cpu, stop);
    });
  }

  // ---- RunDebugger --------------------------------------------------------------------------------------------

  get attached(): boolean {
    return this.#onStop !== undefined;
  }

  get standing(): boolean {
    return this.#standing;
  }

  get past(): boolean {
    return this.#past?.live === true && !this.#past.history.atEnd;
  }

  start(wake: () => void): void {
    this.#wake = wake;
  }

  next(): RunOrder {
    if (this.#killed) return { kind: 'end', exit: { kind: 'user' } };
    if (this.#ended !== undefined && !this.attached) return { kind: 'end', exit: this.#ended };
    if (this.#restarted) {
      this.#restarted = false;
      return { kind: 'restarted' };
    }
    return { kind: this.#standing ? 'stay' : 'run' };
  }

  runSlice(maximumInstructions: number, comeBack: boolean): DriverStop {
    const stop =
      this.#step === undefined
        ? this.#driver.runSlice(maximumInstructions, comeBack)
        : this.#runStep(this.#step, Math.min(maximumInstructions, STEPS_AT_ONCE), comeBack);
    return this.#after(stop);
  }

  #runStep(step: Step, most: number, comeBack: boolean): DriverStop {
    const { machine } = this;
    for (let n = 0; n < most; n++) {
      if (!this.#lookOnly) machine.giveTurn(step.cpu);
      const before = machine.count;
      const stop = this.#driver.runSlice(1, comeBack);
      if (stop.kind !== 'slice' || this.#found !== undefined) return stop;
      if (machine.currentCpu !== step.cpu || machine.count === before) continue;
      step.from = undefined;
      const pc = step.cpu.state.reg(15) >>> 0;
      if (step.range !== undefined && pc >= step.range.start && pc < step.range.end) continue;
      this.#report(step.cpu, { signal: SIGNAL.trap });
      return stop;
    }
    return { kind: 'slice' };
  }

  /** What a slice's end means to a debugger; for the run loop it is the end of a slice then. */
  #after(stop: DriverStop): DriverStop {
    const found = this.#found;
    this.#found = undefined;
    if (stop.kind === 'finding' && stop.standstill !== undefined) return this.#crashed(stop.standstill);
    if (!this.attached) return stop;
    const slice: DriverStop = { kind: 'slice' };
    const cpu = this.machine.currentCpu;
    // A step that was told already may have come there.
    const ended = found === undefined && !this.#standing ? this.#past?.ended : undefined;
    if (ended !== undefined) {
      const message =
        ended.kind === 'different'
          ? { message: tellDifference(ended.difference) }
          : this.#past!.live
            ? { message: PRESENT }
            : {};
      this.#report(cpu, { signal: SIGNAL.trap, reason: { kind: 'history', end: 'end' }, ...message });
      return slice;
    }
    switch (stop.kind) {
      case 'shutdown':
        return this.#end(stop, { signal: SIGNAL.terminated, exitStatus: 0 }, 'the guest has shut down');
      case 'exit': {
        const { status } = stop;
        const message = `the program has left with status ${status}`;
        return this.#end(stop, { signal: SIGNAL.terminated, exitStatus: status & 0xff }, message);
      }
      case 'finding':
        // It may be told to go on, and comes back here.
        return this.#end(stop, { signal: SIGNAL.abort }, 'the guest cannot go on');
      default:
        if (found === undefined) return stop.kind === 'hook' ? slice : stop;
        this.#report(found.cpu, {
          signal: SIGNAL.trap,
          ...(found.reason === undefined ? {} : { reason: found.reason }),
        });
        return slice;
    }
  }

  /** Whether somebody is there or not: who comes later finds the machine as it is here. */
  #crashed({ cpu, message }: { readonly cpu: number; readonly message: string }): DriverStop {
    this.crash = message;
    this.#report(this.machine.cpus[cpu]!, { signal: SIGNAL.abort, message });
    return { kind: 'slice' };
  }

  #end(exit: RunExit, stop: Omit<TargetStop, 'thread'>, message: string): DriverStop {
    this.#ended = exit;
    this.#report(this.machine.currentCpu, { ...stop, message });
    return { kind: 'slice' };
  }

  #report(cpu: Vcpu, stop: Omit<TargetStop, 'thread'>): void {
    this.#stand();
    this.#currentCpu = cpu;
    this.#onStop?.({ ...stop, thread: this.currentThread });
  }

  #stand(): void {
    this.#standing = true;
    this.#wake();
    if (this.#step !== undefined) this.#step.cpu.interruptsHeld = false;
    this.#step = undefined;
    this.#endWait?.();
    this.#endWait = undefined;
  }

  #go(): void {
    this.#standing = false;
    this.crash = undefined;
    this.#wake();
  }

  // ---- looking and changing -----------------------------------------------------------------------------------

  get threads(): readonly TargetThread[] {
    return this.threadView.list();
  }

  get currentThread(): number {
    return this.threadView.of(this.#currentCpu);
  }

  /** The CPU that executes a thread, or else the one that stopped last. */
  cpu(thread: number): Vcpu {
    return this.threadView.cpu(thread) ?? this.#currentCpu;
  }

  /** Where a thread has its memory. */
  mapping(thread: number): Mapping {
    const cpu = this.threadView.cpu(thread);
    return (address) => (cpu === undefined ? this.threadView.physical(thread, address) : cpu.mappedTo(address | 0));
  }

  readRegister(thread: number, register: number): Uint8Array | undefined {
    const cpu = this.threadView.cpu(thread);
    const words = cpu === undefined ? this.threadView.saved(thread, register) : ARM_REGISTERS[register]?.read(cpu);
    return words === undefined ? undefined : new Uint8Array(Int32Array.from(words).buffer);
  }

  writeRegister(thread: number, register: number, bytes: Uint8Array): boolean {
    const write = ARM_REGISTERS[register]?.write;
    const cpu = this.threadView.cpu(thread);
    if (write === undefined || cpu === undefined) return false;
    if (this.#change !== undefined) {
      return this.#change(encodeChange({ kind: 'register', cpu: cpu.index, number: register, bytes }));
    }
    if (this.#lookOnly) return false;
    write(cpu, [...new Int32Array(Uint8Array.from(bytes).buffer)]);
    return true;
  }

  readMemory(thread: number, address: number, length: number): Uint8Array {
    return this.#memory.read(this.mapping(thread), address, length);
  }

  writeMemory(thread: number, address: number, bytes: Uint8Array): boolean {
    if (this.#change !== undefined) return this.#enter(thread, address, bytes);
    return !this.#lookOnly && this.#memory.write(this.mapping(thread), address, bytes);
  }

  /** Of a thread that no CPU executes what is on one page. */
  #enter(thread: number, address: number, bytes: Uint8Array): boolean {
    const cpu = this.threadView.cpu(thread);
    if (this.#memory.physical) return this.#change!(encodeChange({ kind: 'physical', cpu: 0, address, bytes }));
    if (cpu !== undefined) return this.#change!(encodeChange({ kind: 'virtual', cpu: cpu.index, address, bytes }));
    const physical = this.threadView.physical(thread, address);
    if (physical === undefined || (address & 0xfff) + bytes.length > 0x1000) return false;
    return this.#change!(encodeChange({ kind: 'physical', cpu: 0, address: physical, bytes }));
  }

  get physicalAddresses(): boolean {
    return this.#memory.physical;
  }

  set physicalAddresses(physical: boolean) {
    this.#memory.physical = physical;
  }

  stopAt(point: StopPoint): () => void {
    // Each has its own place, also if a client gives one twice.
    const own = { ...point };
    this.#points.add(own);
    const end = this.#stopAt(own);
    return () => {
      this.#points.delete(own);
      end();
    };
  }

  /** On its way to another place of its history a machine stops for nobody. */
  get #travelling(): boolean {
    return this.#past?.history.travelling === true;
  }

  #stopAt(point: StopPoint): () => void {
    const { machine } = this;
    const { kind, address: start, length } = point;
    if (kind === 'software' || kind === 'hardware') {
      return machine.hooks.addVirtual(start, (cpu, address) => {
        if (this.#travelling || (this.#step?.cpu === cpu && this.#step.from === address)) return 'go-on';
        this.#found ??= { cpu, reason: { kind } };
        return 'stop';
      });
    }
    const note = ({ cpu, address }: { cpu: Vcpu; address: number }): HookVerdict => {
      if (this.#travelling) return 'go-on';
      const pc = cpu.instructionAddress >>> 0;
      const passed = this.#passed;
      if (passed?.cpu === cpu && passed.pc === pc && passed.count === machine.count) return 'go-on';
      this.#passed = { cpu, pc, count: machine.count };
      // An access may begin before what is watched.
      this.#found ??= { cpu, reason: { kind, address: Math.max(address, start) } };
      return 'stop';
    };
    return machine.virtualWatches.add({
      start,
      length,
      ...(kind === 'write' ? {} : { beforeRead: note }),
      ...(kind === 'read' ? {} : { beforeWrite: note }),
    });
  }

  // ---- run control --------------------------------------------------------------------------------------------

  attach(onStop: (stop: TargetStop) => void): TargetStop {
    this.#onStop = onStop;
    this.#stand();
    if (this.crash !== undefined) return { signal: SIGNAL.abort, thread: this.currentThread };
    this.#currentCpu = this.machine.currentCpu;
    return { signal: SIGNAL.trap, thread: this.currentThread };
  }

  detach(): void {
    this.#onStop = undefined;
    this.#stand();
    this.#go();
  }

  resume(threads: ReadonlyMap<number, Resumption>): void {
    this.#ended = undefined;
    for (const [thread, how] of threads) {
      if (how.kind === 'continue' || this.#step !== undefined) continue;
      const cpu = this.threadView.cpu(thread);
      if (cpu === undefined) {
        this.#waitFor(thread);
        continue;
      }
      this.#step = { cpu, from: cpu.state.reg(15) >>> 0, range: how.kind === 'range' ? how : undefined };
      // A recorded run takes them where it took them.
      cpu.interruptsHeld = !this.stepInterrupts && !this.#lookOnly;
    }
    this.#go();
  }

  /** A thread that no CPU executes is stepped up to where it goes on; the machine runs until then. */
  #waitFor(thread: number): void {
    const [pc] = this.threadView.saved(thread, PC) ?? [];
    if (pc === undefined || this.#endWait !== undefined) return;
    this.#endWait = this.machine.hooks.addVirtual(pc >>> 0, (cpu) => {
      if (this.#travelling || !this.threadView.executes(cpu, thread)) return 'go-on';
      this.#found ??= { cpu };
      return 'stop';
    });
  }

  interrupt(): void {
    if (this.#standing) return;
    this.#report(this.machine.currentCpu, { signal: SIGNAL.interrupt });
  }

  reset(): void {
    if (this.#lookOnly) return;
    this.#driver.reset();
    this.#ended = undefined;
    this.#restarted = true;
    this.#wake();
  }

  kill(): void {
    this.#onStop = undefined;
    this.#killed = true;
    this.#wake();
  }
}

// SPDX-License-Identifier: Apache-2.0
// CPUs that hang and CPUs that can get nowhere, from looks at exact counts of instructions.
//
// Hanging is judged: an interrupt waits for a CPU that masks it, and has done so for some seconds of virtual time, though
// the CPU has taken interrupts before (a program that polls never does). Getting nowhere is proved: a branch to itself with
// interrupts masked; a whole machine in the same state again, with nothing to come; WFI with no interrupt that could come.

import { CPU, MODE, PSR } from '@plinth/arm';
import type { Machine, Vcpu } from '@plinth/machine';
import type { ExceptionWatch } from './exception-watch.js';

/**
 * Instructions between two looks: a loop of up to 16 instructions, and of many other lengths, is at its same place again
 * then, for this is a multiple of all of them.
 */
export const LOOK_INTERVAL = 720_720;
const MASKS = PSR.I | PSR.F;
/** A branch to itself: B in A32, and in T32 of 2 bytes and of 4, as it lies in memory. */
const SELF_BRANCH = { a32: 0xeaff_fffe, t16: 0xe7fe, t32: 0xbffe_f7ff } as const;

export type StuckHow = 'hang' | 'self-branch' | 'loop' | 'wait';

export interface StuckCpu {
  readonly cpu: Vcpu;
  readonly how: StuckHow;
  /** Of a hang: virtual nanoseconds. */
  readonly since?: number;
}

export interface StuckOptions {
  readonly machine: Machine;
  readonly exceptions: ExceptionWatch;
  /** Virtual nanoseconds that an interrupt may wait. */
  readonly patience: number;
  /** What the guest asks the host for (semihosting) may make a loop end: no loop is proved to be endless then. */
  readonly asksHost: boolean;
}

interface Look {
  readonly pc: number;
  /** The last exception, by its count. */
  readonly exception: number;
}

/** How far the proof of a loop is. */
interface Suspicion {
  readonly hash: string;
  /** Of registers and RAM, once registers alone were the same again. */
  readonly whole?: string;
  readonly end?: () => void;
  touched?: boolean;
}

export class StuckCpus {
  readonly #options: StuckOptions;
  /** Virtual time since which an interrupt waits, by CPU. */
  readonly #waitsSince: (number | undefined)[] = [];
  readonly #lastLooks: (Look | undefined)[] = [];
  readonly #told = new Set<number>();
  #suspicion: Suspicion | undefined;
  /** Looks to pass before the next suspicion: a proof that fails reads all of RAM. */
  #pass = 0;
  #failed = 0;

  constructor(options: StuckOptions) {
    this.#options = options;
  }

  /** What is found at a multiple of LOOK_INTERVAL, each once. */
  look(): StuckCpu[] {
    const { machine } = this.#options;
    const found = machine.cpus.flatMap((cpu) => this.#hangs(cpu) ?? []);
    const ends = machine.cpus.filter((cpu) => cpu.activity.on).map((cpu) => this.#atDeadEnd(cpu));
    // One of several may be parked while others work.
    if (ends.length > 0 && ends.every((end) => end)) found.push(...this.#all('self-branch'));
    else if (this.#loopsForEver()) found.push(...this.#all('loop'));
    return found.filter(({ cpu }) => this.#first(cpu));
  }

  /** All CPUs wait or are off, and nothing is scheduled that could wake one. */
  idle(): StuckCpu[] {
    const { cpus, board } = this.#options.machine;
    const waiting = cpus.filter(({ activity }) => activity.on);
    if (waiting.some(({ index }) => board.interrupts.acceptsShared(index))) return [];
    return waiting.filter((cpu) => this.#first(cpu)).map((cpu) => ({ cpu, how: 'wait' }));
  }

  #all(how: StuckHow): StuckCpu[] {
    return this.#options.machine.cpus.filter(({ activity }) => activity.on).map((cpu) => ({ cpu, how }));
  }

  /** Whether a CPU has ever taken an interrupt. */
  usesInterrupts(cpu: Vcpu): boolean {
    return usesInterrupts(cpu, MASKS);
  }

  #first({ index }: Vcpu): boolean {
    if (this.#told.has(index)) return false;
    this.#told.add(index);
    return true;
  }

  /** An interrupt has waited for too long. */
  #hangs(cpu: Vcpu): StuckCpu | undefined {
    const { machine, exceptions, patience } = this.#options;
    const { state, index, activity } = cpu;
    const interrupted = exceptions.takeInterrupted(cpu);
    const masked = state.get(CPU.interruptLines) & state.get(CPU.control) & MASKS;
    const used = usesInterrupts(cpu, masked);
    const now = machine.clock.now();
    if (!activity.on || !used || interrupted) {
      this.#waitsSince[index] = undefined;
      return undefined;
    }
    const since = (this.#waitsSince[index] ??= now);
    return now - since >= patience ? { cpu, how: 'hang', since } : undefined;
  }

  /** At a branch to itself with interrupts masked, as at the last look, and without an exception since. */
  #atDeadEnd(cpu: Vcpu): boolean {
    const { state, index, activity } = cpu;
    const pc = state.reg(15) >>> 0;
    const masked = (state.get(CPU.control) & MASKS) === MASKS;
    const before = this.#lastLooks[index];
    const exception = this.#options.exceptions.last(cpu)?.count ?? -1;
    const look = masked && !activity.waiting ? { pc, exception } : undefined;
    this.#lastLooks[index] = look;
    return look !== undefined && before?.pc === pc && before.exception === exception && this.#branchesToItself(cpu, pc);
  }

  #branchesToItself(cpu: Vcpu, pc: number): boolean {
    const low = this.#half(cpu, pc);
    const high = this.#half(cpu, pc + 2);
    if (cpu.state.thumb) return low === SELF_BRANCH.t16 || ((high << 16) | low) >>> 0 === SELF_BRANCH.t32;
    return ((high << 16) | low) >>> 0 === SELF_BRANCH.a32;
  }

  #half(cpu: Vcpu, address: number): number {
    const physical = cpu.mappedTo(address);
    const bytes = physical === undefined ? undefined : this.#options.machine.memory.bytes(physical >>> 0, 2);
    return bytes === undefined ? 0 : bytes[0]! | (bytes[1]! << 8);
  }

  /**
   * One CPU with interrupts masked is in the state of the last look again, RAM too, has touched no device meanwhile, and
   * nothing is scheduled: a machine is deterministic, so it will be so for ever.
   */
  #loopsForEver(): boolean {
    const { machine, asksHost } = this.#options;
    const closed =
      machine.cpus.length === 1 &&
      !asksHost &&
      this.#lastLooks[0] !== undefined &&
      machine.events.next() === Infinity &&
      !machine.devicesDriven;
    const before = this.#suspicion;
    const touched = before?.touched === true;
    before?.end?.();
    this.#suspicion = undefined;
    if (!closed || this.#pass-- > 0) return false;
    this.#pass = 0;
    const hash = machine.cpuHash();
    if (before?.hash !== hash) {
      this.#suspicion = { hash };
      return false;
    }
    if (before.whole !== undefined) {
      if (!touched && before.whole === machine.stateHash()) return true;
      this.#pass = 2 ** Math.min(++this.#failed, 10);
      return false;
    }
    const suspicion: Suspicion = {
      hash,
      whole: machine.stateHash(),
      end: machine.taps.device.add(() => {
        suspicion.touched = true;
      }),
    };
    this.#suspicion = suspicion;
    return false;
  }

  /** Power-on. */
  reset(): void {
    this.#waitsSince.length = 0;
    this.#lastLooks.length = 0;
    this.#told.clear();
    this.end();
  }

  end(): void {
    this.#suspicion?.end?.();
    this.#suspicion = undefined;
  }
}

/** Whether one of the interrupts whose masks are given has been taken: the SPSR of its mode shows it, also from before we looked. */
function usesInterrupts({ state }: Vcpu, masks: number): boolean {
  return (
    ((masks & PSR.I) !== 0 && state.spsrOf(MODE.irq) !== 0) || ((masks & PSR.F) !== 0 && state.spsrOf(MODE.fiq) !== 0)
  );
}

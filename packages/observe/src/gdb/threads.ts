// SPDX-License-Identifier: Apache-2.0
// What a debugger is shown as threads: a machine's CPUs, or something that they execute.

import type { Machine, Vcpu } from '@plinth/machine';
import type { TargetThread } from './target.js';

/** Asked only between two instructions, and without effect on the machine; `executes` also by a hook. */
export interface ThreadView {
  list(): readonly TargetThread[];
  /** The thread that a CPU executes. */
  of(cpu: Vcpu): number;
  /** The CPU that executes a thread; undefined if none does. */
  cpu(thread: number): Vcpu | undefined;
  executes(cpu: Vcpu, thread: number): boolean;
  /** Of a thread that no CPU executes: words of a register, by its number; undefined if they are not known. */
  saved(thread: number, register: number): readonly number[] | undefined;
  /** Guest-physical address of what such a thread has at a virtual one; undefined where nothing is mapped. */
  physical(thread: number, address: number): number | undefined;
}

/** Thread n is CPU n - 1. */
export class CpuThreads implements ThreadView {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  list(): readonly TargetThread[] {
    return this.#machine.cpus.map((cpu) => ({
      id: this.of(cpu),
      name: `CPU ${cpu.index}`,
      state: cpuState(cpu),
    }));
  }

  of({ index }: Vcpu): number {
    return index + 1;
  }

  cpu(thread: number): Vcpu {
    return this.#machine.cpus[thread - 1] ?? this.#machine.currentCpu;
  }

  executes(cpu: Vcpu, thread: number): boolean {
    return this.of(cpu) === thread;
  }

  saved(): undefined {
    return undefined;
  }

  physical(): undefined {
    return undefined;
  }
}

/** What a CPU does, for people. */
export function cpuState({ activity }: Vcpu): string {
  return !activity.on ? 'off' : activity.waiting ? 'waiting' : 'running';
}

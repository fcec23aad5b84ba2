// SPDX-License-Identifier: Apache-2.0
// The tasks of a guest's Linux as threads, by their pid. One that a CPU executes has that CPU's registers. Of one that sleeps
// the kernel has kept what a function call keeps (`struct cpu_context_save`), so the rest is not known. As long as there is no
// Linux, and for a CPU that is idle, the thread is the CPU.

import { MODE } from '@plinth/arm';
import type { Machine, Vcpu } from '@plinth/machine';
import type { LinuxGuest, LinuxTask } from '../linux/linux-guest.js';
import { ARM_REGISTERS } from './arm-registers.js';
import type { TargetThread } from './target.js';
import { cpuState, type ThreadView } from './threads.js';

/** No task has such a pid (PID_MAX_LIMIT is 32768): thread of CPU 0 where it executes none. */
const FIRST_CPU = 0x1_0000;
const CPSR = ARM_REGISTERS.findIndex(({ name }) => name === 'cpsr');
const THUMB = 1 << 5;
const [R4, PC] = [4, 15];
/** Places of r4 to fp, sp and pc in what the kernel keeps. */
const SAVED = [4, 5, 6, 7, 8, 9, 10, 11, 13, 15];

interface TaskThread extends TargetThread {
  readonly cpu?: Vcpu;
  readonly task?: LinuxTask;
}

export class TaskThreads implements ThreadView {
  readonly #machine: Machine;
  readonly #linux: () => LinuxGuest | undefined;
  /** Those of the place where the machine was when they were looked for. */
  #known: { readonly place: string; readonly threads: ReadonlyMap<number, TaskThread> } | undefined;

  constructor(machine: Machine, linux: () => LinuxGuest | undefined) {
    this.#machine = machine;
    this.#linux = linux;
  }

  get #guest(): LinuxGuest | undefined {
    const guest = this.#linux();
    return guest?.present === true ? guest : undefined;
  }

  get #threads(): ReadonlyMap<number, TaskThread> {
    const place = `${this.#machine.count} ${this.#machine.clock.now()}`;
    if (this.#known?.place !== place) this.#known = { place, threads: new Map(this.#find()) };
    return this.#known.threads;
  }

  *#find(): Generator<[number, TaskThread]> {
    const guest = this.#guest;
    const idle = new Map(this.#machine.cpus.map((cpu) => [guest?.currentAddress(cpu.index) ?? -1 - cpu.index, cpu]));
    for (const process of guest?.processes() ?? []) {
      for (const task of guest!.threads(process) ?? [process]) {
        const cpu = idle.get(task.address);
        idle.delete(task.address);
        yield [task.pid, threadOf(task, cpu)];
      }
    }
    for (const cpu of idle.values()) {
      const comm = guest?.currentIdentity(cpu.index)?.comm;
      const id = FIRST_CPU + cpu.index;
      const name = comm === undefined ? `CPU ${cpu.index}` : comm;
      yield [id, { id, name, state: cpuState(cpu), cpu }];
    }
  }

  list(): readonly TargetThread[] {
    return [...this.#threads.values()];
  }

  of(cpu: Vcpu): number {
    const { pid = 0 } = this.#guest?.currentIdentity(cpu.index) ?? {};
    return pid === 0 ? FIRST_CPU + cpu.index : pid;
  }

  cpu(thread: number): Vcpu | undefined {
    return this.#threads.get(thread)?.cpu;
  }

  executes(cpu: Vcpu, thread: number): boolean {
    return this.of(cpu) === thread;
  }

  saved(thread: number, register: number): readonly number[] | undefined {
    const task = this.#threads.get(thread)?.task;
    const words = task === undefined ? undefined : this.#guest?.savedRegisters(task);
    if (words === undefined) return undefined;
    const pc = words[SAVED.indexOf(PC)]!;
    // It stands in the kernel, behind the call that has changed to another task.
    if (register === CPSR) return [MODE.svc | ((pc & 1) !== 0 ? THUMB : 0)];
    const word = register < R4 ? undefined : words[SAVED.indexOf(register)];
    return word === undefined ? undefined : [register === PC ? pc & ~1 : word];
  }

  physical(thread: number, address: number): number | undefined {
    const task = this.#threads.get(thread)?.task;
    const guest = this.#guest;
    if (task === undefined || guest === undefined) return undefined;
    return guest.addressSpace(task)?.physical(address) ?? guest.kernel.memory.physical(address);
  }
}

function threadOf(task: LinuxTask, cpu: Vcpu | undefined): TaskThread {
  const { pid: id, comm: name, state = '?' } = task;
  return cpu === undefined
    ? { id, name, state, task }
    : { id, name, state: `${state}, on CPU ${cpu.index}`, task, cpu };
}

// SPDX-License-Identifier: Apache-2.0
// What a machine does, in the JSON array of the Trace Event Format, which chrome://tracing and Perfetto read: interrupts and
// other exceptions by CPU, system calls and functions by process and thread. Time stamps are virtual microseconds. Events
// are written as they come, so a run that is cut short leaves all but the last bracket, which readers do without.

import type { Machine } from '@plinth/machine';
import type { GuestView } from '../linux/guest-view.js';
import type { LinuxGuest } from '../linux/linux-guest.js';
import { traceFunctions } from '../linux/trace-functions.js';
import { traceSystemCalls } from '../linux/trace-system-calls.js';
import { Probes } from '../probes/probes.js';
import type { ExceptionName } from '../probes/events.js';
import type { GuestSymbol } from '../symbols/symbol-table.js';

/** Some 300 MB; viewers take no more. */
const MOST_EVENTS = 2_000_000;
/** Exceptions of a CPU that have not been returned from: a kernel may switch tasks in one and never come back. */
const MOST_OPEN = 1000;
/** "Process" of the CPUs: no PID that a guest can have. */
const MACHINE = 0x7fff_ffff;

type Phase = 'X' | 'B' | 'E' | 'i' | 'M';

interface TraceEvent {
  readonly name: string;
  readonly cat?: string;
  readonly ph: Phase;
  /** Microseconds. */
  readonly ts?: number;
  readonly dur?: number;
  readonly pid: number;
  readonly tid: number;
  readonly s?: 't';
  readonly args?: Readonly<Record<string, unknown>>;
}

interface OpenException {
  readonly exception: ExceptionName;
  readonly from: number;
  /** Nanoseconds. */
  readonly since: number;
}

export interface TraceOptions {
  readonly machine: Machine;
  readonly view: GuestView;
  /** The guest's Linux, as soon as it can be seen. */
  guest(): LinuxGuest | undefined;
  /** Takes a line of the file. */
  write(line: string): void;
}

export class EventTrace {
  readonly #options: TraceOptions;
  readonly #probes: Probes;
  readonly #ends: (() => void)[] = [];
  readonly #open = new Map<number, OpenException[]>();
  readonly #named = new Map<number, string>();
  #count = 0;

  constructor(options: TraceOptions) {
    this.#options = options;
    const { machine, view } = options;
    this.#probes = new Probes(machine);
    this.#emit({ name: 'process_name', ph: 'M', pid: MACHINE, tid: 0, args: { name: 'machine' } });
    for (const { index } of machine.cpus) {
      this.#emit({ name: 'thread_name', ph: 'M', pid: MACHINE, tid: index, args: { name: `CPU ${index}` } });
    }
    this.#probes.exception(({ cpu, exception, from }) => {
      // In Linux these are the system calls.
      if (exception === 'supervisor-call' && options.guest() !== undefined) return;
      const open = this.#openOf(cpu.index);
      if (open.length >= MOST_OPEN) this.#end(cpu.index, open.shift()!, undefined);
      open.push({ exception, from, since: cpu.time });
    });
    this.#probes.exceptionReturn(({ cpu, to }) => {
      const open = this.#openOf(cpu.index);
      // A supervisor call goes on behind itself, all others where they came from.
      const at = open.findLastIndex(({ from }) => to >= from && to <= from + 4);
      if (at >= 0) this.#end(cpu.index, open.splice(at, 1)[0]!, cpu.time);
    });
    const calls = traceSystemCalls(
      machine,
      view,
      () => options.guest(),
      ({ tgid, pid, comm, name, text, end, time }) => {
        this.#name(tgid, comm);
        const dur = end.kind === 'final' ? 0 : microseconds(machine.clock.now() - time);
        this.#emit({ name, cat: 'syscall', ph: 'X', ts: microseconds(time), dur, pid: tgid, tid: pid, args: { text } });
      },
    );
    this.#ends.push(() => calls.stop());
  }

  #openOf(cpu: number): OpenException[] {
    const open = this.#open.get(cpu) ?? [];
    this.#open.set(cpu, open);
    return open;
  }

  #end(cpu: number, { exception, from, since }: OpenException, until: number | undefined): void {
    const common = { name: exception, cat: 'exception', pid: MACHINE, tid: cpu, ts: microseconds(since) };
    const args = { from: `0x${from.toString(16).padStart(8, '0')}` };
    if (until === undefined) this.#emit({ ...common, ph: 'i', s: 't', args });
    else this.#emit({ ...common, ph: 'X', dur: microseconds(until - since), args });
  }

  /** Calls of functions and their returns: by thread in a Linux kernel, else by CPU. */
  addFunctions(functions: readonly GuestSymbol[]): void {
    const { machine } = this.#options;
    const guest = this.#options.guest();
    if (guest !== undefined) {
      const depths = new Map<number, string[]>();
      const end = traceFunctions(machine, guest, functions, ({ kind, task, depth, name }) => {
        const { tgid, pid, comm } = task;
        this.#name(tgid, comm);
        const names = depths.get(pid) ?? [];
        depths.set(pid, names);
        const place = { cat: 'function', ts: microseconds(machine.clock.now()), pid: tgid, tid: pid };
        // What lay deeper has not returned, and will not.
        for (let left = names.length; left > depth; left--) this.#emit({ ...place, name: names.pop()!, ph: 'E' });
        if (kind === 'return') return;
        names.push(name);
        this.#emit({ ...place, name, ph: 'B' });
      });
      this.#ends.push(end);
      return;
    }
    for (const { address, name } of functions) {
      const tell = (ph: Phase, cpu: number, time: number): void =>
        this.#emit({ name, cat: 'function', ph, ts: microseconds(time), pid: MACHINE, tid: cpu });
      this.#probes.function(address, {
        entry: ({ cpu }) => tell('B', cpu.index, cpu.time),
        return: ({ cpu }) => tell('E', cpu.index, cpu.time),
      });
    }
  }

  #name(pid: number, comm: string): void {
    if (this.#named.get(pid) === comm) return;
    this.#named.set(pid, comm);
    this.#emit({ name: 'process_name', ph: 'M', pid, tid: pid, args: { name: comm } });
  }

  #emit(event: TraceEvent): void {
    if (this.#count > MOST_EVENTS) return;
    const full = this.#count === MOST_EVENTS;
    const last = { name: `no more than ${MOST_EVENTS} events are written`, ph: 'i', s: 't', pid: MACHINE, tid: 0 };
    const line = JSON.stringify(full ? { ...last, ts: microseconds(this.#options.machine.clock.now()) } : event);
    this.#options.write(`${this.#count === 0 ? '[' : ','}${line}`);
    this.#count++;
  }

  /** Tells of what has not ended, and writes the end. */
  finish(): void {
    for (const end of this.#ends.splice(0)) end();
    this.#probes.removeAll();
    for (const [cpu, open] of this.#open) for (const exception of open) this.#end(cpu, exception, undefined);
    this.#open.clear();
    this.#options.write(']');
  }
}

/** In the Trace Event Format a number with a fraction. */
function microseconds(nanoseconds: number): number {
  return nanoseconds / 1000;
}

// SPDX-License-Identifier: Apache-2.0
// `--strace` and `--ftrace`: system calls and kernel functions of a Linux guest as they happen, a line each.

import { PlinthError } from '@plinth/core';
import type { Machine, RunSpec } from '@plinth/machine';
import {
  functionEventText,
  type LinuxGuest,
  machineView,
  printable,
  traceFunctions,
  traceSystemCalls,
} from '@plinth/observe';
import { findLinux } from './guest-system.js';

/** Each function costs a place in the kernel's code; this is more than can be read. */
const MOST_FUNCTIONS = 5000;
/** Supervisor calls between two looks for the kernel, which take a while if there is none. */
const CALLS_BETWEEN = 10_000;

/**
 * Traces until it is disposed of. The kernel is looked for at once, and if it is not there yet when the first programs ask
 * it for something.
 */
export class GuestTrace implements Disposable {
  readonly #machine: Machine;
  readonly #tell: (line: string) => void;
  readonly #say: (line: string) => void;
  readonly #ends: (() => void)[] = [];
  #guest: LinuxGuest | undefined;
  #callsToWait = 0;
  #complained = false;

  constructor(
    { strace, ftrace }: Pick<RunSpec, 'strace' | 'ftrace'>,
    machine: Machine,
    tell: (line: string) => void,
    say: (line: string) => void,
  ) {
    this.#machine = machine;
    this.#tell = tell;
    this.#say = say;
    if (ftrace !== undefined) this.#startFunctions(ftrace);
    if (strace) {
      const trace = traceSystemCalls(
        machine,
        machineView(machine),
        () => this.#look(),
        ({ pid, comm, text }) => tell(`${pid} ${printable(comm)} ${text}`),
      );
      this.#ends.push(() => trace.stop());
    }
  }

  /** The guest's system, as soon as there is one. */
  #look(): LinuxGuest | undefined {
    if (this.#guest !== undefined || this.#callsToWait-- > 0) return this.#guest;
    const search = findLinux(this.#machine);
    if ('found' in search) this.#guest = search.found;
    else {
      this.#callsToWait = CALLS_BETWEEN;
      if (!this.#complained) this.#say(`nothing is traced yet: ${search.reason}`);
      this.#complained = true;
    }
    return this.#guest;
  }

  #startFunctions(glob: string): void {
    const search = findLinux(this.#machine);
    if ('found' in search) {
      this.#guest = search.found;
      this.#traceFunctions(search.found, glob);
      return;
    }
    const end = this.#machine.taps.onSupervisorCall(() => {
      const guest = this.#look();
      if (guest !== undefined) {
        end();
        this.#traceFunctions(guest, glob);
      }
      return 'go-on';
    });
    this.#ends.push(end);
  }

  #traceFunctions(guest: LinuxGuest, glob: string): void {
    const functions = guest.symbols.matching(glob).filter(({ kind }) => kind === 'function');
    if (functions.length === 0) throw wrong(`the kernel has no function that matches "${glob}"`);
    if (functions.length > MOST_FUNCTIONS) {
      throw wrong(`"${glob}" matches ${functions.length} functions: ask for ${MOST_FUNCTIONS} at most`);
    }
    this.#ends.push(traceFunctions(this.#machine, guest, functions, (event) => this.#tell(functionEventText(event))));
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends.splice(0)) end();
  }
}

function wrong(detail: string): PlinthError {
  return new PlinthError('input', 'ftrace', `ftrace: ${detail}`);
}

// SPDX-License-Identifier: Apache-2.0
// Entry and return of functions: a hook at the first instruction of each, and hooks where their callers go on. A return is told when
// the CPU comes there with the stack pointer of the call (AAPCS32, 6.2.1.2: a function leaves it as it found it), so
// recursion, other tasks and functions that end with a jump to another are told apart.

import type { Hook, Hooks } from '@plinth/machine';

/** Calls that have not returned, of one probe; the oldest is forgotten then, as of a task that was ended inside. */
const MOST_OPEN = 10_000;

interface OpenCall {
  /** Of the function. */
  readonly address: number;
  readonly caller: number;
  readonly sp: number;
}

export interface FunctionListener {
  /** `address` is that of the function. */
  entered(cpu: Parameters<Hook>[0], caller: number, address: number): ReturnType<Hook>;
  returned?(cpu: Parameters<Hook>[0], caller: number, address: number): void;
}

export class FunctionHooks {
  readonly #hooks: Hooks;
  readonly #listener: FunctionListener;
  readonly #ends: (() => void)[] = [];
  /** By stack pointer; of several the last is the innermost, one that jumped to another of the same probe. */
  readonly #open = new Map<number, OpenCall[]>();
  #openCount = 0;
  readonly #callers = new Set<number>();
  /** Calls whose return was given up. */
  lost: number = 0;

  constructor(hooks: Hooks, addresses: Iterable<number>, listener: FunctionListener) {
    this.#hooks = hooks;
    this.#listener = listener;
    const entered: Hook = (cpu, at) => {
      const address = at >>> 0;
      const caller = (cpu.state.reg(14) & ~1) >>> 0;
      const verdict = listener.entered(cpu, caller, address);
      if (verdict === 'go-on' && listener.returned !== undefined) {
        this.#expectReturn(address, caller, cpu.state.reg(13) >>> 0);
      }
      return verdict;
    };
    for (const address of addresses) this.#ends.push(hooks.addVirtual(address & ~1, entered));
  }

  #expectReturn(address: number, caller: number, sp: number): void {
    if (this.#openCount >= MOST_OPEN) this.#forgetOldest();
    const calls = this.#open.get(sp);
    if (calls === undefined) this.#open.set(sp, [{ address, caller, sp }]);
    else calls.push({ address, caller, sp });
    this.#openCount++;
    if (this.#callers.has(caller)) return;
    this.#callers.add(caller);
    this.#ends.push(
      this.#hooks.addVirtual(caller, (cpu) => {
        const sp = cpu.state.reg(13) >>> 0;
        const open = this.#open.get(sp);
        // Innermost first.
        for (let call = open?.at(-1); call?.caller === caller; call = open!.at(-1)) {
          open!.pop();
          this.#openCount--;
          this.#listener.returned!(cpu, caller, call.address);
        }
        if (open?.length === 0) this.#open.delete(sp);
        return 'go-on';
      }),
    );
  }

  #forgetOldest(): void {
    for (const [sp, calls] of this.#open) {
      calls.shift();
      if (calls.length === 0) this.#open.delete(sp);
      this.#openCount--;
      this.lost++;
      return;
    }
  }

  end(): void {
    for (const end of this.#ends) end();
    this.#ends.length = 0;
    this.#open.clear();
  }
}

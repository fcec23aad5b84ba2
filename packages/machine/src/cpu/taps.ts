// SPDX-License-Identifier: Apache-2.0
// What a machine tells of itself besides hooks, watches and blocks. Everything here happens in TypeScript anyway, so that
// nobody listening costs nothing that could be measured. Listeners run in the middle of an instruction: they may read,
// change registers and memory, and stop the machine.

import { Tap } from '@plinth/core';
import { heavier, type HookVerdict } from './hooks.js';
import type { DeviceAccess, PhysicalMemory } from '../memory/physical-memory.js';
import type { Vcpu } from './vcpu.js';

/** What has become of translations: of the TLB, or of the registers that choose tables, domains and address space. */
export type TranslationChange =
  | { readonly kind: 'tlb-all' }
  | { readonly kind: 'tlb-address'; readonly address: number }
  | { readonly kind: 'tlb-asid'; readonly asid: number }
  | { readonly kind: 'registers' };

export class Taps {
  /**
   * A CPU has taken an exception (EXCEPTION), also IRQ and FIQ, and stands at its vector. `from` is the instruction that
   * raised it or, for an interrupt, the one that would have come next.
   */
  readonly exception: Tap<[cpu: Vcpu, kind: number, from: number]> = new Tap();
  /** A CPU has returned from an exception, to this address. */
  readonly exceptionReturn: Tap<[cpu: Vcpu, to: number]> = new Tap();
  readonly translation: Tap<[cpu: Vcpu, change: TranslationChange]> = new Tap();
  /** A CPU has accessed a device. */
  readonly device: Tap<[access: DeviceAccess]>;
  /** The machine is in its power-on state again. */
  readonly begun: Tap<[]> = new Tap();
  /** The guest has sent a byte to its console. */
  readonly console: Tap<[byte: number]> = new Tap();
  readonly #calls = new Set<{ readonly ask: (cpu: Vcpu, immediate: number) => HookVerdict }>();

  constructor({ deviceAccess }: PhysicalMemory) {
    this.device = deviceAccess;
  }

  /** Asks before a supervisor call is taken: one that is stopped at is asked
   * about again. Returns the function that ends it. */
  onSupervisorCall(ask: (cpu: Vcpu, immediate: number) => HookVerdict): () => void {
    const own = { ask };
    this.#calls.add(own);
    return () => void this.#calls.delete(own);
  }

  /** For the CPU: what those who are asked say. */
  supervisorCall(cpu: Vcpu, immediate: number): HookVerdict {
    let verdict: HookVerdict = 'go-on';
    for (const { ask } of this.#calls) verdict = heavier(verdict, ask(cpu, immediate));
    return verdict;
  }
}

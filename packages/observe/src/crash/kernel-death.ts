// SPDX-License-Identifier: Apache-2.0
// A kernel that gives up: it is told at the entry of its `panic`, and of `die`, which Linux calls for an oops. The console
// proves neither, for a process can print what it likes.

import type { HookVerdict, Machine, Vcpu } from '@plinth/machine';
import { Probes } from '../probes/probes.js';
import type { GuestSymbols } from '../symbols/guest-symbols.js';
import { kernelMessage } from './kernel-message.js';

export interface KernelDeath {
  readonly cpu: Vcpu;
  readonly how: 'panic' | 'oops';
  /** Without control characters; undefined where none can be read. */
  readonly message: string | undefined;
}

const FUNCTIONS = { panic: 'panic', oops: 'die' } as const;

export class KernelDeaths {
  readonly #symbols: GuestSymbols;
  readonly #probes: Probes;
  readonly #found: (death: KernelDeath) => HookVerdict;
  readonly #past: () => boolean;
  #armed = false;
  readonly #told = new Set<string>();

  /** `found` is called before the function's first instruction, once for each kind, and may stop the machine there. */
  constructor(
    machine: Machine,
    symbols: GuestSymbols,
    found: (death: KernelDeath) => HookVerdict,
    past: () => boolean = () => false,
  ) {
    this.#symbols = symbols;
    this.#past = past;
    this.#probes = new Probes(machine);
    this.#found = found;
  }

  /** Stands at the functions as soon as they are known; at a count that is the same in every run. */
  look(): void {
    if (this.#armed || !this.#symbols.known) return;
    this.#armed = true;
    for (const how of ['panic', 'oops'] as const) {
      const address = this.#symbols.address(FUNCTIONS[how]);
      if (address === undefined) continue;
      this.#probes.function(address, {
        entry: ({ cpu }) => {
          if (this.#past() || this.#told.has(how)) return undefined;
          this.#told.add(how);
          const message = kernelMessage(
            { text: (at, most) => cpu.text(at, most), argument: (n) => cpu.argument(n) },
            0,
          );
          return this.#found({ cpu: cpu.vcpu, how, message }) === 'stop' ? 'stop' : undefined;
        },
      });
    }
  }

  /** Power-on. */
  reset(): void {
    this.#told.clear();
  }

  end(): void {
    this.#probes.removeAll();
  }
}

// SPDX-License-Identifier: Apache-2.0
// Exceptions as they are taken: the last of each CPU, whether it takes interrupts, and storms, in which the same fault is
// taken again and again and nothing is done about it. A fault that is mended, or skipped, or ends in a signal is none.

import { EXCEPTION } from '@plinth/arm';
import { type Machine, QUANTUM, type Vcpu } from '@plinth/machine';
import { EXCEPTION_NAMES, type ExceptionName } from '../probes/events.js';
import type { TakenException } from './crash-scene.js';

/**
 * Times that an instruction faults at once when its handler has returned to it, in a row: a page fault is done with in two or
 * three, and a program that is sent a signal makes a supervisor call between two.
 */
export const RETURNS_IN_A_ROW = 10_000;
/** Faults in a row with no exception return between them and nothing changed in r0 to r12. */
export const NESTED_IN_A_ROW = 1000;
/** Handlers that fault may take turns. */
const FINGERPRINTS = 4;

export interface ExceptionStorm {
  readonly cpu: Vcpu;
  readonly kind: ExceptionName;
  /** The instruction that faults. */
  readonly from: number;
  /** Whether its handler returns to it; or faults itself. */
  readonly how: 'returns' | 'nested';
  readonly times: number;
}

class CpuExceptions {
  kind = -1;
  from = 0;
  count = 0;
  interrupted = false;
  /** The last exception return was to here, after so many instructions; -1 if something came between. */
  returnedTo = -1;
  returnedAt = 0;
  /** The instruction that faults at once whenever it is returned to. */
  faultKind = -1;
  faultFrom = -1;
  returns = 0;
  /** The last faults with the registers, since the last exception return. */
  readonly fingerprints: number[] = [];
  nested = 0;
  told = false;
}

export class ExceptionWatch {
  readonly #machine: Machine;
  readonly #found: (storm: ExceptionStorm) => void;
  readonly #cpus: readonly CpuExceptions[];
  readonly #ends: readonly (() => void)[];

  /**
   * `found` is called in the middle of an instruction, with the CPU at the vector; once for each CPU. What happens in the `past`
   * of the run, which is executed again, has been seen.
   */
  constructor(machine: Machine, found: (storm: ExceptionStorm) => void, past: () => boolean = () => false) {
    this.#machine = machine;
    this.#found = found;
    this.#cpus = machine.cpus.map(() => new CpuExceptions());
    this.#ends = [
      machine.taps.exception.add((cpu, kind, from) => {
        if (!past()) this.#taken(cpu, kind, from);
      }),
      machine.taps.exceptionReturn.add((cpu, to) => {
        if (!past()) this.#returned(cpu, to);
      }),
    ];
  }

  last({ index }: Vcpu): TakenException | undefined {
    const { kind, from, count } = this.#cpus[index]!;
    return kind < 0 ? undefined : { kind: EXCEPTION_NAMES[kind]!, from, count };
  }

  /** Whether the CPU has taken an interrupt since this was asked last. */
  takeInterrupted({ index }: Vcpu): boolean {
    const cpu = this.#cpus[index]!;
    const { interrupted } = cpu;
    cpu.interrupted = false;
    return interrupted;
  }

  #taken(vcpu: Vcpu, kind: number, from: number): void {
    const cpu = this.#cpus[vcpu.index]!;
    cpu.kind = kind;
    cpu.from = from;
    cpu.count = this.#machine.count;
    switch (kind) {
      case EXCEPTION.interrupt:
      case EXCEPTION.fastInterrupt:
        // Comes into a storm, and goes again.
        cpu.interrupted = true;
        cpu.nested = 0;
        return;
      case EXCEPTION.undefined:
      case EXCEPTION.prefetchAbort:
      case EXCEPTION.dataAbort:
        this.#fault(vcpu, cpu);
        return;
      default:
        cpu.returns = 0;
        cpu.nested = 0;
    }
  }

  #fault(vcpu: Vcpu, cpu: CpuExceptions): void {
    const { kind, from, count } = cpu;
    const atOnce = cpu.returnedTo === from && count - cpu.returnedAt <= 1;
    if (cpu.faultFrom !== from || cpu.faultKind !== kind) {
      cpu.faultFrom = from;
      cpu.faultKind = kind;
      cpu.returns = 0;
    } else if (atOnce) cpu.returns++;
    // Of several CPUs another may have had its turn between the return and the fault.
    else if (cpu.returnedTo !== from || count - cpu.returnedAt < QUANTUM) cpu.returns = 0;
    cpu.returnedTo = -1;
    const fingerprint = fingerprintOf(vcpu, kind, from);
    cpu.nested = cpu.fingerprints.includes(fingerprint) ? cpu.nested + 1 : 0;
    cpu.fingerprints.push(fingerprint);
    if (cpu.fingerprints.length > FINGERPRINTS) cpu.fingerprints.shift();
    if (cpu.told || (cpu.returns < RETURNS_IN_A_ROW && cpu.nested < NESTED_IN_A_ROW)) return;
    cpu.told = true;
    const how = cpu.returns >= RETURNS_IN_A_ROW ? 'returns' : 'nested';
    const times = how === 'returns' ? cpu.returns : cpu.nested;
    this.#found({ cpu: vcpu, kind: EXCEPTION_NAMES[kind]!, from, how, times });
  }

  #returned({ index }: Vcpu, to: number): void {
    const cpu = this.#cpus[index]!;
    // A handler of an interrupt in the middle of a storm returns into that of the fault.
    cpu.returnedTo = to;
    cpu.returnedAt = this.#machine.count;
    cpu.nested = 0;
    cpu.fingerprints.length = 0;
  }

  /** Power-on. */
  reset(): void {
    for (const cpu of this.#cpus) Object.assign(cpu, new CpuExceptions());
  }

  end(): void {
    for (const end of this.#ends) end();
  }
}

/** A fault with r0 to r12: what goes on between two faults changes one of them. */
function fingerprintOf({ state }: Vcpu, kind: number, from: number): number {
  let hash = Math.imul(from ^ (kind << 28), 0x9e3779b1);
  for (let n = 0; n < 13; n++) hash = Math.imul(hash ^ (hash >>> 15) ^ state.reg(n), 0x85ebca6b);
  return hash;
}

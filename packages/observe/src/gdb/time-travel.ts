// SPDX-License-Identifier: Apache-2.0
// Reverse execution of a machine (GDB manual, "Reverse Execution"; packets bs and bc) over its history. Backwards a stop is
// where it is forwards: before the instruction at a breakpoint. At a watchpoint it is right after the instruction that made
// the access: GDB takes one more step back then, as this architecture's watchpoints have it forwards, and is before it.

import type { Vcpu } from '@plinth/machine';
import type { History, Watcher } from '../record/history.js';
import { countBefore } from '../record/last-write.js';
import { type ReverseExecution, SIGNAL, type StopPoint, type TargetStop } from './target.js';

const BEGIN = { kind: 'history', end: 'begin' } as const;

interface Stop {
  readonly cpu: Vcpu;
  readonly reason: NonNullable<TargetStop['reason']>;
}

export class TimeTravel implements ReverseExecution {
  readonly #history: History;
  readonly #points: ReadonlySet<StopPoint>;
  readonly #report: (cpu: Vcpu, stop: Omit<TargetStop, 'thread'>) => void;

  /** `points` are those where the target stops now; `report` gets the CPU that has stopped. */
  constructor(
    history: History,
    points: ReadonlySet<StopPoint>,
    report: (cpu: Vcpu, stop: Omit<TargetStop, 'thread'>) => void,
  ) {
    this.#history = history;
    this.#points = points;
    this.#report = report;
  }

  #tell(reason?: TargetStop['reason'], cpu: Vcpu = this.#history.machine.currentCpu): void {
    this.#report(cpu, { signal: SIGNAL.trap, ...(reason === undefined ? {} : { reason }) });
  }

  step(): void {
    const moved = this.#history.reverseStep();
    this.#tell(moved ? undefined : BEGIN);
  }

  continue(): void {
    let stop: Stop | undefined;
    const watcher: Watcher = (found) => {
      const ends = [...this.#points].map((point) =>
        this.#arm(point, (what) => {
          if (found(countBefore(this.#history))) stop = what;
        }),
      );
      return () => ends.forEach((end) => end());
    };
    const place = this.#history.last(watcher);
    if (place === undefined || stop === undefined) {
      this.#history.seek(this.#history.begin);
      this.#tell(BEGIN);
      return;
    }
    const { kind } = stop.reason;
    this.#history.seek(kind === 'software' || kind === 'hardware' ? place : place + 1);
    this.#tell(stop.reason, stop.cpu);
  }

  #arm({ kind, address: start, length }: StopPoint, found: (stop: Stop) => void): () => void {
    const { machine } = this.#history;
    if (kind === 'software' || kind === 'hardware') {
      return machine.hooks.addVirtual(start, (cpu) => {
        found({ cpu, reason: { kind } });
        return 'go-on';
      });
    }
    const note = ({ cpu, address }: { readonly cpu: Vcpu; readonly address: number }): void =>
      found({ cpu, reason: { kind, address: Math.max(address, start) } });
    return machine.virtualWatches.add({
      start,
      length,
      ...(kind === 'write' ? {} : { onRead: note }),
      ...(kind === 'read' ? {} : { onWrite: note }),
    });
  }
}

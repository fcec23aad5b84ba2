// SPDX-License-Identifier: Apache-2.0
// Reverse execution of a machine (GDB manual, "Reverse Execution"; packets bs and bc) over its history. Backwards a stop is
// where it is forwards: before the instruction at a breakpoint. At a watchpoint it is right after the instruction that made
// the access: GDB takes one more step back then, as this architecture's watchpoints have it forwards, and is before it.

import type { Vcpu } from '@plinth/machine';
import type { History, Watcher } from '../record/history.js';
import { countBefore } from '../record/last-write.js';
import { type ReverseExecution, SIGNAL, type StopPoint, type TargetStop } from './target.js';

export class TimeTravel implements ReverseExecution {
  readonly #history: History;
  readonly #points: ReadonlySet<StopPoint>;
  readonly #report: (stop: TargetStop) => void;

  /** `points` are those where the target stops now. */
  constructor(history: History, points: ReadonlySet<StopPoint>, report: (stop: TargetStop) => void) {
    this.#history = history;
    this.#points = points;
    this.#report = report;
  }

  get #here(): Pick<TargetStop, 'signal' | 'thread'> {
    return { signal: SIGNAL.trap, thread: this.#history.machine.currentCpu.index + 1 };
  }

  step(): void {
    const moved = this.#history.reverseStep();
    this.#report(moved ? this.#here : { ...this.#here, reason: { kind: 'history', end: 'begin' } });
  }

  continue(): void {
    let stop: Pick<TargetStop, 'thread' | 'reason'> | undefined;
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
      this.#report({ ...this.#here, reason: { kind: 'history', end: 'begin' } });
      return;
    }
    const { kind } = stop.reason!;
    this.#history.seek(kind === 'software' || kind === 'hardware' ? place : place + 1);
    this.#report({ signal: SIGNAL.trap, ...stop });
  }

  #arm(
    { kind, address: start, length }: StopPoint,
    found: (stop: Pick<TargetStop, 'thread' | 'reason'>) => void,
  ): () => void {
    const { machine } = this.#history;
    if (kind === 'software' || kind === 'hardware') {
      return machine.hooks.addVirtual(start, (cpu) => {
        found({ thread: cpu.index + 1, reason: { kind } });
        return 'go-on';
      });
    }
    const note = ({ cpu, address }: { readonly cpu: Vcpu; readonly address: number }): void =>
      found({ thread: cpu.index + 1, reason: { kind, address: Math.max(address, start) } });
    return machine.virtualWatches.add({
      start,
      length,
      ...(kind === 'write' ? {} : { onRead: note }),
      ...(kind === 'read' ? {} : { onWrite: note }),
    });
  }
}

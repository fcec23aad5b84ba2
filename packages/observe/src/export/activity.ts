// SPDX-License-Identifier: Apache-2.0
// What a machine is busy with: rates between two looks, from samples at exact counts of instructions and from the exceptions
// that are taken. Looking changes nothing.

import type { LinuxTask } from '../linux/linux-guest.js';
import { Probes } from '../probes/probes.js';
import type { ExceptionName } from '../probes/events.js';
import type { Observer } from '../probes/observed-driver.js';
import { type SamplerSource, StackSampler } from './stack-sampler.js';

/** Instructions between two samples: some thousand a second. */
const INTERVAL = 50_000;

export interface ActivityReport {
  /** Instructions since power-on, and by second of the host's time. */
  readonly instructions: number;
  readonly instructionsPerSecond: number;
  /** Seconds since power-on, and by second of the host's time. */
  readonly virtualTime: number;
  readonly virtualPerSecond: number;
  /** By second of the host's time. */
  readonly exceptionsPerSecond: Readonly<Partial<Record<ExceptionName, number>>>;
  /** Data and prefetch aborts by second of the host's time. */
  readonly pageFaultsPerSecond: number;
  /** Samples between the two looks. */
  readonly samples: number;
  /** Innermost functions with their share of the samples, the hottest first. */
  readonly functions: readonly { readonly name: string; readonly share: number }[];
  /** With their share of the samples, the busiest first; null if the guest is no Linux that can be seen. */
  readonly processes: readonly ActiveProcess[] | null;
}

export interface ActiveProcess extends Pick<LinuxTask, 'pid' | 'comm' | 'uid' | 'state' | 'kernelThread'> {
  readonly share: number;
}

export class Activity {
  readonly #source: SamplerSource;
  readonly #sampler: StackSampler;
  readonly #probes: Probes;
  readonly #functions = new Map<string, number>();
  readonly #tasks = new Map<number, number>();
  readonly #exceptions = new Map<ExceptionName, number>();
  #samples = 0;
  #before: { readonly at: number; readonly count: number; readonly time: number };
  readonly sampling: NonNullable<Observer['sampling']> = { interval: INTERVAL, sample: () => this.#sample() };

  /** @param now the host's time in milliseconds */
  constructor(source: SamplerSource, now: number) {
    const { count, clock } = source.machine;
    this.#before = { at: now, count, time: clock.now() };
    this.#source = source;
    this.#sampler = new StackSampler(source);
    this.#probes = new Probes(source.machine);
    this.#probes.exception(({ exception }) => add(this.#exceptions, exception));
  }

  #sample(): void {
    const sample = this.#sampler.innermost();
    this.#samples++;
    add(this.#functions, sample.function);
    if (sample.task !== undefined) add(this.#tasks, sample.task.tgid);
  }

  /** What has been since the last report; between two instructions. `now` is the host's time in milliseconds. */
  report(now: number): ActivityReport {
    const { machine } = this.#source;
    const { count } = machine;
    const time = machine.clock.now();
    const before = this.#before;
    this.#before = { at: now, count, time };
    const seconds = Math.max(0.001, (now - before.at) / 1000);
    const samples = Math.max(1, this.#samples);
    const exceptions = [...this.#exceptions].map(([name, hits]): [ExceptionName, number] => [name, hits / seconds]);
    const faults = (this.#exceptions.get('data-abort') ?? 0) + (this.#exceptions.get('prefetch-abort') ?? 0);
    const report: ActivityReport = {
      instructions: count,
      instructionsPerSecond: (count - before.count) / seconds,
      virtualTime: time / 1e9,
      virtualPerSecond: (time - before.time) / 1e9 / seconds,
      exceptionsPerSecond: Object.fromEntries(exceptions),
      pageFaultsPerSecond: faults / seconds,
      samples: this.#samples,
      functions: [...this.#functions]
        .map(([name, hits]) => ({ name, share: hits / samples }))
        .sort((one, other) => other.share - one.share),
      processes: this.#processes(samples),
    };
    for (const counts of [this.#functions, this.#tasks, this.#exceptions]) counts.clear();
    this.#samples = 0;
    return report;
  }

  #processes(samples: number): ActiveProcess[] | null {
    const guest = this.#source.guest();
    if (guest === undefined) return null;
    const all = guest.processes().map(({ pid, comm, uid, state, kernelThread }) => ({
      pid,
      comm,
      uid,
      state,
      kernelThread,
      share: (this.#tasks.get(pid) ?? 0) / samples,
    }));
    const rank = ({ kernelThread }: ActiveProcess): number => Number(kernelThread === true);
    return all.sort((one, other) => other.share - one.share || rank(one) - rank(other) || one.pid - other.pid);
  }

  end(): void {
    this.#probes.removeAll();
  }
}

function add<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

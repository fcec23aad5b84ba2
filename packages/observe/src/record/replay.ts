// SPDX-License-Identifier: Apache-2.0
// Runs a recorded run again: what entered enters at the same places, and each checkpoint is compared with what was noted. A
// checkpoint may lie in a wait, where time passes without instructions, and inputs of the same instruction and time may
// come before it or after it; so each segment is played by itself.

import { hex32, PlinthError } from '@plinth/core';
import type { Machine, OpenDriver, StopReason } from '@plinth/machine';
import type { Checkpoint, Place } from './events.js';
import { connectDebuggerPort } from '../gdb/debugger-port.js';
import { RamHash } from './ram-hash.js';
import type { RecordedRun, Segment } from './recording.js';

/** Where and how the run is not the recorded one. */
export interface Difference extends Place {
  /** The last place at which both were the same. */
  readonly after: Place;
  /** One line for each thing that differs. */
  readonly what: readonly string[];
}

export type ReplayStop =
  /** As far as was asked for. */
  | { readonly kind: 'until' }
  /** The recorded run ended here. */
  | { readonly kind: 'end' }
  /** Somebody has asked the machine to stop, or the output that slices end at has come. */
  | { readonly kind: 'requested' }
  /** A hook stopped before the instruction at this virtual address. */
  | { readonly kind: 'hook'; readonly address: number }
  | { readonly kind: 'different'; readonly difference: Difference };

export interface ReplayOptions {
  /** These pages of RAM may have changed since the last call. */
  onChanged?(changed: readonly number[]): void;
  /** A checkpoint was reached and found right: this segment begins there. */
  onCheckpoint?(segment: number): void;
}

export class Replay {
  readonly #driver: OpenDriver;
  readonly #recording: RecordedRun;
  readonly #options: ReplayOptions;
  readonly #ram: RamHash;
  /** The segment that is played; the number of segments at the end. */
  #segment = 0;
  #agreed: Place;
  #endAgrees = false;
  /** Checkpoints that were compared, and how many of them with all of RAM. */
  readonly compared: { checkpoints: number; withRam: number } = { checkpoints: 0, withRam: 0 };

  /** `driver` is as the recorded one was when its recording began. */
  constructor(driver: OpenDriver, recording: RecordedRun, options: ReplayOptions = {}) {
    this.#driver = driver;
    this.#recording = recording;
    this.#options = options;
    this.#ram = new RamHash(driver.machine.memory);
    connectDebuggerPort(driver.machine);
    this.#agreed = recording.segments[0]!.from;
    this.#play();
  }

  get machine(): Machine {
    return this.#driver.machine;
  }

  get segment(): number {
    return this.#segment;
  }

  /** The machine is behind all that was recorded. */
  get atEnd(): boolean {
    return this.#segment >= this.#recording.segments.length;
  }

  get #current(): Segment | undefined {
    return this.#recording.segments[this.#segment];
  }

  get place(): Place {
    return { count: this.machine.count, time: this.machine.clock.now() };
  }

  #play(): void {
    const { inputs } = this.machine;
    inputs.stop();
    const segment = this.#current;
    if (segment !== undefined) inputs.play(segment.inputs());
  }

  /** The machine itself has run up to where the recording ends now; these pages of RAM may have changed on the way. */
  follow(changed: readonly number[]): void {
    this.#ram.note(changed);
    this.goTo(this.#recording.segments.length);
  }

  /** The machine was put back to where a segment begins. */
  goTo(segment: number): void {
    this.#segment = segment;
    this.#agreed = this.#recording.segments[segment - 1]?.end ?? this.#current!.from;
    this.#play();
  }

  /** Runs to exactly `until` instructions, or to where something else is to be told. */
  run(until: number): ReplayStop {
    try {
      for (;;) {
        const segment = this.#current;
        if (segment === undefined) return this.#atEnd();
        const { count } = segment.end;
        const stop = this.machine.run({ until: Math.min(until, count) });
        if (stop.kind === 'requested' || stop.kind === 'hook') return stop;
        const finished = this.#finish(segment, stop);
        if (finished !== undefined) return finished;
        if (this.machine.count >= until && this.#current === segment) return { kind: 'until' };
      }
    } catch (error) {
      if (!(error instanceof PlinthError) || error.code !== 'input-differs') throw error;
      return this.#different([error.message]);
    }
  }

  /** Does what is due where the machine has stopped: goes on to the next segment, if this one is over. */
  #finish(segment: Segment, stop: StopReason): ReplayStop | undefined {
    const { end } = segment;
    const { count } = this.machine;
    const last = this.#segment === this.#recording.segments.length - 1;
    if (end.kind === 'reset') {
      if (stop.kind === 'until')
        return count < end.count ? undefined : this.#different(['the guest did not reset the machine here']);
      if (stop.kind !== 'reset' || count !== end.count) return this.#different([unexpected(stop)]);
      this.#driver.reset();
      this.#next();
      return undefined;
    }
    // What ended the recorded run ends this one, too, at its last place.
    const ended = stop.kind !== 'until' && stop.kind !== 'waiting';
    if (ended && !(last && count === end.count)) return this.#different([unexpected(stop)]);
    if (count < end.count) return undefined;
    if (!this.#wait(end.time))
      return this.#different([`it does not wait here until ${end.time} ns, which the recorded one did`]);
    if (this.machine.inputs.playing) return this.#different(['the recorded run took more from outside']);
    if (end.kind === 'cut') {
      this.#next();
      return undefined;
    }
    const changed = this.machine.checkpoint();
    this.#ram.note(changed);
    this.#options.onChanged?.(changed);
    const what = this.#compare(end);
    if (what.length > 0) return this.#different(what);
    this.#agreed = end;
    this.#next();
    this.#options.onCheckpoint?.(this.#segment);
    return undefined;
  }

  /** All of RAM is read once, as the recorder did: what keeps track of changed pages may be wrong as well. */
  #atEnd(): ReplayStop {
    const { end } = this.#recording;
    this.#endAgrees ||= end === undefined || this.machine.stateHash() === end.stateHash;
    if (this.#endAgrees) return { kind: 'end' };
    return this.#different(['registers or memory, at the end']);
  }

  #next(): void {
    this.#segment++;
    this.#play();
  }

  /** Lets time pass in a wait, and takes what comes in it; false if the machine does not wait. */
  #wait(until: number): boolean {
    const { machine } = this;
    for (let now = machine.clock.now(); now < until; now = machine.clock.now()) {
      machine.passTime(Math.min(machine.inputs.next?.time ?? Infinity, until) - now);
      if (machine.clock.now() === now) return false;
      machine.run({ until: machine.count });
    }
    return machine.clock.now() === until;
  }

  #compare(noted: Checkpoint): string[] {
    const { machine } = this;
    const what: string[] = [];
    this.compared.checkpoints++;
    const address = machine.currentCpu.state.reg(15) >>> 0;
    if (address !== noted.address) what.push(`PC ${hex32(address)}, recorded ${hex32(noted.address)}`);
    if (machine.cpuHash() !== noted.cpus) what.push('registers');
    if (noted.ram !== undefined) {
      this.compared.withRam++;
      if (this.#ram.value() !== noted.ram) what.push('memory');
    }
    return what;
  }

  #different(what: readonly string[]): ReplayStop {
    return { kind: 'different', difference: { ...this.place, after: this.#agreed, what } };
  }
}

/** One line. */
export function tellDifference({ count, what }: Difference): string {
  return `differs at instruction ${count}: ${what.join('; ')}`;
}

function unexpected(stop: StopReason): string {
  return `it stops (${stop.kind}), which the recorded one did not`;
}

// SPDX-License-Identifier: Apache-2.0
// Looks on at a machine for the death of its guest, whatever system that is, and tells it as a finding: by counts of
// instructions and virtual time alone, so that a run has the same findings at the same instructions in every engine and when
// it is replayed. What then becomes of the run is for the user to say.

import type { Finding, Severity } from '@plinth/core';
import type { DriverStop, OpenDriver } from '@plinth/machine';
import type { SamplerSource } from '../export/stack-sampler.js';
import type { Observer, Standstill } from '../probes/observed-driver.js';
import {
  type CrashEvidence,
  type CrashPlace,
  CrashScene,
  interruptedPlace,
  runningPlace,
  standingPlace,
} from './crash-scene.js';
import { type ExceptionStorm, ExceptionWatch } from './exception-watch.js';
import { type KernelDeath, KernelDeaths } from './kernel-death.js';
import { LOOK_INTERVAL, type StuckCpu, StuckCpus } from './stuck-cpus.js';

/** What is done when a guest has died: it is only told; the machine stands for a debugger; or the run ends. */
export type CrashAction = 'report' | 'pause' | 'stop';

export type CrashRule = 'panic' | 'oops' | 'hang' | 'wedged' | 'exception-storm';

/** Seconds of virtual time that an interrupt may wait. */
export const HANG_SECONDS = 5;

export interface CrashOptions extends SamplerSource {
  readonly driver: OpenDriver;
  readonly action: CrashAction;
  /**
   * Looks for a kernel in memory, to stand at its `panic`; and a program that has only come to an endless loop, and never
   * took an interrupt, is said to be wedged, where that is otherwise just noted.
   */
  readonly asked: boolean;
  /** Virtual seconds; HANG_SECONDS if left out. */
  readonly hangSeconds?: number | undefined;
  /** The guest may ask the host for input (semihosting). */
  readonly asksHost: boolean;
  /** Of a run that can be gone back in: whether what is executed now was executed before. */
  past?(): boolean;
}

const HOW_STORMS: Readonly<Record<ExceptionStorm['how'], string>> = {
  returns: 'its handler returns to the same instruction',
  nested: 'its handler faults itself',
};

export class CrashWatch implements Observer {
  readonly #options: CrashOptions;
  readonly #scene: CrashScene;
  readonly #exceptions: ExceptionWatch;
  readonly #stuck: StuckCpus;
  readonly #deaths: KernelDeaths | undefined;
  readonly #reports: Finding[] = [];
  #last: Finding | undefined;
  #standstill: Standstill | undefined;
  readonly #end: () => void;
  /** A kernel that has panicked may do what it likes. */
  #panicked = false;
  readonly sampling: NonNullable<Observer['sampling']> = { interval: LOOK_INTERVAL, sample: () => this.look() };

  constructor(options: CrashOptions) {
    this.#options = options;
    const { machine, hangSeconds = HANG_SECONDS, asksHost } = options;
    this.#scene = new CrashScene(options);
    this.#exceptions = new ExceptionWatch(
      machine,
      (storm) => this.#storm(storm),
      () => this.#past,
    );
    const patience = hangSeconds * 1e9;
    this.#stuck = new StuckCpus({ machine, exceptions: this.#exceptions, patience, asksHost });
    if (options.asked)
      this.#deaths = new KernelDeaths(
        machine,
        options.symbols,
        (death) => this.#death(death),
        () => this.#past,
      );
    this.#deaths?.look();
    this.#end = machine.taps.begun.add(() => this.#begun());
  }

  /** At each multiple of LOOK_INTERVAL. */
  look(): void {
    if (this.#past) return;
    this.#deaths?.look();
    for (const stuck of this.#stuck.look()) this.#stuckCpu(stuck);
  }

  get #past(): boolean {
    return this.#options.past?.() === true;
  }

  afterSlice(stop: DriverStop): void {
    if (this.#past) return;
    if (stop.kind === 'idle') for (const stuck of this.#stuck.idle()) this.#stuckCpu(stuck);
    // Something else has ended the run.
    if (stop.kind !== 'finding' || this.#options.action !== 'pause') return;
    this.#standstill ??= { cpu: this.#options.machine.currentCpu.index, message: 'the guest cannot go on' };
  }

  /** Those of which the run does not end. */
  report(): readonly Finding[] {
    return this.#reports.splice(0);
  }

  end(): Finding | undefined {
    const last = this.#last;
    this.#last = undefined;
    return last;
  }

  standstill(): Standstill | undefined {
    const standstill = this.#standstill;
    this.#standstill = undefined;
    return standstill;
  }

  #begun(): void {
    this.#panicked = false;
    this.#exceptions.reset();
    this.#stuck.reset();
    this.#deaths?.reset();
  }

  close(): void {
    this.#end();
    this.#exceptions.end();
    this.#stuck.end();
    this.#deaths?.end();
  }

  // ---- what was found -----------------------------------------------------------------------------------------

  #death({ cpu, how, message }: KernelDeath): 'stop' | 'go-on' {
    if (how === 'panic') this.#panicked = true;
    const what = how === 'panic' ? 'the kernel panics' : 'the kernel has an oops';
    const text = `${what}${message === undefined ? '' : `: ${message}`}`;
    const place = runningPlace(cpu);
    const more = message === undefined ? {} : { message };
    return this.#find(how, how === 'panic' ? 'critical' : 'medium', text, { cpu: cpu.index, place, more });
  }

  #storm({ cpu, kind, from, how, times }: ExceptionStorm): void {
    const text = `CPU ${cpu.index} takes the same exception again and again: ${kind} at ${this.#scene.name(from)}, ${times} times in a row: ${HOW_STORMS[how]}`;
    const place = interruptedPlace(cpu, from);
    const verdict = this.#find('exception-storm', 'high', text, {
      cpu: cpu.index,
      place,
      more: { exception: kind, times },
    });
    if (verdict === 'stop') this.#options.machine.stop();
  }

  #stuckCpu({ cpu, how, since }: StuckCpu): void {
    const { machine } = this.#options;
    const place = standingPlace(cpu);
    const at = `at ${this.#scene.name(place.pc)}`;
    const subject = { cpu: cpu.index, place, more: {} };
    switch (how) {
      case 'hang': {
        const seconds = (machine.clock.now() - since!) / 1e9;
        const text = `CPU ${cpu.index} hangs: an interrupt has waited for ${seconds.toFixed(1)} s of virtual time and is masked, ${at}`;
        this.#find('hang', 'high', text, { ...subject, more: { waitedNanoseconds: machine.clock.now() - since! } });
        return;
      }
      case 'self-branch':
        this.#wedged(`it branches to itself with interrupts masked, ${at}`, subject);
        return;
      case 'loop':
        this.#wedged(`it is in an endless loop with interrupts masked, ${at}`, subject);
        return;
      case 'wait':
        this.#wedged(`it waits for an interrupt, and none that could come is enabled, ${at}`, subject);
    }
  }

  #wedged(why: string, subject: Subject): void {
    const cpu = this.#options.machine.cpus[subject.cpu]!;
    const last = this.#exceptions.last(cpu);
    // So ends many a program that has done all it had to.
    const atEnd = !this.#stuck.usesInterrupts(cpu) && (last === undefined || last.kind === 'supervisor-call');
    const severity = !atEnd ? 'high' : this.#options.asked ? 'low' : 'info';
    this.#find('wedged', severity, `CPU ${subject.cpu} can get nowhere: ${why}`, subject);
  }

  #find(rule: CrashRule, severity: Severity, message: string, { cpu, place, more }: Subject): 'stop' | 'go-on' {
    const { driver, machine, action } = this.#options;
    // What follows a panic comes of it.
    if (this.#panicked && rule !== 'panic') return 'go-on';
    // An oops is the death of a task; if it is that of the kernel, a panic follows.
    const stops = action !== 'report' && rule !== 'oops' && severity !== 'info';
    const vcpu = machine.cpus[cpu]!;
    const evidence: CrashEvidence = { ...this.#scene.evidence(vcpu, place, this.#exceptions.last(vcpu)), ...more };
    const finding: Finding = {
      time: { instruction: machine.count },
      guest: { kind: 'machine', id: machine.board.description.name, name: driver.name },
      guard: 'crash',
      rule,
      severity,
      message,
      subject: { cpu, address: place.pc },
      evidence,
      verdict: stops ? 'stop' : 'report',
    };
    if (stops && action === 'stop') this.#last ??= finding;
    else this.#reports.push(finding);
    if (stops && action === 'pause') this.#standstill ??= { cpu, message };
    return stops ? 'stop' : 'go-on';
  }
}

interface Subject {
  readonly cpu: number;
  readonly place: CrashPlace;
  readonly more: Readonly<Record<string, unknown>>;
}

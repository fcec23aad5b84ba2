// SPDX-License-Identifier: Apache-2.0
// The machine of a page: brought, run, stopped for what needs it to stand still, saved and gone on with. The worker's
// counterpart of `plinth run`; the run loop and the driver are the same.

import { concatenate, PlinthError } from '@plinth/core';
import {
  type Console,
  type ConsoleEvents,
  type HostTime,
  hostTime,
  InterpreterImage,
  READY_MARK,
  requestFor,
  runLoop,
  type RunExit,
  type RunLoopOptions,
  Snapshot,
} from '@plinth/machine';
import interpreterUrl from 'virtual:plinth-interpreter';
import type { EngineChoice } from '../page-options.js';
import type { BootOptions, LoadAnswer, MachineState, Phase, Report, Request, TerminalSize } from '../protocol.js';
import { type WantedFile, wantedFiles } from '../wanted-files.js';
import { fetchBytes } from './load-guest.js';
import { bootMachine, compareFiles, driveFiles, type HostOf, type Made, resumeMachine } from './make-machine.js';
import { PageClock } from './page-clock.js';
import { attachPageDevices } from './page-devices.js';
import { streamCodec } from './stream-codec.js';

/** How a machine is run: in real time with someone at the keys, or on its own to a count. */
interface Mode {
  readonly realtime: boolean;
  /** Instructions since power-on. */
  readonly until?: number;
}

const LIVE: Mode = { realtime: true };

/** Milliseconds between reports of a running machine. */
const REPORT_EVERY = 250;
/** Bytes of output that may be on their way to the terminal before the machine waits. */
const MAX_UNSHOWN = 256 * 1024;

export class Session implements Console {
  readonly #send: (report: Report) => void;
  readonly #clock: PageClock = new PageClock();
  readonly #time: HostTime = this.#watchedTime(hostTime(this.#clock));
  /** Of the terminal. */
  size: TerminalSize | undefined;
  #interpreter: InterpreterImage | undefined;
  #made: Made | undefined;
  /** A snapshot that waits for the files of its disks. */
  #opened: { readonly snapshot: Snapshot; readonly wanted: readonly WantedFile[] } | undefined;
  #engine: EngineChoice = 'translator';
  #name: string = '';
  #phase: Phase = 'empty';
  #reason: string | undefined;
  #mode: Mode = LIVE;
  /** The run that is going on, or the last one. */
  #run: Promise<void> = Promise.resolve();
  #events: ConsoleEvents | undefined;
  #unshown: number = 0;
  /** The machine waits for the terminal. */
  #full: boolean = false;
  /** Requests are answered one after the other. */
  #queue: Promise<unknown> = Promise.resolve();
  /** Milliseconds slept since the last report, and since when it sleeps now. */
  #slept: number = 0;
  #sleepingSince: number | undefined;
  #reported: { readonly at: number; readonly instructions: number } = { at: 0, instructions: 0 };

  constructor(send: (report: Report) => void) {
    this.#send = send;
  }

  // ---- Console: the page's terminal -----------------------------------------------------------------------------

  get live(): boolean {
    return this.#mode.realtime;
  }

  start(events: ConsoleEvents): void {
    this.#events = events;
  }

  write(bytes: Uint8Array): boolean {
    this.#unshown += bytes.length;
    this.#send({ kind: 'output', bytes });
    this.#full = this.#unshown >= MAX_UNSHOWN;
    return !this.#full;
  }

  async close(): Promise<void> {
    // The terminal stays.
  }

  shown(bytes: number): void {
    this.#unshown -= bytes;
    if (!this.#full || this.#unshown >= MAX_UNSHOWN) return;
    this.#full = false;
    this.#events?.drain();
  }

  /** Keys; a run that is to be repeatable takes none. */
  input(bytes: Uint8Array): void {
    if (this.#phase === 'running' && this.#mode.realtime) this.#events?.input(bytes);
  }

  // ---- Requests -------------------------------------------------------------------------------------------------

  request(request: Request): Promise<unknown> {
    // A run to a count may take long: whoever wants to pause does not wait for its end.
    if (request.kind === 'pause' && !this.#mode.realtime) this.#events?.leave();
    const answer = this.#queue.then(() => this.#obey(request));
    this.#queue = answer.catch(() => undefined); // told to whoever asked
    return answer;
  }

  async #obey(request: Request): Promise<unknown> {
    switch (request.kind) {
      case 'boot':
        return this.#boot(request.options);
      case 'load':
        return this.#load(request.file, request.engine);
      case 'go-on':
        return this.#goOn(request.files, request.engine);
      case 'pause':
        return this.#pause();
      case 'resume':
        return this.#resume();
      case 'reset':
        await this.#leave();
        return this.#reset(this.#need());
      case 'engine':
        return this.#changeEngine(request.engine);
      case 'run-to':
        await this.#leave();
        this.#need();
        this.#begin({ realtime: false, until: request.count });
        await this.#run;
        return this.#state();
      case 'hash':
        return this.#atRest(({ driver }) => driver.stateHash());
      case 'save':
        return this.#atRest(async ({ driver, files }) => {
          await compareFiles(files, this.#show);
          this.#show('packing a snapshot', 1);
          return driver.saveSnapshot(true);
        });
    }
  }

  async #boot(options: BootOptions): Promise<void> {
    const { guest, engine, until } = options;
    await this.#replace(engine, guest.name, (host) => bootMachine(options, host, this.#show));
    this.#begin(until === undefined ? LIVE : { realtime: false, until });
  }

  async #load(file: File, engine: EngineChoice): Promise<LoadAnswer> {
    this.#show(`reading ${file.name}`, 0);
    const ran = this.#phase === 'running';
    await this.#pause();
    try {
      const bytes = new Uint8Array(await file.arrayBuffer());
      this.#show(`unpacking ${file.name}`, 0.5);
      const snapshot = await Snapshot.open(bytes, file.name, streamCodec);
      this.#opened = { snapshot, wanted: wantedFiles(snapshot.run?.drives ?? []) };
    } finally {
      if (ran) this.#resume();
    }
    const { wanted } = this.#opened;
    return wanted.length === 0 ? this.#goOn([], engine) : { kind: 'files-wanted', files: wanted };
  }

  /** With the snapshot that was opened last. */
  async #goOn(chosen: readonly File[], engine: EngineChoice): Promise<LoadAnswer> {
    const { snapshot, wanted } = this.#opened ?? {};
    if (snapshot === undefined || wanted?.length !== chosen.length) {
      throw new PlinthError('input', 'no-snapshot', 'there is no snapshot that waits for these files: load it again');
    }
    const files = driveFiles(wanted, chosen);
    await this.#replace(engine, snapshot.name, (host) =>
      resumeMachine(snapshot, { engine, files, host, show: this.#show }),
    );
    this.#opened = undefined;
    this.#begin(LIVE);
    const { net } = this.#made!.spec;
    const notes: string[] = [];
    if (net.kind !== 'none') notes.push('a page has no network: the guest’s cable is pulled');
    return { kind: 'going-on', notes };
  }

  /** By way of a snapshot, since what an engine makes for itself is in none. */
  async #changeEngine(engine: EngineChoice): Promise<void> {
    if (engine === this.#engine) return;
    const mode = this.#phase === 'running' ? this.#mode : undefined;
    await this.#leave();
    const { driver, files, ready } = this.#need();
    const phase = this.#phase;
    const name = this.#name;
    const pieces = await driver.saveSnapshot(false);
    await this.#replace(engine, name, async (host) => {
      const snapshot = await Snapshot.open(concatenate(pieces), name, streamCodec);
      return { ...(await resumeMachine(snapshot, { engine, files, host, show: this.#show })), ready };
    });
    if (mode === undefined) this.#enter(phase);
    else this.#begin(mode);
  }

  /** Puts a new machine in the place of the old one, which stays if the new one cannot be made. */
  async #replace(engine: EngineChoice, name: string, make: (host: HostOf) => Promise<Made>): Promise<void> {
    await this.#leave();
    const before = { phase: this.#phase, reason: this.#reason };
    this.#enter('loading');
    try {
      const made = await make(await this.#hosts());
      this.#made?.driver[Symbol.dispose]();
      this.#made = made;
    } catch (error) {
      this.#enter(before.phase, before.reason);
      throw error;
    }
    this.#engine = engine;
    this.#name = name;
    this.#reported = { at: this.#time.now(), instructions: this.#made.driver.instructions };
  }

  readonly #show = (text: string, fraction: number): void => this.#send({ kind: 'progress', text, fraction });

  async #hosts(): Promise<HostOf> {
    const interpreter = (this.#interpreter ??= await loadInterpreter());
    return (files, saved) => ({
      codec: streamCodec,
      interpreter: () => interpreter,
      attach: (spec, board) => attachPageDevices(spec, board, files, saved),
      writeError: (bytes) => void this.write(bytes),
      readInput: () => new Uint8Array(),
    });
  }

  // ---- Running --------------------------------------------------------------------------------------------------

  #need(): Made {
    if (this.#made !== undefined) return this.#made;
    throw new PlinthError('input', 'no-machine', 'there is no machine yet: start one, or load a snapshot');
  }

  #begin(mode: Mode): void {
    this.#mode = mode;
    this.#run = this.#runOn(this.#need(), mode);
  }

  #reset(made: Made): void {
    made.driver.reset();
    if (made.ready !== undefined) made.ready = 'booting';
    this.#begin(LIVE);
  }

  async #runOn(made: Made, { realtime, until }: Mode): Promise<void> {
    this.#enter('running');
    const reports = setInterval(() => this.#report(), REPORT_EVERY);
    try {
      const { exit } = await runLoop({
        machine: made.driver,
        console: this,
        limits: until === undefined ? {} : { instructions: until },
        realtime,
        restart: true,
        time: this.#time,
        ...this.#readiness(made, realtime),
        onFinding: ({ severity, message }) => {
          if (severity !== 'info') this.#send({ kind: 'finding', message });
        },
      });
      const stays = exit.kind === 'user' || exit.kind === 'limit';
      this.#enter(stays ? 'paused' : 'ended', stays ? undefined : describe(exit));
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      this.#enter('ended', `${what} (this is a mistake in Plinth: please report it)`);
    } finally {
      clearInterval(reports);
      this.#events = undefined;
    }
  }

  /** A run that is to be repeatable tells the guest nothing of this window. */
  #readiness(made: Made, realtime: boolean): Pick<RunLoopOptions, 'ready'> {
    if (made.ready === undefined) return {};
    const request = async (): Promise<Uint8Array> => {
      made.ready = 'unknown';
      return requestFor(made.spec, made.driver, realtime ? this.size : undefined);
    };
    return { ready: { mark: READY_MARK, state: made.ready, request } };
  }

  async #pause(): Promise<void> {
    if (this.#phase !== 'running') return;
    await Promise.race([this.#clock.pause(), this.#run]);
    if (this.#phase === 'running') this.#enter('paused');
    else this.#clock.resume();
  }

  #resume(): void {
    if (this.#phase !== 'paused') return;
    if (this.#events === undefined) this.#begin(LIVE);
    else {
      this.#enter('running');
      this.#clock.resume();
    }
  }

  /** Ends a run between two slices. */
  async #leave(): Promise<void> {
    this.#events?.leave();
    this.#clock.resume();
    await this.#run;
  }

  /** Does something while the machine stands still, and lets it run on if it ran. */
  async #atRest<T>(action: (made: Made) => T | Promise<T>): Promise<T> {
    const made = this.#need();
    const ran = this.#phase === 'running';
    await this.#pause();
    try {
      return await action(made);
    } finally {
      if (ran) this.#resume();
    }
  }

  // ---- What is told ---------------------------------------------------------------------------------------------

  #enter(phase: Phase, reason?: string): void {
    this.#phase = phase;
    this.#reason = reason;
    this.#report();
  }

  #report(): void {
    this.#send({ kind: 'state', state: this.#state() });
    this.#slept = 0;
    if (this.#sleepingSince !== undefined) this.#sleepingSince = this.#time.now();
    this.#reported = { at: this.#time.now(), instructions: this.#made?.driver.instructions ?? 0 };
  }

  #state(): MachineState {
    const now = this.#time.now();
    const elapsed = Math.max(1, now - this.#reported.at);
    const slept = this.#slept + (this.#sleepingSince === undefined ? 0 : now - this.#sleepingSince);
    const instructions = this.#made?.driver.instructions ?? 0;
    return {
      phase: this.#phase,
      instructions,
      virtualTime: this.#made?.driver.virtualTime ?? 0,
      speed: Math.max(0, instructions - this.#reported.instructions) / elapsed / 1000,
      busy: Math.max(0, 1 - slept / elapsed),
      engine: this.#engine,
      name: this.#name,
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
    };
  }

  /** The time, noting how much of it is slept away. */
  #watchedTime(time: HostTime): HostTime {
    return {
      ...time,
      sleep: async (milliseconds) => {
        this.#sleepingSince = time.now();
        await time.sleep(milliseconds);
        this.#slept += time.now() - this.#sleepingSince;
        this.#sleepingSince = undefined;
      },
    };
  }
}

/** The file that was made with this page; where it cannot be had, half a second makes the same. */
async function loadInterpreter(): Promise<InterpreterImage> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await fetchBytes(new URL(interpreterUrl), 'interpreter', () => undefined);
  } catch (error) {
    if (!(error instanceof PlinthError)) throw error;
  }
  return new InterpreterImage(bytes);
}

function describe(exit: RunExit): string {
  switch (exit.kind) {
    case 'shutdown':
      return 'the guest has switched off';
    case 'exit':
      return `the program left with status ${exit.status}`;
    case 'idle':
      return 'the guest waits for an interrupt that nothing will raise';
    case 'finding':
      return 'stopped by what the guest did';
    default:
      return `the run ended: ${exit.kind}`;
  }
}

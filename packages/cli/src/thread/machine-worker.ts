// SPDX-License-Identifier: Apache-2.0
// Machines in worker threads of their own: several run at once, on as many cores as there are. What they load and the
// compiled interpreter lie in memory once, however many they are.

import { Worker } from 'node:worker_threads';
import { PlinthError } from '@plinth/core';
import type { Finding } from '@plinth/core';
import { InterpreterImage } from '@plinth/machine';
import type { RunSpec } from '@plinth/machine';
import type { Progress } from '../host/progress.js';
import { SharedFiles } from '../host/shared-files.js';
import { keptInterpreterBytes } from '../run/kept-interpreter.js';
import { readAhead } from '../run/start-run.js';
import type { FromMachine, MachineEnd, MachineJob, ToMachine } from './messages.js';

/**
 * MiB of each thread's heap for what is young, a quarter of the usual: translating makes objects that live shortly, and they
 * lie about while the machine is idle. With less room more of them grow old, and lie about for longer.
 */
const YOUNG_HEAP = 12;
/**
 * MiB of each thread's heap for what is old, which is some 20 at a prompt. V8 collects it when it has grown by a factor that follows from this
 * bound (`MemoryController::MaxGrowingFactor`): 1.6 with this one, 4 with the usual one of a big host, which leaves 40 MiB more of garbage.
 */
const OLD_HEAP = 1024;
/** Milliseconds that a machine gets to store what it wrote when this process ends. */
const PATIENCE = 5000;

export interface MachineWorkerOptions {
  /** Someone may type at the console, so a machine that only waits does not end the run. False if left out. */
  readonly live?: boolean;
  /** Console output, or with `exec` the command's standard output. While the promise is pending, the machine waits. */
  onOutput?(bytes: Uint8Array): void | Promise<void>;
  /** Standard error of the command of `exec`, or of a program by semihosting. */
  onErrors?(bytes: Uint8Array): void;
  /** A line for the user. */
  onLine?(line: string): void;
  onFinding?(finding: Finding): void;
}

/** What the machines of a process have in common. */
export class MachineWorkers {
  readonly #files: SharedFiles = new SharedFiles();
  #interpreter: WebAssembly.Module | undefined;
  readonly #running: Set<MachineWorker> = new Set();
  /** Threads end with the process, in the middle of whatever they do: what a guest has written must be stored before. */
  readonly #atExit: () => void = () => {
    for (const worker of this.#running) worker.leave();
    for (const worker of this.#running) worker.leaveNow();
  };

  /**
   * Starts a run in a thread of its own.
   *
   * @param spec as `plinth run` would run it; what goes to a snapshot (`saveSnapshot`) is not for here
   * @throws PlinthError `input` or `host` for what cannot be read or brought
   */
  async start(spec: RunSpec, progress: Progress, options: MachineWorkerOptions = {}): Promise<MachineWorker> {
    if (spec.gdb !== undefined) {
      throw new PlinthError('input', 'worker-gdb', 'gdb: not for one of several guests: run it alone');
    }
    const system = {
      ps: spec.ps,
      modules: spec.modules,
      strace: spec.strace,
      ftrace: spec.ftrace !== undefined,
      top: spec.top,
      probe: spec.probes.length > 0,
      coverage: spec.coverage !== undefined,
      core: spec.core !== undefined,
      'last-blocks': spec.lastBlocks !== undefined,
      'kernel-symbols': spec.kernelSymbols !== undefined,
      profile: spec.profile !== undefined,
      trace: spec.trace !== undefined,
    };
    const option = Object.entries(system).find(([, wanted]) => wanted)?.[0];
    if (option !== undefined) {
      throw new PlinthError('input', 'worker-system', `${option}: not for one of several guests: run it alone`);
    }
    if (spec.record !== undefined) {
      throw new PlinthError('input', 'worker-record', 'record: not for one of several guests: run it alone');
    }
    if (spec.saveSnapshot !== undefined) {
      throw new PlinthError('input', 'worker-snapshot', 'save-snapshot: not for one of several guests: run it alone');
    }
    await readAhead(spec, progress, this.#files.read);
    this.#interpreter ??= new InterpreterImage(keptInterpreterBytes(false)).module;
    const worker = new MachineWorker(spec, this.#files.contents, this.#interpreter, options);
    if (this.#running.size === 0) process.on('exit', this.#atExit);
    this.#running.add(worker);
    const ended = (): void => {
      this.#running.delete(worker);
      if (this.#running.size === 0) process.off('exit', this.#atExit);
    };
    worker.end.then(ended, ended);
    return worker;
  }
}

/** A machine that runs in a thread. */
export class MachineWorker implements AsyncDisposable {
  /** How it ended. Rejects with the PlinthError of a run that could not start, or an Error if the thread broke. */
  readonly end: Promise<MachineEnd>;
  readonly #worker: Worker;
  readonly #gone: Int32Array;
  readonly #exited: Promise<void>;

  constructor(
    spec: RunSpec,
    files: MachineJob['files'],
    interpreter: WebAssembly.Module,
    options: MachineWorkerOptions,
  ) {
    const gone = new Int32Array(new SharedArrayBuffer(4));
    const job: MachineJob = { spec, files, interpreter, live: options.live ?? false, gone };
    const worker = new Worker(new URL('machine-thread.js', import.meta.url), {
      workerData: job,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_HEAP, maxOldGenerationSizeMb: OLD_HEAP },
    });
    this.#worker = worker;
    this.#gone = gone;
    this.#exited = new Promise((resolve) => {
      worker.once('exit', () => resolve());
    });
    this.end = new Promise((resolve, reject) => {
      worker.on('message', (message: FromMachine) => {
        if (message.kind === 'end') resolve(message.end);
        else if (message.kind === 'failed') {
          const { kind, code, message: line } = message.failure;
          reject(new PlinthError(kind, code, line));
        } else void this.#take(message, options).catch(reject);
      });
      worker.once('error', reject);
      worker.once('exit', () =>
        reject(new PlinthError('internal', 'worker', 'a machine’s thread ended without a result')),
      );
    });
    // It may be awaited only when others have ended.
    this.end.catch(() => undefined);
  }

  async #take(message: Exclude<FromMachine, { kind: 'end' | 'failed' }>, options: MachineWorkerOptions): Promise<void> {
    switch (message.kind) {
      case 'output':
        await options.onOutput?.(message.bytes);
        this.#send({ kind: 'taken', count: message.bytes.length });
        break;
      case 'errors':
        options.onErrors?.(message.bytes);
        break;
      case 'say':
        options.onLine?.(message.line);
        break;
      case 'finding':
        options.onFinding?.(message.finding);
        break;
    }
  }

  #send(message: ToMachine): void {
    this.#worker.postMessage(message);
  }

  /** Types at the console. */
  sendInput(bytes: Uint8Array): void {
    this.#send({ kind: 'input', bytes: Uint8Array.from(bytes) });
  }

  /** Ends the run where it is, as a user who leaves. */
  leave(): void {
    this.#send({ kind: 'leave' });
  }

  /** Ends the run, and stops this thread until the other has stored what the guest wrote: for when the process ends. */
  leaveNow(): void {
    this.leave();
    Atomics.wait(this.#gone, 0, 0, PATIENCE);
  }

  /** Ends the run, and waits until the thread is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.leave();
    await this.#exited;
  }
}

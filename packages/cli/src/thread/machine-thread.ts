// SPDX-License-Identifier: Apache-2.0
// The entry of a machine's worker thread: runs one RunSpec as `plinth run` does, its console and its result being messages.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { assert, PlinthError } from '@plinth/core';
import { InterpreterImage } from '@plinth/machine';
import type { Console, ConsoleEvents } from '@plinth/machine';
import { ObservedDriver } from '@plinth/observe';
import { SharedFiles } from '../host/shared-files.js';
import { NullConsole } from '../run/console.js';
import { driveRun } from '../run/drive-run.js';
import { nodeHost } from '../run/driver-host.js';
import { ExecFrameParser } from '../run/exec-frame.js';
import { openConsole } from '../run/open-console.js';
import { watchForCrashes } from '../run/run-crashes.js';
import { startRun } from '../run/start-run.js';
import type { FromMachine, MachineEnd, MachineJob, ToMachine } from './messages.js';

/** Bytes of output on their way; beyond that the machine waits. */
const MOST_UNTAKEN = 1024 * 1024;

type Send = (message: FromMachine) => void;

/** The console as messages. */
class PortConsole implements Console {
  readonly live: boolean;
  readonly #send: Send;
  #events: ConsoleEvents | undefined;
  #untaken: number = 0;
  /** What came before the machine was there. */
  readonly #early: ToMachine[] = [];

  constructor(live: boolean, send: Send) {
    this.live = live;
    this.#send = send;
  }

  start(events: ConsoleEvents): void {
    this.#events = events;
    for (const message of this.#early.splice(0)) this.receive(message);
  }

  receive(message: ToMachine): void {
    if (this.#events === undefined) this.#early.push(message);
    else if (message.kind === 'input') this.#events.input(message.bytes);
    else if (message.kind === 'leave') this.#events.leave();
    else {
      this.#untaken -= message.count;
      this.#events.drain();
    }
  }

  write(bytes: Uint8Array): boolean {
    this.#untaken += bytes.length;
    this.#send({ kind: 'output', bytes: Uint8Array.from(bytes) });
    return this.#untaken < MOST_UNTAKEN;
  }

  async close(): Promise<void> {
    // messages are under way by themselves
  }
}

/** The machine's console, which may be elsewhere or nowhere; leaving comes by message in any case. */
async function consoleOf({ spec }: MachineJob, port: PortConsole, send: Send): Promise<Console> {
  const say = (line: string): void => send({ kind: 'say', line });
  const own = spec.exec === undefined ? await openConsole(spec.console, say, () => port) : new NullConsole();
  if (own === port) return port;
  return {
    live: own.live,
    start(events) {
      own.start(events);
      port.start(events);
    },
    write: (bytes) => own.write(bytes),
    close: () => own.close(),
  };
}

async function runJob(job: MachineJob, port: PortConsole, send: Send): Promise<MachineEnd> {
  const image = new InterpreterImage(job.interpreter);
  const say = (line: string): void => send({ kind: 'say', line });
  const started = await startRun(job.spec, {
    size: undefined,
    progress: { step: () => undefined, update: () => undefined, done: () => undefined, warn: say },
    host: {
      ...nodeHost,
      interpreter: () => image,
      writeError: (bytes) => send({ kind: 'errors', bytes: Uint8Array.from(bytes) }),
      readInput: () => new Uint8Array(0),
    },
    read: new SharedFiles(job.files).read,
    say,
  });
  const { spec } = started;
  using _network = started.network;
  const observers = [watchForCrashes(spec, started.machine), started.guard].filter((one) => one !== undefined);
  using machine = new ObservedDriver(started.machine, observers);
  const frame =
    spec.exec === undefined
      ? undefined
      : new ExecFrameParser(spec.exec.marker, {
          output: (bytes) => send({ kind: 'output', bytes: Uint8Array.from(bytes) }),
          errors: (bytes) => send({ kind: 'errors', bytes: Uint8Array.from(bytes) }),
        });
  const console = await consoleOf(job, port, send);
  const { machineExit, findings, counts } = await driveRun(
    { ...started, machine },
    {
      console,
      onFinding: (finding) => send({ kind: 'finding', finding }),
      ...(frame === undefined
        ? {}
        : {
            onOutput: (bytes) => {
              frame.push(bytes);
              return frame.phase === 'end';
            },
          }),
    },
  );
  await console.close();
  const status = frame?.phase === 'end' ? frame.exitStatus : undefined;
  return {
    result: {
      exit: status === undefined ? machineExit : { kind: 'exit', status },
      findings,
      stateHash: machine.stateHash(),
      counts,
    },
    machineExit,
    bootTail: frame?.bootTail ?? '',
  };
}

async function main(parent: MessagePort): Promise<void> {
  const send: Send = (message) => parent.postMessage(message);
  const job = workerData as MachineJob;
  const port = new PortConsole(job.live, send);
  parent.on('message', (message: ToMachine) => port.receive(message));
  try {
    send({ kind: 'end', end: await runJob(job, port, send) });
  } catch (error) {
    // What is no PlinthError is a mistake of ours and goes to the worker's 'error' event, with its stack.
    if (!(error instanceof PlinthError)) throw error;
    const { kind, code, message } = error;
    send({ kind: 'failed', failure: { kind, code, message } });
  } finally {
    Atomics.store(job.gone, 0, 1);
    Atomics.notify(job.gone, 0);
    parent.close();
  }
}

assert(parentPort !== null, 'this is the entry of a worker thread');
await main(parentPort);

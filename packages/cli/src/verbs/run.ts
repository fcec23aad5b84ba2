// SPDX-License-Identifier: Apache-2.0
// `plinth run`: reads what is to run, drives it, and turns how it ended into an exit status and one line.

import { closeSync, openSync, writeSync } from 'node:fs';
import { PlinthError } from '@plinth/core';
import type { Finding } from '@plinth/core';
import {
  boardList,
  createDriver,
  hostTime,
  READY_MARK,
  requestFor,
  resumedSpec,
  resumeDriver,
  runLoop,
  Snapshot,
  takesRequests,
} from '@plinth/machine';
import type {
  Console,
  DriverHost,
  MachineDriver,
  RunExit,
  RunLoopOptions,
  RunLoopResult,
  RunResult,
  RunSpec,
} from '@plinth/machine';
import { writeFileAtomically } from '../host/atomic-file.js';
import { zlibCodec } from '../host/deflate.js';
import { nodeClock } from '../host/host-clock.js';
import type { Network } from '../net/network.js';
import { openNetwork } from '../net/open-network.js';
import { LineProgress } from '../host/progress.js';
import { EXIT, reportError } from '../report-error.js';
import { ensureImage } from '../image/catalog.js';
import { BootCache } from '../run/boot-cache.js';
import { NullConsole, OutputConsole } from '../run/console.js';
import { hostWith } from '../run/driver-host.js';
import { ExecFrameParser } from '../run/exec-frame.js';
import { asksForRequest, readRunFiles, withImageDisk } from '../run/run-files.js';
import type { TerminalSize } from '../run/run-files.js';
import { buildRunSpec, readInput } from '../run/run-options.js';
import type { RunOptions } from '../run/run-options.js';
import { StdioConsole } from '../run/stdio-console.js';
import { openPipeConsole, openPtyConsole, openSocketConsole } from '../run/stream-console.js';

/** Runs and gives the exit status. `options` are those of the command line, `file` its positional argument. */
export async function runVerb(file: string | undefined, options: RunOptions): Promise<number> {
  const { json, events, ...rest } = options;
  if (rest['machine'] === 'help') {
    process.stdout.write(boardList());
    return EXIT.clean;
  }
  // What a program's own status could be mistaken for is 125 then, wherever we fail.
  let passesStatus = rest['semihosting'] === true;
  try {
    const spec = buildRunSpec(rest, file, process.stdin.isTTY && process.stdout.isTTY);
    passesStatus = spec.semihosting;
    const output: RunOutput = { json: json === true, ...(typeof events === 'string' ? { events } : {}) };
    return await runSpec(spec, output);
  } catch (error) {
    const status = reportError(error);
    return passesStatus ? EXIT.ours : status;
  }
}

interface RunOutput {
  readonly json: boolean;
  /** File for findings, `-` for standard output. */
  readonly events?: string;
}

/** A run that is about to begin. */
interface StartedRun {
  /** With what a snapshot has brought. */
  readonly spec: RunSpec;
  readonly machine: MachineDriver;
  readonly network?: Network | undefined;
  readonly ready?: RunLoopOptions['ready'];
}

async function startRun(wanted: RunSpec): Promise<StartedRun> {
  if (wanted.snapshot !== undefined) return resumeRun(wanted, wanted.snapshot);
  const size = terminalSize(wanted);
  const progress = new LineProgress(process.stderr);
  const boot = async (): Promise<StartedRun> => {
    const files = await readRunFiles(wanted, size, progress);
    const spec = withImageDisk(wanted, files);
    return withNetwork(spec, (host) => createDriver(spec, files, host));
  };
  const manifest = wanted.image === undefined ? undefined : await ensureImage(wanted.image, progress);
  if (manifest === undefined || !asksForRequest(wanted, manifest)) return boot();
  const cache = wanted.cold ? undefined : BootCache.of(wanted, manifest);
  const booted = await cache?.resume(wanted);
  if (booted !== undefined) say(`resumed from a snapshot of ${wanted.image}, booted ${booted.when}; --cold boots`);
  const { machine, network }: Pick<StartedRun, 'machine' | 'network'> = booted ?? (await boot());
  let stored = booted !== undefined;
  const ready: RunLoopOptions['ready'] = {
    mark: READY_MARK,
    state: booted === undefined ? 'booting' : 'ready',
    request: async () => {
      if (!stored) await cache?.store(machine, say);
      stored = true;
      return requestFor(wanted, machine, size);
    },
  };
  return { spec: wanted, machine, network, ready };
}

async function resumeRun(wanted: RunSpec, name: string): Promise<StartedRun> {
  const snapshot = await Snapshot.open(readInput(name, 'snapshot'), name, zlibCodec);
  const { board, cpu, cpus, ramSize: memory } = snapshot.identity;
  const { run } = snapshot;
  const own = resumedSpec(wanted, snapshot);
  const { machine, network } = await withNetwork(own, (host) => resumeDriver(own, snapshot, host));
  const spec: RunSpec = { ...own, machine: board, cpu, cpus, memory };
  if (run === undefined || !takesRequests(run)) return { spec, machine, network };
  // It may have been taken while the guest booted, or the guest may yet reset itself.
  const request = async (): Promise<Uint8Array> => requestFor(spec, machine, terminalSize(wanted));
  return { spec, machine, network, ready: { mark: READY_MARK, state: 'unknown', request } };
}

/** The network is there before the machine is made, and goes if that fails. */
async function withNetwork(spec: RunSpec, create: (host: DriverHost) => MachineDriver): Promise<StartedRun> {
  const network = await openNetwork(spec, say);
  try {
    const machine = create(hostWith(network));
    network?.connect(machine);
    return { spec, machine, network };
  } catch (error) {
    network?.[Symbol.dispose]();
    throw error;
  }
}

async function runSpec(wanted: RunSpec, output: RunOutput): Promise<number> {
  using events = new EventLog(output.events);
  const { spec, machine: driver, network: wire, ready } = await startRun(wanted);
  using network = wire;
  using machine = driver;
  const console: Console = spec.exec === undefined ? await openConsole(spec.console, output.json) : new NullConsole();
  try {
    const capture = spec.exec === undefined ? undefined : new ExecCapture(spec.exec.marker, output.json);
    const findings: Finding[] = [];
    const saver = new SnapshotSaver(spec, machine);
    const loop = await runLoop({
      machine,
      console,
      ...(network === undefined ? {} : { network }),
      limits: spec.limits,
      realtime: spec.realtime,
      restart: spec.exec === undefined,
      time: hostTime(nodeClock),
      snapshot: { ...(spec.saveAt === undefined ? {} : { at: spec.saveAt }), save: () => saver.saveDuringRun() },
      ...(ready === undefined ? {} : { ready }),
      onFinding: (finding) => {
        const stamped = { ...finding, time: { wall: new Date().toISOString(), ...finding.time } };
        findings.push(stamped);
        events.write(stamped);
      },
      ...(capture === undefined ? {} : { onOutput: (bytes) => capture.push(bytes) }),
    });
    await console.close();
    const saved = await saver.atExit(loop.exit);
    const result: RunResult = {
      exit: capture?.exit ?? loop.exit,
      findings,
      ...(output.json ? { stateHash: machine.stateHash() } : {}),
      counts: {
        instructions: machine.instructions,
        virtualTime: machine.virtualTime,
        hostTime: loop.hostTime / 1000,
        consoleOutput: loop.output,
      },
    };
    if (output.json) printJson(spec, result, capture);
    else {
      // What is only of interest to a kernel's author is in --events and --json.
      for (const { severity, message } of findings) if (severity !== 'info') say(`finding: ${message}`);
    }
    const status = conclude(spec, loop, result, capture);
    return saved || status !== EXIT.clean ? status : EXIT.found;
  } finally {
    await console.close();
  }
}

/** The exit status; what is not plain success also gets a line. */
function conclude(spec: RunSpec, loop: RunLoopResult, result: RunResult, capture: ExecCapture | undefined): number {
  if (capture !== undefined) {
    if (capture.exit === undefined) {
      const lines = capture.bootTail.trimEnd().split(/\r?\n/);
      // What a kernel panicked of comes before its registers and stack.
      const panic = lines.findLastIndex((line) => line.includes('Kernel panic'));
      const told = panic < 0 ? lines.slice(-5) : lines.slice(panic, panic + 1);
      if (told.join('') !== '') process.stderr.write(`${told.join('\n')}\n`);
      say(`the command did not end: ${describe(loop.exit)}`);
      return EXIT.found;
    }
    if (capture.exit.status !== 0) say(`the command left with exit status ${capture.exit.status}`);
    return capture.exit.status === 0 ? EXIT.clean : EXIT.found;
  }
  const { exit } = result;
  switch (exit.kind) {
    case 'exit':
      return spec.semihosting ? exit.status & 0xff : exit.status === 0 ? EXIT.clean : EXIT.found;
    case 'shutdown':
    case 'user':
      return result.findings.some(({ severity }) => severity !== 'info') ? EXIT.found : EXIT.clean;
    case 'finding':
      return spec.semihosting ? EXIT.ours : EXIT.found; // the finding has been told
    default:
      say(describe(exit));
      return spec.semihosting ? EXIT.ours : EXIT.found;
  }
}

function describe(exit: RunExit): string {
  switch (exit.kind) {
    case 'shutdown':
      return 'the guest shut down';
    case 'reset':
      return 'the guest reset the machine';
    case 'exit':
      return `the program left with status ${exit.status}`;
    case 'limit':
      return `stopped at the limit of --limit-${exit.limit}`;
    case 'idle':
      return 'stopped: the guest waits for an interrupt that nothing will raise';
    case 'finding':
      return 'stopped by what the guest did';
    case 'user':
      return 'left by the user';
  }
}

/** Saves a run's machine to the file that its RunSpec names. */
class SnapshotSaver {
  readonly #spec: RunSpec;
  readonly #machine: MachineDriver;
  #saved: boolean = false;
  #failed: boolean = false;

  constructor(spec: RunSpec, machine: MachineDriver) {
    this.#spec = spec;
    this.#machine = machine;
  }

  async save(): Promise<void> {
    const path = this.#spec.saveSnapshot;
    if (path === undefined) {
      say('no snapshot: start with --save-snapshot FILE to say where it goes');
      return;
    }
    const count = this.#machine.instructions;
    const pieces = await this.#machine.saveSnapshot(true);
    writeFileAtomically(path, pieces, 'save-snapshot');
    this.#saved = true;
    const size = pieces.reduce((sum, { length }) => sum + length, 0);
    say(`snapshot: ${path}, ${(size / 1e6).toFixed(1)} MB, at instruction ${count}`);
  }

  /** A snapshot that cannot be written does not end the run. */
  async saveDuringRun(): Promise<void> {
    try {
      await this.save();
    } catch (error) {
      if (!(error instanceof PlinthError)) throw error;
      this.#failed = true;
      say(error.message);
    }
  }

  /** Saves at the end of a run, unless that was done. False if there should be a snapshot and is none. */
  async atExit({ kind }: RunExit): Promise<boolean> {
    const { saveSnapshot, saveAt } = this.#spec;
    if (saveSnapshot === undefined || this.#saved) return true;
    if (this.#failed) return false;
    if (saveAt !== undefined) {
      say(`no snapshot: the run ended before ${typeof saveAt === 'number' ? `instruction ${saveAt}` : `"${saveAt}"`}`);
      return false;
    }
    if (kind === 'shutdown' || kind === 'reset' || kind === 'exit') {
      say('no snapshot: the guest has ended itself, so there is nothing that could go on');
      return false;
    }
    await this.save();
    return true;
  }
}

/** Of the terminal that will be the guest's console, if one will. */
function terminalSize({ exec, console }: RunSpec): TerminalSize | undefined {
  const { stdin, stdout } = process;
  if (exec !== undefined || console !== 'stdio' || !stdin.isTTY || !stdout.isTTY) return undefined;
  return { rows: stdout.rows, columns: stdout.columns };
}

function say(line: string): void {
  process.stderr.write(`plinth: ${line}\n`);
}

/** With --json standard output holds the result alone, and the console goes to standard error. */
async function openConsole(name: string, json: boolean): Promise<Console> {
  const colon = name.indexOf(':');
  const path = name.slice(colon + 1);
  if (name === 'none') return new NullConsole();
  if (name === 'pty') return openPtyConsole(say);
  if (name.startsWith('socket:')) return openSocketConsole(path, say);
  if (name.startsWith('pipe:')) return openPipeConsole(path);
  return json ? new OutputConsole(process.stderr) : new StdioConsole(process.stdout);
}

/** Takes the command's output out of the console: to our own streams, or kept for the JSON result. */
class ExecCapture {
  readonly #parser: ExecFrameParser;
  readonly #output: Buffer[] = [];
  readonly #errors: Buffer[] = [];

  constructor(marker: string, keep: boolean) {
    const into = (kept: Buffer[], stream: NodeJS.WriteStream) => (bytes: Uint8Array) => {
      const copy = Buffer.from(bytes);
      if (keep) kept.push(copy);
      else stream.write(copy);
    };
    this.#parser = new ExecFrameParser(marker, {
      output: into(this.#output, process.stdout),
      errors: into(this.#errors, process.stderr),
    });
  }

  /** True when everything has come. */
  push(bytes: Uint8Array): boolean {
    this.#parser.push(bytes);
    return this.#parser.phase === 'end';
  }

  get exit(): { readonly kind: 'exit'; readonly status: number } | undefined {
    const { phase, exitStatus } = this.#parser;
    return phase === 'end' && exitStatus !== undefined ? { kind: 'exit', status: exitStatus } : undefined;
  }

  get bootTail(): string {
    return this.#parser.bootTail;
  }

  get texts(): { readonly output: string; readonly errors: string } {
    return { output: Buffer.concat(this.#output).toString(), errors: Buffer.concat(this.#errors).toString() };
  }
}

function printJson(spec: RunSpec, result: RunResult, capture: ExecCapture | undefined): void {
  const exec = capture === undefined ? {} : { exitStatus: capture.exit?.status ?? null, ...capture.texts };
  process.stdout.write(`${JSON.stringify({ spec, ...result, ...exec })}\n`);
}

/** Findings as JSON lines, written at once so that none is lost whatever happens next. */
class EventLog implements Disposable {
  readonly #fd: number | undefined;

  constructor(path: string | undefined) {
    if (path === undefined || path === '-') {
      this.#fd = path === undefined ? undefined : 1;
      return;
    }
    try {
      this.#fd = openSync(path, 'a');
    } catch (cause) {
      throw new PlinthError('input', 'events-file', `events: ${path}: cannot be written: ${(cause as Error).message}`, {
        cause,
      });
    }
  }

  write(finding: Finding): void {
    if (this.#fd !== undefined) writeSync(this.#fd, `${JSON.stringify(finding)}\n`);
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined && this.#fd > 2) closeSync(this.#fd);
  }
}

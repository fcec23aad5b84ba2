// SPDX-License-Identifier: Apache-2.0
// `plinth run`: reads what is to run, drives it, and turns how it ended into an exit status and one line.

import { type Finding, PlinthError } from '@plinth/core';
import { boardList } from '@plinth/machine';
import type { Console, MachineDriver, RunExit, RunResult, RunSpec } from '@plinth/machine';
import { ObservedDriver } from '@plinth/observe';
import { writeFileAtomically } from '../host/atomic-file.js';
import { LineProgress } from '../host/progress.js';
import { readPrivately } from '../host/shared-files.js';
import { loadProbeFiles } from '../probe/load-probe-file.js';
import { ProbeSession } from '../probe/probe-session.js';
import { EXIT, reportError } from '../report-error.js';
import { conclude } from '../run/conclude.js';
import { NullConsole, OutputConsole } from '../run/console.js';
import { driveRun } from '../run/drive-run.js';
import { nodeHost } from '../run/driver-host.js';
import { ExecCapture } from '../run/exec-capture.js';
import { EventLog, type RunOutput } from '../run/event-log.js';
import { describeProcesses, printSystem, reportSystem, type SystemReport } from '../run/guest-system.js';
import { GuestTrace } from '../run/guest-trace.js';
import { openGdbServer } from '../run/gdb-server.js';
import { openConsole } from '../run/open-console.js';
import type { TerminalSize } from '../run/run-files.js';
import { buildRunSpec } from '../run/run-options.js';
import type { RunOptions } from '../run/run-options.js';
import { watchForCrashes } from '../run/run-crashes.js';
import { RunExports } from '../run/run-exports.js';
import { RunHistory } from '../run/run-history.js';
import { RunRecording } from '../run/run-recording.js';
import { startRun } from '../run/start-run.js';
import { TopView } from '../run/top-view.js';
import { StdioConsole } from '../run/stdio-console.js';
import { runSeveral } from './run-several.js';

/** Runs and gives the exit status. `options` are those of the command line, `files` its positional arguments. */
export async function runVerb(files: readonly string[], options: RunOptions): Promise<number> {
  const { json, events, ...rest } = options;
  if (rest['machine'] === 'help') {
    process.stdout.write(boardList());
    return EXIT.clean;
  }
  // What a program's own status could be mistaken for is 125 then, wherever we fail.
  let passesStatus = rest['semihosting'] === true;
  try {
    const output: RunOutput = { json: json === true, ...(typeof events === 'string' ? { events } : {}) };
    if (files.length > 1) return await runSeveral(files, rest, output);
    const spec = buildRunSpec(rest, files[0], process.stdin.isTTY && process.stdout.isTTY);
    passesStatus = spec.semihosting;
    return await runSpec(spec, output);
  } catch (error) {
    const status = reportError(error);
    return passesStatus ? EXIT.ours : status;
  }
}

async function runSpec(wanted: RunSpec, output: RunOutput): Promise<number> {
  using events = new EventLog(output.events);
  const probeFiles = await loadProbeFiles(wanted.probes);
  using recording = wanted.record === undefined ? undefined : new RunRecording(wanted.record);
  const history = wanted.reverse ? new RunHistory() : undefined;
  const unrecorded = await startRun(wanted, {
    size: terminalSize(wanted),
    progress: new LineProgress(process.stderr),
    host: history?.host(nodeHost) ?? (recording === undefined ? nodeHost : { ...nodeHost, onInput: recording.onInput }),
    ...(history === undefined ? {} : { newLayer: history.newLayer }),
    read: readPrivately,
    say,
  });
  const { spec } = unrecorded;
  using _network = unrecorded.network;
  using probes = ProbeSession.begin(spec, unrecorded.machine, probeFiles);
  using exports = RunExports.begin(spec, unrecorded.machine);
  using top = TopView.begin(spec, unrecorded.machine, output.json);
  const live = history?.start(unrecorded);
  const crashes = watchForCrashes(spec, unrecorded.machine, live);
  const observers = [probes, exports, top, crashes, unrecorded.guard].filter((observer) => observer !== undefined);
  const recorded = live ?? (recording === undefined ? unrecorded.machine : recording.start(unrecorded, say));
  using machine = new ObservedDriver(recorded, observers);
  const started = { ...unrecorded, machine };
  const line = (text: string): boolean => process.stderr.write(`${text}\n`);
  using _trace = new GuestTrace(spec, unrecorded.machine.machine, line, say);
  using gdb = await openGdbServer(spec, unrecorded.machine, machine, live, say);
  // With --json standard output holds the result alone, and the console goes to standard error.
  const standard = (): Console =>
    output.json
      ? new OutputConsole(process.stderr)
      : new StdioConsole(top?.console ?? process.stdout, () => describeProcesses(unrecorded.machine.machine));
  // A guest may go on for long after its death; what is on the screen is not for this.
  const isTold = ({ guard, severity }: Finding): boolean =>
    (guard === 'crash' || guard === 'packets') && severity !== 'info' && !output.json && top === undefined;
  const console: Console = spec.exec === undefined ? await openConsole(spec.console, say, standard) : new NullConsole();
  try {
    const capture = spec.exec === undefined ? undefined : new ExecCapture(spec.exec.marker, output.json);
    const saver = new SnapshotSaver(spec, machine);
    const { machineExit, counts, ...driven } = await driveRun(started, {
      console,
      snapshot: { ...(spec.saveAt === undefined ? {} : { at: spec.saveAt }), save: () => saver.saveDuringRun() },
      onFinding: (finding) => {
        events.write(finding);
        if (isTold(finding)) say(`finding: ${finding.message}`);
      },
      ...(gdb === undefined ? {} : { debug: gdb.debug }),
      ...(capture === undefined ? {} : { onOutput: (bytes) => capture.push(bytes) }),
    });
    await console.close();
    // What is said from here on is for the terminal as it was.
    top?.close();
    exports?.finish();
    const late = probes?.finish() ?? [];
    for (const finding of late) events.write(finding);
    const findings = [...driven.findings, ...late];
    const saved = await saver.atExit(machineExit);
    await recording?.end(machineExit, say);
    const result: RunResult = {
      exit: capture?.exit ?? machineExit,
      findings,
      ...(output.json ? { stateHash: machine.stateHash() } : {}),
      counts,
    };
    // Standard output has what the command printed, and nothing else.
    const inside = unrecorded.machine.machine;
    if (output.json) printJson(spec, { ...result, ...reportSystem(spec, inside) }, capture);
    else {
      // What is only of interest to a kernel's author is in --events and --json.
      for (const finding of findings) {
        if (finding.severity !== 'info' && !isTold(finding)) say(`finding: ${finding.message}`);
      }
      printSystem(spec, inside, (text) => process.stderr.write(`${text}\n`), say);
    }
    const status = conclude(spec, result, machineExit, capture, say, (line) => process.stderr.write(`${line}\n`));
    return saved || status !== EXIT.clean ? status : EXIT.found;
  } finally {
    await console.close();
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

function printJson(spec: RunSpec, result: RunResult & SystemReport, capture: ExecCapture | undefined): void {
  const exec = capture === undefined ? {} : { exitStatus: capture.exit?.status ?? null, ...capture.texts };
  process.stdout.write(`${JSON.stringify({ spec, ...result, ...exec })}\n`);
}

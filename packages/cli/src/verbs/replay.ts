// SPDX-License-Identifier: Apache-2.0
// `plinth replay`: runs a recorded run again, compares it with what was noted of it, and stops at the first difference.

import { existsSync } from 'node:fs';
import { type Finding, PlinthError } from '@plinth/core';
import { hostTime, isPort, MemoryFile, READY_MARK, StreamSearch, takesRequests, withoutMark } from '@plinth/machine';
import type { EngineName, OpenDriver } from '@plinth/machine';
import {
  type CrashWatch,
  FILE_ROLES,
  History,
  openRecording,
  type Recording,
  Replay,
  ReplayDriver,
  type ReplayStop,
  tellDifference,
} from '@plinth/observe';
import { zlibCodec } from '../host/deflate.js';
import { nodeClock } from '../host/host-clock.js';
import { LineProgress } from '../host/progress.js';
import { EXIT } from '../report-error.js';
import { OutputConsole } from '../run/console.js';
import { nodeHost } from '../run/driver-host.js';
import { openReplayServer } from '../run/gdb-server.js';
import { ExecCapture } from '../run/exec-capture.js';
import { watchForCrashes } from '../run/run-crashes.js';
import { createReplayDriver } from '../run/replay-machine.js';
import { parseCount, readInput } from '../run/run-options.js';

export interface ReplayVerbOptions {
  readonly engine?: EngineName;
  readonly until?: string;
  readonly gdb?: string;
  readonly json?: boolean;
  readonly drive?: readonly string[];
  readonly kernel?: string;
  readonly initrd?: string;
  readonly dtb?: string;
  readonly program?: string;
  readonly snapshot?: string;
}

/** Instructions between looks at the terminal. */
const SLICE = 5_000_000;
/** Milliseconds. */
const FOREVER = 0x7fff_ffff;

export async function replayVerb(file: string, options: ReplayVerbOptions): Promise<number> {
  const until = options.until === undefined ? Infinity : parseCount(options.until, 'until');
  const recording = await openRecording(readInput(file, 'recording'), file, zlibCodec);
  if (options.gdb !== undefined && !isPort(options.gdb)) {
    throw new PlinthError('input', 'gdb', `gdb: "${options.gdb}" is no place to listen: write PORT or HOST:PORT`);
  }
  const layers: MemoryFile[] = [];
  const newLayer = (): MemoryFile => {
    layers.push(new MemoryFile('layer'));
    return layers.at(-1)!;
  };
  const given = FILE_ROLES.flatMap((role) => (options[role] === undefined ? [] : [[role, options[role]]]));
  using driver = await createReplayDriver(recording, {
    engine: options.engine ?? 'auto',
    files: Object.fromEntries(given) as ReplayVerbOptions,
    drives: options.drive ?? [],
    host: nodeHost,
    progress: new LineProgress(process.stderr),
    ...(options.gdb === undefined ? {} : { newLayer }),
  });
  const begun = performance.now();
  const output = new ReplayOutput(recording, options.json === true);
  driver.endSlicesAt([READY_MARK.at(-1)!]);
  let findings: readonly Finding[] = [];
  let replay: Replay;
  let stop: ReplayStop;
  if (options.gdb === undefined) {
    replay = new Replay(driver, recording);
    const found = new ReplayFindings(recording, driver, options.json === true);
    stop = await play(replay, driver, output, until, found);
    if (stop.kind === 'end') found.end(recording);
    findings = found.list;
  } else {
    const history = new History(driver, recording, { files: layers });
    replay = history.replay;
    stop = await debug(options.gdb, new ReplayDriver(driver, history), programOf(recording, options), output);
  }
  await output.end();
  const seconds = (performance.now() - begun) / 1000;
  if (options.json === true)
    process.stdout.write(`${JSON.stringify({ ...asJson(recording, replay, stop, seconds), findings })}\n`);
  else for (const line of tell(recording, replay, stop, seconds)) say(line);
  return stop.kind === 'different' ? EXIT.found : EXIT.clean;
}

async function play(
  replay: Replay,
  driver: OpenDriver,
  output: ReplayOutput,
  until: number,
  findings: ReplayFindings,
): Promise<ReplayStop> {
  for (;;) {
    await nodeClock.yield();
    const stop = replay.run(Math.min(until, driver.instructions + SLICE, findings.nextLook));
    findings.look();
    await output.write(driver.takeOutput());
    const more = stop.kind === 'requested' || (stop.kind === 'until' && driver.instructions < until);
    if (!more) return stop;
  }
}

/** Runs it as debuggers want it, until the last of them has gone and the recording has ended. */
async function debug(
  place: string,
  replay: ReplayDriver,
  program: { readonly path: string; readonly bytes: Uint8Array } | undefined,
  output: ReplayOutput,
): Promise<ReplayStop> {
  using server = await openReplayServer(place, replay, program, say);
  const target = server.debug;
  const time = hostTime(nodeClock);
  target.start(() => time.wake());
  for (;;) {
    await time.yield();
    const order = target.next();
    if (order.kind === 'end') return { kind: 'until' };
    if (order.kind === 'stay') {
      await time.sleep(FOREVER);
      continue;
    }
    target.runSlice(SLICE, false);
    await output.write(replay.takeOutput());
    if (replay.ended !== undefined && !target.attached) return replay.ended;
  }
}

/** The ELF file that runs, if it is one, and if it is here. */
function programOf(
  { start }: Recording,
  options: ReplayVerbOptions,
): { readonly path: string; readonly bytes: Uint8Array } | undefined {
  const path = options.program ?? start.spec.program;
  if (path === undefined || !existsSync(path)) return undefined;
  return { path, bytes: readInput(path, 'program') };
}

function say(line: string): void {
  process.stderr.write(`plinth: ${line}\n`);
}

/** What the guest's death was found by in the recorded run is found again, at the same instructions. */
class ReplayFindings {
  readonly list: Finding[] = [];
  readonly #driver: OpenDriver;
  readonly #watch: CrashWatch;
  readonly #json: boolean;

  constructor({ start: { spec } }: Recording, driver: OpenDriver, json: boolean) {
    this.#driver = driver;
    this.#json = json;
    const { onCrash: asked, ...plain } = spec;
    this.#watch = watchForCrashes({ ...plain, ...(asked === undefined ? {} : { onCrash: 'report' }) }, driver);
  }

  get nextLook(): number {
    const { interval } = this.#watch.sampling;
    return (Math.floor(this.#driver.instructions / interval) + 1) * interval;
  }

  look(): void {
    if (this.#driver.instructions % this.#watch.sampling.interval === 0) this.#watch.look();
    this.#report();
  }

  /** The recorded run may have ended since nothing could go on. */
  end({ end }: Recording): void {
    if (end?.exit.kind === 'idle') this.#watch.afterSlice({ kind: 'idle' });
    this.#report();
  }

  #report(): void {
    for (const finding of this.#watch.report()) {
      this.list.push(finding);
      if (finding.severity !== 'info' && !this.#json) say(`finding: ${finding.message}`);
    }
  }
}

/** The console of the recorded run, as the run has shown it. */
class ReplayOutput {
  readonly #console: OutputConsole;
  /** A guest that resets itself says again that it is ready. */
  #mark: StreamSearch | undefined;
  readonly #capture: ExecCapture | undefined;
  #drained: () => void = () => undefined;

  constructor({ start: { spec } }: Recording, json: boolean) {
    this.#console = new OutputConsole(json ? process.stderr : process.stdout);
    this.#mark = takesRequests(spec) ? new StreamSearch(READY_MARK) : undefined;
    this.#capture = spec.exec === undefined ? undefined : new ExecCapture(spec.exec.marker, json);
    const nothing = (): void => undefined;
    this.#console.start({ input: nothing, leave: nothing, save: nothing, drain: () => this.#drained() });
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    const marked = this.#mark?.push(bytes) === true;
    if (marked) this.#mark = new StreamSearch(READY_MARK);
    const seen = marked ? withoutMark(bytes, READY_MARK) : bytes;
    if (this.#capture !== undefined) this.#capture.push(seen);
    else if (!this.#console.write(seen)) await new Promise<void>((resolve) => (this.#drained = resolve));
  }

  async end(): Promise<void> {
    await this.#console.close();
  }
}

function* tell({ name, end, cut }: Recording, replay: Replay, stop: ReplayStop, seconds: number): Generator<string> {
  const { checkpoints, withRam } = replay.compared;
  const { count } = replay.place;
  const rate = `${(count / 1e6).toFixed(0)} million instructions, ${seconds.toFixed(1)} s`;
  if (cut !== undefined || end === undefined) {
    yield `${name}: the recording was cut short${cut === undefined ? '' : ` at byte ${cut}`}, and is good up to there`;
  }
  if (stop.kind === 'different') {
    const { difference } = stop;
    yield `replay: ${tellDifference(difference)}`;
    yield `replay: up to instruction ${difference.after.count} both runs are the same`;
    return;
  }
  const where = stop.kind === 'end' ? 'to its end' : `up to instruction ${count}`;
  yield `replay: the same ${where}: ${checkpoints} checkpoints, ${withRam} of them with all of RAM; ${rate}`;
}

function asJson({ name, end, cut }: Recording, replay: Replay, stop: ReplayStop, seconds: number): object {
  const { count, time } = replay.place;
  return {
    recording: name,
    agrees: stop.kind !== 'different',
    atEnd: stop.kind === 'end',
    ...(stop.kind === 'different' ? { difference: stop.difference } : {}),
    ...(cut === undefined ? {} : { cut }),
    ...(end === undefined ? {} : { exit: end.exit, recordedStateHash: end.stateHash }),
    stateHash: replay.machine.stateHash(),
    checkpoints: replay.compared,
    counts: { instructions: count, virtualTime: time, hostTime: seconds },
  };
}

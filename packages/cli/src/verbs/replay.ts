// SPDX-License-Identifier: Apache-2.0
// `plinth replay`: runs a recorded run again, compares it with what was noted of it, and stops at the first difference.

import { READY_MARK, StreamSearch, takesRequests, withoutMark } from '@plinth/machine';
import type { EngineName, OpenDriver } from '@plinth/machine';
import { FILE_ROLES, openRecording, type Recording, Replay, type ReplayStop } from '@plinth/observe';
import { zlibCodec } from '../host/deflate.js';
import { nodeClock } from '../host/host-clock.js';
import { LineProgress } from '../host/progress.js';
import { EXIT } from '../report-error.js';
import { OutputConsole } from '../run/console.js';
import { nodeHost } from '../run/driver-host.js';
import { ExecCapture } from '../run/exec-capture.js';
import { createReplayDriver } from '../run/replay-machine.js';
import { parseCount, readInput } from '../run/run-options.js';

export interface ReplayVerbOptions {
  readonly engine?: EngineName;
  readonly until?: string;
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

export async function replayVerb(file: string, options: ReplayVerbOptions): Promise<number> {
  const until = options.until === undefined ? Infinity : parseCount(options.until, 'until');
  const recording = await openRecording(readInput(file, 'recording'), file, zlibCodec);
  const given = FILE_ROLES.flatMap((role) => (options[role] === undefined ? [] : [[role, options[role]]]));
  using driver = await createReplayDriver(recording, {
    engine: options.engine ?? 'auto',
    files: Object.fromEntries(given) as ReplayVerbOptions,
    drives: options.drive ?? [],
    host: nodeHost,
    progress: new LineProgress(process.stderr),
  });
  const begun = performance.now();
  const replay = new Replay(driver, recording);
  const output = new ReplayOutput(recording, options.json === true);
  const stop = await play(replay, driver, output, until);
  await output.end();
  const seconds = (performance.now() - begun) / 1000;
  if (options.json === true) process.stdout.write(`${JSON.stringify(asJson(recording, replay, stop, seconds))}\n`);
  else for (const line of tell(recording, replay, stop, seconds)) process.stderr.write(`plinth: ${line}\n`);
  return stop.kind === 'different' ? EXIT.found : EXIT.clean;
}

async function play(replay: Replay, driver: OpenDriver, output: ReplayOutput, until: number): Promise<ReplayStop> {
  driver.endSlicesAt([READY_MARK.at(-1)!]);
  for (;;) {
    await nodeClock.yield();
    const stop = replay.run(Math.min(until, driver.instructions + SLICE));
    await output.write(driver.takeOutput());
    const more = stop.kind === 'requested' || (stop.kind === 'until' && driver.instructions < until);
    if (!more) return stop;
  }
}

/** The console of the recorded run, as the run has shown it. */
class ReplayOutput {
  readonly #console: OutputConsole;
  readonly #mark: StreamSearch | undefined;
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
    const seen = this.#mark?.push(bytes) === true ? withoutMark(bytes, READY_MARK) : bytes;
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
    yield `replay: differs at instruction ${difference.count}: ${difference.what.join('; ')}`;
    yield `replay: up to instruction ${difference.after.count} both runs are the same`;
    return;
  }
  const where = stop.kind === 'end' ? 'to its end' : `up to instruction ${count}`;
  yield `replay: the same ${where}: ${checkpoints} checkpoints, ${withRam} of them with all of RAM; ${rate}`;
}

function asJson({ name, end, cut }: Recording, replay: Replay, stop: ReplayStop, seconds: number): unknown {
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

// SPDX-License-Identifier: Apache-2.0
// A process that replays a recording and goes back in it. Arguments: recording, engine.
// Reports on file descriptor 3.

import { readFileSync, writeSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { createReplayDriver, nodeHost, zlibCodec } from '@plinth/cli';
import type { EngineName } from '@plinth/machine';
import { History, openRecording } from '@plinth/observe';

export interface HistoryReport {
  /** Seconds, of the guest. */
  readonly virtualTime: number;
  /** Seconds of the host that each took. */
  readonly steps: readonly number[];
  readonly seeks: readonly number[];
  readonly bytes: number;
  readonly places: number;
}

const TIMES = 20;

const [file = '', engine = 'translator'] = process.argv.slice(2);
const recording = await openRecording(readFileSync(file), file, zlibCodec);
const progress = { step() {}, update() {}, warn() {}, done() {} };
const setting = { engine: engine as EngineName, files: {}, drives: [], host: nodeHost, progress };

function timeOf(action: () => void): number {
  const from = performance.now();
  action();
  return (performance.now() - from) / 1000;
}

const history = new History(await createReplayDriver(recording, setting), recording);
history.seek(Infinity);
const virtualTime = history.machine.clock.now() / 1e9;
const steps = Array.from({ length: TIMES }, () => timeOf(() => history.reverseStep()));
const end = history.count;
// Fractions of the golden ratio are spread evenly, and never in order.
const seeks = Array.from({ length: TIMES }, (_, n) => {
  return timeOf(() => history.seek(Math.floor(end * ((n * 0.618_033_988_75) % 1))));
});
const { bytes, places } = history.size;
const report: HistoryReport = { virtualTime, steps, seeks, bytes, places };
writeSync(3, JSON.stringify(report));
process.exit(0);

// SPDX-License-Identifier: Apache-2.0
// The recording part of benchmark `observe`: a guest that computes, writes memory and sleeps, run with and without a
// recorder by turns; what an idle minute adds to the file; and how long a step back takes after a minute of virtual time.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { type Command, type FinishedRun, plinthRun, runToEnd } from './child.js';
import type { Options } from './options.js';
import type { HistoryReport } from './ours-history.js';
import { pairsRow } from './pairs-row.js';
import { median, type Row } from './report.js';

/** Some two billion instructions, a third of them in a loop of the shell, and 160 MB of memory written. */
const BUSY =
  'i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done; for n in 1 2 3 4; do dd if=/dev/zero of=/tmp/a bs=1M count=40 ' +
  '2>/dev/null; md5sum /tmp/a; done';
/** Of runs, at least: the interval of their median is narrow enough with some. */
const PAIRS = 12;
const MINUTE = 'sleep 60';
const WITHOUT = 'the same run without it';

export async function record(folder: string, options: Options, progress: (text: string) => void): Promise<Row[]> {
  const file = join(folder, 'run.rec');
  const run = (command: string, ...more: string[]): Command =>
    plinthRun('--image', 'debian-mini', '--cold', '--engine', options.engine, '--exec', command, ...more);
  const cpu = { plain: [] as number[], recorded: [] as number[] };
  const turns = [
    async () => cpu.plain.push((await runCleanly(run(BUSY))).cpu),
    async () => cpu.recorded.push((await runCleanly(run(BUSY, '--record', file))).cpu),
  ];
  const pairs = Math.max(PAIRS, options.repetitions);
  for (let pair = 0; pair < pairs; pair++) {
    progress(`record ${pair + 1}/${pairs}`);
    // Who runs first meets another host, so they change about.
    for (const turn of pair % 2 === 0 ? turns : turns.toReversed()) await turn();
  }
  progress('record: a minute');
  const sizeOf = async (command: string): Promise<number> => {
    await runCleanly(run(command, '--record', file));
    return statSync(file).size;
  };
  const size = await sizeOf('true');
  const grown = (await sizeOf(MINUTE)) - size;
  progress('record: steps back');
  await runCleanly(run(`${BUSY}; ${MINUTE}`, '--record', file));
  const history = await historyOf(file, options.engine);
  const alone = { peer: null, peerName: WITHOUT, ratio: null, inGeomean: false };
  return [
    pairsRow('a run that is recorded', cpu.plain, cpu.recorded, WITHOUT),
    { name: 'recording, a boot', unit: 'kB', ours: size / 1000, ...alone },
    { name: 'recording, an idle minute more', unit: 'kB', ours: grown / 1000, ...alone },
    {
      name: `a step back, after ${history.virtualTime.toFixed(0)} s of virtual time`,
      unit: 's',
      ours: median(history.steps),
      ...alone,
      spread: { ours: history.steps },
    },
    {
      name: 'to a random place',
      unit: 's',
      ours: median(history.seeks),
      ...alone,
      spread: { ours: history.seeks },
    },
    { name: `state that is kept, at ${history.places} places`, unit: 'MB', ours: history.bytes / 1e6, ...alone },
  ];
}

async function runCleanly(command: Command): Promise<FinishedRun> {
  const run = await runToEnd(command);
  if (run.status === 0) return run;
  const why = run.errors.trimEnd().split('\n').at(-1) ?? '';
  throw new PlinthError('host', 'bench-record', `plinth: ended with status ${run.status}: ${why}`);
}

async function historyOf(file: string, engine: string): Promise<HistoryReport> {
  const script = join(import.meta.dirname, 'ours-history.js');
  const { report } = await runCleanly({ program: process.execPath, args: [script, file, engine] });
  return JSON.parse(report) as HistoryReport;
}

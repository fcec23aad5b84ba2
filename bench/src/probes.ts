// SPDX-License-Identifier: Apache-2.0
// The probes' part of benchmark `observe`: what probes cost that nothing touches, what it costs to count every block, and what
// an event takes that is told. The first two are ratios of pairs, by turns in one process, with the interval in which their
// median lies; one that is too wide decides nothing.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { PlinthError } from '@plinth/core';
import { GUEST_TIMEOUT_SECONDS, runToEnd } from './child.js';
import { DATA_AT, EVENTS_AT, eventsProgram } from './events-program.js';
import type { Options } from './options.js';
import type { EventsReport, PairsReport } from './ours-probes.js';
import { buildProgram, PROGRAMS } from './programs.js';
import { median, type Row } from './report.js';

/** What the paper measured, and a boot: computing, latency and bandwidth of memory. */
const WORK = ['dhrystone-like', 'chase-64k', 'memcpy-1m'] as const;
const PAIRS = 24;
const WITHOUT = 'the same without probes';
/** Points of a ratio by which its interval may be wide. */
const DECIDED = 0.04;
const PEER_HITS = 3000;

export async function probes(folder: string, options: Options, progress: (text: string) => void): Promise<Row[]> {
  const rows: Row[] = [];
  const pairs = async (name: string, ...more: string[]): Promise<void> => {
    progress(`probes: ${name}`);
    const report = await child<PairsReport>(options, ...more);
    rows.push(
      pairsRow(`${name}, probes that nothing touches`, report.plain, report.idle),
      pairsRow(`${name}, every block counted`, report.plain, report.blocks),
    );
  };
  for (const name of WORK) {
    const program = PROGRAMS.find((one) => one.name === name)!;
    await pairs(name, 'elf', buildProgram(program, options.instructionSet));
  }
  await pairs('boot of debian-mini, 200 M instructions', 'boot');
  progress('probes: events');
  const events = await child<EventsReport>(options, 'events');
  const peer = gdbWatchTime(folder);
  for (const [name, time] of Object.entries(events)) {
    const isWatch = name === 'a watched store, virtual, told';
    const other = isWatch && typeof peer === 'number' ? peer : null;
    rows.push({
      name,
      unit: 'ns',
      ours: time,
      peer: other,
      peerName: 'GDB with QEMU',
      ratio: other === null ? null : other / time,
      inGeomean: false,
      ...(isWatch && typeof peer === 'string' ? { reason: peer } : {}),
    });
  }
  return rows;
}

async function child<Report>(options: Options, ...more: string[]): Promise<Report> {
  const script = join(import.meta.dirname, 'ours-probes.js');
  const args = [script, options.engine, String(Math.max(PAIRS, options.repetitions)), ...more];
  const run = await runToEnd({ program: process.execPath, args }, GUEST_TIMEOUT_SECONDS);
  if (run.status === 0) return JSON.parse(run.report) as Report;
  const why = run.errors.trimEnd().split('\n').at(-1) ?? '';
  throw new PlinthError('host', 'bench-probes', `the machine ended with status ${run.status}: ${why}`);
}

function pairsRow(name: string, plain: readonly number[], probed: readonly number[]): Row {
  const ratios = plain.map((time, n) => time / probed[n]!);
  const [low, high] = medianInterval(ratios);
  const decided = high - low <= DECIDED;
  return {
    name: decided ? name : `${name} (undecided: ${low.toFixed(3)} to ${high.toFixed(3)})`,
    unit: 's CPU',
    ours: median(probed),
    peer: median(plain),
    peerName: WITHOUT,
    ratio: median(ratios),
    inGeomean: false,
    interval: [low, high],
    pairs: ratios.length,
  };
}

/** Where the median lies with 95 % confidence, whatever the distribution: order statistics of the binomial one. */
export function medianInterval(values: readonly number[]): [low: number, high: number] {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  // The largest rank with at most 2.5 % of the probability below it.
  let rank = 0;
  let probability = 0.5 ** n;
  for (let sum = probability; sum <= 0.025; sum += probability) {
    rank++;
    probability *= (n - rank + 1) / rank;
  }
  const low = Math.max(0, rank - 1);
  return [sorted[low]!, sorted[n - 1 - low]!];
}

/** Nanoseconds for a hit of a watchpoint in GDB on QEMU, by the clock; or why it cannot be had. */
function gdbWatchTime(folder: string): number | string {
  for (const program of ['gdb-multiarch', 'qemu-system-arm']) {
    if (spawnSync(program, ['--version']).status !== 0) return `${program} is not installed`;
  }
  const image = join(folder, 'events.bin');
  writeFileSync(image, eventsProgram());
  const machine =
    `qemu-system-arm -M virt -cpu cortex-a15 -m 64 -nodefaults -display none -S -gdb stdio ` +
    `-device loader,file=${image},addr=${EVENTS_AT},cpu-num=0,force-raw=on`;
  const time = (hits: number): number => {
    const commands = ['set pagination off', 'set architecture armv7', `target remote | exec ${machine}`];
    commands.push(`watch *(int *) ${DATA_AT}`, `ignore 1 ${hits}`, 'continue', 'kill');
    const started = performance.now();
    const { status, stderr } = spawnSync(
      'gdb-multiarch',
      ['-nx', '-batch', ...commands.flatMap((command) => ['-ex', command])],
      { encoding: 'utf8', timeout: 300_000 },
    );
    if (status !== 0) throw new PlinthError('host', 'bench-gdb', stderr.trim().split('\n').at(-1) ?? '');
    return performance.now() - started;
  };
  try {
    return ((time(PEER_HITS + 100) - time(100)) / PEER_HITS) * 1e6;
  } catch (error) {
    // What is measured of ours counts all the same.
    if (error instanceof PlinthError) return `gdb-multiarch: ${error.message}`;
    throw error;
  }
}

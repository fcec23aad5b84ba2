// SPDX-License-Identifier: Apache-2.0
// Benchmark `compute`: the same bare-metal programs in our machine and in the peer, by turns. Each is run with a low
// and a high iteration count: the difference is the steady state, without start-up; the high run is the total.

import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { type Command, type FinishedRun, runToEnd } from './child.js';
import type { Options } from './options.js';
import { findPeer, PEER_NAME, peerProgram } from './peer.js';
import { buildProgram, type Program, PROGRAMS } from './programs.js';
import { formatTable, median, ratioOf, type Row, show } from './report.js';

const RAM_MEBIBYTES = 64;
/** The low count is this part of the difference: long enough that the engines are warm. */
const LOW_PART = 1 / 3;
/** Millions of instructions that the peer needs at least for a slope that stands out from its start-up. */
const PEER_WORK = 800;

interface Pair {
  readonly ours: number | null;
  readonly peer: number | null;
  readonly ratio: number | null;
}

export interface ComputeRow extends Row {
  readonly iterations: { readonly low: number; readonly high: number; readonly peerLong: number };
  /** The slope by wall time, in the row's unit. */
  readonly wall: Pair;
  /** CPU seconds of the whole run with the high count. */
  readonly total: Pair;
  /** Millions of guest instructions per CPU second; the peer's by our instruction count. */
  readonly mips?: { readonly ours: number | null; readonly peer: number | null };
  readonly checksum?: string;
}

interface Sample {
  /** The same counts for ours and for the peer: checksums are compared and totals too. */
  readonly low: FinishedRun;
  readonly high: FinishedRun;
  /** The upper end of the slope: `high`, or a longer run where that would be over too soon to be measured. */
  readonly long: FinishedRun;
}

export async function compute(options: Options, progress: (text: string) => void): Promise<ComputeRow[]> {
  const unknown = options.only.filter((name) => !PROGRAMS.some((program) => program.name === name));
  if (unknown.length > 0) {
    const known = PROGRAMS.map(({ name }) => name).join(', ');
    throw new PlinthError('input', 'bench-only', `--only: there is no ${unknown.join(', ')}; there is ${known}`);
  }
  const peer = findPeer();
  const rows: ComputeRow[] = [];
  for (const program of PROGRAMS) {
    if (options.only.length > 0 && !options.only.includes(program.name)) continue;
    const elf = buildProgram(program, options.instructionSet);
    rows.push(await measure(program, elf, options, 'reason' in peer ? peer.reason : undefined, progress));
  }
  return rows;
}

async function measure(
  program: Program,
  elf: string,
  options: Options,
  noPeer: string | undefined,
  progress: (text: string) => void,
): Promise<ComputeRow> {
  const difference = Math.max(1, Math.round((program.iterations * options.work) / 10));
  const low = Math.max(1, Math.round(difference * LOW_PART));
  const counts = [low, low + difference] as const;
  const peerLong = low + Math.max(difference, Math.round((program.iterations * PEER_WORK) / 10));
  const ours = (count: number): Command => ({
    program: process.execPath,
    args: [join(import.meta.dirname, 'ours-compute.js'), elf, String(count), options.engine, String(RAM_MEBIBYTES)],
  });
  const peer = (count: number): Command => peerProgram(elf, String(count), `${RAM_MEBIBYTES}M`);
  const base = { name: program.name, unit: 'us CPU per iteration', peerName: PEER_NAME, inGeomean: program.inGeomean };
  const oursSamples: Sample[] = [];
  const peerSamples: Sample[] = [];
  let reason = noPeer;
  const sample = async (
    who: string,
    command: (count: number) => Command,
    longCount: number,
    into: Sample[],
  ): Promise<void> => {
    const runs: FinishedRun[] = [];
    for (const count of new Set([...counts, longCount])) {
      const run = await runToEnd(command(count));
      reason = failure(who, run) ?? reason;
      if (failure(who, run) !== undefined) return;
      runs.push(run);
    }
    into.push({ low: runs[0]!, high: runs[1]!, long: runs.at(-1)! });
  };
  for (let repetition = 0; repetition < options.repetitions; repetition++) {
    progress(`${program.name} ${repetition + 1}/${options.repetitions}`);
    if (oursSamples.length === repetition) await sample('ours', ours, counts[1], oursSamples);
    if (noPeer === undefined && peerSamples.length === repetition) await sample(PEER_NAME, peer, peerLong, peerSamples);
  }
  reason ??= checksumDifference(oursSamples, peerSamples);
  return summarize(base, [...counts, peerLong], oursSamples, peerSamples, reason);
}

/** What is wrong if not all runs with the same count printed the same. */
function checksumDifference(ours: readonly Sample[], peer: readonly Sample[]): string | undefined {
  for (const count of ['low', 'high'] as const) {
    const outputs = new Set([...ours, ...peer].map((sample) => sample[count].output.trim()));
    if (outputs.size > 1) return `checksums differ: ${[...outputs].join(', ')}`;
  }
  return undefined;
}

function failure(who: string, run: FinishedRun): string | undefined {
  if (run.status === 0 && run.output.startsWith('checksum ')) return undefined;
  const line = `${run.output}\n${run.errors}`.trim().split('\n').at(-1) ?? '';
  return `${who}: the program ended with status ${run.status}${line === '' ? '' : `: ${line.slice(0, 160)}`}`;
}

function summarize(
  base: Pick<ComputeRow, 'name' | 'unit' | 'peerName' | 'inGeomean'>,
  [lowCount, highCount, peerLong]: readonly [number, number, number],
  ours: readonly Sample[],
  peer: readonly Sample[],
  reason: string | undefined,
): ComputeRow {
  const slopes = (samples: readonly Sample[], time: 'cpu' | 'wall'): number[] => {
    const scale = 1e6 / ((samples === peer ? peerLong : highCount) - lowCount);
    return samples.map(({ low, long }) => (long[time] - low[time]) * scale);
  };
  const pair = (values: (samples: readonly Sample[]) => number[]): Pair => {
    const [own, other] = [ours, peer].map((samples) => (samples.length === 0 ? null : median(values(samples)))) as [
      number | null,
      number | null,
    ];
    return { ours: own, peer: other, ratio: ratioOf(own, other) };
  };
  const cpu = pair((samples) => slopes(samples, 'cpu'));
  // Compilation that ends between the two counts can outweigh the work: the row must not vanish without a word.
  const tooShort = [cpu.ours, cpu.peer].some((value) => value !== null && value <= 0);
  const why = reason ?? (tooShort ? 'the longer run took less time: noise or warm-up; give --work more' : undefined);
  const shared = {
    ...base,
    ...cpu,
    ...(why === undefined ? {} : { reason: why }),
    iterations: { low: lowCount, high: highCount, peerLong },
    wall: pair((samples) => slopes(samples, 'wall')),
    total: pair((samples) => samples.map(({ high }) => high.cpu)),
    spread: { ours: slopes(ours, 'cpu'), peer: slopes(peer, 'cpu') },
  };
  const sample = ours[0];
  if (sample === undefined) return shared;
  // A wrong result has no speed.
  if (reason?.startsWith('checksums') === true) return { ...shared, ours: null, ratio: null };
  const count = (run: FinishedRun): number => (JSON.parse(run.report) as { instructions: number }).instructions;
  const instructions = (count(sample.high) - count(sample.low)) / (highCount - lowCount);
  const mips = (time: number | null): number | null => (time === null ? null : instructions / time);
  return {
    ...shared,
    instructionsPerIteration: instructions,
    mips: { ours: mips(cpu.ours), peer: mips(cpu.peer) },
    checksum: sample.high.output.trim().replace('checksum ', ''),
  };
}

export function computeTable(rows: readonly ComputeRow[]): string {
  const heading = [
    'program',
    'ours us',
    `${PEER_NAME} us`,
    'ratio',
    'wall',
    'total',
    'ours MIPS',
    'peer MIPS',
    'checksum',
  ];
  const lines = rows.map((row) => [
    row.inGeomean ? row.name : `(${row.name})`,
    show(row.ours),
    show(row.peer),
    show(row.ratio),
    show(row.wall.ratio),
    show(row.total.ratio),
    show(row.mips?.ours),
    show(row.mips?.peer),
    row.checksum ?? '-',
  ]);
  const reasons = rows.filter((row) => row.reason !== undefined).map((row) => `${row.name}: ${row.reason}`);
  return [formatTable([heading, ...lines]), ...reasons].join('\n');
}

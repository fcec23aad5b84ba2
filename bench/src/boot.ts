// SPDX-License-Identifier: Apache-2.0
// Benchmark `boot`: from the start of the process to the prompt of debian-mini's shell, in our machine and in the peer
// by turns with the same files; what the boot took in instructions; and what our machine takes in memory.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { virtBoard } from '@plinth/machine';
import { benchDirectory } from './cache.js';
import { type Command, type MarkerRun, plinthRun, runToEnd, runToMarker } from './child.js';
import {
  BOOT_WAYS,
  bootArguments,
  bootFiles,
  type BootFiles,
  bootPlan,
  type BootWay,
  elfOfPlan,
  PROMPT,
  RAM_MEBIBYTES,
} from './linux.js';
import type { Options } from './options.js';
import type { BootReport } from './ours-boot.js';
import type { ThreadsReport } from './ours-threads.js';
import { findPeer, ownFigure, PEER_NAME, peerLinux } from './peer.js';
import { debian, DEBIAN, debianFiles, type DebianFiles, noDebian } from './debian.js';
import { formatTable, median, ratioOf, type Row, show } from './report.js';

const MIB = 1024 * 1024;
/** Above QEMU's device tree, below the kernel's page tables. */
const STUB_OFFSET = MIB;

export async function boot(options: Options, progress: (text: string) => void): Promise<Row[]> {
  const chosen = (name: string): boolean => options.only.length === 0 || options.only.includes(name);
  const ways = BOOT_WAYS.filter(chosen);
  const parts: readonly string[] = [...BOOT_WAYS, DEBIAN];
  const unknown = options.only.filter((name) => !parts.includes(name));
  if (unknown.length > 0) {
    const known = parts.join(', ');
    throw new PlinthError('input', 'bench-only', `--only: there is no ${unknown.join(', ')}; there is ${known}`);
  }
  const files = bootFiles();
  const whole = filesOfDebian(options.only);
  const peer = findPeer();
  const noPeer = 'reason' in peer ? peer.reason : undefined;
  const folder = join(benchDirectory(), `boot-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    const rows: Row[] = [];
    for (const way of ways) rows.push(...(await measure(way, files, folder, options, noPeer, progress)));
    if (whole === undefined) return rows;
    if (typeof whole === 'string') return [...rows, noDebian(whole)];
    return [...rows, ...(await debian(whole, folder, options.repetitions, noPeer, progress))];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Of the whole Debian, or why it cannot be measured beside the rest, or undefined if nobody asks for it. */
function filesOfDebian(only: readonly string[]): DebianFiles | string | undefined {
  if (only.includes(DEBIAN)) return debianFiles();
  if (only.length > 0) return undefined;
  try {
    return debianFiles();
  } catch (error) {
    if (!(error instanceof PlinthError)) throw error;
    return error.message;
  }
}

function ourCommand(way: BootWay, options: Options, machines: number): Command {
  const script = join(import.meta.dirname, 'ours-boot.js');
  return { program: process.execPath, args: ['--expose-gc', script, way, options.engine, String(machines)] };
}

function peerCommand(way: BootWay, files: BootFiles, folder: string): Command {
  const memory = `${RAM_MEBIBYTES}M`;
  if (way === 'stock') {
    return peerLinux({ kernel: files.zImage, initrd: files.initrd, append: bootArguments(way), memory });
  }
  const kernel = join(folder, 'kernel.elf');
  writeFileSync(kernel, elfOfPlan(bootPlan(way, files), virtBoard.ramBase + STUB_OFFSET));
  return peerLinux({ kernel, memory });
}

async function measure(
  way: BootWay,
  files: BootFiles,
  folder: string,
  options: Options,
  noPeer: string | undefined,
  progress: (text: string) => void,
): Promise<Row[]> {
  const theirs = noPeer === undefined ? peerCommand(way, files, folder) : undefined;
  const ours: MarkerRun[] = [];
  const peer: MarkerRun[] = [];
  for (let repetition = 0; repetition < options.repetitions; repetition++) {
    progress(`${way} ${repetition + 1}/${options.repetitions}`);
    ours.push(await runToMarker(ourCommand(way, options, 1), PROMPT, { wantReport: true }));
    if (theirs !== undefined) peer.push(await runToMarker(theirs, PROMPT, { wantReport: false }));
  }
  const rows = summarize(way, ours, peer, noPeer);
  if (way === 'fast') {
    const { usedRam } = JSON.parse(ours[0]!.report) as BootReport;
    rows.push(await secondMachine(options, progress), await threads(options, usedRam, progress));
    rows.push(...(await resume(options, progress)));
  }
  return rows;
}

function summarize(
  way: BootWay,
  ours: readonly MarkerRun[],
  peer: readonly MarkerRun[],
  noPeer: string | undefined,
): Row[] {
  const reports = ours.map((run) => JSON.parse(run.report) as BootReport);
  const timed = (time: 'cpu' | 'wall'): Row => {
    const own = median(ours.map((run) => run[time]));
    const other = peer.length === 0 ? null : median(peer.map((run) => run[time]));
    return {
      name: `${way}: ${time === 'cpu' ? 'CPU time' : 'wall time'} to the prompt`,
      unit: 's',
      ours: own,
      peer: other,
      peerName: PEER_NAME,
      ratio: ratioOf(own, other),
      inGeomean: time === 'cpu',
      ...(noPeer === undefined ? {} : { reason: noPeer }),
      spread: { ours: ours.map((run) => run[time]), peer: peer.map((run) => run[time]) },
    };
  };
  const instructions = reports[0]!.instructions;
  return [
    timed('wall'),
    timed('cpu'),
    ownFigure(`${way}: snapshot at the prompt`, 's', median(reports.map((report) => report.snapshotTime!))),
    ownFigure(
      `${way}: snapshot at the prompt, size`,
      'MB',
      median(reports.map((report) => report.snapshotSize! / 1e6)),
    ),
    ownFigure(`${way}: guest instructions`, 'million', instructions / 1e6),
    ownFigure(
      `${way}: speed`,
      'million instructions per second, wall',
      median(reports.map(({ runTime }) => instructions / runTime / 1e6)),
    ),
    {
      ...ownFigure(
        `${way}: resident memory less guest RAM in use`,
        'MiB',
        median(ours.map((run, at) => (run.residentMemory - reports[at]!.usedRam) / MIB)),
      ),
      residentMemory: median(ours.map((run) => run.residentMemory / MIB)),
      guestRamInUse: median(reports.map((report) => report.usedRam / MIB)),
      guestRam: RAM_MEBIBYTES,
      ...(peer.length === 0 ? {} : { peerResidentMemory: median(peer.map((run) => run.residentMemory / MIB)) }),
    },
  ];
}

/** `plinth run` on the image that is kept booted, to the prompt; the first run boots it if need be. */
async function resume(options: Options, progress: (text: string) => void): Promise<Row[]> {
  const command = plinthRun('--image', 'debian-mini', '--memory', `${RAM_MEBIBYTES}M`, '--engine', options.engine);
  const runs: MarkerRun[] = [];
  for (let repetition = 0; repetition <= options.repetitions; repetition++) {
    progress(`resume ${repetition}/${options.repetitions}`);
    const one = await runToMarker(command, PROMPT, { wantReport: false });
    if (repetition > 0) runs.push(one);
  }
  const row = (time: 'wall' | 'cpu'): Row => ({
    ...ownFigure(
      `resumed: ${time === 'cpu' ? 'CPU time' : 'wall time'} to the prompt`,
      's',
      median(runs.map((one) => one[time])),
    ),
    spread: { ours: runs.map((one) => one[time]), peer: [] },
  });
  return [row('wall'), row('cpu')];
}

async function secondMachine(options: Options, progress: (text: string) => void): Promise<Row> {
  progress('second machine');
  const run = await runToMarker(ourCommand('fast', options, 2), PROMPT, { wantReport: true });
  const { secondMachine: added } = JSON.parse(run.report) as BootReport;
  return ownFigure('second machine in the process, less guest RAM in use', 'MiB', (added ?? Number.NaN) / MIB);
}

/** Machines in threads of their own; `usedRam` is what a guest at the prompt uses, in bytes. */
async function threads(options: Options, usedRam: number, progress: (text: string) => void): Promise<Row> {
  progress('machines in threads');
  const script = join(import.meta.dirname, 'ours-threads.js');
  const run = await runToEnd({ program: process.execPath, args: [script, options.engine] });
  if (run.status !== 0) throw new PlinthError('host', 'bench-threads', `machines in threads: ${run.errors.trim()}`);
  const { added } = JSON.parse(run.report) as ThreadsReport;
  const own = median(added.map((bytes) => (bytes - usedRam) / MIB));
  return ownFigure('further machine in a thread, less guest RAM in use', 'MiB', own);
}

export function bootTable(rows: readonly Row[]): string {
  const lines = rows.map((row) => [row.name, show(row.ours), show(row.peer), show(row.ratio), row.unit]);
  const lacking = rows.filter((row) => row.inGeomean || row.ours === null);
  const missing = new Set(lacking.flatMap(({ reason }) => reason ?? []));
  return [formatTable([['boot', 'ours', PEER_NAME, 'ratio', 'unit'], ...lines]), ...missing].join('\n');
}

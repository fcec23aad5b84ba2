// SPDX-License-Identifier: Apache-2.0
// The probes' part of benchmark `observe`: what probes cost that nothing touches, what it costs to count every block, and what
// an event takes that is told. The first two are ratios of pairs, by turns in one process, with the interval in which their
// median lies; one that is too wide decides nothing.

import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { GUEST_TIMEOUT_SECONDS, runToEnd, type Times } from './child.js';
import { gdbWatchTimes } from './gdb-watch.js';
import type { Options } from './options.js';
import type { EventsReport, PairsReport } from './ours-probes.js';
import { pairsRow } from './pairs-row.js';
import { buildProgram, PROGRAMS } from './programs.js';
import { ratioOf, type Row } from './report.js';

/** What the paper measured, and a boot: computing, latency and bandwidth of memory. */
const WORK = ['dhrystone-like', 'chase-64k', 'memcpy-1m'] as const;
const PAIRS = 24;
/** For so long pairs are added while a ratio is undecided: of a compute program, and of boots. */
const MINUTES = 4;
const BOOT_MINUTES = 15;
const WITHOUT = 'the same without probes';

export async function probes(folder: string, options: Options, progress: (text: string) => void): Promise<Row[]> {
  const rows: Row[] = [];
  const pairs = async (name: string, minutes: number, ...more: string[]): Promise<void> => {
    progress(`probes: ${name}`);
    const report = await child<PairsReport>(options, minutes, ...more);
    rows.push(
      pairsRow(`${name}, probes that nothing touches`, report.plain, report.idle, WITHOUT),
      pairsRow(`${name}, every block counted`, report.plain, report.blocks, WITHOUT),
      pairsRow(`${name}, the last blocks kept`, report.plain, report.last, WITHOUT),
    );
  };
  for (const name of WORK) {
    const program = PROGRAMS.find((one) => one.name === name)!;
    await pairs(name, MINUTES, 'elf', buildProgram(program, options.instructionSet));
  }
  await pairs('boot of debian-mini, 200 M instructions', BOOT_MINUTES, 'boot');
  progress('probes: events');
  const events = await child<EventsReport>(options, 0, 'events');
  progress('probes: watchpoints in GDB');
  const { peer, ours } = await gdbWatchTimes(folder);
  for (const [name, time] of Object.entries(events)) {
    rows.push(eventRow(name, time, name === 'a watched store, virtual, told' ? peer : undefined));
  }
  if (ours !== undefined) {
    rows.push(eventRow('a watchpoint of GDB, passed over, with our stub', ours, peer));
  }
  return rows;
}

async function child<Report>(options: Options, minutes: number, ...more: string[]): Promise<Report> {
  const script = join(import.meta.dirname, 'ours-probes.js');
  const least = Math.max(PAIRS, options.repetitions);
  const args = [script, options.engine, String(least), String(minutes), ...more];
  // The pairs that are wanted at least may take longer than that.
  const run = await runToEnd({ program: process.execPath, args }, minutes * 60 + GUEST_TIMEOUT_SECONDS);
  if (run.status === 0) return JSON.parse(run.report) as Report;
  const why = run.errors.trimEnd().split('\n').at(-1) ?? '';
  throw new PlinthError('host', 'bench-probes', `the machine ended with status ${run.status}: ${why}`);
}

/** Nanoseconds of CPU time of an event; `peer` is a watchpoint's in GDB with QEMU. What cannot be had is the reason. */
function eventRow(name: string, own: number | Times | string, peer: Times | string | undefined): Row {
  const ours = typeof own === 'number' ? own : nanoseconds(own);
  const theirs = nanoseconds(peer);
  const reason = [own, peer].find((value) => typeof value === 'string');
  return {
    name,
    unit: 'ns',
    ours,
    peer: theirs,
    peerName: 'GDB with QEMU',
    ratio: ratioOf(ours, theirs),
    inGeomean: false,
    ...(typeof reason === 'string' ? { reason } : {}),
  };
}

function nanoseconds(times: Times | string | undefined): number | null {
  return typeof times === 'object' ? times.cpu * 1e9 : null;
}

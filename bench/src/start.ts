// SPDX-License-Identifier: Apache-2.0
// Benchmark `start`: what `plinth run` takes besides running. The guest is a program of five instructions that leaves by
// semihosting; once with an empty cache, where the interpreter has to be generated, and once with its kept copy there.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { virtBoard } from '@plinth/machine';
import { benchDirectory } from './cache.js';
import { type Command, type FinishedRun, plinthRun, runToEnd } from './child.js';
import { elfOfPlan } from './linux.js';
import type { Options } from './options.js';
import { findPeer, PEER_NAME, peerProgram } from './peer.js';
import { formatTable, median, ratioOf, type Row, show } from './report.js';

const MEMORY = '256M';

/** SYS_EXIT with ADP_Stopped_ApplicationExit (Arm semihosting, 6.5). */
function exitProgram(): Uint8Array {
  const entry = virtBoard.ramBase + 0x10_0000;
  const code = new Uint8Array(4);
  new DataView(code.buffer).setUint32(0, 0xef12_3456, true); // svc #0x123456
  const registers = { r0: 0x18, r1: 0x2_0026, r2: 0 };
  return elfOfPlan({ segments: [{ address: entry, bytes: code }], entry, thumb: false, registers }, entry + 0x1000);
}

function ourCommand(elf: string, cache: string, { engine }: Options): Command {
  const { program, args } = plinthRun(elf, '--semihosting', '--memory', MEMORY, '--engine', engine);
  return { program: 'env', args: [`XDG_CACHE_HOME=${cache}`, program, ...args] };
}

async function runCleanly(command: Command): Promise<FinishedRun> {
  const run = await runToEnd(command);
  if (run.status === 0) return run;
  const why = run.errors.trimEnd().split('\n').at(-1) ?? '';
  throw new PlinthError('host', 'bench-start', `${command.program}: ended with status ${run.status}: ${why}`);
}

export async function start(options: Options, progress: (text: string) => void): Promise<Row[]> {
  if (options.only.length > 0) throw new PlinthError('input', 'bench-only', '--only: start has no rows to choose');
  const found = findPeer();
  const noPeer = 'reason' in found ? found.reason : undefined;
  const folder = join(benchDirectory(), `start-${process.pid}`);
  const cache = join(folder, 'cache');
  mkdirSync(folder, { recursive: true });
  try {
    const elf = join(folder, 'exit.elf');
    writeFileSync(elf, exitProgram());
    const first: FinishedRun[] = [];
    const later: FinishedRun[] = [];
    const peer: FinishedRun[] = [];
    for (let repetition = 0; repetition < options.repetitions; repetition++) {
      progress(`start ${repetition + 1}/${options.repetitions}`);
      rmSync(cache, { recursive: true, force: true });
      first.push(await runCleanly(ourCommand(elf, cache, options)));
      later.push(await runCleanly(ourCommand(elf, cache, options)));
      if (noPeer === undefined) peer.push(await runCleanly(peerProgram(elf, 'none', MEMORY)));
    }
    const row = (name: string, ours: readonly FinishedRun[], time: 'cpu' | 'wall', inGeomean: boolean): Row => {
      const own = median(ours.map((run) => run[time]));
      const other = peer.length === 0 ? null : median(peer.map((run) => run[time]));
      return {
        name: `${name}: ${time === 'cpu' ? 'CPU time' : 'wall time'}`,
        unit: 's',
        ours: own,
        peer: other,
        peerName: PEER_NAME,
        ratio: ratioOf(own, other),
        inGeomean,
        ...(noPeer === undefined ? {} : { reason: noPeer }),
        spread: { ours: ours.map((run) => run[time]), peer: peer.map((run) => run[time]) },
      };
    };
    return [
      row('first start', first, 'wall', false),
      row('first start', first, 'cpu', false),
      row('later start', later, 'wall', false),
      row('later start', later, 'cpu', true),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function startTable(rows: readonly Row[]): string {
  const lines = rows.map((row) => [row.name, show(row.ours), show(row.peer), show(row.ratio), row.unit]);
  const missing = rows.find((row) => row.reason !== undefined)?.reason;
  return [
    formatTable([['start', 'ours', PEER_NAME, 'ratio', 'unit'], ...lines]),
    ...(missing === undefined ? [] : [missing]),
  ].join('\n');
}

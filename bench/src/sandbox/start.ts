// SPDX-License-Identifier: Apache-2.0
// The start part of benchmark `sandbox`: a program that does nothing, started many times in a row by a shell.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Command } from '../child.js';
import { median, ratioOf, type Row } from '../report.js';
import { BenchWorkspace, bubblewrap, missingBubblewrap } from './bench-workspace.js';
import type { Part } from './sandbox.js';

const TIMES = 20;
const LOOP = 'n=0; while [ $n -lt "$0" ]; do "$@" || exit 1; n=$((n + 1)); done';
const PLINTH = join(import.meta.dirname, '../../../packages/cli/bin/plinth.js');

export const start: Part = ({ repetitions }, progress) => {
  const noPeer = missingBubblewrap();
  using workspace = new BenchWorkspace();
  const ours = workspace.command('/usr/bin/true');
  const peer = bubblewrap(workspace.folder, '/usr/bin/true');
  const cold: Command = {
    program: process.execPath,
    args: [PLINTH, 'run-untrusted', '--folder', workspace.folder, '--', '/usr/bin/true'],
  };
  const ways = { ours, ...(noPeer === undefined ? { peer } : {}), plain: { program: '/usr/bin/true', args: [] }, cold };
  const seconds = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]));
  const rounds = Math.max(5, repetitions);
  for (let round = 0; round < rounds; round++) {
    progress(`start ${round + 1}/${rounds}`);
    for (const [name, command] of Object.entries(ways)) {
      if (name !== 'cold') seconds.get(name)!.push(once(command, TIMES, workspace.dataHome));
    }
  }
  // Apart, since its watcher stays for a while and looks at all that is started.
  for (let round = 0; round < rounds; round++) seconds.get('cold')!.push(once(cold, 1, workspace.dataHome));
  const milliseconds = (name: string): number | null => (seconds.has(name) ? 1000 * median(seconds.get(name)!) : null);
  const row = (name: string, own: string, other: string, peerName: string, inGeomean: boolean): Row => ({
    name,
    unit: 'ms',
    ours: milliseconds(own),
    peer: milliseconds(other),
    peerName,
    ratio: ratioOf(milliseconds(own), milliseconds(other)),
    inGeomean,
    ...(noPeer === undefined ? {} : { reason: noPeer }),
  });
  return Promise.resolve([
    row('start of a program that does nothing', 'ours', 'peer', 'bubblewrap', true),
    row('the same beside no isolation at all', 'ours', 'plain', 'the program alone', false),
    row('cold: plinth run-untrusted, with its review', 'cold', 'peer', 'bubblewrap', false),
  ]);
};

/** Seconds of one start. */
function once({ program, args }: Command, times: number, dataHome: string): number {
  const before = performance.now();
  const { status, stderr } = spawnSync('sh', ['-c', LOOP, String(times), program, ...args], {
    encoding: 'utf8',
    env: { ...process.env, XDG_DATA_HOME: dataHome },
  });
  if (status !== 0) throw new Error(`${program}: ${stderr}`);
  return (performance.now() - before) / 1000 / times;
}

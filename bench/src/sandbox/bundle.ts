// SPDX-License-Identifier: Apache-2.0
// The bundle part of benchmark `sandbox`: how much later a program begins that comes in one file, small and large.

import { closeSync, copyFileSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { randomFillSync } from 'node:crypto';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { PlinthError } from '@plinth/core';
import { benchDirectory } from '../cache.js';
import { median, type Row } from '../report.js';
import type { Part } from './sandbox.js';

const PLINTH = new URL('../../../packages/cli/bin/plinth.js', import.meta.url).pathname;
const BUSYBOX = '/bin/busybox';
const LOOP = 'n=0; while [ $n -lt "$0" ]; do "$@" || exit 1; n=$((n + 1)); done';
const TIMES = 10;
const MIB = 1 << 20;
const SIZES = [
  ['10 MB', 10],
  ['1 GB', 1000],
] as const;
const NO_PEER = 'AppImage: neither Debian nor npm has a package of its runtime';

export const bundle: Part = ({ repetitions }, progress) => {
  const folder = join(benchDirectory(), `bundle-${process.pid}`);
  try {
    const files = SIZES.map(([name, mebibytes]) => {
      progress(`bundle: packing ${name}`);
      return pack(folder, name.replace(' ', '-'), mebibytes);
    });
    const rounds = Math.max(5, repetitions);
    const alone: number[] = [];
    const ours = SIZES.map((): number[] => []);
    for (let round = 0; round < rounds; round++) {
      progress(`bundle ${round + 1}/${rounds}`);
      alone.push(milliseconds(folder, BUSYBOX, 'true'));
      files.forEach((file, n) => ours[n]!.push(milliseconds(folder, file, 'true')));
    }
    const beyond = ours.map((times) => median(times) - median(alone));
    const row = (name: string, unit: string, value: number): Row => ({
      name,
      unit,
      ours: value,
      peer: null,
      peerName: 'AppImage',
      ratio: null,
      inGeomean: false,
      reason: NO_PEER,
    });
    return Promise.resolve([
      ...SIZES.map(([name], n) => row(`a program in one file of ${name}: start beyond the program`, 'ms', beyond[n]!)),
      row('the larger one beside the smaller one', 'x', beyond[1]! / beyond[0]!),
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Busybox, and bytes that cannot be compressed. */
function pack(folder: string, name: string, mebibytes: number): string {
  const tree = join(folder, name);
  mkdirSync(join(tree, 'usr/bin'), { recursive: true });
  copyFileSync(BUSYBOX, join(tree, 'usr/bin/busybox'));
  const fd = openSync(join(tree, 'usr/data'), 'w');
  const block = Buffer.alloc(MIB);
  for (let n = 0; n < mebibytes; n++) writeSync(fd, randomFillSync(block));
  closeSync(fd);
  const file = join(folder, `${name}.plinth`);
  const args = [PLINTH, 'app', 'pack', tree, '--entry', '/usr/bin/busybox', '-o', file];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  rmSync(tree, { recursive: true });
  if (status !== 0) throw new PlinthError('host', 'bench-bundle', stderr.trim());
  return file;
}

function milliseconds(folder: string, ...command: readonly string[]): number {
  const before = performance.now();
  const { status, stderr } = spawnSync('sh', ['-c', LOOP, String(TIMES), ...command], {
    encoding: 'utf8',
    env: { ...process.env, XDG_DATA_HOME: join(folder, 'data') },
  });
  if (status !== 0) throw new PlinthError('host', 'bench-bundle', stderr.trim());
  return (performance.now() - before) / TIMES;
}

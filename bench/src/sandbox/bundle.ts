// SPDX-License-Identifier: Apache-2.0
// The bundle part of benchmark `sandbox`: how much later a program begins that comes in one file, small and large.

import { closeSync, copyFileSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { randomFillSync } from 'node:crypto';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { PlinthError } from '@plinth/core';
import { benchDirectory } from '../cache.js';
import { median, ratioOf, type Row } from '../report.js';
import type { Part } from './sandbox.js';

const PLINTH = join(import.meta.dirname, '../../../packages/cli/bin/plinth.js');
const BUSYBOX = '/bin/busybox';
const LOOP = 'n=0; while [ $n -lt "$0" ]; do "$@" || exit 1; n=$((n + 1)); done';
const TIMES = 10;
const MIB = 1 << 20;
const SIZES = [
  ['10 MB', 10],
  ['1 GB', 1000],
] as const;
/** Names a runtime of AppImages (type 2), which neither Debian nor npm has: bench/README.md says how one is built. */
const RUNTIME = process.env['PLINTH_APPIMAGE_RUNTIME'];
const NO_PEER = 'PLINTH_APPIMAGE_RUNTIME names no runtime of AppImages';

interface Packed {
  readonly ours: string;
  readonly appImage: string | undefined;
}

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
    const peers = SIZES.map((): number[] => []);
    for (let round = 0; round < rounds; round++) {
      progress(`bundle ${round + 1}/${rounds}`);
      alone.push(milliseconds(folder, BUSYBOX, 'true'));
      files.forEach(({ ours: file, appImage }, n) => {
        ours[n]!.push(milliseconds(folder, file, 'true'));
        if (appImage !== undefined) peers[n]!.push(milliseconds(folder, appImage, 'true'));
      });
    }
    const beyond = (times: readonly number[]): number => median(times) - median(alone);
    const row = (name: string, unit: string, value: number, peer: number | null): Row => ({
      name,
      unit,
      ours: value,
      peer,
      peerName: 'AppImage',
      ratio: ratioOf(value, peer),
      inGeomean: false,
      ...(peer === null ? { reason: NO_PEER } : {}),
    });
    const [small, large] = ours.map(beyond);
    const [peerSmall, peerLarge] = peers.map((times) => (times.length === 0 ? null : beyond(times)));
    return Promise.resolve([
      row(`a program in one file of ${SIZES[0][0]}: start beyond the program`, 'ms', small!, peerSmall!),
      row(`a program in one file of ${SIZES[1][0]}: start beyond the program`, 'ms', large!, peerLarge!),
      row(
        'the larger one beside the smaller one',
        'x',
        large! / small!,
        RUNTIME === undefined ? null : peerLarge! / peerSmall!,
      ),
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Busybox, and bytes that cannot be compressed. */
function pack(folder: string, name: string, mebibytes: number): Packed {
  const tree = join(folder, name);
  mkdirSync(join(tree, 'usr/bin'), { recursive: true });
  copyFileSync(BUSYBOX, join(tree, 'usr/bin/busybox'));
  const fd = openSync(join(tree, 'usr/data'), 'w');
  const block = Buffer.alloc(MIB);
  for (let n = 0; n < mebibytes; n++) writeSync(fd, randomFillSync(block));
  closeSync(fd);
  const file = join(folder, `${name}.plinth`);
  const args = [PLINTH, 'app', 'pack', tree, '--entry', '/usr/bin/busybox', '-o', file];
  run(process.execPath, ...args);
  const appImage = RUNTIME === undefined ? undefined : packAppImage(RUNTIME, tree, join(folder, `${name}.AppImage`));
  rmSync(tree, { recursive: true });
  return { ours: file, appImage };
}

/** The same files behind that runtime, in an image compressed as its own tool does. @returns `file` */
function packAppImage(runtime: string, tree: string, file: string): string {
  writeFileSync(join(tree, 'AppRun'), '#!/bin/sh\nexec "$APPDIR/usr/bin/busybox" "$@"\n', { mode: 0o755 });
  const image = `${file}.squashfs`;
  run('mksquashfs', tree, image, '-comp', 'zstd', '-root-owned', '-quiet', '-no-progress');
  run('sh', '-c', 'cat "$1" "$2" > "$3" && chmod +x "$3" && rm "$2"', 'sh', runtime, image, file);
  return file;
}

function run(command: string, ...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new PlinthError('host', 'bench-bundle', error?.message ?? stderr.trim());
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

// SPDX-License-Identifier: Apache-2.0
// The disk part of benchmark `io`: a guest reads and writes its virtio disk past its cache and says when; what counts is
// the host's clock between these lines on the console, since our guest's own clock is virtual.

import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { type Command, plinthRun, runWithMarks } from './child.js';
import { type IoGuest, ioGuest } from './io-guest.js';
import type { Options } from './options.js';
import { peerDisk } from './peer.js';
import type { Row } from './report.js';
import { type Run, type Stage, stagesOf, summarize } from './stages.js';

const MIB = 1024 * 1024;
const PAGE = 4096;
const MEMORY = '256M';
/** Of the disk, all of which is read and written. */
const MEBIBYTES = 256;
/** Of random pages, one after the other, and as often with many under way. */
const READS = 10_000;
const DEPTH = 32;

export const DISK_WAYS = ['raw', 'snapshot'] as const;
type DiskWay = (typeof DISK_WAYS)[number];

const STAGES: readonly Stage[] = [
  { key: 'read', name: 'sequential read, 1 MiB at a time', unit: 'MB/s', amount: (MEBIBYTES * MIB) / 1e6 },
  { key: 'write', name: 'sequential write, 1 MiB at a time', unit: 'MB/s', amount: (MEBIBYTES * MIB) / 1e6 },
  { key: 'random', name: 'random 4 KiB reads, one at a time', unit: 'per second', amount: READS },
  { key: 'deep', name: `random 4 KiB reads, ${DEPTH} at a time`, unit: 'per second', amount: READS },
];

export async function disk(
  ways: readonly DiskWay[],
  folder: string,
  options: Options,
  noPeer: string | undefined,
  progress: (text: string) => void,
): Promise<Row[]> {
  if (ways.length === 0) return [];
  const guest = await ioGuest(folder, 'disk');
  const rows: Row[] = [];
  for (const way of ways) {
    const ours: Run[] = [];
    const peer: Run[] = [];
    for (let repetition = 0; repetition < options.repetitions; repetition++) {
      progress(`disk ${way} ${repetition + 1}/${options.repetitions}`);
      ours.push(await measure(way, folder, (file) => ourCommand(guest, file, way, options)));
      if (noPeer === undefined) peer.push(await measure(way, folder, (file) => peerCommand(guest, file, way)));
    }
    for (const stage of STAGES) rows.push(summarize(`disk, ${way}`, stage, ours, peer, noPeer));
  }
  return rows;
}

const APPEND = `console=ttyAMA0 quiet cryptomgr.notests mebibytes=${MEBIBYTES} reads=${READS}`;

function ourCommand({ image, initrd }: IoGuest, file: string, way: DiskWay, { engine }: Options): Command {
  const linux = ['--kernel', image, '--initrd', initrd, '--append', APPEND, '--memory', MEMORY, '--engine', engine];
  const drive = `file=${file},format=raw${way === 'snapshot' ? ',snapshot=on' : ''}`;
  return plinthRun(...linux, '--drive', drive);
}

function peerCommand({ zImage, initrd }: IoGuest, file: string, way: DiskWay): Command {
  return peerDisk({ kernel: zImage, initrd, append: APPEND, memory: MEMORY, file, snapshot: way === 'snapshot' });
}

async function measure(way: DiskWay, folder: string, command: (file: string) => Command): Promise<Run> {
  const file = join(folder, 'disk.img');
  fill(file);
  try {
    const { marks, errors } = await runWithMarks(command(file), '@');
    const last = marks.at(-1)?.text;
    if (last !== '@done') {
      const why = [errors.trimEnd().split('\n').at(-1), last].filter(Boolean).join(', after ');
      throw new PlinthError('host', 'bench-disk', `the guest's program did not come to its end: ${why}`);
    }
    if (way === 'raw') checkWritten(file);
    return stagesOf(marks, STAGES);
  } finally {
    rmSync(file, { force: true });
  }
}

/** Every page begins with its number, and a zero, which the guest makes a one. */
function fill(file: string): void {
  const out = openSync(file, 'w');
  const words = new Uint32Array(MIB / 4).fill(0x1234_5678);
  for (let mebibyte = 0; mebibyte < MEBIBYTES; mebibyte++) {
    for (let at = 0; at < MIB; at += PAGE) words.set([(mebibyte * MIB + at) / PAGE, 0], at / 4);
    writeSync(out, words);
  }
  closeSync(out);
}

function checkWritten(file: string): void {
  const input = openSync(file, 'r');
  const words = new Uint32Array(2);
  for (let page = 0; page < (MEBIBYTES * MIB) / PAGE; page += 97) {
    readSync(input, words, 0, 8, page * PAGE);
    if (words[0] === page && words[1] === 1) continue;
    throw new PlinthError('host', 'bench-disk', `${file}: page ${page} is not as the guest has written it`);
  }
  closeSync(input);
}

// SPDX-License-Identifier: Apache-2.0
// The files part of benchmark `sandbox`: work on many files and on pieces of one, in a workspace, by our server and by fuse-overlayfs, where
// that is, beside a plain overlay of the kernel.

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { nativeFileCalls } from '@plinth/linux';
import { LayerServer } from '@plinth/sandbox';
import { benchDirectory } from '../cache.js';
import { type Command, inFolder, runToEnd } from '../child.js';
import { median, ratioOf, type Row } from '../report.js';
import { BenchWorkspace } from './bench-workspace.js';
import { PLAIN_OVERLAY, PlainOverlay } from './plain-overlay.js';
import type { Part } from './sandbox.js';

const FILES = 3000;
const TREE_FILES = 8000;
const PIECES = 20_000;

interface FileWork {
  readonly name: string;
  readonly command: readonly string[];
}

const PIECES_PROGRAM = (act: string): string =>
  `open(F,"+<","data") or die; srand 1; $c="x"x4096; for (1..${PIECES}) { sysseek(F,int(rand(16384))*4096,0); ${act} }`;

const WORKS: readonly FileWork[] = [
  {
    name: `extract ${FILES} files with tar`,
    command: ['sh', '-c', 'rm -rf out && mkdir out && tar -xf files.tar -C out'],
  },
  {
    name: `git status of ${TREE_FILES} files`,
    command: ['git', '-c', 'safe.directory=*', '-C', 'tree', 'status', '--porcelain'],
  },
  {
    name: `write ${PIECES} pieces of 4 KiB at random`,
    command: ['perl', '-e', PIECES_PROGRAM('syswrite(F,$c)==4096 or die')],
  },
  {
    name: `read ${PIECES} pieces of 4 KiB at random`,
    command: ['perl', '-e', PIECES_PROGRAM('sysread(F,$b,4096)==4096 or die')],
  },
];

export const files: Part = async ({ repetitions }, progress) => {
  if (process.getuid?.() !== 0) return WORKS.map(({ name }) => missing(name, 'a plain overlay needs root'));
  if (spawnSync('git', ['--version']).status !== 0) return WORKS.map(({ name }) => missing(name, 'there is no git'));
  using workspace = new BenchWorkspace();
  prepare(workspace.folder);
  using places = new Places(workspace.folder);
  await places.serve();
  const rows: Row[] = [];
  for (const { name, command: plain } of WORKS) {
    const command = ['sh', '-c', TIMED, 'sh', ...plain];
    const ways: readonly (readonly [string, Command])[] = [
      [PLAIN_OVERLAY, inFolder(places.overlay, command)],
      ['in a workspace', workspace.command(...command)],
      ['by our server', inFolder(places.served, command)],
      ...(places.hasPeer ? [['by fuse-overlayfs', inFolder(places.peer, command)] as const] : []),
    ];
    const times = new Map<string, number[]>(ways.map(([way]) => [way, []]));
    for (let turn = 1; turn <= repetitions; turn++) {
      progress(`${name} ${turn}/${repetitions}`);
      for (const [way, one] of turn % 2 === 0 ? ways : ways.toReversed()) {
        times.get(way)!.push(await secondsOf(one));
      }
    }
    const peer = median(times.get(PLAIN_OVERLAY)!);
    for (const [way] of ways.slice(1)) {
      const ours = median(times.get(way)!);
      const ratio = ratioOf(ours, peer);
      rows.push({ name: `${name} ${way}`, unit: 's', ours, peer, peerName: PLAIN_OVERLAY, ratio, inGeomean: false });
    }
  }
  await places.endServing();
  return rows;
};

function missing(name: string, reason: string): Row {
  return { name, unit: 's', ours: null, peer: null, peerName: PLAIN_OVERLAY, ratio: null, inGeomean: false, reason };
}

/** Does it once, so that all is copied up and known, and then tells the nanoseconds of doing it again: without starting anything. */
const TIMED = 'set -e; "$@" > /dev/null; a=$(date +%s%N); "$@" > /dev/null; b=$(date +%s%N); echo $((b - a))';

async function secondsOf(command: Command): Promise<number> {
  const { status, errors, output } = await runToEnd(command);
  if (status !== 0)
    throw new PlinthError('host', 'bench-files', `${command.program}: it left with ${status}: ${errors.trim()}`);
  return Number(output) / 1e9;
}

function prepare(folder: string): void {
  const write = (directory: string, count: number): void => {
    for (let n = 0; n < count; n++) {
      const place = join(folder, directory, `d${n % 100}`);
      if (n < 100) mkdirSync(place, { recursive: true });
      writeFileSync(join(place, `file${n}`), `line ${n}\n`.repeat(1 + (n % 400)));
    }
  };
  write('files', FILES);
  execFileSync('tar', ['-cf', join(folder, 'files.tar'), '-C', join(folder, 'files'), '.']);
  rmSync(join(folder, 'files'), { recursive: true });
  write('tree', TREE_FILES);
  const git = (...args: readonly string[]): void => {
    // Nothing goes on in the background.
    const quiet = ['-c', 'gc.auto=0', '-c', 'maintenance.auto=false'];
    const who = [...quiet, '-c', 'user.name=bench', '-c', 'user.email=bench@localhost', '-c', 'safe.directory=*'];
    execFileSync('git', ['-C', join(folder, 'tree'), ...who, ...args], { stdio: 'ignore' });
  };
  git('init');
  git('add', '.');
  git('commit', '-m', 'all');
  writeFileSync(join(folder, 'data'), Buffer.alloc(16_384 * 4096, 'x'));
}

/** The same files under an overlay of the kernel, and under one of our server. */
class Places implements Disposable {
  readonly #directory: string;
  readonly #lower: string;
  readonly #overlay: PlainOverlay;
  #server: LayerServer | undefined;
  readonly hasPeer: boolean = spawnSync('fuse-overlayfs', ['--version']).status === 0;

  constructor(lower: string) {
    this.#directory = join(benchDirectory(), `sandbox-files-${process.pid}`);
    this.#lower = join(this.#directory, 'lower');
    cpSync(lower, this.#lower, { recursive: true, preserveTimestamps: true });
    for (const name of ['served', 'peer']) {
      for (const part of ['upper', 'work', 'merged']) mkdirSync(join(this.#directory, name, part), { recursive: true });
    }
    this.#overlay = new PlainOverlay(join(this.#directory, 'overlay'), this.#lower);
  }

  get overlay(): string {
    return this.#overlay.merged;
  }

  get served(): string {
    return join(this.#directory, 'served', 'merged');
  }

  get peer(): string {
    return join(this.#directory, 'peer', 'merged');
  }

  async serve(): Promise<void> {
    const place = (...parts: readonly string[]): string => join(this.#directory, ...parts);
    const stack = { lower: [this.#lower], upper: place('served', 'upper'), work: place('served', 'work') };
    this.#server = await LayerServer.start(stack, this.served);
    if (!this.hasPeer) return;
    const options = `lowerdir=${this.#lower},upperdir=${place('peer', 'upper')},workdir=${place('peer', 'work')}`;
    execFileSync('fuse-overlayfs', ['-o', options, this.peer], { stdio: 'ignore' });
  }

  async endServing(): Promise<void> {
    if (this.hasPeer) execFileSync('umount', [this.peer]);
    await this.#server?.stop(nativeFileCalls());
    this.#server = undefined;
  }

  [Symbol.dispose](): void {
    this.#overlay[Symbol.dispose]();
    for (const place of [this.served, this.peer]) spawnSync('umount', ['--lazy', '--quiet', place]);
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

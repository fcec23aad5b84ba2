// SPDX-License-Identifier: Apache-2.0
// Gets GCC's execute torture tests (gcc.c-torture/execute, GPL, never part of this repository) into the cache folder:
// from Debian's source package of GCC, by apt, which checks signatures. Needs no root: the package is only unpacked.

import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from '@plinth/cli';

const PACKAGE = 'gcc-12-source';
const TESTS = 'gcc/testsuite/gcc.c-torture/execute';

/** Where everything of the torture tests is kept between runs. */
export function cacheFolder(): string {
  return join(cacheDirectory(), 'gcc-torture');
}

export interface Suite {
  readonly folder: string;
  /** Package and version that the tests come from. */
  readonly origin: string;
}

/** The unpacked tests, fetched if need be; or the reason why they cannot be had. */
export function fetchSuite(): Suite | { readonly missing: string } {
  const folder = join(cacheFolder(), 'execute');
  const originFile = join(folder, 'ORIGIN');
  if (!existsSync(originFile)) {
    const missing = download(folder);
    if (missing !== undefined) return { missing };
  }
  return { folder, origin: readFileSync(originFile, 'utf8').trim() };
}

function download(folder: string): string | undefined {
  if (spawnSync('apt-get', ['--version']).status !== 0) return `apt-get is not here to fetch ${PACKAGE}`;
  mkdirSync(cacheFolder(), { recursive: true });
  const work = mkdtempSync(join(cacheFolder(), 'fetch-'));
  try {
    const problem = aptDownload(work);
    if (problem !== undefined) return `cannot fetch ${PACKAGE}: ${problem}`;
    const debFile = readdirSync(work).find((name) => name.endsWith('.deb'));
    if (debFile === undefined) return `apt-get download left no ${PACKAGE} package`;
    const unpack = `dpkg-deb --fsys-tarfile "$1" | tar -x --wildcards -O './usr/src/*/gcc-*.tar.xz' |
      tar -xJ --strip-components=5 --wildcards 'gcc-*/${TESTS}'`;
    mkdirSync(join(work, 'execute'));
    const args = ['-o', 'pipefail', '-e', '-c', unpack, 'unpack', join(work, debFile)];
    const unpacked = run('bash', args, join(work, 'execute'));
    if (unpacked.status !== 0) return `cannot unpack ${debFile}: ${unpacked.stderr.trim()}`;
    writeFileSync(join(work, 'execute', 'ORIGIN'), `${debFile.replace(/\.deb$/, '')}\n`);
    rmSync(folder, { recursive: true, force: true });
    renameSync(join(work, 'execute'), folder);
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** With the package lists of this system, or else with lists of our own from the same sources and keys. */
function aptDownload(work: string): string | undefined {
  if (run('apt-get', ['-qq', 'download', PACKAGE], work).status === 0) return undefined;
  const state = join(work, 'state');
  mkdirSync(join(state, 'lists', 'partial'), { recursive: true });
  const own = ['-o', `Dir::State::Lists=${join(state, 'lists')}`, '-o', `Dir::Cache=${state}`, '-qq'];
  const update = run('apt-get', [...own, 'update'], work);
  const result = run('apt-get', [...own, 'download', PACKAGE], work);
  if (result.status === 0) return undefined;
  const lines = `${update.stderr}\n${result.stderr}`.split('\n').filter((line) => line.startsWith('E:'));
  return lines.at(-1) ?? `status ${result.status}`;
}

function run(tool: string, args: string[], cwd: string): SpawnSyncReturns<string> {
  return spawnSync(tool, args, { cwd, encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } });
}

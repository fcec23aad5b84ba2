// SPDX-License-Identifier: Apache-2.0
// Runs GCC's execute torture tests on an ElfRunner and tells, for each test and mode, pass, fail or skip with a reason.

import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../fuzz/random.js';
import { MODES, build, prepareToolchain, type Mode, type Toolchain, type TortureTest } from './compile.js';
import { readDirectives } from './directives.js';
import type { ElfRunner } from './elf-runner.js';
import { cacheFolder, type Suite } from './suite.js';

export type Verdict = 'pass' | 'fail' | 'skip';

export interface TortureResult {
  readonly test: string;
  readonly mode: string;
  readonly verdict: Verdict;
  /** For fail and skip. */
  readonly reason: string;
}

export interface TortureOptions {
  readonly suite: Suite;
  readonly runner: ElfRunner;
  /** Runs each test in all four modes; else one test in `oneIn`, drawn by the seed, each in one mode. */
  readonly all: boolean;
  readonly oneIn: number;
  readonly seed: number;
  /** Only tests whose name this finds. */
  readonly filter?: RegExp;
  /** Programs compiled and run at a time; 2 unless given. */
  readonly jobs?: number;
}

/** All results, in the order of test names and modes. */
export async function runTorture(options: TortureOptions): Promise<TortureResult[]> {
  const work: (() => Promise<TortureResult>)[] = [];
  const random = new Random(options.seed);
  const toolchain = await prepareToolchain(join(cacheFolder(), 'elf'));
  const scratch = mkdtempSync(join(cacheFolder(), 'run-'));
  for (const test of listTests(options.suite.folder)) {
    const chosen = random.below(options.oneIn) === 0;
    const mode = random.pick(MODES);
    if (options.filter ? !options.filter.test(test) : !options.all && !chosen) continue;
    for (const one of options.all || options.filter ? MODES : [mode])
      work.push(() => runOne(options.suite.folder, test, one, options.runner, toolchain, scratch));
  }
  try {
    return await inParallel(work, options.jobs ?? 2);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Names of all tests: those in the folder itself, in ieee/, and in builtins/ (which have a second and third source). */
export function listTests(folder: string): string[] {
  const inFolder = (sub: string): string[] =>
    readdirSync(join(folder, sub))
      .filter((name) => name.endsWith('.c') && !name.endsWith('-lib.c'))
      .map((name) => join(sub, name.slice(0, -2)))
      .sort();
  return [...inFolder('.'), ...inFolder('ieee'), ...inFolder('builtins')];
}

/** The options that the suite's .exp files give to all tests of a folder. */
function folderOptions(test: string): string[] {
  if (test.startsWith('ieee/')) return ['-fno-inline'];
  if (test.startsWith('builtins/'))
    return (
      '-fno-tree-dse -fno-tree-loop-distribute-patterns -fno-tracer -fno-ipa-ra -fno-inline-functions ' +
      '-Wl,--allow-multiple-definition'
    ).split(' ');
  return [];
}

async function runOne(
  folder: string,
  name: string,
  mode: Mode,
  runner: ElfRunner,
  toolchain: Toolchain,
  scratch: string,
): Promise<TortureResult> {
  const result = (verdict: Verdict, reason = ''): TortureResult => ({ test: name, mode: mode.name, verdict, reason });
  const source = join(folder, `${name}.c`);
  const xFile = join(folder, `${name}.x`);
  const flags = [...mode.compile, '-O2', ...folderOptions(name)];
  const directives = readDirectives(
    readFileSync(source, 'latin1'),
    existsSync(xFile) ? readFileSync(xFile, 'latin1') : '',
    flags,
  );
  if (directives.skip !== undefined) return result('skip', directives.skip);
  const sources = [source];
  if (name.startsWith('builtins/')) sources.push(join(folder, `${name}-lib.c`), join(folder, 'builtins/lib/main.c'));
  const test: TortureTest = { name, sources, options: [...folderOptions(name), ...directives.options] };
  const built = await build(test, mode, toolchain);
  if ('error' in built) return result('fail', `does not compile: ${built.error}`);
  const { exitStatus, output } = await runner.run(built.elf, scratch);
  if (exitStatus === 0) return result('pass');
  return result(
    'fail',
    exitStatus === undefined ? 'did not end' : `${exitMeaning(exitStatus)} ${output.trim().slice(0, 80)}`.trim(),
  );
}

/** start.S ends with 200 + vector at an exception. */
function exitMeaning(status: number): string {
  const vector = ['reset', 'undefined instruction', 'supervisor call', 'prefetch abort', 'data abort'][status - 200];
  return vector ?? `status ${status}`;
}

async function inParallel<T>(work: readonly (() => Promise<T>)[], jobs: number): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < work.length) {
      const index = next++;
      results[index] = await work[index]!();
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  return results;
}

/** Counts by mode, then one line for each test that failed or was skipped. */
export function formatReport(runner: ElfRunner, suite: Suite, results: readonly TortureResult[]): string {
  const lines = [`${suite.origin} on ${runner.name}`, `${'mode'.padEnd(10)} pass  fail  skip`];
  for (const { name } of MODES) {
    const count = (verdict: Verdict): string =>
      String(results.filter((one) => one.mode === name && one.verdict === verdict).length).padStart(4);
    lines.push(`${name.padEnd(10)} ${count('pass')}  ${count('fail')}  ${count('skip')}`);
  }
  for (const { test, mode, verdict, reason } of results)
    if (verdict !== 'pass') lines.push(`${verdict} ${mode} ${test}: ${reason}`);
  return lines.join('\n');
}

// SPDX-License-Identifier: Apache-2.0
// The reference for CPU tests: runs batches of fuzz cases on qemu-system-arm with the bare-metal runner in runner/.
// RAM of the guest is a file that both sides see, so cases and results cross without semihosting, and every SVC and
// HLT can be a case. Time is counted in instructions (-icount), so that results do not depend on the host's load.

import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CpuUnderTest } from './cpu-under-test.js';
import {
  CASES_ADDRESS,
  HEADER_ADDRESS,
  MAX_CASES,
  RAM_BASE,
  RAM_BYTES,
  RESULTS_ADDRESS,
  RESULT_BYTES,
  decodeProgress,
  decodeResults,
  encodeCases,
  encodeHeader,
} from './table.js';
import type { TestCase, TestResult } from './test-case.js';

export interface OracleOptions {
  /** QEMU's name of the CPU; `cortex-a15` unless given. */
  cpu?: string;
  /** Cases per QEMU run. */
  batch?: number;
  /** Seconds after which a run is stopped and begun again at the case it had come to; 10 unless given. */
  timeoutSeconds?: number;
}

/** Why the oracle cannot run here, in words for a skipped test; undefined if it can. */
export function missingForOracle(): string | undefined {
  for (const [tool, debianPackage] of [
    ['qemu-system-arm', 'qemu-system-arm'],
    ['arm-none-eabi-gcc', 'gcc-arm-none-eabi'],
  ] as const) {
    if (spawnSync(tool, ['--version']).error) return `${tool} is not installed (Debian package ${debianPackage})`;
  }
  return undefined;
}

/** QEMU as a CPU under test. Holds a temporary folder until `dispose`. */
export class QemuOracle implements CpuUnderTest, Disposable {
  readonly name: string;
  readonly #cpu: string;
  readonly #batch: number;
  readonly #timeoutSeconds: number;
  readonly #folder: string;
  readonly #runner: string;

  constructor(options: OracleOptions = {}) {
    this.#cpu = options.cpu ?? 'cortex-a15';
    this.#batch = Math.min(options.batch ?? 20_000, MAX_CASES);
    this.#timeoutSeconds = options.timeoutSeconds ?? 10;
    this.name = `qemu ${this.#cpu}`;
    this.#folder = mkdtempSync(join(tmpdir(), 'plinth-oracle-'));
    this.#runner = buildRunner(this.#folder);
  }

  run(cases: readonly TestCase[]): TestResult[] {
    const results: TestResult[] = [];
    for (let from = 0; from < cases.length; from += this.#batch)
      results.push(...this.#runBatch(cases.slice(from, from + this.#batch)));
    return results;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #runBatch(cases: readonly TestCase[]): TestResult[] {
    // The runner refills the whole code page when the instruction set changes, so each comes in one go.
    const order = cases.map((_, index) => index).sort((a, b) => isaRank(cases[a]!) - isaRank(cases[b]!) || a - b);
    const ramPath = join(this.#folder, 'ram');
    const ram = openSync(ramPath, 'w+');
    try {
      ftruncateSync(ram, RAM_BYTES);
      writeSync(ram, encodeCases(order.map((index) => cases[index]!)), 0, undefined, CASES_ADDRESS - RAM_BASE);
      for (let first = 0; first < cases.length;) {
        const header = encodeHeader(cases.length, first);
        writeSync(ram, header, 0, undefined, HEADER_ADDRESS - RAM_BASE);
        const end = this.#runQemu(ramPath);
        readSync(ram, header, 0, header.length, HEADER_ADDRESS - RAM_BASE);
        const reached = decodeProgress(header);
        if (end.kind === 'failed') throw new Error(`qemu-system-arm: ${end.why}`);
        // A case is lost if it switched the machine off, or if a whole run's time went by with it alone.
        const isLost = reached < cases.length && (end.kind === 'off' || reached === first);
        first = isLost ? reached + 1 : reached;
      }
      const bytes = new Uint8Array(cases.length * RESULT_BYTES);
      readSync(ram, bytes, 0, bytes.length, RESULTS_ADDRESS - RAM_BASE);
      const results: TestResult[] = [];
      results.length = cases.length;
      decodeResults(bytes, cases.length).forEach((result, position) => (results[order[position]!] = result));
      return results;
    } finally {
      closeSync(ram);
      rmSync(ramPath, { force: true });
    }
  }

  /** Runs the guest to its power-off, or for the given time. */
  #runQemu(ramPath: string): { kind: 'off' } | { kind: 'timeout' } | { kind: 'failed'; why: string } {
    const memory = `memory-backend-file,id=ram,size=${RAM_BYTES},mem-path=${ramPath},share=on`;
    const board = ['-M', 'virt,memory-backend=ram', '-object', memory, '-m', `${RAM_BYTES >> 20}M`, '-cpu', this.#cpu];
    const time = ['-accel', 'tcg,thread=single', '-icount', 'shift=0,sleep=off'];
    const bare = ['-display', 'none', '-serial', 'none', '-monitor', 'none', '-nodefaults', '-no-user-config'];
    const { error, status, signal, stderr } = spawnSync(
      'qemu-system-arm',
      [...board, ...time, ...bare, '-no-reboot', '-kernel', this.#runner],
      { timeout: this.#timeoutSeconds * 1000, killSignal: 'SIGKILL', encoding: 'utf8' },
    );
    if (status === 0) return { kind: 'off' };
    if (error && 'code' in error && error.code === 'ETIMEDOUT') return { kind: 'timeout' };
    return { kind: 'failed', why: error?.message ?? `status ${status ?? signal}: ${stderr.trim()}` };
  }
}

function isaRank(testCase: TestCase): number {
  return testCase.isa === 'A32' ? 0 : 1;
}

/** Assembles and links the runner into `folder`; returns the path of its ELF file. */
function buildRunner(folder: string): string {
  const source = (name: string): string => join(import.meta.dirname, 'runner', name);
  const output = join(folder, 'runner.elf');
  const target = ['-marm', '-mcpu=cortex-a15', '-mfpu=neon', '-mfloat-abi=softfp'];
  const compile = ['-O2', '-Wall', '-Wextra', '-Werror', '-ffreestanding', '-fno-tree-loop-distribute-patterns'];
  const link = ['-nostdlib', '-Wa,-mno-warn-deprecated', '-Wl,--build-id=none', '-T', source('runner.ld')];
  const { error, status, stderr } = spawnSync(
    'arm-none-eabi-gcc',
    [...target, ...compile, ...link, source('start.S'), source('runner.c'), '-o', output],
    { encoding: 'utf8' },
  );
  if (error || status !== 0) throw new Error(`cannot build the oracle's runner: ${error?.message ?? stderr}`);
  return output;
}

// SPDX-License-Identifier: Apache-2.0
// Differential test of our floating-point arithmetic against QEMU's, instruction by instruction, results and flags bit
// for bit. QEMU 7.2's Cortex-A15 and the manual were not seen to differ, so no operand is excluded. Skips where
// arm-linux-gnueabihf-gcc (with a static C library) or qemu-arm is absent. PLINTH_FLOAT_CASES sets the number of cases
// (a long run: 20000000), PLINTH_FLOAT_SEED their seed.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

import { unless } from '../setup/skipping.js';
import { FloatStatus } from '../../packages/arm/src/float/index.js';
import { Operands } from './operands.js';
import { operation, operationNames } from './operations.js';
import type { Operation } from './operations.js';

const COMPILER = 'arm-linux-gnueabihf-gcc';
const QEMU = 'qemu-arm';
const BATCH = 50_000;
const IN_WORDS = 8;
const OUT_WORDS = 3;
const cases = Number(process.env['PLINTH_FLOAT_CASES'] ?? 150_000);
const seed = Number(process.env['PLINTH_FLOAT_SEED'] ?? 1);

const missing = [COMPILER, QEMU].find((tool) => spawnSync(tool, ['--version']).error !== undefined);

const directory = mkdtempSync(join(tmpdir(), 'float-oracle-'));
afterAll(() => rmSync(directory, { recursive: true }));

const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');

/** Fills one record: the operation's index, an FPSCR value, the operands. */
function draw(operands: Operands, record: Uint32Array, index: number, chosen: Operation): void {
  record[0] = index;
  record[1] = operands.below(32) << 22; // RMode, FZ, DN, AHP
  switch (chosen.operands) {
    case 'single':
      operands.singles(record, 2);
      operands.singles(record, 3);
      break;
    case 'double':
      operands.doubles(record, 2);
      break;
    case 'integer':
      for (let i = 2; i < IN_WORDS; i++) record[i] = operands.integer();
      break;
    case 'half':
      for (let i = 2; i < IN_WORDS; i++) record[i] = operands.word();
      break;
  }
}

interface Batch {
  readonly names: readonly string[];
  readonly input: Uint32Array;
  readonly output: Uint32Array;
}

/** Descriptions of the records on which we and the oracle disagree. */
function compare({ names, input, output }: Batch): string[] {
  const status = new FloatStatus();
  const result = new Int32Array(2);
  const differences: string[] = [];
  for (let i = 0; i * IN_WORDS < input.length; i++) {
    const record = input.subarray(i * IN_WORDS, (i + 1) * IN_WORDS);
    const theirs = output.subarray(i * OUT_WORDS, (i + 1) * OUT_WORDS);
    const name = names[record[0]!]!;
    const chosen = operation(name);
    const fpscr = record[1]!;
    if (chosen.standard) status.setStandardControl(fpscr);
    else status.setControl(fpscr);
    status.flags = 0;
    const registers = Int32Array.from(record.subarray(2));
    result.set(registers.subarray(4, 6));
    const nzcv = chosen.run(status, registers, result);
    const ourFpscr = (fpscr | status.flags | (nzcv << 28)) >>> 0;
    if (result[0]! >>> 0 === theirs[0] && result[1]! >>> 0 === theirs[1] && ourFpscr === theirs[2]) continue;
    const operands = [1, 0, 3, 2, 5, 4].map((at) => hex(registers[at]!)).join(' ');
    const words = [result[1]!, result[0]!, ourFpscr].map(hex).join(' ');
    const expected = [theirs[1]!, theirs[0]!, theirs[2]!].map(hex).join(' ');
    differences.push(`${name} fpscr ${hex(fpscr)} operands ${operands}: ours ${words}, oracle ${expected}`);
  }
  return differences;
}

test(
  'agrees with QEMU on results and flags',
  { ...unless(missing && `${missing} is not installed`), timeout: Math.max(600_000, cases / 10) },
  () => {
    const program = join(directory, 'oracle');
    const source = fileURLToPath(new URL('oracle.c', import.meta.url));
    const options = '-O1 -Wall -Werror -static -marm -march=armv7-a -mfpu=neon-vfpv4 -mfloat-abi=hard'.split(' ');
    execFileSync(COMPILER, [...options, '-o', program, source]);
    const run = ['-cpu', 'cortex-a15', program];
    const names = execFileSync(QEMU, [...run, '--list'], { encoding: 'utf8' })
      .trim()
      .split('\n');
    expect(names.toSorted()).toEqual(operationNames().toSorted());
    // The many forms that only differ in the number of fraction bits share a quarter of the cases.
    const plain = names.map((_, i) => i).filter((i) => !/#[1-9]/.test(names[i]!));
    const operands = new Operands(seed);
    const differences: string[] = [];
    for (let done = 0; done < cases; done += BATCH) {
      const input = new Uint32Array(Math.min(BATCH, cases - done) * IN_WORDS);
      for (let at = 0; at < input.length; at += IN_WORDS) {
        const index = operands.below(4) === 0 ? operands.below(names.length) : plain[operands.below(plain.length)]!;
        draw(operands, input.subarray(at, at + IN_WORDS), index, operation(names[index]!));
      }
      const bytes = new Uint8Array(input.buffer);
      const stdout = execFileSync(QEMU, run, { input: bytes, maxBuffer: 1 << 26 });
      const output = new Uint32Array(Uint8Array.from(stdout).buffer);
      expect(output.length * IN_WORDS).toBe(input.length * OUT_WORDS);
      differences.push(...compare({ names, input, output }));
      if (differences.length > 100) break;
    }
    expect(differences.slice(0, 100)).toEqual([]);
  },
);

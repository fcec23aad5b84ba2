// SPDX-License-Identifier: Apache-2.0
// The programs of the compute benchmark (sources in bench/compute), and their building with the bare-metal GCC. What is
// built is kept in the cache under a name that holds everything it was made from.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { benchDirectory } from './cache.js';
import type { InstructionSet } from './options.js';

export interface Program {
  readonly name: string;
  /** Name of the C file without its ending. */
  readonly source: string;
  /** Iterations that make about 10 million A32 instructions, start-up not counted; fewer where each misses a cache. */
  readonly iterations: number;
  readonly flags?: readonly string[];
  /** Floating point and SIMD stand beside the set: the goal is about integer code. */
  readonly inGeomean: boolean;
}

const VECTOR = ['-mfloat-abi=softfp', '-mfpu=neon-vfpv3', '-ffp-contract=off'];

export const PROGRAMS: readonly Program[] = [
  { name: 'dhrystone-like', source: 'dhrystone-like', iterations: 23_000, inGeomean: true },
  { name: 'coremark-like', source: 'coremark-like', iterations: 140, inGeomean: true },
  { name: 'memcpy-1m', source: 'memcpy', iterations: 22, inGeomean: true },
  { name: 'chase-8m', source: 'chase', iterations: 970, flags: ['-DBYTES=0x800000'], inGeomean: true },
  { name: 'chase-64k', source: 'chase', iterations: 7750, flags: ['-DBYTES=0x10000'], inGeomean: true },
  { name: 'histogram', source: 'histogram', iterations: 25, inGeomean: true },
  { name: 'fib', source: 'fib', iterations: 45, inGeomean: true },
  { name: 'indirect-calls', source: 'indirect-calls', iterations: 890, inGeomean: true },
  { name: 'bytecode-vm', source: 'bytecode-vm', iterations: 23, inGeomean: true },
  { name: 'crc32', source: 'crc32', iterations: 87, inGeomean: true },
  { name: 'sha256', source: 'sha256', iterations: 50, inGeomean: true },
  { name: 'nbody-vfp', source: 'nbody-vfp', iterations: 1150, flags: VECTOR, inGeomean: false },
  { name: 'blend-neon', source: 'blend-neon', iterations: 700, flags: VECTOR, inGeomean: false },
];

const SOURCES = join(import.meta.dirname, '..', 'compute');
const COMPILER = 'arm-none-eabi-gcc';
// The last one: GCC must not turn the loops of our memory functions into calls of themselves.
const FLAGS =
  '-std=c17 -Wall -Wextra -Werror -O2 -mcpu=cortex-a15 -ffreestanding -nostdlib -fno-tree-loop-distribute-patterns';
const COMMON = ['start.S', 'runtime.c'];

/** Path of the ELF file. */
export function buildProgram(program: Program, instructionSet: InstructionSet): string {
  const source = `${program.source}.c`;
  const flags = [
    ...FLAGS.split(' '),
    instructionSet === 'a32' ? '-marm' : '-mthumb',
    ...(program.flags?.includes('-mfloat-abi=softfp') === true ? [] : ['-mfloat-abi=soft']),
    ...(program.flags ?? []),
  ];
  const hash = createHash('sha256').update(JSON.stringify([compilerVersion(), flags]));
  for (const file of ['runtime.h', 'link.ld', ...COMMON, source]) hash.update(readFileSync(join(SOURCES, file)));
  const folder = join(benchDirectory(), instructionSet);
  const elf = join(folder, `${program.name}-${hash.digest('hex').slice(0, 16)}.elf`);
  if (existsSync(elf)) return elf;
  mkdirSync(folder, { recursive: true });
  const unfinished = `${elf}.${process.pid}`;
  const { status, stderr } = spawnSync(
    COMPILER,
    [...flags, '-T', 'link.ld', ...COMMON, source, '-lgcc', '-o', unfinished],
    { cwd: SOURCES, encoding: 'utf8' },
  );
  if (status !== 0) {
    const line = stderr.split('\n').find((text) => text.includes('error')) ?? stderr.slice(0, 200);
    throw new PlinthError('host', 'bench-compile', `${join(SOURCES, source)}: ${COMPILER} refuses it: ${line}`);
  }
  renameSync(unfinished, elf);
  return elf;
}

function compilerVersion(): string {
  const { status, stdout } = spawnSync(COMPILER, ['-dumpfullversion'], { encoding: 'utf8' });
  if (status === 0) return stdout.trim();
  const message = `${COMPILER} is not installed, and the programs are not shipped: apt-get install gcc-arm-none-eabi`;
  throw new PlinthError('host', 'bench-compiler', message);
}

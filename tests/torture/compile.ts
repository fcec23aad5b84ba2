// SPDX-License-Identifier: Apache-2.0
// Builds one torture test as a semihosting program for the `virt` board, in one of four modes, and keeps the ELF file
// in the cache under a name that holds everything it was made from.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { runProcess } from './elf-runner.js';

/** How a test is compiled. Linking has options of its own, because they choose the C library's instruction set. */
export interface Mode {
  readonly name: string;
  readonly compile: readonly string[];
  readonly link: readonly string[];
}

const HARD = ['-march=armv7-a', '-mfpu=neon-vfpv3', '-mfloat-abi=hard'];
const SOFT = ['-march=armv7-a', '-mfloat-abi=soft'];

export const MODES: readonly Mode[] = [
  { name: 'a32-soft', compile: ['-marm', ...SOFT], link: ['-marm'] },
  { name: 'a32-hard', compile: ['-marm', ...HARD], link: ['-marm', '-march=armv5te+fp', '-mfloat-abi=hard'] },
  { name: 't32-soft', compile: ['-mthumb', ...SOFT], link: ['-mthumb', ...SOFT] },
  { name: 't32-hard', compile: ['-mthumb', ...HARD], link: ['-mthumb', ...HARD] },
];

export interface TortureTest {
  /** Path below the suite's folder, without `.c`. */
  readonly name: string;
  readonly sources: readonly string[];
  readonly options: readonly string[];
}

export type Built = { readonly elf: string } | { readonly error: string };

const LINK = ['--specs=rdimon.specs', '-Wl,-Ttext-segment=0x40200000', '-Wl,-e,plinth_start', '-Wl,-z,noexecstack'];
/** Newlib's debugging information is nine tenths of an ELF file. */
const STRIP = '-Wl,--strip-debug';
/** Maps RAM and turns the floating-point unit on, before newlib's semihosting start-up. */
const START = join(import.meta.dirname, '../../bench/compute/start.S');

/** What all tests share: the compiler's version and the start-up object. */
export interface Toolchain {
  readonly folder: string;
  readonly version: string;
  readonly startObject: string;
}

/** Builds the start-up code into `folder`, where the ELF files will be kept as well. */
export async function prepareToolchain(folder: string): Promise<Toolchain> {
  mkdirSync(folder, { recursive: true });
  const { output: version } = await runProcess('arm-none-eabi-gcc', ['-dumpfullversion'], limits(folder));
  const startObject = join(folder, 'start.o');
  const output = join(folder, `start-${process.pid}.o`);
  const error = await gcc(['-c', START, '-o', output], folder);
  if (error !== undefined) throw new Error(`cannot assemble ${START}: ${error.text}`);
  // Another test run may be using the old one.
  renameSync(output, startObject);
  return { folder, version: version.trim(), startObject };
}

/** Path of a test's ELF file: everything it is made from goes into the name. */
export function elfPath(test: TortureTest, mode: Mode, { folder, version }: Toolchain): string {
  const hash = createHash('sha256');
  for (const source of [START, ...test.sources]) hash.update(readFileSync(source)).update('\0');
  hash.update(JSON.stringify([version, test.options, mode, LINK]));
  return join(folder, mode.name, `${test.name}-${hash.digest('hex').slice(0, 16)}.elf`);
}

/** The ELF of a test, from the cache or built; a compiler's complaint is kept as well. */
export async function build(test: TortureTest, mode: Mode, toolchain: Toolchain): Promise<Built> {
  const elf = elfPath(test, mode, toolchain);
  const complaint = elf.replace(/elf$/, 'error');
  if (existsSync(elf)) return { elf };
  if (existsSync(complaint)) return { error: readFileSync(complaint, 'utf8') };

  const work = elf.replace(/\.elf$/, '.work');
  mkdirSync(work, { recursive: true });
  try {
    const objects: string[] = [toolchain.startObject];
    const linkOptions = test.options.filter((option) => option.startsWith('-Wl,'));
    let error: CompilerError | undefined;
    for (const source of test.sources) {
      const object = join(work, `${basename(source)}.o`);
      objects.push(object);
      error ??= await gcc([...mode.compile, '-O2', '-w', ...test.options, '-c', source, '-o', object], dirname(source));
    }
    const output = join(work, 'linked');
    error ??= await gcc([...mode.link, ...LINK, STRIP, ...linkOptions, ...objects, '-lm', '-o', output], work);
    if (error === undefined) {
      renameSync(output, elf);
      return { elf };
    }
    if (!error.timedOut) writeFileSync(complaint, error.text);
    return { error: error.text };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

interface CompilerError {
  readonly text: string;
  readonly timedOut: boolean;
}

function limits(cwd: string): { cwd: string; timeoutSeconds: number } {
  return { cwd, timeoutSeconds: 120 };
}

/** Undefined if it went well; else the first line that says why not. */
async function gcc(args: readonly string[], cwd: string): Promise<CompilerError | undefined> {
  const { status, output, timedOut } = await runProcess('arm-none-eabi-gcc', args, limits(cwd));
  if (timedOut) return { text: 'the compiler took more than 120 s', timedOut };
  if (status === 0) return undefined;
  const line = output.split('\n').find((one) => /error|undefined reference|will not fit/.test(one));
  return { text: line?.trim() ?? output.slice(0, 200), timedOut };
}

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

/** The ELF of a test, from the cache or built; a compiler's complaint is kept as well. */
export async function build(test: TortureTest, mode: Mode, folder: string): Promise<Built> {
  const options = ['-O2', '-w', ...test.options];
  const linkOptions = options.filter((option) => option.startsWith('-Wl,'));
  const start = join(import.meta.dirname, 'start.S');
  const hash = createHash('sha256');
  for (const source of [start, ...test.sources]) hash.update(readFileSync(source)).update('\0');
  hash.update(JSON.stringify([options, mode, LINK]));
  const key = hash.digest('hex').slice(0, 16);
  const elf = join(folder, mode.name, `${test.name}-${key}.elf`);
  const complaint = elf.replace(/elf$/, 'error');
  if (existsSync(elf)) return { elf };
  if (existsSync(complaint)) return { error: readFileSync(complaint, 'utf8') };

  const work = elf.replace(/\.elf$/, '.work');
  mkdirSync(work, { recursive: true });
  try {
    const objects: string[] = [];
    let error: string | undefined;
    for (const source of [...test.sources, start]) {
      const object = join(work, `${basename(source)}.o`);
      objects.push(object);
      error ??= await gcc(
        [...mode.compile, ...(source === start ? [] : options), '-c', source, '-o', object],
        dirname(source),
      );
    }
    const output = join(work, 'linked');
    error ??= await gcc([...mode.link, ...LINK, ...linkOptions, ...objects, '-lm', '-o', output], work);
    if (error !== undefined) {
      writeFileSync(complaint, error);
      return { error };
    }
    renameSync(output, elf);
    return { elf };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Undefined if it went well; else the first line that says why not. */
async function gcc(args: readonly string[], cwd: string): Promise<string | undefined> {
  const { status, output, timedOut } = await runProcess('arm-none-eabi-gcc', args, { cwd, timeoutSeconds: 120 });
  if (timedOut) return 'the compiler took more than 120 s';
  if (status === 0) return undefined;
  return output.split('\n').find((line) => /error|undefined reference|will not fit/.test(line)) ?? output.slice(0, 200);
}

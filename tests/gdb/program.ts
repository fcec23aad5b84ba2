// SPDX-License-Identifier: Apache-2.0
// A bare-metal program that is debugged, compiled anew.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LINK = join(import.meta.dirname, 'guest/link.ld');
const TARGET = ['-mcpu=cortex-a15', '-mfpu=neon-vfpv4', '-mfloat-abi=hard', '-ffreestanding', '-nostdlib'];

export function missingCompiler(): string | undefined {
  return spawnSync('arm-none-eabi-gcc', ['--version']).status === 0 ? undefined : 'arm-none-eabi-gcc is not installed';
}

export class GuestProgram implements Disposable {
  readonly #directory: string = mkdtempSync(join(tmpdir(), 'plinth-gdb-'));
  readonly elf: string = join(this.#directory, 'program.elf');

  /** Of a folder beside this file. */
  constructor(folder: 'guest' | 'crash-guest' = 'guest') {
    const args = ['-g', '-O1', ...TARGET, '-T', LINK, 'start.S', 'program.c', '-o', this.elf];
    execFileSync('arm-none-eabi-gcc', args, { cwd: join(import.meta.dirname, folder) });
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true });
  }
}

// SPDX-License-Identifier: Apache-2.0
// A program made by the cross compiler, with whatever debugging information it is asked for.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'arm-none-eabi-';

export function missingCompiler(): string | undefined {
  return spawnSync(`${PREFIX}gcc`, ['--version']).status === 0 ? undefined : `${PREFIX}gcc is not installed`;
}

const SOURCE = `
#include "inner.h"
int table[4] = { 1, 2, 3, 4 };
static int helper(int a)
{
  return a * table[a & 3] + inner(a);
}
__attribute__((target("thumb"))) int in_thumb(int a)
{
  int sum = 0;
  for (int i = 0; i < a; i++)
    sum += helper(i);
  return sum;
}
__attribute__((target("arm"), section(".text.far"))) int in_arm(int a)
{
  if (a > 7)
    return helper(a);
  return in_thumb(a) - 1;
}
void _start(void)
{
  in_arm(table[0]);
}
`;
const HEADER = `static int inner(int a)
{
  return a ^ 0x5a;
}
`;

export class CompiledProgram implements Disposable {
  readonly #directory: string = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  readonly path: string = join(this.#directory, 'program.elf');
  readonly bytes: Uint8Array;

  constructor(...options: readonly string[]) {
    writeFileSync(join(this.#directory, 'program.c'), SOURCE);
    writeFileSync(join(this.#directory, 'inner.h'), HEADER);
    const args = ['-O1', '-march=armv7-a', '-nostdlib', '-ffreestanding', '-Wl,--build-id', ...options];
    execFileSync(`${PREFIX}gcc`, [...args, '-o', this.path, join(this.#directory, 'program.c')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.bytes = readFileSync(this.path);
  }

  /** What a tool of binutils prints of the program. */
  tool(name: 'nm' | 'addr2line' | 'readelf', ...args: readonly string[]): string {
    return execFileSync(`${PREFIX}${name}`, args, { encoding: 'utf8', cwd: this.#directory });
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true });
  }
}

// SPDX-License-Identifier: Apache-2.0
// Programs of ours in C, which are built when a benchmark needs them.

import { spawnSync } from 'node:child_process';
import { PlinthError } from '@plinth/core';

export interface CProgram {
  readonly compiler: string;
  readonly flags?: readonly string[];
  readonly source: string;
  readonly libraries?: readonly string[];
  /** Debian packages with what it is built with. */
  readonly packages: string;
}

const FLAGS = ['-std=gnu17', '-Wall', '-Wextra', '-Werror', '-O2'];

/** Builds it as `program`. Raises a typed error, `host`, that says what is missing. */
export function buildProgram(
  { compiler, flags = [], source, libraries = [], packages }: CProgram,
  program: string,
): void {
  const { status, stderr, error } = spawnSync(compiler, [...FLAGS, ...flags, source, '-o', program, ...libraries], {
    encoding: 'utf8',
  });
  if (error !== undefined || /fatal error: .*No such file|cannot find -l/.test(stderr)) {
    const what = error === undefined ? 'what it is built with' : compiler;
    const message = `${source}: ${what} is not installed, and the program is not shipped: apt-get install ${packages}`;
    throw new PlinthError('host', 'bench-compiler', message);
  }
  if (status === 0) return;
  const line = stderr.split('\n').find((text) => text.includes('error')) ?? stderr.slice(0, 200);
  throw new PlinthError('host', 'bench-compile', `${source}: ${compiler} refuses it: ${line}`);
}

// SPDX-License-Identifier: Apache-2.0
// The symbols of what a run was started with.

import { readFileSync } from 'node:fs';
import type { OpenDriver, RunSpec } from '@plinth/machine';
import { GuestSymbols, readElfSymbols } from '@plinth/observe';

const ELF_MAGIC = '\x7fELF';

/** Those of the file that the machine was started with, if that has any; else they are looked for in memory. */
export function symbolsOfRun(
  { program, kernel }: Pick<RunSpec, 'program' | 'kernel'>,
  { machine }: Pick<OpenDriver, 'machine'>,
): GuestSymbols {
  const file = program ?? kernel;
  const bytes = file === undefined ? undefined : readFileSync(file);
  const elf = bytes?.toString('latin1', 0, 4) === ELF_MAGIC ? readElfSymbols(bytes, file!).table : undefined;
  return new GuestSymbols(machine, elf);
}

// SPDX-License-Identifier: Apache-2.0
// Looks on at a run for the death of its guest, and does what the user wants then: `--on-crash`.

import { existsSync, readFileSync } from 'node:fs';
import type { OpenDriver, RunSpec } from '@plinth/machine';
import { CrashWatch, type GuestSymbols, type LiveDriver, readElfUnwindTable, type UnwindTable } from '@plinth/observe';
import { LinuxLookout } from './linux-lookout.js';
import { symbolsOfRun } from './run-symbols.js';

/** For a run, which may be `live` with a past, or a replay of one, for which the files of its program or kernel may be gone. */
export function watchForCrashes(spec: RunSpec, driver: OpenDriver, live?: Pick<LiveDriver, 'past'>): CrashWatch {
  const { machine } = driver;
  const linux = new LinuxLookout(machine, spec.program !== undefined);
  // Symbols and unwind tables are read when there is something to be told.
  let symbols: GuestSymbols | undefined;
  let unwind: { readonly table: UnwindTable | undefined } | undefined;
  return new CrashWatch({
    driver,
    machine,
    get symbols() {
      return (symbols ??= symbolsOfRun(withFilesThatAreHere(spec), driver));
    },
    guest: linux.guest,
    get unwind() {
      const { program } = withFilesThatAreHere(spec);
      unwind ??= { table: program === undefined ? undefined : readElfUnwindTable(readFileSync(program), program) };
      return unwind.table;
    },
    action: spec.onCrash ?? 'report',
    asked: spec.onCrash !== undefined,
    hangSeconds: spec.hangSeconds,
    asksHost: spec.semihosting,
    past: () => live?.past === true,
  });
}

function withFilesThatAreHere({ program, kernel }: RunSpec): Pick<RunSpec, 'program' | 'kernel'> {
  return {
    ...(program !== undefined && existsSync(program) ? { program } : {}),
    ...(kernel !== undefined && existsSync(kernel) ? { kernel } : {}),
  };
}

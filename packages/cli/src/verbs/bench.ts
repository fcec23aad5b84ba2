// SPDX-License-Identifier: Apache-2.0
// `plinth bench`: the benchmarks of the workspace that this command lies in, as `npm run bench` runs them.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PlinthError } from '@plinth/core';
import { passThrough } from '../host/run-command.js';

const WORKSPACE = fileURLToPath(new URL('../../../..', import.meta.url));

/** Runs bench/ with these arguments in place of this process's own streams, and gives its exit status. */
export async function benchVerb(args: readonly string[], workspace: string = WORKSPACE): Promise<number> {
  const script = join(workspace, 'bench', 'dist', 'run.js');
  if (!existsSync(script)) {
    const missing = existsSync(join(workspace, 'bench', 'src'))
      ? 'not built yet: run "npm run build" in the project’s directory'
      : 'the benchmarks come with the project’s source only: clone it, and run "npm ci && npm run bench" there';
    throw new PlinthError('host', 'no-bench', `bench: ${missing}`);
  }
  return passThrough(process.execPath, [script, ...args], workspace);
}

// SPDX-License-Identifier: Apache-2.0
// The one place where the command line meets the machine: from a RunSpec and its files to something that runs.

import { PlinthError } from '@plinth/core';
import type { RunSpec } from '@plinth/machine';
import type { MachineDriver } from './machine-driver.js';
import type { RunFiles } from './run/run-files.js';

/** Builds the machine and loads what it is to run; throws for what cannot be loaded. */
export function createDriver(spec: RunSpec, _files: RunFiles): MachineDriver {
  throw new PlinthError('host', 'no-machine', `machine: "${spec.machine}" cannot be built by this version`);
}

// SPDX-License-Identifier: Apache-2.0
// A process of its own for one run of a compute program in our machine, so that it is measured just as the peer is.
// Arguments: ELF file, iterations, engine, RAM in MiB. Its report on file descriptor 3 is the instruction count.

import { readFileSync, writeSync } from 'node:fs';
import { tuneCompiler } from '@plinth/cli';
import { readElf, planElf } from '@plinth/machine';
import { createSemihostedMachine } from './machine.js';
import type { EngineName } from './options.js';

tuneCompiler();
const [elfPath, iterations, engine, mebibytes] = process.argv.slice(2) as [string, string, EngineName, string];
const machine = createSemihostedMachine({
  engine,
  ramSize: Number(mebibytes) * 1024 * 1024,
  commandLine: `program ${iterations}`,
  write: (bytes) => writeSync(1, bytes),
});
const { ramBase, ramSize } = machine.memory;
machine.load(planElf(readElf(readFileSync(elfPath), elfPath), elfPath, { base: ramBase, size: ramSize }));
const stop = machine.run({ until: Number.MAX_SAFE_INTEGER });
writeSync(3, JSON.stringify({ instructions: machine.count }));
if (stop.kind !== 'exit') {
  writeSync(2, `stopped: ${JSON.stringify(stop)}\n`);
  process.exit(1);
}
process.exit(stop.status);

// SPDX-License-Identifier: Apache-2.0
// A process with machines in threads of their own, one after another to the prompt: what each but the first adds to the
// resident memory. Argument: engine. Reports on file descriptor 3.

import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { MachineWorkers } from '@plinth/cli';
import { parseRunSpec } from '@plinth/machine';
import { PROMPT, RAM_MEBIBYTES } from './linux.js';

export interface ThreadsReport {
  /** Bytes that each further machine added, guest RAM in use included. */
  readonly added: readonly number[];
}

const MACHINES = 3;
/** Milliseconds in which a machine at its prompt comes to rest. */
const REST = 2000;

const [engine] = process.argv.slice(2);
const progress = { step() {}, update() {}, warn() {}, done() {} };
const workers = new MachineWorkers();
const resident: number[] = [];
for (let n = 0; n < MACHINES; n++) {
  // In real time, as on a terminal: at its prompt the guest waits, where otherwise it would run through its timers for ever.
  const spec = parseRunSpec({
    image: 'debian-mini',
    memory: RAM_MEBIBYTES * 1024 * 1024,
    cold: true,
    realtime: true,
    engine,
  });
  let screen = '';
  await new Promise<void>((resolve, reject) => {
    const onOutput = (bytes: Uint8Array): void => {
      screen += Buffer.from(bytes).toString('latin1');
      if (screen.includes(PROMPT)) resolve();
    };
    workers.start(spec, progress, { live: true, onOutput }).catch(reject);
  });
  await sleep(REST);
  resident.push(process.memoryUsage.rss());
}
const report: ThreadsReport = { added: resident.slice(1).map((bytes, n) => bytes - resident[n]!) };
writeSync(3, JSON.stringify(report));
process.exit(0);

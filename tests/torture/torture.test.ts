// SPDX-License-Identifier: Apache-2.0
// GCC's execute torture tests on our machine: a seeded tenth by default; PLINTH_LONG=1 runs all in all modes and takes
// QEMU, the reference, along, which proves the harness and says which tests a correct machine fails. To choose:
// PLINTH_TORTURE=REGEX the tests it finds; PLINTH_TORTURE_ENGINE=interpreter or translator-forced another engine;
// PLINTH_TORTURE_SHARE=N one test in N, each in one mode.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { missingPackages } from '../setup/packages.js';
import { QemuElfRunner, type ElfRunner } from './elf-runner.js';
import { knownFailure } from './known-failures.js';
import { MachineElfRunner } from './machine-runner.js';
import { cacheFolder, fetchSuite, type Suite } from './suite.js';
import { formatReport, runTorture } from './torture.js';

const SEED = 1;
const long = process.env['PLINTH_LONG'] === '1';
const filter = process.env['PLINTH_TORTURE'];
const engine = process.env['PLINTH_TORTURE_ENGINE'] ?? 'translator';
if (engine !== 'translator' && engine !== 'interpreter' && engine !== 'translator-forced')
  throw new Error(`PLINTH_TORTURE_ENGINE: there is no engine "${engine}"`);
const share = process.env['PLINTH_TORTURE_SHARE'];

const NEEDED = ['gcc-arm-none-eabi', 'libnewlib-arm-none-eabi', 'xz-utils', ...(long ? ['qemu-system-arm'] : [])];
const lacking = missingPackages().flatMap(({ name }) => (NEEDED.includes(name) ? [name] : []));
const suite: Suite | { missing: string } =
  lacking.length > 0 ? { missing: `Debian packages ${lacking.join(', ')}` } : fetchSuite();

const runners: ElfRunner[] = [new MachineElfRunner(engine)];
if (long) runners.push(new QemuElfRunner());

describe('GCC torture tests', unless('missing' in suite ? suite.missing : undefined), () => {
  for (const runner of runners) {
    it(`pass on ${runner.name}`, { timeout: 7_200_000 }, async () => {
      const fetched = suite as Suite;
      const options = {
        suite: fetched,
        runner,
        all: long && share === undefined,
        oneIn: Number(share ?? 10),
        seed: SEED,
      };
      const results = await runTorture(filter === undefined ? options : { ...options, filter: new RegExp(filter) });
      const report = formatReport(runner, fetched, results);
      mkdirSync(cacheFolder(), { recursive: true });
      writeFileSync(join(cacheFolder(), `report-${runner.name.replaceAll(' ', '-')}.txt`), `${report}\n`);
      console.log(report.split('\n').slice(0, 6).join('\n'));
      const failed = results.filter(({ test, mode, verdict }) => verdict === 'fail' && !knownFailure(test, mode));
      expect(failed).toEqual([]);
      expect(results.some(({ verdict }) => verdict === 'pass')).toBe(true);
    });
  }
});

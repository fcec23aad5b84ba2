// SPDX-License-Identifier: Apache-2.0
// The benchmarks of a workspace are run with their arguments and their status; where there are none we say what to do.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { benchVerb } from './bench.js';

const workspace = mkdtempSync(join(tmpdir(), 'plinth-test-'));
afterAll(() => rmSync(workspace, { recursive: true }));

it('says what to do where there are no benchmarks, or not yet', async () => {
  await expect(benchVerb([], workspace)).rejects.toMatchObject({
    kind: 'host',
    message: expect.stringContaining('project’s source') as string,
  });
  mkdirSync(join(workspace, 'bench/src'), { recursive: true });
  await expect(benchVerb([], workspace)).rejects.toMatchObject({
    kind: 'host',
    message: expect.stringContaining('npm run build') as string,
  });
});

it('passes arguments on, and the status back', async () => {
  mkdirSync(join(workspace, 'bench/dist'), { recursive: true });
  writeFileSync(
    join(workspace, 'bench/dist/run.js'),
    'process.exit(process.argv.slice(2).join() === "boot,--json" ? 7 : 1)',
  );
  expect(await benchVerb(['boot', '--json'], workspace)).toBe(7);
  writeFileSync(join(workspace, 'bench/dist/run.js'), 'process.kill(process.pid, "SIGKILL")');
  expect(await benchVerb([], workspace)).toBe(137);
});

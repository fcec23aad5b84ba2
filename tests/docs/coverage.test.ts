// SPDX-License-Identifier: Apache-2.0
// The generated coverage page says what the instruction table says now.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('docs/coverage.md is fresh', () => {
  const script = join(import.meta.dirname, '..', '..', 'scripts', 'coverage.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

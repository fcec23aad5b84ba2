// SPDX-License-Identifier: Apache-2.0
// The documentation of @plinth/machine: every link in a docstring leads somewhere, and every type that a public signature
// names is public. Writes nothing.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const workspace = join(import.meta.dirname, '../../docs/typedoc');
const typedoc = join(workspace, 'node_modules/typedoc/bin/typedoc');

it('the documentation of the library has no warning', ({ skip }) => {
  skip(!existsSync(typedoc), 'typedoc is not installed: run npm ci');
  const { status, stdout, stderr } = spawnSync(process.execPath, [typedoc, '--emit', 'none'], {
    cwd: workspace,
    encoding: 'utf8',
    timeout: 500_000,
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
});

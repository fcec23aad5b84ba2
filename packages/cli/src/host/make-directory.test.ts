// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeDirectory } from './make-directory.js';

it('makes a directory with its parents, and is content with one that is there', () => {
  const home = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  const path = join(home, 'a/b/c');
  makeDirectory(path);
  makeDirectory(path);
  expect(statSync(path).isDirectory()).toBe(true);
  writeFileSync(join(home, 'file'), '');
  expect(() => makeDirectory(join(home, 'file/d'))).toThrow('ENOTDIR');
  rmSync(home, { recursive: true });
});

it('gives up where nothing can be made', () => {
  expect(() => makeDirectory('/proc/plinth/a')).toThrow('ENOENT');
});

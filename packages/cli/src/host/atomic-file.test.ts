// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { afterAll, describe, expect, it } from 'vitest';
import { writeFileAtomically } from './atomic-file.js';

const directory = mkdtempSync(join(tmpdir(), 'plinth-test-'));
afterAll(() => rmSync(directory, { recursive: true }));
const pieces = [Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3)];

describe('writeFileAtomically', () => {
  it('writes all pieces, in place of what was there, and leaves nothing else', () => {
    const path = join(directory, 'file');
    for (const before of [undefined, 'longer than what comes']) {
      if (before !== undefined) writeFileSync(path, before);
      writeFileAtomically(path, pieces, 'out');
      expect([...readFileSync(path)]).toEqual([1, 2, 3]);
      expect(readdirSync(directory)).toEqual(['file']);
    }
  });

  it('says in one line why it cannot, and leaves what was there', () => {
    const folder = join(directory, 'folder');
    mkdirSync(folder);
    for (const [path, why] of [
      [join(directory, 'none/file'), 'there is no such folder'],
      [folder, 'this is no plain file'],
      ['/dev/full', 'this is no plain file'],
    ] as const) {
      expect(() => writeFileAtomically(path, pieces, 'out')).toThrow(PlinthError);
      expect(() => writeFileAtomically(path, pieces, 'out')).toThrow(`out: ${path}: `);
      expect(() => writeFileAtomically(path, pieces, 'out')).toThrow(why);
    }
    expect(readdirSync(folder)).toEqual([]);
  });
});

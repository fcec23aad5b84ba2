// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SharedFiles } from './shared-files.js';

const directory = mkdtempSync(join(tmpdir(), 'plinth-test-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe('shared files', () => {
  it('are read once, into memory that threads share', () => {
    const path = join(directory, 'kernel');
    writeFileSync(path, 'first');
    const files = new SharedFiles();
    const bytes = files.read(path);
    expect(Buffer.from(bytes).toString()).toBe('first');
    expect(bytes.buffer).toBeInstanceOf(SharedArrayBuffer);
    writeFileSync(path, 'second');
    expect(files.read(path)).toBe(bytes);
    const elsewhere = new SharedFiles(structuredClone(files.contents));
    expect(elsewhere.read(path).buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(Buffer.from(elsewhere.read(path)).toString()).toBe('first');
  });

  it('are read as the file system has them where they have no size', () => {
    expect(new SharedFiles().read('/proc/self/status').length).toBeGreaterThan(0);
    expect(() => new SharedFiles().read(join(directory, 'nothing'))).toThrow('ENOENT');
    expect(() => new SharedFiles().read(directory)).toThrow('EISDIR');
  });
});

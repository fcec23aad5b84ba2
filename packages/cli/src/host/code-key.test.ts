// SPDX-License-Identifier: Apache-2.0
// The key must change with every byte of code, whatever a file's size and times say, and be refused in doubt.

import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codeFolders, hashCode } from './code-key.js';

const NOW = Date.now();
/** Later than any change that a test makes. */
const LOADED = NOW + 3_600_000;

let home: string;
let folder: string;
let file: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  folder = join(home, 'dist');
  file = join(folder, 'inner', 'one.js');
  mkdirSync(join(folder, 'inner'), { recursive: true });
  writeFileSync(file, 'export const one = 1;');
  writeFileSync(join(folder, 'two.js'), 'export const two = 2;');
});
afterEach(() => rmSync(home, { recursive: true }));

describe('the key of code', () => {
  it('changes with a byte, though size and time of the file stay', () => {
    const { atime, mtime } = statSync(file);
    const before = hashCode([folder], LOADED);
    expect(before).toMatch(/^[0-9a-f]{64}$/);
    writeFileSync(file, 'export const one = 3;');
    utimesSync(file, atime, mtime);
    expect(hashCode([folder], LOADED)).not.toBe(before);
    writeFileSync(file, 'export const one = 1;');
    expect(hashCode([folder], LOADED)).toBe(before);
  });

  it('changes with a file that comes, goes or moves, and not with what is no code', () => {
    const keys = new Set([hashCode([folder], LOADED)]);
    writeFileSync(join(folder, 'one.d.ts'), 'export declare const one: 1;');
    expect(keys).toContain(hashCode([folder], LOADED));
    writeFileSync(join(folder, 'three.js'), '');
    keys.add(hashCode([folder], LOADED));
    renameSync(join(folder, 'three.js'), join(folder, 'inner', 'three.js'));
    keys.add(hashCode([folder], LOADED));
    rmSync(join(folder, 'two.js'));
    keys.add(hashCode([folder], LOADED));
    expect(keys.size).toBe(4);
  });

  it('is refused when something has changed since the code was loaded', () => {
    expect(hashCode([folder], NOW - 3_600_000)).toBeUndefined();
  });

  it('is made of all rooms that have a part in the machine', () => {
    const folders = codeFolders('@plinth/machine');
    const rooms = folders.map((path) => basename(dirname(path)));
    expect(new Set(rooms)).toEqual(new Set(['arm', 'core', 'machine', 'wasmgen']));
    expect(new Set(folders.map((path) => basename(path)))).toEqual(new Set(['dist']));
  });
});

// SPDX-License-Identifier: Apache-2.0
// The tree itself, without a mount, on file systems that refuse what ours here does not. What programs see of it is in tests/sandbox.

import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FILE_ERROR, type FileCalls, nativeFileCalls, RENAME, ROOT_NODE } from '@plinth/linux';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LayeredFiles } from './layered-files.js';

const OWNER = { user: process.getuid?.() ?? 0, group: process.getgid?.() ?? 0 };

describe.skipIf(process.platform !== 'linux')('layered files', () => {
  let folder: string;
  const at = (...path: readonly string[]): string => join(folder, ...path);
  const open = (calls: FileCalls): LayeredFiles =>
    new LayeredFiles(calls, { lower: [at('lower')], upper: at('upper'), work: at('work') });
  const names = (files: LayeredFiles, node = ROOT_NODE): string[] => {
    const handle = files.openDirectory(node);
    const all = files.items(handle, true).map(({ name }) => name);
    files.releaseDirectory(handle);
    return all.filter((name) => !name.startsWith('.')).sort();
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'plinth-tree-'));
    for (const name of ['lower/directory', 'upper', 'work']) mkdirSync(at(name), { recursive: true });
    for (const name of ['lower/one', 'lower/two', 'lower/directory/inner']) writeFileSync(at(name), name);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('deletes by files where no device may be made, and reads them again', () => {
    const calls: FileCalls = { ...nativeFileCalls(), makeNode: () => -FILE_ERROR.EPERM };
    {
      using files = open(calls);
      files.unlink(ROOT_NODE, 'one');
      const { node } = files.lookup(ROOT_NODE, 'directory')!;
      files.unlink(node, 'inner');
      files.removeDirectory(ROOT_NODE, 'directory');
      expect([names(files), files.lookup(ROOT_NODE, 'one')]).toEqual([['two'], undefined]);
    }
    expect([lstatSync(at('upper/one')).isFile(), lstatSync(at('upper/one')).size]).toEqual([true, 0]);
    using files = open(calls);
    expect(names(files)).toEqual(['two']);
    const { node } = files.makeDirectory(ROOT_NODE, 'directory', 0o755, OWNER);
    expect([names(files), names(files, node)]).toEqual([['directory', 'two'], []]);
    expect(readdirSync(at('work'))).toEqual([]);
  });

  it('renames where whiteouts do not come by it', () => {
    const native = nativeFileCalls();
    const rename: FileCalls['rename'] = (from, name, to, newName, flags) =>
      (flags & RENAME.whiteout) === 0 ? native.rename(from, name, to, newName, flags) : -FILE_ERROR.EINVAL;
    using files = open({ ...native, rename });
    const { node } = files.lookup(ROOT_NODE, 'one')!;
    files.rename(ROOT_NODE, 'one', ROOT_NODE, 'three', 0);
    expect([names(files), files.lookup(ROOT_NODE, 'three')!.node]).toEqual([['directory', 'three', 'two'], node]);
    expect(lstatSync(at('upper/one')).isCharacterDevice()).toBe(true);
  });

  it('knows no more than what it was told to know', () => {
    using files = open(nativeFileCalls());
    for (let n = 0; n < 50; n++) {
      const name = `file${n}`;
      const { entry, handle } = files.create(ROOT_NODE, name, 0o644, 1, OWNER);
      files.release(handle);
      files.forget(entry.node, 1);
    }
    const directory = files.lookup(ROOT_NODE, 'directory')!;
    const inner = files.lookup(directory.node, 'inner')!;
    expect(files.known).toBe(3);
    files.forget(directory.node, 1);
    expect(files.status(inner.node, undefined).size).toBe('lower/directory/inner'.length);
    files.forget(inner.node, 1);
    expect(files.known).toBe(1);
    expect(() => files.status(inner.node, undefined)).toThrow('error 116');
    expect(() => files.read(77, new Uint8Array(1), 0)).toThrow('EIO');
  });

  it('clears what a killed one left in the work directory, and says which layer is not there', () => {
    mkdirSync(at('work/#plinth-7/x'), { recursive: true });
    writeFileSync(at('work/#plinth-8'), '');
    writeFileSync(at('work/theirs'), '');
    open(nativeFileCalls())[Symbol.dispose]();
    expect(readdirSync(at('work'))).toEqual(['theirs']);
    rmSync(at('upper'), { recursive: true });
    expect(() => open(nativeFileCalls())).toThrow(`layer ${at('upper')}: ENOENT`);
  });
});

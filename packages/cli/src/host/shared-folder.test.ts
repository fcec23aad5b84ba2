// SPDX-License-Identifier: Apache-2.0
// A guest gets at nothing outside of its folder, whatever it asks for and whatever happens on the host meanwhile. The
// rules of names are the 9P server's affair; here are those of files.

import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LINUX_ERRNO as E, SharedFolderError } from '@plinth/machine';
import type { SharedFileMode } from '@plinth/machine';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HostFolder } from './shared-folder.js';

const READ: SharedFileMode = { read: true, write: false, append: false, truncate: false, sync: false };
const WRITE: SharedFileMode = { ...READ, write: true };
const SECRET = 'outside';

let base: string;
let shared: string;
let folder: HostFolder;
const inside = (name: string): string => join(shared, name);
const outside = (name: string): string => join(base, name);

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  shared = outside('shared');
  mkdirSync(inside('directory'), { recursive: true });
  mkdirSync(outside('private'));
  writeFileSync(inside('file'), 'inside');
  writeFileSync(inside('directory/file'), 'inside');
  writeFileSync(outside('private/file'), SECRET);
  folder = new HostFolder(shared, false);
});
afterEach(() => {
  folder.close();
  rmSync(base, { recursive: true });
});

/** The error number of a refusal, 0 if there is none. */
function refusal(call: () => unknown): number {
  try {
    call();
    return 0;
  } catch (error) {
    if (error instanceof SharedFolderError) return error.errno;
    throw error;
  }
}

function contents(path: string): string {
  const file = folder.openFile(path, READ);
  const bytes = Buffer.alloc(100);
  const length = file.read(0, bytes);
  file.close();
  return bytes.toString('latin1', 0, length);
}

function names(path: string): string[] {
  const directory = folder.openDirectory(path);
  const found: string[] = [];
  for (let entry = directory.next(); entry !== undefined; entry = directory.next()) found.push(entry.name);
  directory.close();
  return found.toSorted();
}

/** What is outside is as it was. */
function expectUntouched(): void {
  expect(readdirSync(outside('private'))).toEqual(['file']);
  expect(readFileSync(outside('private/file'), 'utf8')).toBe(SECRET);
}

describe('a folder of the host', () => {
  it('gives and takes files with their names, permissions and times, past the umask', () => {
    const name = 'n\xe4me \xff';
    const before = process.umask(0o077);
    const file = folder.createFile(name, WRITE, 0o664);
    folder.makeDirectory('made', 0o775);
    process.umask(before);
    expect(file.write(0, Buffer.from('content'))).toBe(7);
    file.change({ size: 3, modified: 1_700_000_000_500_000_000n });
    folder.change(name, { mode: 0o444 });
    // Permissions are looked at when a file is opened.
    file.change({ size: 2 });
    file.sync();
    file.close();
    expect(contents(name)).toBe('co');
    expect(folder.attributes(name).modified).toBeGreaterThan(0n);
    expect(folder.attributes(name).mode).toBe(0o100444);
    expect(folder.attributes('made').mode).toBe(0o040775);
    folder.change('made', { accessed: 1_600_000_000_000_000_000n, modified: 'now' });
    expect(folder.attributes('made').accessed).toBe(1_600_000_000_000_000_000n);
    expect(names('')).toEqual(['directory', 'file', 'made', name].toSorted());
    folder.rename(name, 'made/other');
    folder.makeName('made/second', 'made/other');
    expect(folder.attributes('made/second').inode).toBe(folder.attributes('made/other').inode);
    folder.removeFile('made/second');
    expect(refusal(() => folder.removeDirectory('made'))).toBe(E.ENOTEMPTY);
    expect(refusal(() => folder.removeFile('made'))).toBeGreaterThan(0);
    folder.removeFile('made/other');
    folder.removeDirectory('made');
    expect(names('')).toEqual(['directory', 'file']);
    expect(folder.space().blocks).toBeGreaterThan(0n);
    expect(folder.attributes('').mode & 0o170000).toBe(0o040000);
    expect(refusal(() => folder.attributes('none'))).toBe(E.ENOENT);
    expect(refusal(() => folder.attributes('file/none'))).toBe(E.ENOTDIR);
    expect(refusal(() => folder.openDirectory('file'))).toBe(E.ENOTDIR);
    expect(refusal(() => folder.openFile('directory', READ))).toBe(E.EACCES);
  });

  it('follows no symbolic link, whoever made it', () => {
    folder.makeLink('to-file', '../private/file');
    symlinkSync(outside('private'), inside('to-directory'));
    symlinkSync('..', inside('up'));
    symlinkSync(inside('file'), inside('to-own-file'));
    expect(folder.readLink('to-file')).toBe('../private/file');
    expect(folder.attributes('to-file').mode & 0o170000).toBe(0o120000);
    for (const link of ['to-file', 'to-own-file']) {
      for (const mode of [READ, WRITE]) expect(refusal(() => folder.openFile(link, mode))).toBe(E.EACCES);
      expect(refusal(() => folder.change(link, { mode: 0o777 }))).toBe(E.EOPNOTSUPP);
      expect(refusal(() => folder.change(link, { size: 0 }))).toBe(E.EINVAL);
      expect(refusal(() => folder.createFile(link, WRITE, 0o644))).toBe(E.EEXIST);
    }
    const before = statSync(outside('private/file')).mtimeMs;
    folder.change('to-file', { modified: 5_000_000_000n });
    expect(folder.attributes('to-file').modified).toBe(5_000_000_000n);
    expect(statSync(outside('private/file')).mtimeMs).toBe(before);
    for (const link of ['to-directory', 'up']) {
      expect(refusal(() => folder.openDirectory(link))).toBe(E.ENOTDIR);
      for (const call of [
        () => folder.attributes(`${link}/file`),
        () => folder.openFile(`${link}/file`, READ),
        () => folder.createFile(`${link}/new`, WRITE, 0o644),
        () => folder.makeDirectory(`${link}/new`, 0o755),
        () => folder.makeLink(`${link}/new`, 'x'),
        () => folder.makeName(`${link}/new`, 'file'),
        () => folder.makeName('new', `${link}/file`),
        () => folder.rename('file', `${link}/new`),
        () => folder.rename(`${link}/file`, 'new'),
        () => folder.removeFile(`${link}/file`),
        () => folder.removeDirectory(`${link}/directory`),
        () => folder.change(`${link}/file`, { size: 0 }),
      ]) {
        expect(refusal(call), `${link}: ${call.toString()}`).toBe(E.ENOTDIR);
      }
    }
    // A second name of a link, or a new place for it, is the link's.
    folder.makeName('second', 'to-file');
    folder.rename('to-file', 'directory/moved');
    expect(lstatSync(inside('second')).isSymbolicLink()).toBe(true);
    expect(lstatSync(inside('directory/moved')).isSymbolicLink()).toBe(true);
    folder.removeFile('to-directory');
    expectUntouched();
  });

  it.each(['..', '../private/file', 'directory/../../private/file', '/etc/passwd', './file', 'a//b', '.', 'x\0y'])(
    'refuses the path %j',
    (path) => {
      for (const call of [
        () => folder.attributes(path),
        () => folder.openFile(path, READ),
        () => folder.createFile(path, WRITE, 0o644),
        () => folder.rename('file', path),
        () => folder.removeFile(path),
      ]) {
        expect(refusal(call)).toBe(E.EINVAL);
      }
      expectUntouched();
    },
  );

  it('opens no FIFO, no socket and no device', async ({ skip }) => {
    skip(spawnSync('mkfifo', [inside('fifo')]).status !== 0, 'mkfifo is not installed');
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(inside('socket'), resolve));
    const special = ['fifo', 'socket'];
    if (spawnSync('mknod', [inside('null'), 'c', '1', '3']).status === 0) special.push('null');
    for (const name of special) {
      for (const mode of [READ, WRITE]) expect(refusal(() => folder.openFile(name, mode))).toBe(E.EACCES);
      expect(refusal(() => folder.change(name, { size: 0 }))).toBe(E.EINVAL);
      expect(folder.attributes(name).mode & 0o170000).not.toBe(0o100000);
    }
    await new Promise((resolve) => server.close(resolve));
  });

  it('is not left when directories turn into links while the guest walks', async () => {
    mkdirSync(inside('swap'));
    writeFileSync(inside('swap/file'), 'inside');
    symlinkSync(outside('private'), inside('link'));
    const script = `
      const { renameSync } = require('node:fs');
      process.chdir(${JSON.stringify(shared)});
      process.stdout.write('ready');
      for (;;) for (const [from, to] of [['swap', 'aside'], ['link', 'swap'], ['swap', 'link'], ['aside', 'swap']]) renameSync(from, to);
    `;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const seen = new Map<string, number>();
    try {
      for (let round = 0; round < 3000; round++) {
        for (const call of [
          () => contents('swap/file'),
          () => names('swap').join(' '),
          () => refusal(() => folder.createFile(`swap/new-${round}`, WRITE, 0o644).close()),
          () => refusal(() => folder.change('swap/file', { mode: 0o640 })),
        ]) {
          let what: string;
          try {
            what = String(call());
          } catch (error) {
            what = String((error as SharedFolderError).errno);
          }
          expect(what).not.toContain(SECRET);
          seen.set(what, (seen.get(what) ?? 0) + 1);
        }
      }
    } finally {
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('exit', resolve));
    }
    expectUntouched();
    expect(statSync(outside('private/file')).mode & 0o777).toBe(0o644);
    expect(seen.has('inside')).toBe(true);
  });

  it('lists from the beginning again, and without what has gone', () => {
    const directory = folder.openDirectory('');
    expect(directory.next()).toBeDefined();
    directory.rewind();
    writeFileSync(inside('late'), '');
    rmSync(inside('file'));
    const found = [directory.next()!.name, directory.next()!.name].toSorted();
    expect(found).toEqual(['directory', 'late']);
    expect(directory.next()).toBeUndefined();
    expect(directory.attributes().inode).toBe(folder.attributes('').inode);
    directory.close();
  });

  it('keeps no file open that it has not given', () => {
    const open = (): number => readdirSync('/proc/self/fd').length;
    const before = open();
    mkdirSync(inside('a/b/c'), { recursive: true });
    for (const path of ['a/b/c', 'a/b/none', 'a/none/c', 'file/x', 'a/b/c/../x']) {
      refusal(() => folder.attributes(path));
      refusal(() => folder.openFile(path, READ));
      refusal(() => folder.openDirectory(path).close());
      refusal(() => folder.rename(path, 'a/b/other/x'));
    }
    chmodSync(inside('file'), 0o600);
    folder.openFile('file', WRITE).close();
    expect(open()).toBe(before);
    expect(existsSync(inside('a/b/c'))).toBe(true);
  });

  it.each([
    ['none', 'there is no such directory'],
    ['shared/file', 'this is no directory'],
  ])('is refused in one line where there is none: %s', (name, why) => {
    expect(() => new HostFolder(outside(name), false)).toThrow(`share: ${outside(name)}: ${why}`);
  });
});

// SPDX-License-Identifier: Apache-2.0
// What a stack of layers promises to programs, of the kernel's overlayfs and of our server alike.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { nativeCalls, nativeFileCalls } from '@plinth/linux';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asUser } from '../setup/other-users.js';
import { unless } from '../setup/skipping.js';
import { attribute, fileTree, setAttribute } from './file-tree.js';
import { type Carrier, LayeredFolder, whyNotMounted } from './layered-mount.js';

const reason = whyNotMounted('tests/sandbox/layers-contract.test.ts');
const calls = nativeFileCalls();

/** The name of the error that it ends with, or `ok`. */
function outcome(act: () => unknown): string {
  try {
    act();
    return 'ok';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

function inUserNamespace(): boolean {
  return !/^ *0 +0 +4294967295$/m.test(readFileSync('/proc/self/uid_map', 'utf8'));
}

describe.each<Carrier>(['overlayfs', 'our server'])('layers by %s', unless(reason), (carrier) => {
  let stack: LayeredFolder;
  const at = (...path: readonly string[]): string => join(stack.merged, ...path);
  const read = (...path: readonly string[]): string => readFileSync(at(...path), 'utf8');

  beforeEach(async () => {
    stack = new LayeredFolder();
    const { base, middle } = stack;
    mkdirSync(join(base, 'directory/inner'), { recursive: true });
    writeFileSync(join(base, 'file'), 'base\n');
    writeFileSync(join(base, 'hidden'), 'not seen\n');
    writeFileSync(join(base, 'directory/one'), 'one\n');
    writeFileSync(join(base, 'directory/inner/deep'), 'deep\n');
    mkdirSync(join(base, 'closed'));
    writeFileSync(join(base, 'closed/below'), 'not seen\n');
    symlinkSync('file', join(base, 'link'));
    mkdirSync(join(middle, 'directory'));
    writeFileSync(join(middle, 'directory/two'), 'two\n');
    mkdirSync(join(middle, 'closed'));
    writeFileSync(join(middle, 'closed/above'), 'above\n');
    setAttribute(join(middle, 'closed'), 'user.overlay.opaque', 'y');
    calls.makeNode(-100, join(middle, 'hidden'), 0o020000, 0);
    await stack.mount(carrier);
  });
  afterEach(async () => {
    await stack.unmount();
    stack[Symbol.dispose]();
  });

  it('merges directories, hides what a whiteout or an opaque directory hides', () => {
    expect(readdirSync(stack.merged).sort()).toEqual(['closed', 'directory', 'file', 'link']);
    expect(readdirSync(at('directory')).sort()).toEqual(['inner', 'one', 'two']);
    expect(readdirSync(at('closed'))).toEqual(['above']);
    expect(existsSync(at('hidden'))).toBe(false);
    expect([read('directory/one'), read('link'), readlinkSync(at('link'))]).toEqual(['one\n', 'base\n', 'file']);
  });

  it('copies a file up with its mode, owner, times and attributes before it is changed', () => {
    const place = join(stack.base, 'directory/inner/deep');
    chmodSync(place, 0o640);
    chownSync(place, 12, 34);
    setAttribute(place, 'user.colour', 'red');
    utimesSync(place, 1000, 2000);
    const before = statSync(at('directory/inner/deep'));
    chmodSync(at('directory/inner/deep'), 0o600);
    const after = statSync(at('directory/inner/deep'));
    expect([after.mode & 0o777, after.uid, after.gid, after.mtimeMs, after.ino]).toEqual([
      0o600,
      12,
      34,
      2_000_000,
      before.ino,
    ]);
    expect(attribute(at('directory/inner/deep'), 'user.colour')).toBe('red');
    appendFileSync(at('directory/inner/deep'), 'more\n');
    expect(read('directory/inner/deep')).toBe('deep\nmore\n');
    expect(readFileSync(place, 'utf8')).toBe('deep\n');
    expect(statSync(place).mode & 0o777).toBe(0o640);
  });

  it('deletes by whiteouts, and makes anew what was deleted', () => {
    unlinkSync(at('file'));
    expect(outcome(() => read('file'))).toBe('ENOENT');
    expect(lstatSync(join(stack.upper, 'file')).isCharacterDevice()).toBe(true);
    writeFileSync(at('file'), 'new\n');
    expect(read('file')).toBe('new\n');
    rmSync(at('directory'), { recursive: true });
    expect(readdirSync(stack.merged).sort()).toEqual(['closed', 'file', 'link']);
    mkdirSync(at('directory'));
    expect(readdirSync(at('directory'))).toEqual([]);
    expect(attribute(join(stack.upper, 'directory'), 'user.overlay.opaque')).toBe('y');
    expect(outcome(() => rmdirSync(at('closed')))).toBe('ENOTEMPTY');
    expect(readFileSync(join(stack.base, 'file'), 'utf8')).toBe('base\n');
  });

  it('renames files over others, new directories, and no directories of lower layers', () => {
    renameSync(at('file'), at('directory/one'));
    expect([read('directory/one'), existsSync(at('file'))]).toEqual(['base\n', false]);
    expect(outcome(() => renameSync(at('directory'), at('elsewhere')))).toBe('EXDEV');
    mkdirSync(at('new/inside'), { recursive: true });
    writeFileSync(at('new/inside/x'), 'x\n');
    rmSync(at('closed'), { recursive: true });
    renameSync(at('new'), at('closed'));
    expect([readdirSync(at('closed')), read('closed/inside/x')]).toEqual([['inside'], 'x\n']);
    expect(outcome(() => renameSync(at('closed'), at('directory')))).toBe('ENOTEMPTY');
    expect(outcome(() => renameSync(at('link'), at('directory')))).toBe('EISDIR');
    expect(outcome(() => renameSync(at('closed'), at('link')))).toBe('ENOTDIR');
    const { status } = spawnSync('mv', [at('directory'), at('moved')]);
    expect([status, readdirSync(at('moved')).sort()]).toEqual([0, ['inner', 'one', 'two']]);
    expect(existsSync(at('directory'))).toBe(false);
  });

  it('exchanges two names', () => {
    writeFileSync(at('other'), 'other\n');
    expect(calls.rename(-100, at('file'), -100, at('other'), 2)).toBe(0);
    expect([read('file'), read('other')]).toEqual(['other\n', 'base\n']);
    expect(calls.rename(-100, at('file'), -100, at('other'), 1)).toBe(-17);
  });

  it('has hard links of what was written, and breaks those of lower layers', async () => {
    linkSync(at('file'), at('directory/same'));
    writeFileSync(at('file'), 'both\n');
    const [one, other] = [statSync(at('file')), statSync(at('directory/same'))];
    // Without rights overlayfs cannot find out what a name was copied from, which gives a file its number.
    const isOne = carrier === 'our server' || !inUserNamespace();
    expect([read('directory/same'), one.ino === other.ino, one.nlink]).toEqual(['both\n', isOne, 2]);
    unlinkSync(at('file'));
    expect([read('directory/same'), statSync(at('directory/same')).nlink]).toEqual(['both\n', 1]);
    await stack.unmount();
    linkSync(join(stack.base, 'hidden'), join(stack.base, 'hidden2'));
    linkSync(join(stack.base, 'hidden'), join(stack.base, 'hidden3'));
    await stack.mount(carrier);
    writeFileSync(at('hidden2'), 'changed\n');
    expect([read('hidden2'), read('hidden3')]).toEqual(['changed\n', 'not seen\n']);
  });

  it('keeps attributes of users, and lets nobody see or set the marks of layers', () => {
    expect(setAttribute(at('file'), 'user.a', 'value')).toBe(0);
    expect([attribute(at('file'), 'user.a'), attribute(join(stack.base, 'file'), 'user.a')]).toEqual([
      'value',
      undefined,
    ]);
    expect(calls.removeAttribute(at('file'), 'user.a')).toBe(0);
    expect(attribute(at('file'), 'user.a')).toBeUndefined();
    expect(attribute(at('closed'), 'user.overlay.opaque')).toBeUndefined();
    setAttribute(at('directory'), 'user.overlay.opaque', 'y');
    expect(readdirSync(at('directory')).sort()).toEqual(['inner', 'one', 'two']);
    expect(calls.makeNode(-100, at('forged'), 0o020000, 0)).toBeLessThan(0);
  });

  it('gives files that are open what they are promised', () => {
    const fd = openSync(at('file'), 'r+');
    const buffer = Buffer.alloc(5);
    unlinkSync(at('file'));
    expect([readSync(fd, buffer, 0, 5, 0), buffer.toString(), fstatSync(fd).nlink]).toEqual([5, 'base\n', 0]);
    writeSync(fd, 'later', 0);
    ftruncateSync(fd, 4);
    expect([fstatSync(fd).size, readSync(fd, buffer, 0, 5, 0)]).toEqual([4, 4]);
    closeSync(fd);
    expect(existsSync(at('file'))).toBe(false);
  });

  it('keeps big files, and holes of sparse ones', () => {
    const big = Buffer.alloc(9_000_001, 'plinth layers ');
    writeFileSync(join(stack.base, 'big'), big);
    truncateSync(join(stack.base, 'big'), 60_000_000);
    appendFileSync(at('big'), 'end');
    const { size, blocks } = statSync(at('big'));
    expect([size, blocks * 512 < 40_000_000]).toEqual([60_000_003, true]);
    expect(spawnSync('cmp', ['-n', '60000000', at('big'), join(stack.base, 'big')]).status).toBe(0);
    truncateSync(at('big'), 9_000_001);
    expect(readFileSync(at('big')).equals(big)).toBe(true);
  });

  it('allocates, finds data and holes, copies ranges, has pipes, and tells its size', () => {
    writeFileSync(at('holes'), '');
    truncateSync(at('holes'), 1 << 20);
    const fd = openSync(at('holes'), 'r+');
    writeSync(fd, 'data', 1 << 19);
    fsyncSync(fd);
    expect([calls.seek(fd, 0, 3), calls.seek(fd, 0, 4), calls.seek(fd, 1 << 19, 4)]).toEqual([
      1 << 19,
      0,
      (1 << 19) + 4096,
    ]);
    expect([calls.allocate(fd, 0, 0, 3 << 20), fstatSync(fd).size]).toEqual([0, 3 << 20]);
    expect(fstatSync(fd).blocks * 512).toBeGreaterThanOrEqual(3 << 20);
    const other = openSync(at('copied'), 'w+');
    expect(calls.copyRange(fd, 1 << 19, other, 2, 4)).toBe(4);
    expect(read('copied')).toBe('\0\0data');
    for (const one of [fd, other]) closeSync(one);
    expect([calls.makeNode(-100, at('pipe'), 0o010644, 0), lstatSync(at('pipe')).isFIFO()]).toEqual([0, true]);
    expect(statfsSync(stack.merged).blocks).toBe(statfsSync(stack.upper).blocks);
  });

  it('takes writes of many programs at once', async () => {
    const script = 'i=0; while [ $i -lt 100 ]; do echo "$0 $i" >> shared; echo $i > own$0-$i; i=$((i+1)); done';
    const writers = [1, 2, 3, 4].map((n) => spawn('sh', ['-c', script, String(n)], { cwd: stack.merged }));
    await Promise.all(writers.map((writer) => once(writer, 'exit')));
    expect(read('shared').trimEnd().split('\n')).toHaveLength(400);
    expect(readdirSync(stack.merged).filter((name) => name.startsWith('own'))).toHaveLength(400);
  });

  it('lists a directory that changes meanwhile: each name once, and what was there throughout', () => {
    mkdirSync(at('many'));
    for (let n = 0; n < 500; n++) writeFileSync(at('many', `stays${n}`), '');
    const directory = opendirSync(at('many'), { bufferSize: 8 });
    const names: string[] = [];
    for (let n = 0; ; n++) {
      const entry = directory.readSync();
      if (entry === null) break;
      names.push(entry.name);
      if (n < 100) writeFileSync(at('many', `comes${n}`), '');
    }
    directory.closeSync();
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => name.startsWith('stays'))).toHaveLength(500);
  });

  it('has names that are no UTF-8, and long ones', () => {
    const odd = Buffer.concat([Buffer.from(`${stack.merged}/`), Buffer.from([0xff, 0x80, 0x20])]);
    writeFileSync(odd, 'odd\n');
    expect(readFileSync(odd, 'utf8')).toBe('odd\n');
    expect(readdirSync(stack.merged, 'buffer').some((name) => name.equals(Buffer.from([0xff, 0x80, 0x20])))).toBe(true);
    writeFileSync(at('n'.repeat(255)), '');
    expect(outcome(() => writeFileSync(at('n'.repeat(256)), ''))).toBe('ENAMETOOLONG');
  });

  it('maps files into memory, shared, and executes programs', () => {
    copyFileSync('/bin/busybox', at('busybox'));
    chmodSync(at('busybox'), 0o755);
    expect(execFileSync(at('busybox'), ['echo', 'runs'], { encoding: 'utf8' })).toBe('runs\n');
    writeFileSync(at('mapped'), Buffer.alloc(8192));
    const system = nativeCalls();
    const fd = openSync(at('mapped'), 'r+');
    const bytes = system.mmap(fd, 0, 8192, true) as Uint8Array;
    bytes.set(Buffer.from('mapped'), 4000);
    fsyncSync(fd);
    system.munmap(bytes);
    closeSync(fd);
    expect(readFileSync(at('mapped')).toString('latin1', 4000, 4006)).toBe('mapped');
  });

  it('keeps owners, and takes rights away with a write of somebody without rights', () => {
    writeFileSync(at('tool'), 'x');
    chownSync(at('tool'), 0, 0);
    chmodSync(at('tool'), 0o6777);
    const script = `echo y >> ${at('tool')}; umask 022; echo z > ${at('open/z')}; stat -c %u:%a ${at('open/z')}; cat ${at('secret')}`;
    mkdirSync(at('open'), { mode: 0o777 });
    chmodSync(at('open'), 0o777);
    writeFileSync(at('secret'), 'secret', { mode: 0o600 });
    for (const directory of [stack.folder, stack.merged]) chmodSync(directory, 0o755);
    const [program, ...as] = asUser();
    const { stdout, status } = spawnSync(program, [...as, 'sh', '-c', script], { encoding: 'utf8' });
    expect([stdout, status]).toEqual(['65534:644\n', 1]);
    expect(statSync(at('tool')).mode & 0o7777).toBe(0o777);
    symlinkSync('nowhere', at('dangling'));
    lchownSync(at('dangling'), 5, 6);
    expect([lstatSync(at('dangling')).uid, lstatSync(at('dangling')).gid]).toEqual([5, 6]);
    chmodSync(at('open'), 0o2777);
    chownSync(at('open'), 0, 77);
    chmodSync(at('open'), 0o2777);
    mkdirSync(at('open/below'));
    expect([statSync(at('open/below')).gid, statSync(at('open/below')).mode & 0o2000]).toEqual([77, 0o2000]);
  });

  it('leaves layers that the other carrier reads alike', async () => {
    unlinkSync(at('directory/one'));
    rmSync(at('closed'), { recursive: true });
    mkdirSync(at('closed'));
    writeFileSync(at('closed/fresh'), 'fresh\n');
    linkSync(at('closed/fresh'), at('again'));
    renameSync(at('file'), at('directory/renamed'));
    mkdirSync(at('file'));
    setAttribute(at('directory'), 'user.a', 'b');
    const seen = fileTree(stack.merged);
    await stack.unmount();
    await stack.mount(carrier === 'overlayfs' ? 'our server' : 'overlayfs');
    expect(fileTree(stack.merged)).toEqual(seen);
  });
});

// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { StateReader, StateWriter } from '@plinth/core';
import { describe, expect, it } from 'vitest';
import { MemoryFolder } from '../../../testing/memory-folder.js';
import { type Field, message, type MessageName, P9Client } from '../../../testing/p9-client.js';
import { MAX_FIDS } from './fids.js';
import { LERROR_SIZE, MESSAGE } from './messages.js';
import { MAX_MESSAGE, MAX_OPEN, P9Server } from './server.js';
import { LINUX_ERRNO as E } from './shared-folder.js';
import type { WireReader } from './wire.js';

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const MKDIR_TAIL: readonly Field[] = [[4, 0o755], [4, 0]]; // prettier-ignore

function setup(options: { readOnly?: boolean; msize?: number } = {}) {
  const folder = new MemoryFolder(options);
  folder.put('a/b/file', bytes('contents'));
  folder.put('top', bytes('on top'));
  const client = new P9Client(new P9Server(folder)).start(options.msize);
  return { folder, client };
}

function qid(answer: number | WireReader): { type: number; unique: bigint } {
  if (typeof answer === 'number') throw new Error(`refused: ${answer}`);
  const type = answer.u8();
  answer.u32();
  return { type, unique: answer.u64() };
}

describe('a 9P session', () => {
  it('agrees on a version and a bounded size', () => {
    const { client } = setup();
    const version = (size: number, name: string): unknown => {
      const answer = client.ask('version', [4, size], name);
      return typeof answer === 'number' ? answer : [answer.u32(), answer.text()];
    };
    expect(version(0xffff_ffff, '9P2000.L')).toEqual([MAX_MESSAGE, '9P2000.L']);
    expect(version(8192, '9P2000.u')).toEqual([8192, 'unknown']);
    expect(client.walk(0, 1)).toBe(E.EMSGSIZE);
    expect(version(100, '9P2000.L')).toBe(E.EMSGSIZE);
    expect(version(4096, '9P2000.L')).toEqual([4096, '9P2000.L']);
    expect(client.walk(0, 1)).toBe(E.EBADF);
  });

  it('refuses what is longer than agreed, and cuts down what is read', () => {
    const { client, folder } = setup({ msize: 4096 });
    folder.put('long', new Uint8Array(10_000));
    client.walk(0, 1, 'long');
    client.open(1, 2);
    expect(client.read(1, 0, 100_000)).toHaveLength(4096 - 11);
    expect(client.write(1, 0, new Uint8Array(5000))).toBe(-E.EMSGSIZE);
    client.room = 20;
    expect(client.read(1, 0, 100)).toHaveLength(9);
    expect(client.ask('getattr', [4, 1], [8, 0x7ff])).toBe(E.EMSGSIZE);
  });

  it('walks, as far as it gets, and never above the folder', () => {
    const { client } = setup();
    const reached = (answer: number | WireReader): number => (typeof answer === 'number' ? -answer : answer.u16());
    expect(reached(client.walk(0, 1, 'a', 'b', 'file'))).toBe(3);
    expect(reached(client.walk(0, 2, 'a', 'nothing', 'file'))).toBe(1);
    expect(client.walk(2, 3)).toBe(E.EBADF);
    expect(reached(client.walk(0, 2, 'nothing'))).toBe(-E.ENOENT);
    expect(reached(client.walk(1, 2, 'x'))).toBe(-E.ENOTDIR);
    expect(reached(client.walk(0, 1))).toBe(-E.EBADF);
    const root = qid(client.ask('attach', [4, 50], [4, 0xffff_ffff], '', '', [4, 0])).unique;
    for (const [fid, names] of [['..'], ['..', '..', 'a', '..', '..', '..']].entries()) {
      expect(reached(client.walk(0, 10 + fid, ...names))).toBe(names.length);
      const answer = client.ask('getattr', [4, 10 + fid], [8, 0x7ff]) as WireReader;
      answer.u64();
      expect(qid(answer)).toEqual({ type: 0x80, unique: root });
    }
  });

  it.each(['', '.', 'a/b', '/etc', '../top', 'a\0b'])('refuses the name %j everywhere', (name) => {
    const { client } = setup();
    client.walk(0, 1, 'top');
    expect(client.walk(0, 2, name)).toBe(E.EINVAL);
    for (const bad of [name, '..']) {
      expect(client.create(0, bad)).toBe(E.EINVAL);
      expect(client.ask('mkdir', [4, 0], bad, ...MKDIR_TAIL)).toBe(E.EINVAL);
      expect(client.ask('symlink', [4, 0], bad, 'x', [4, 0])).toBe(E.EINVAL);
      expect(client.ask('mknod', [4, 0], bad, [4, 0o100644], [8, 0], [4, 0])).toBe(E.EINVAL);
      expect(client.ask('link', [4, 0], [4, 1], bad)).toBe(E.EINVAL);
      expect(client.ask('rename', [4, 1], [4, 0], bad)).toBe(E.EINVAL);
      expect(client.ask('renameat', [4, 0], bad, [4, 0], 'x')).toBe(E.EINVAL);
      expect(client.ask('renameat', [4, 0], 'top', [4, 0], bad)).toBe(E.EINVAL);
      expect(client.ask('unlinkat', [4, 0], bad, [4, 0])).toBe(E.EINVAL);
    }
  });

  it('reads, writes, creates, and changes what files say of themselves', () => {
    const { client, folder } = setup();
    client.walk(0, 1, 'a', 'b', 'file');
    expect(client.read(1, 0, 100)).toBe(E.EBADF);
    client.open(1, 2);
    expect(client.open(1, 2)).toBe(E.EBADF);
    expect(client.read(1, 3, 100)).toEqual(bytes('tents'));
    expect(client.write(1, 8, bytes('!'))).toBe(1);
    expect(client.read(1, 2n ** 63n, 1)).toBe(E.EINVAL);
    client.walk(0, 2, 'a');
    expect(qid(client.create(2, 'new', 2, 0o6777)).type).toBe(0);
    expect(client.write(2, 0, bytes('fresh'))).toBe(5);
    expect(folder.at('a/new')).toMatchObject({ permissions: 0o777, bytes: bytes('fresh') });
    expect(folder.at('a/b/file').bytes).toEqual(bytes('contents!'));
    const set = (valid: number, mode: number, size: number, seconds: number): number | WireReader =>
      client.ask('setattr', [4, 2], [4, valid], [4, mode], [4, 5], [4, 6], [8, size], [8, 1], [8, 2], [8, seconds], [8, 4]); // prettier-ignore
    expect(set(1 | 2 | 4 | 8 | 0x10 | 0x20 | 0x100, 0o4711, 3, 3)).not.toBeTypeOf('number');
    expect(folder.at('a/new')).toMatchObject({ permissions: 0o711, bytes: bytes('fre'), modified: 3_000_000_004n });
    expect(set(0x120, 0, 0, 2 ** 50)).toBe(E.EINVAL);
    expect(client.ask('clunk', [4, 1])).not.toBeTypeOf('number');
    expect(client.ask('remove', [4, 2])).not.toBeTypeOf('number');
    expect(folder.open).toBe(0);
    expect(client.walk(0, 2, 'a', 'new')).not.toBeTypeOf('number');
  });

  it('lists a directory from any place', () => {
    const { client, folder } = setup();
    for (let n = 0; n < 100; n++) folder.put(`many/file-${n}`, bytes(''));
    client.walk(0, 1, 'many');
    client.open(1, 0o200000);
    const names: string[] = [];
    for (let offset = 0n; ;) {
      const some = client.list(1, offset, 200);
      if (typeof some === 'number' || some.length === 0) break;
      names.push(...some.map(([name]) => name));
      offset = some.at(-1)![1];
    }
    expect(names).toEqual(['.', '..', ...Array.from({ length: 100 }, (_, n) => `file-${n}`)]);
    const first = (offset: number | bigint): unknown => (client.list(1, offset) as [string, bigint][])[0]?.[0];
    expect([50, 2, 1, 99, 0].map(first)).toEqual(['file-48', 'file-0', '..', 'file-97', '.']);
    expect(client.list(1, 2n ** 64n - 1n)).toEqual([]);
    expect(client.list(1, 0, 10)).toBe(E.EINVAL);
    expect(client.read(1, 0, 10)).toBe(E.EISDIR);
    expect(client.open(1)).toBe(E.EBADF);
  });

  it('keeps to files when they, or directories above them, are renamed', () => {
    const { client, folder } = setup();
    client.walk(0, 1, 'a', 'b', 'file');
    client.walk(0, 2, 'a');
    expect(client.ask('renameat', [4, 0], 'a', [4, 0], 'moved')).not.toBeTypeOf('number');
    expect(client.open(1)).not.toBeTypeOf('number');
    expect(client.walk(2, 3, 'b')).not.toBeTypeOf('number');
    expect(client.ask('rename', [4, 3], [4, 0], 'c')).not.toBeTypeOf('number');
    expect(client.walk(3, 4, 'file')).not.toBeTypeOf('number');
    expect(folder.at('c/file').bytes).toEqual(bytes('contents'));
    expect(client.ask('rename', [4, 0], [4, 2], 'root')).toBe(E.EBUSY);
    expect(client.ask('remove', [4, 0])).toBe(E.EBUSY);
  });

  it('makes links, but no devices, sockets and FIFOs', () => {
    const { client, folder } = setup();
    expect(qid(client.ask('symlink', [4, 0], 'out', '/etc/shadow', [4, 0])).type).toBe(2);
    client.walk(0, 1, 'out');
    expect((client.ask('readlink', [4, 1]) as WireReader).text()).toBe('/etc/shadow');
    expect(client.open(1)).toBe(E.EACCES);
    expect(client.walk(1, 2, 'x')).toBe(E.ENOTDIR);
    client.walk(0, 2, 'top');
    expect(client.ask('link', [4, 0], [4, 2], 'second')).not.toBeTypeOf('number');
    expect(folder.at('second')).toBe(folder.at('top'));
    const mknod = (mode: number): number | WireReader =>
      client.ask('mknod', [4, 0], `n${mode}`, [4, mode], [8, 0x103], [4, 0]);
    for (const type of [0o010000, 0o020000, 0o060000, 0o140000]) expect(mknod(type | 0o666)).toBe(E.EPERM);
    expect(mknod(0o100600)).not.toBeTypeOf('number');
    expect(folder.open).toBe(0);
  });

  it('changes nothing in a folder that is read-only', () => {
    const { client } = setup({ readOnly: true });
    client.walk(0, 1, 'top');
    expect(client.open(1, 0o1000)).toBe(E.EROFS);
    for (const flags of [1, 2]) expect(client.open(1, flags)).toBe(E.EROFS);
    const zeros: Field[] = [[4, 0], [4, 0], [4, 0], [8, 0], [8, 0], [8, 0], [8, 0], [8, 0]]; // prettier-ignore
    const asked: [MessageName, ...Field[]][] = [
      ['lcreate', [4, 0], 'x', [4, 2], [4, 0o644], [4, 0]],
      ['mkdir', [4, 0], 'x', ...MKDIR_TAIL],
      ['mknod', [4, 0], 'x', [4, 0o100644], [8, 0], [4, 0]],
      ['symlink', [4, 0], 'x', 'y', [4, 0]],
      ['link', [4, 0], [4, 1], 'x'],
      ['rename', [4, 1], [4, 0], 'x'],
      ['renameat', [4, 0], 'top', [4, 0], 'x'],
      ['unlinkat', [4, 0], 'top', [4, 0]],
      ['setattr', [4, 1], [4, 8], ...zeros],
      ['remove', [4, 1]],
    ];
    for (const [name, ...fields] of asked) expect(client.ask(name, ...fields), name).toBe(E.EROFS);
    client.walk(0, 1, 'top');
    expect(client.open(1)).not.toBeTypeOf('number');
    expect(client.read(1, 0, 2)).toEqual(bytes('on'));
  });

  it('has bounds for fids and for what is open', () => {
    const { client, folder } = setup();
    for (let fid = 1; fid <= MAX_OPEN; fid++) {
      client.walk(0, fid, 'top');
      expect(client.open(fid)).not.toBeTypeOf('number');
    }
    client.walk(0, 5000, 'top');
    expect(client.open(5000)).toBe(E.EMFILE);
    expect(client.create(0, 'x')).toBe(E.EMFILE);
    client.ask('clunk', [4, 1]);
    expect(client.open(5000)).not.toBeTypeOf('number');
    client.start();
    expect(folder.open).toBe(0);
    const { fids } = client.server;
    const walk = message('walk', [4, 0], [4, 1], [2, 0]);
    for (let fid = 1; fid < MAX_FIDS; fid++) {
      new DataView(walk.buffer).setUint32(11, fid, true);
      client.server.follow(walk, client.server.serve(walk, 100));
    }
    expect(fids.hasRoom('')).toBe(false);
    expect(client.walk(0, MAX_FIDS)).toBe(E.ENFILE);
  });

  it('answers what it does not do, and what a folder always answers', () => {
    const { client } = setup();
    expect(client.ask('auth', [4, 1], 'root', '', [4, 0])).toBe(E.EOPNOTSUPP);
    expect(client.ask('xattrwalk', [4, 0], [4, 9], 'user.x')).toBe(E.EOPNOTSUPP);
    expect(client.ask('xattrcreate', [4, 0], 'user.x', [8, 1], [4, 0])).toBe(E.EOPNOTSUPP);
    const statfs = client.ask('statfs', [4, 0]) as WireReader;
    expect([statfs.u32(), statfs.u32(), statfs.u64()]).toEqual([0x0102_1997, 4096, 100n]);
    const lock = client.ask('lock', [4, 0], [1, 1], [4, 0], [8, 0], [8, 0], [4, 1], 'me') as WireReader;
    expect(lock.u8()).toBe(0);
    const getlock = client.ask('getlock', [4, 0], [1, 1], [8, 5], [8, 6], [4, 7], 'me') as WireReader;
    expect([getlock.u8(), getlock.u64(), getlock.u64(), getlock.u32(), getlock.text()]).toEqual([2, 5n, 6n, 7, 'me']);
    expect(client.ask('flush', [2, 3])).not.toBeTypeOf('number');
    expect(client.ask('lerror')).toBe(E.EINVAL);
    expect(client.send(Uint8Array.of(11, 0, 0, 0, 120, 7, 0, 1, 2, 3))).toBe(E.EINVAL);
  });

  it('opens again after a snapshot what is still the same', () => {
    const { client, folder } = setup();
    folder.put('gone', bytes('x'));
    folder.put('other', bytes('x'));
    for (const [fid, path] of ['a/b/file', 'gone', 'other', 'a'].entries()) {
      client.walk(0, fid + 1, ...path.split('/'));
      client.open(fid + 1);
    }
    const writer = new StateWriter();
    client.server.fids.save(writer);
    folder.at('').entries.delete('gone');
    folder.put('other', bytes('another file of that name'));
    const resumed = new P9Client(new P9Server(folder));
    const reader = new StateReader(writer.take(), 'share0');
    resumed.server.fids.restore(reader, MAX_MESSAGE);
    reader.end();
    folder.open = 0;
    expect(resumed.read(1, 0, 8)).toEqual(bytes('contents'));
    expect(resumed.read(2, 0, 8)).toBe(E.ESTALE);
    expect(resumed.read(3, 0, 8)).toBe(E.ESTALE);
    expect((resumed.list(4, 1) as [string, bigint][]).map(([name]) => name)).toEqual(['..', 'b']);
    expect(folder.open).toBe(2);
    resumed.server.clear();
    expect(folder.open).toBe(0);
  });
});

describe('hostile messages', () => {
  const number = fc.oneof(fc.nat(6), fc.constantFrom(0xffff_ffff, 0o1000, 0o2002, 0o200), fc.nat());
  const name = fc.constantFrom('a', 'b', 'top', 'x', '..', '.', '', 'a/b', '\0', 'n'.repeat(300));
  const field: fc.Arbitrary<Field> = fc.oneof(
    { weight: 6, arbitrary: number.map((value): Field => [4, value]) },
    { weight: 2, arbitrary: number.map((value): Field => [8, value]) },
    { weight: 1, arbitrary: fc.bigInt(0n, 2n ** 64n - 1n).map((value): Field => [8, value]) },
    { weight: 1, arbitrary: fc.nat(20).map((value): Field => [2, value]) },
    { weight: 4, arbitrary: name },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  );
  const small = fc.nat(5).map((value): Field => [4, value]);
  const wellFormed = fc.oneof(
    fc.tuple(small, small, fc.array(name, { maxLength: 4 })).map(([from, to, names]) => message('walk', from, to, [2, names.length], ...names)),
    fc.tuple(small, number).map(([fid, flags]) => message('lopen', fid, [4, flags])),
    fc.tuple(small, name, number).map(([fid, text, flags]) => message('lcreate', fid, text, [4, flags], [4, 0o644], [4, 0])),
    fc.tuple(small, name, small, name).map(([from, text, to, other]) => message('renameat', from, text, to, other)),
    fc.tuple(fc.constantFrom<MessageName>('read', 'readdir'), small, number, number).map(([type, fid, offset, count]) => message(type, fid, [8, offset], [4, count])),
    fc.tuple(fc.constantFrom<MessageName>('clunk', 'remove', 'getattr', 'readlink', 'statfs'), small).map(([type, fid]) => message(type, fid, ...(type === 'getattr' ? [[8, 1] as const] : []))),
  ); // prettier-ignore
  const arbitrary = fc
    .tuple(fc.constantFrom(...(Object.keys(MESSAGE) as MessageName[])), fc.array(field, { maxLength: 8 }))
    .map(([type, fields]) => message(type, ...fields));
  const damaged = fc.tuple(fc.oneof(wellFormed, arbitrary), fc.nat(40), fc.nat(255)).map(([bytes, at, value]) => {
    const copy = bytes.slice();
    copy[at % copy.length] = value;
    return copy;
  });

  it('get an answer that fits, and leave a server that still works', () => {
    const messages = fc.array(fc.oneof({ weight: 5, arbitrary: wellFormed }, arbitrary, damaged), { maxLength: 40 });
    fc.assert(
      fc.property(messages, fc.integer({ min: LERROR_SIZE, max: 9000 }), (all, room) => {
        const { client, folder } = setup();
        for (const bytes of all) {
          const answer = client.server.serve(bytes, room);
          expect(answer.length).toBeLessThanOrEqual(room);
          expect(new DataView(answer.buffer, answer.byteOffset).getUint32(0, true)).toBe(answer.length);
          client.server.follow(bytes, answer);
        }
        client.server.clear();
        expect(folder.open).toBe(0);
        client.start();
        expect(client.walk(0, 1)).not.toBeTypeOf('number');
      }),
      { seed: 9, numRuns: 800 },
    );
  });

  it('cannot be made up by a recording either', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(wellFormed, fc.uint8Array({ maxLength: 40 })), { maxLength: 20 }), (pairs) => {
        const { client } = setup();
        for (const [request, answer] of pairs) client.server.follow(request, answer);
        const writer = new StateWriter();
        client.server.fids.save(writer);
        expect(writer.length).toBeLessThan(1 << 20);
      }),
      { seed: 9, numRuns: 300 },
    );
  });
});

// SPDX-License-Identifier: Apache-2.0
// Whatever a request holds, it has an answer, and the session goes on. Serving real ones is in tests/sandbox.

import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { FILE_ERROR } from '../files/file-calls.js';
import { FileError } from '../files/file-error.js';
import type { FileStatus } from '../files/file-status.js';
import type { FuseFileSystem } from './fuse-file-system.js';
import { FuseSession } from './fuse-session.js';

const NOW = { seconds: 1, nanoseconds: 2 };
const STATUS: FileStatus = {
  mode: 0o100644,
  links: 1,
  user: 0,
  group: 0,
  inode: 2 ** 48 + 5,
  size: 3,
  blocks: 8,
  blockSize: 4096,
  accessed: NOW,
  modified: NOW,
  changed: NOW,
  device: 0,
  fileSystem: 0,
};

/** Knows one file by each name, and notes what it was asked. */
function fakeFiles(isOurs = false): { readonly files: FuseFileSystem; readonly asked: unknown[][] } {
  const asked: unknown[][] = [];
  const entry = { node: 2, status: STATUS };
  const answers: Readonly<Record<string, unknown>> = {
    status: STATUS,
    change: STATUS,
    readLink: new Uint8Array(3),
    open: 9,
    openDirectory: 9,
    create: { entry, handle: 9 },
    read: 0,
    write: 1,
    items: [{ name: 'x', inode: 5, type: 8 }],
    size: { blockSize: 1, blocks: 2, free: 3, available: 4, files: 5, freeFiles: 6 },
    getAttribute: new Uint8Array(4),
    attributes: ['user.a'],
    seek: 4,
    copyRange: 5,
  };
  const files = new Proxy({} as FuseFileSystem, {
    get:
      (_, method: string) =>
      (...args: unknown[]): unknown => {
        if (method === 'isOurs') return isOurs;
        asked.push([method, ...args]);
        if (method === 'unlink') throw new FileError(FILE_ERROR.ENOENT);
        if (method === 'removeDirectory') throw new TypeError('a bug');
        return answers[method] ?? entry;
      },
  });
  return { files, asked };
}

function request(operation: number, body: Uint8Array, length = 40 + body.length): Buffer {
  const bytes = Buffer.alloc(40 + body.length);
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt32LE(operation, 4);
  bytes.writeBigUInt64LE(77n, 8);
  bytes.writeBigUInt64LE(1n, 16);
  bytes.set(body, 40);
  return bytes;
}

/** Error number and length of an answer. */
function parts(answer: Uint8Array | undefined): readonly [number, number] {
  const bytes = Buffer.from(answer!);
  expect([bytes.readUInt32LE(0), bytes.readBigUInt64LE(8)]).toEqual([bytes.length, 77n]);
  return [Math.abs(bytes.readInt32LE(4)), bytes.length - 16];
}

const OPTIONS = { cacheSeconds: 1, writeback: false };

describe('a FUSE session', () => {
  it('answers a lookup with an entry, in the kernel’s layout', () => {
    const { files, asked } = fakeFiles();
    const answer = new FuseSession(files, OPTIONS).answer(request(1, Buffer.from('name\0')))!;
    expect(asked).toEqual([['lookup', 1, 'name']]);
    expect(parts(answer)).toEqual([0, 128]);
    const view = Buffer.from(answer).subarray(16);
    expect([view.readBigUInt64LE(0), view.readBigUInt64LE(16), view.readBigUInt64LE(24)]).toEqual([2n, 1n, 1n]);
    expect([view.readBigUInt64LE(40), view.readBigUInt64LE(48), view.readUInt32LE(100)]).toEqual([
      (1n << 48n) + 5n,
      3n,
      0o100644,
    ]);
  });

  it('lets the kernel believe for good what nobody else changes', () => {
    const lasting = Buffer.from(
      new FuseSession(fakeFiles(true).files, OPTIONS).answer(request(1, Buffer.from('name\0')))!,
    );
    expect(lasting.readBigUInt64LE(16 + 16)).toBe(1_000_000_000n);
    const opened = Buffer.from(new FuseSession(fakeFiles(true).files, OPTIONS).answer(request(27, Buffer.alloc(8)))!);
    expect(opened.readUInt32LE(16 + 8)).toBe(2 | 8);
    const other = Buffer.from(new FuseSession(fakeFiles().files, OPTIONS).answer(request(27, Buffer.alloc(8)))!);
    expect(other.readUInt32LE(16 + 8)).toBe(0);
  });

  it('speaks of users by their numbers in the mount’s namespace', () => {
    const { files, asked } = fakeFiles();
    const pair = { inside: 0, outside: 1000 };
    const owners = (outside: number): number[] => {
      const numbers = { user: { ...pair, outside }, group: { inside: 7, outside: 1 } };
      const answer = Buffer.from(new FuseSession(files, { ...OPTIONS, numbers }).answer(request(3, Buffer.alloc(16)))!);
      return [answer.readUInt32LE(16 + 16 + 68), answer.readUInt32LE(16 + 16 + 72)];
    };
    // Whoever has no number there is nobody.
    expect([owners(0), owners(1000)]).toEqual([
      [0, 0xffff_ffff],
      [0xffff_ffff, 0xffff_ffff],
    ]);
    const session = new FuseSession(files, { ...OPTIONS, numbers: { user: pair, group: pair } });
    session.answer(request(9, Buffer.concat([Buffer.alloc(8), Buffer.from('made\0')])));
    const change = Buffer.alloc(88);
    change.writeUInt32LE(2, 0);
    session.answer(request(4, change));
    expect(asked.slice(-2)).toEqual([
      ['makeDirectory', 1, 'made', 0, { user: 1000, group: 1000 }],
      ['change', 1, { user: 1000, dropRights: false }],
    ]);
  });

  it('says hello in the version that both know', () => {
    const { files } = fakeFiles();
    const hello = Buffer.alloc(64);
    [7, 45, 131_072, 0xffff_ffff].forEach((value, n) => hello.writeUInt32LE(value, n * 4));
    const answer = Buffer.from(new FuseSession(files, OPTIONS).answer(request(26, hello))!).subarray(16);
    expect([answer.length, answer.readUInt32LE(0), answer.readUInt32LE(4)]).toEqual([64, 7, 36]);
    hello.writeUInt32LE(30, 4);
    expect(parts(new FuseSession(files, OPTIONS).answer(request(26, hello)))).toEqual([FILE_ERROR.EPROTO, 0]);
  });

  it.each([
    ['a name with a slash', 1, Buffer.from('a/b\0'), FILE_ERROR.EIO],
    ['a name that goes up', 1, Buffer.from('..\0'), FILE_ERROR.EIO],
    ['no end of a name', 1, Buffer.from('name'), FILE_ERROR.EIO],
    ['a write that is shorter than it says', 16, Buffer.alloc(40, 1), FILE_ERROR.EIO],
    ['a read that is too large', 15, Buffer.alloc(40, 0xff), FILE_ERROR.EIO],
    ['an operation that there is not', 4000, Buffer.alloc(8), FILE_ERROR.ENOSYS],
    ['a file that is not there', 10, Buffer.from('x\0'), FILE_ERROR.ENOENT],
    ['a bug of ours', 11, Buffer.from('x\0'), FILE_ERROR.EIO],
  ])('answers %s with an error', (_, operation, body, error) => {
    expect(parts(new FuseSession(fakeFiles().files, OPTIONS).answer(request(operation, body)))).toEqual([error, 0]);
  });

  it('says nothing to what is no request, is forgotten or interrupted', () => {
    const session = new FuseSession(fakeFiles().files, OPTIONS);
    expect(session.answer(Buffer.alloc(12))).toBeUndefined();
    expect(session.answer(request(1, Buffer.from('x\0'), 4))).toBeUndefined();
    for (const operation of [2, 36, 42]) expect(session.answer(request(operation, Buffer.alloc(8)))).toBeUndefined();
    // More nodes than there are bytes for.
    expect(session.answer(request(42, Buffer.alloc(8, 0xff)))).toBeUndefined();
  });

  it('takes back what did not arrive', () => {
    const { files, asked } = fakeFiles();
    const session = new FuseSession(files, OPTIONS);
    session.answer(request(35, Buffer.concat([Buffer.alloc(16), Buffer.from('name\0')])));
    session.takeBack();
    session.answer(request(27, Buffer.alloc(8)));
    session.takeBack();
    const list = Buffer.alloc(40);
    list.writeUInt32LE(4096, 16);
    session.answer(request(44, list));
    session.takeBack();
    session.answer(request(3, Buffer.alloc(16)));
    session.takeBack();
    expect(asked.filter(([method]) => /^(?:forget|release)/.test(String(method)))).toEqual([
      ['forget', 2, 1],
      ['release', 9],
      ['releaseDirectory', 9],
      ['forget', 2, 1],
    ]);
  });

  it('answers whatever comes', () => {
    const session = new FuseSession(fakeFiles().files, OPTIONS);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60 }), fc.uint8Array({ maxLength: 200 }), (operation, body) => {
        const answer = session.answer(request(operation, body));
        if (answer === undefined) return [2, 36, 42].includes(operation);
        const [error, length] = parts(answer);
        return error >= 0 && error < 4096 && (error === 0 || length === 0);
      }),
      { numRuns: 3000 },
    );
  });
});

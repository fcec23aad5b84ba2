// SPDX-License-Identifier: Apache-2.0
// Members of archives in each form that is understood, and damaged and nonsensical ones.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PlinthError } from '@plinth/core';
import { readTar } from './tar-reader.js';
import type { TarMember } from './tar-reader.js';
import { testTar } from './test-tar.js';

function members(archive: Uint8Array): TarMember[] {
  return [...readTar((offset, length) => archive.subarray(offset, offset + length), 'a.tar')];
}

function complaint(archive: Uint8Array): string {
  try {
    members(archive);
  } catch (error) {
    if (error instanceof PlinthError && error.kind === 'input') return error.message;
    throw error;
  }
  return 'none';
}

describe('readTar', () => {
  it('lists kinds, attributes and places', () => {
    const archive = testTar(
      { path: './', type: '5', mode: 0o755 },
      { path: './etc/f', data: 'hello', mode: 0o4640, uid: 7 },
      { path: 'l', type: '2', target: '/etc/f' },
      { path: 'h', type: '1', target: 'etc/f' },
      { path: 'null', type: '3' },
    );
    const [root, file, symlink, hard, device] = members(archive);
    expect(root).toMatchObject({ path: './', kind: 'directory', mode: 0o755 });
    expect(file).toMatchObject({ path: './etc/f', kind: 'file', mode: 0o4640, uid: 7, mtime: 1000, size: 5 });
    expect(archive.toString('latin1', file!.offset, file!.offset + 5)).toBe('hello');
    expect(symlink).toMatchObject({ kind: 'symlink', target: '/etc/f' });
    expect(hard).toMatchObject({ kind: 'hard link', target: 'etc/f' });
    expect(device).toMatchObject({ kind: 'device' });
  });

  it('takes long names from GNU and from pax headers, with capabilities as bytes', () => {
    const long = `${'d/'.repeat(100)}name`;
    const pax = (key: string, value: Buffer): Buffer => {
      const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
      return Buffer.concat([Buffer.from(String(rest.length + 2 + (rest.length > 97 ? 1 : 0))), rest]);
    };
    const capability = Buffer.from([1, 0, 0, 2, 0xff, 0x0a]);
    const archive = testTar(
      { path: 'L', type: 'L', data: `${long}\0` },
      { path: 'cut' },
      {
        path: 'x',
        type: 'x',
        data: Buffer.concat([
          pax('path', Buffer.from(long)),
          pax('uid', Buffer.from('70000')),
          pax('SCHILY.xattr.security.capability', capability),
        ]),
      },
      { path: 'cut' },
      { path: 'plain' },
    );
    const [gnu, posix, plain] = members(archive);
    expect(gnu?.path).toBe(long);
    expect(posix).toMatchObject({ path: long, uid: 70000 });
    expect(Buffer.from(posix!.capability!).equals(capability)).toBe(true);
    expect(plain).toEqual({ ...plain, path: 'plain', uid: 0 });
  });

  it.each([
    ['nothing', Buffer.alloc(0), 'a.tar: no usable tar: it is too short'],
    ['a text', Buffer.alloc(2000, 'x'), /^a\.tar: no usable tar: no header at byte 0/],
    ['a cut member', testTar({ path: 'f', data: 'x'.repeat(2000) }).subarray(0, 1500), /f: it is cut off$/],
    ['a sparse file', testTar({ path: 'f', type: 'S' }), /f: members of type "S"/],
    ['a bad extension', testTar({ path: 'x', type: 'x', data: '99 path=y\n' }), /a damaged extended header/],
  ])('refuses %s', (_name, archive, message) => {
    expect(complaint(archive)).toMatch(message);
  });

  it('gives members or one line for anything', () => {
    const good = testTar({ path: 'x', type: 'x', data: '12 path=abc\n' }, { path: 'f', data: 'data' });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }), (changes) => {
        const damaged = Buffer.from(good);
        for (const [at, value] of changes) damaged[at] = value;
        expect(complaint(damaged)).not.toContain('\n');
      }),
      { seed: 1, numRuns: 3000 },
    );
  });
});

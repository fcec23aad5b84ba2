// SPDX-License-Identifier: Apache-2.0
// The archive writer against an independent reader of the format, and the initramfs built around a made-up busybox.

import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { concatenateArchives, writeCpio } from '@plinth/machine';
import { buildInitramfs, busyboxCommands } from './initramfs.js';

interface Member {
  mode: number;
  links: number;
  device: string;
  data: string;
}

/** Reads "newc" archives as the kernel does: several in one buffer, zeros between them. */
function readArchives(bytes: Uint8Array): Map<string, Member> {
  const text = Buffer.from(bytes).toString('latin1');
  const members = new Map<string, Member>();
  for (let at = 0; at < text.length;) {
    if (text[at] === '\0') {
      at++;
      continue;
    }
    expect(at % 4).toBe(0);
    expect(text.slice(at, at + 6)).toBe('070701');
    const fields = text
      .slice(at + 6, at + 110)
      .match(/.{8}/g)!
      .map((field) => Number.parseInt(field, 16));
    const [, mode = 0, , , links = 0, , size = 0, , , major, minor, nameSize = 0] = fields;
    const name = text.slice(at + 110, at + 110 + nameSize - 1);
    const start = (at + 110 + nameSize + 3) & ~3;
    at = (start + size + 3) & ~3;
    if (name !== 'TRAILER!!!')
      members.set(name, { mode, links, device: `${major}:${minor}`, data: text.slice(start, start + size) });
  }
  return members;
}

const NAMES = ['[', '[[', 'ash', 'busybox', 'mount', 'sh', 'uname'];
const BUSYBOX = Buffer.from(`\x7fELF...\0${NAMES.join('\0')}\0\0more`, 'latin1');

describe('writeCpio', () => {
  it('writes entries that a reader finds again, at every length of name and data', () => {
    for (let length = 0; length < 9; length++) {
      const path = `d/${'n'.repeat(length + 1)}`;
      const archive = writeCpio([
        { kind: 'directory', path: 'd', mode: 0o755 },
        { kind: 'file', path, mode: 0o640, data: Buffer.from('x'.repeat(length)) },
        { kind: 'symlink', path: 'l', target: path },
        { kind: 'character', path: 'c', mode: 0o600, major: 5, minor: 1 },
      ]);
      expect(archive.length % 4).toBe(0);
      expect([...readArchives(archive)]).toEqual([
        ['d', { mode: 0o40755, links: 2, device: '0:0', data: '' }],
        [path, { mode: 0o100640, links: 1, device: '0:0', data: 'x'.repeat(length) }],
        ['l', { mode: 0o120777, links: 1, device: '0:0', data: path }],
        ['c', { mode: 0o20600, links: 1, device: '5:1', data: '' }],
      ]);
    }
  });

  it('refuses absolute paths', () => {
    expect(() => writeCpio([{ kind: 'directory', path: '/etc', mode: 0o755 }])).toThrow('relative path');
  });
});

it('concatenateArchives begins every archive at a multiple of 4', () => {
  for (let length = 1; length < 9; length++) {
    const all = concatenateArchives([
      new Uint8Array(length),
      writeCpio([{ kind: 'directory', path: 'p', mode: 0o700 }]),
    ]);
    expect([...readArchives(all).keys()]).toEqual(['p']);
  }
});

describe('buildInitramfs', () => {
  it('links every command of busybox and holds an executable /init', () => {
    const members = readArchives(gunzipSync(buildInitramfs(BUSYBOX)));
    expect(members.get('bin/busybox')).toMatchObject({ mode: 0o100755, data: BUSYBOX.toString('latin1') });
    for (const name of NAMES) if (name !== 'busybox') expect(members.get(`bin/${name}`)?.data).toBe('busybox');
    expect(members.get('init')?.mode).toBe(0o100755);
    expect(members.get('dev/console')).toMatchObject({ mode: 0o20600, device: '5:1' });
  });

  it('gives the same bytes for the same busybox', () => {
    expect(Buffer.from(buildInitramfs(BUSYBOX)).equals(buildInitramfs(BUSYBOX))).toBe(true);
  });

  it('refuses a program without the table of commands', () => {
    expect(busyboxCommands(BUSYBOX)).toEqual(NAMES);
    for (const text of ['', '\0[\0[[\0', '\0[\0[[\0\0', '\0[\0[[\0mount\0s/h\0sh\0\0']) {
      expect(() => busyboxCommands(Buffer.from(text))).toThrow('no table of commands');
    }
  });
});

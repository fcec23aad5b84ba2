// SPDX-License-Identifier: Apache-2.0
// A record of a tree tells of every change to it, and only of changes.

import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PlinthError } from '@plinth/core';
import { type AttributeCalls, compareProofs, type HostProof, proveTree, readProof, writeProof } from './host-proof.js';

/** Every file that is called so has one attribute. */
class Attributes implements AttributeCalls {
  value: string = 'one';

  listAttributes(path: string, into: Uint8Array): number {
    if (!path.endsWith('/file')) return 0;
    into.set(Buffer.from('user.mark\0').subarray(0, into.length));
    return 10;
  }

  getAttribute(_path: string, name: string, into: Uint8Array): number {
    if (name !== 'user.mark') return -1;
    into.set(Buffer.from(this.value));
    return this.value.length;
  }
}

let folder: string;
let attributes: Attributes;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plinth-proof-'));
  attributes = new Attributes();
  mkdirSync(join(folder, 'etc'));
  writeFileSync(join(folder, 'etc/file'), 'text');
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.of(0xe9)]), 'a name that is no UTF-8');
  symlinkSync('file', join(folder, 'etc/link'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const prove = (...excluded: string[]): HostProof => proveTree(attributes, folder, excluded);
const changed = (change: () => void): string[] => {
  const before = prove();
  change();
  return compareProofs(before, prove()).map(({ path }) => path);
};

it.each<[string, () => void, string[]]>([
  ['nothing', () => readFileSync(join(folder, 'etc/file')), []],
  ['times', () => utimesSync(join(folder, 'etc/file'), 1, 1), []],
  ['a byte', () => writeFileSync(join(folder, 'etc/file'), 'Text'), ['/etc/file']],
  ['a mode', () => chmodSync(join(folder, 'etc/file'), 0o600), ['/etc/file']],
  ['a new file', () => writeFileSync(join(folder, 'etc/new'), ''), ['/etc/new']],
  ['a file less', () => rmSync(join(folder, 'etc/file')), ['/etc/file']],
  ['an attribute', () => (attributes.value = 'two'), ['/etc/file']],
  ['a name of bytes', () => rmSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.of(0xe9)])), ['/\u00e9']],
  [
    'a target',
    () => {
      rmSync(join(folder, 'etc/link'));
      symlinkSync('other', join(folder, 'etc/link'));
    },
    ['/etc/link'],
  ],
])('tells of %s', (_, change, paths) => {
  expect(changed(change)).toEqual(paths);
});

it('leaves out what it is told to', () => {
  expect(prove('/etc').entries.map(([path]) => path)).toEqual(['', '/\u00e9']);
});

it('is the same after it was written and read', () => {
  const proof = prove();
  expect(readProof(writeProof(proof), 'f')).toEqual(proof);
});

it('is refused when it is damaged', () => {
  const text = writeProof(prove());
  for (const damaged of ['', text.slice(0, -4), text.replace('"/etc"', '"/etd"'), text.slice(text.indexOf('\n') + 1)])
    expect(() => readProof(damaged, 'f')).toThrow('f: no record of verify-host');
  fc.assert(
    fc.property(fc.string(), fc.nat(text.length), (noise, at) => {
      try {
        readProof(text.slice(0, at) + noise + text.slice(at), 'f');
      } catch (error) {
        expect(error).toBeInstanceOf(PlinthError);
      }
    }),
  );
});

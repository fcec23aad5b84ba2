// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { type Dependent, neededPackages } from './needed-packages.js';

function one(name: string, depends: string = '', more: Partial<Dependent> = {}): Dependent {
  return { name, depends, preDepends: '', provides: '', ...more };
}

const ALL = [
  one('libc6', 'libgcc-s1, libcrypt1 (>= 1:4.4.10-10~)'),
  one('libgcc-s1', 'gcc-12-base (= 12.2.0-14), libc6 (>= 2.35)'),
  one('gcc-12-base'),
  one('libcrypt1', 'libc6 (>= 2.36)'),
  one('debconf', 'perl-base'),
  one('perl-base'),
  one('mawk', '', { provides: 'awk' }),
  one('tool', 'awk, debconf (>= 0.5) | debconf-2.0', { preDepends: 'libc6:any (>= 2.15)' }),
  one('other'),
];
const names = (wanted: readonly string[]): string[] => neededPackages(ALL, wanted).map(({ name }) => name);

it('follows both kinds of dependency, alternatives, provided names and circles', () => {
  expect(names(['tool'])).toEqual(['libc6', 'libgcc-s1', 'gcc-12-base', 'libcrypt1', 'mawk', 'tool']);
});

it('leaves out what only configures, unless it is asked for', () => {
  expect(names(['other'])).toEqual(['other']);
  expect(names(['debconf'])).toEqual(['debconf', 'perl-base']);
});

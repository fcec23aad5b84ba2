// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { matchFiles, wantedFiles } from './wanted-files.js';

const DRIVE = { readonly: false, snapshot: false };
const files = (...names: string[]): { name: string }[] => names.map((name) => ({ name }));
const matched = (wanted: string[], chosen: string[]): (string | undefined)[] =>
  matchFiles(files(...wanted), files(...chosen)).map((file) => file?.name);

it('are a drive’s disk and its overlay, without their folders', () => {
  expect(
    wantedFiles([
      { ...DRIVE, file: '/srv/a.img', overlay: 'x/a.changes' },
      { ...DRIVE, file: 'b.img' },
    ]),
  ).toEqual([
    { name: 'a.img', drive: 0, role: 'disk' },
    { name: 'a.changes', drive: 0, role: 'overlay' },
    { name: 'b.img', drive: 1, role: 'disk' },
  ]);
});

it('are found by name, and a last one by being the last', () => {
  expect(matched(['a', 'b'], ['b', 'a'])).toEqual(['a', 'b']);
  expect(matched(['a'], ['renamed'])).toEqual(['renamed']);
  expect(matched(['a', 'b'], ['renamed', 'a'])).toEqual(['a', 'renamed']);
  expect(matched(['a', 'b'], ['renamed'])).toEqual([undefined, undefined]);
  expect(matched(['a', 'b'], ['a'])).toEqual(['a', undefined]);
  expect(matched(['a', 'a'], ['a'])).toEqual(['a', undefined]);
  expect(matched([], ['a'])).toEqual([]);
});

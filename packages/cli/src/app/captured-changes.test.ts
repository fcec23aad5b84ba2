// SPDX-License-Identifier: Apache-2.0
// What of an installer's changes is taken, and which of it may be the program.

import type { WorkspaceChange } from '@plinth/sandbox';
import { expect, it } from 'vitest';
import { CapturedChanges, layerPathOf, likelyPrograms } from './captured-changes.js';

const HOME = '/home/me';
const HERE = '/home/me/src/thing';

function change(shown: string, kind: WorkspaceChange['kind'] = 'added', type: WorkspaceChange['type'] = 'file') {
  return { path: shown, shown, base: '/', kind, type };
}

function captured(paths: readonly string[], keep: readonly string[] = []): CapturedChanges {
  return new CapturedChanges(
    paths.map((path) => change(path)),
    { here: HERE, home: HOME, keep },
  );
}

it('leaves out what passes, and where the installer was started', () => {
  const { taken, leftOut } = captured([
    '/opt/a',
    '/var/cache/x/y',
    '/var/cache.old',
    '/home/me/.cache/z',
    '/home/me/.config/z',
    '/home/me/src/thing/main.o',
    '/home/me/src/thing/sub/main.o',
    '/home/me/src/thing2',
  ]);
  expect([...taken]).toEqual(['/opt/a', '/var/cache.old', '/home/me/.config/z', '/home/me/src/thing2']);
  expect(leftOut).toEqual([
    { place: '/var/cache', files: 1 },
    { place: '/home/me/.cache', files: 1 },
    { place: HERE, files: 2 },
  ]);
});

it('takes what is to be kept, all the same', () => {
  const paths = [`${HERE}/a`, '/var/cache/x', '/var/cache/y', '/var/log/z'];
  expect([...captured(paths, [HERE, '/var/cache/x']).taken]).toEqual([`${HERE}/a`, '/var/cache/x']);
  expect([...captured(paths, ['/var']).taken]).toEqual(paths.slice(1));
  expect([...captured(paths, ['/']).taken]).toEqual(paths);
});

it('looks for programs first where everybody does', () => {
  const likely = (...changes: readonly WorkspaceChange[]): string[] =>
    likelyPrograms(changes, new CapturedChanges(changes, { here: HERE, home: HOME, keep: [] }), HOME);
  const other = [
    change('/opt/a/bin/a'),
    change('/opt/a/lib/b/bin/c'),
    change('/usr/local/lib/node_modules/d/bin/d'),
    change('/opt/a/bin', 'added', 'directory'),
  ];
  const changed = change('/usr/bin/e', 'changed');
  expect(likely(...other, changed)).toEqual(['/opt/a/bin/a']);
  expect(likely(changed, change('/usr/bin/f', 'deleted'))).toEqual(['/usr/bin/e']);
  const added = [change('/usr/local/bin/g', 'added', 'link'), change('/home/me/.local/bin/h')];
  expect(likely(...other, ...added)).toEqual(['/usr/local/bin/g', '{home}/.local/bin/h']);
  expect(likely(change(`${HERE}/bin/i`), change('/usr/share/j'))).toEqual([]);
});

it('says where a layer has a path', () => {
  expect(['/usr/bin/a', HOME, `${HOME}/.config`, '/home/mei'].map((path) => layerPathOf(path, HOME))).toEqual([
    'root/usr/bin/a',
    'known/home',
    'known/home/.config',
    'root/home/mei',
  ]);
});

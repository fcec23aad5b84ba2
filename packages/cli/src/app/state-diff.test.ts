// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { LayerEntry } from '@plinth/sandbox';
import { stateChanges } from './state-diff.js';

/** Something that is on this host. */
const THERE = mkdtempSync(join(realpathSync(tmpdir()), 'plinth-state-diff-'));
afterAll(() => rmSync(THERE, { recursive: true }));

const INSIDE = new Set(['root/usr', 'root/usr/bin', 'root/usr/bin/tool']);
const OPEN = { isolation: {}, others: 'write-copy' } as const;

function entry(layerPath: string, kind: LayerEntry['kind'] = 'file', opaque: boolean = false): LayerEntry {
  return { layerPath, kind, opaque, bytes: kind === 'file' ? 7 : 0 };
}

function changes(entries: readonly LayerEntry[], rules: Parameters<typeof stateChanges>[2] = OPEN): string[] {
  return stateChanges(entries, INSIDE, rules).map(({ change, path }) => `${change} ${path}`);
}

it('tells what is new from what was there, in the program and in the host', () => {
  const all = [entry('root/usr/bin/tool'), entry('root/usr/bin/new'), entry(`root${THERE}`), entry(`root${THERE}/no`)];
  expect(changes(all)).toEqual([
    'changed /usr/bin/tool',
    'added /usr/bin/new',
    `changed ${THERE}`,
    `added ${THERE}/no`,
  ]);
});

it('does not look at the host where the program has a directory of its own', () => {
  expect(changes([entry('root/usr/lib')])).toEqual(['added /usr/lib']);
  expect(changes([entry(`root${THERE}`)], { ...OPEN, others: 'full' })).toEqual([`added ${THERE}`]);
  const both = { ...OPEN, isolation: { '/usr': 'write-copy' } } as const;
  expect(changes([entry('root/usr/lib')], both)).toEqual(['changed /usr/lib']);
});

it('lists a directory only if it is new or hides another one', () => {
  const all = [
    entry('root/usr/bin', 'directory'),
    entry('root/usr/new', 'directory'),
    entry('root/usr/bin', 'directory', true),
  ];
  expect(changes(all)).toEqual(['added /usr/new', 'changed /usr/bin']);
});

it('names folders of the user, and what is removed', () => {
  expect(changes([entry('known/home/.x-not-there'), entry('root/usr/bin/tool', 'removed')])).toEqual([
    'added {home}/.x-not-there',
    'removed /usr/bin/tool',
  ]);
});

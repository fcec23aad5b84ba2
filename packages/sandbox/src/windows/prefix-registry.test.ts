// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { Hive } from '../registry/hive.js';
import { parseKeyIsolation } from './key-isolation.js';
import { mergedTexts, prefixChanges, prefixLayer, type PrefixTexts } from './prefix-registry.js';

const text = (body: string): Uint8Array =>
  Buffer.from(`WINE REGISTRY Version 2\n;; All keys relative to \\\\User\\\\S-1\n\n#arch=win64\n\n${body}`, 'latin1');
const user = (body: string): PrefixTexts => ({ 'user.reg': text(body) });

const BASE = user(
  `[Software\\\\Base] 1000000000\n"a"="one"\n"b"=dword:00000002\n\n[Software\\\\Old] 1000000000\n"x"="y"\n`,
);
const AFTER = user(`[Software\\\\App] 1000000000\n"size"=dword:00000003\n\n[Software\\\\Base] 1000000000\n"a"="two"\n`);

it('lists what parts two states, by part and key', () => {
  const [only, ...others] = prefixChanges(BASE, AFTER, 'test');
  expect(others).toEqual([]);
  expect(only!.part.shown).toBe('HKEY_CURRENT_USER');
  expect(only!.changes.map(({ kind, path }) => `${kind} ${path.join('\\')}`)).toEqual([
    'key-removed Software\\Old',
    'key-added Software\\App',
    'value-added Software\\App',
    'value-removed Software\\Base',
    'value-changed Software\\Base',
  ]);
  expect(prefixChanges(AFTER, AFTER, 'test')).toEqual([]);
});

it('keeps that as a hive, which laid over the base gives the state again', () => {
  const layer = prefixLayer(BASE, prefixChanges(BASE, AFTER, 'test'), 'test');
  expect([...layer.keys()]).toEqual(['user.hive']);
  expect(new Hive(layer.get('user.hive')!).root.key('Software')?.key('Old')?.mark).toBe('deleted');
  const merged = mergedTexts(BASE, [layer], 'test');
  expect(prefixChanges(AFTER, merged, 'test')).toEqual([]);
  expect(Buffer.from(merged['user.reg']!).toString('latin1')).toMatch(
    /All keys relative to \\\\User\\\\S-1\n\n#arch=win64/,
  );
});

it('lays it over another base, whose own keys stay', () => {
  const layer = prefixLayer(BASE, prefixChanges(BASE, AFTER, 'test'), 'test');
  const newer = user(
    `[Software\\\\Base] 1000000000\n"a"="one"\n"c"="new"\n\n[Software\\\\Newer] 1000000000\n"k"="v"\n`,
  );
  const merged = prefixChanges(newer, { ...newer, ...mergedTexts(newer, [layer], 'test') }, 'test');
  expect(merged.flatMap(({ changes }) => changes.map(({ kind, path }) => `${kind} ${path.join('\\')}`))).toEqual([
    'key-added Software\\App',
    'value-added Software\\App',
    'value-changed Software\\Base',
  ]);
});

it('says which text it cannot read, and where', () => {
  expect(() => prefixChanges(BASE, user('[Software\n'), 'state')).toThrow(/^state: user\.reg.*line 6/);
});

it('shows of a base what rules let be seen', () => {
  const rules = [
    parseKeyIsolation(String.raw`HKCU\Software\Base=hidden`),
    parseKeyIsolation(String.raw`HKEY_LOCAL_MACHINE\Software=full`),
  ];
  const merged = mergedTexts(BASE, [], 'test', rules);
  expect(Object.keys(merged)).toEqual(['system.reg', 'user.reg']);
  expect(prefixChanges(BASE, { 'user.reg': merged['user.reg']! }, 'test')[0]?.changes).toEqual([
    { kind: 'key-removed', path: ['Software', 'Base'] },
  ]);
});

it.each([
  ['HKCU\\Software=merged', 'a mode of keys is one of write-copy, full, hidden'],
  ['HKXX\\Software=hidden', 'keys begin with HKLM, HKCU or HKU\\.Default'],
  ['HKCU\\Software\\\\x=hidden', 'no key has such a name'],
])('refuses the rule %s', (text, why) => {
  expect(() => parseKeyIsolation(text)).toThrow(why);
});

// SPDX-License-Identifier: Apache-2.0
import { PlinthError } from '@plinth/core';
import { describe, expect, it } from 'vitest';
import { applyChanges, diffRegistry } from './diff.js';
import { createPath, findKey, type RegistryValue } from './key.js';
import { MemoryKey } from './memory-key.js';
import { encodeUtf16 } from './names.js';
import { applyEdits, changesToRegText, encodeRegText, parseRegText, treeToRegText } from './reg-text.js';

const HEAD = 'Windows Registry Editor Version 5.00\r\n\r\n';

function text(name: string, value: string, type = 1): RegistryValue {
  return { name, type, data: encodeUtf16(`${value}\0`) };
}

function read(body: string, head = HEAD): MemoryKey {
  const root = new MemoryKey('');
  applyEdits(root, parseRegText(head + body), { under: 'HKEY_CURRENT_USER' });
  return root;
}

describe('.reg text', () => {
  it('sets values of every form', () => {
    const root = read(
      [
        '; a comment',
        '[HKEY_CURRENT_USER\\Software\\A]br]',
        '@="default"',
        '"quoted \\"name\\" \\\\"="C:\\\\x\\n" ; and another',
        '"dword"=dword:0000ab1f',
        '"short"=dword:5',
        '"binary"=hex:01,02,\\',
        '  03 , 04,\\',
        '  05',
        '"empty"=hex:',
        '"expand"=hex(2):25,00,00,00',
        '"own"=hex(ffff0001):aa',
        '"lines"="one',
        'two"',
      ].join('\r\n'),
    );
    expect(findKey(root, 'software\\a]BR')!.values()).toEqual([
      text('', 'default'),
      text('quoted "name" \\', 'C:\\x\\n'),
      { name: 'dword', type: 4, data: Uint8Array.of(0x1f, 0xab, 0, 0) },
      { name: 'short', type: 4, data: Uint8Array.of(5, 0, 0, 0) },
      { name: 'binary', type: 3, data: Uint8Array.of(1, 2, 3, 4, 5) },
      { name: 'empty', type: 3, data: Uint8Array.of() },
      { name: 'expand', type: 2, data: Uint8Array.of(0x25, 0, 0, 0) },
      { name: 'own', type: 0xffff_0001, data: Uint8Array.of(0xaa) },
      text('lines', 'one\r\ntwo'),
    ]);
  });

  it('deletes keys and values', () => {
    const root = read('[HKEY_CURRENT_USER\\a\\b]\n"v"="1"\n"w"="2"\n[HKEY_CURRENT_USER\\c]\n');
    applyEdits(
      root,
      parseRegText(
        `${HEAD}[HKEY_CURRENT_USER\\a\\b]\n"V"=-\n@=-\n\n[-HKEY_CURRENT_USER\\C]\n[-HKEY_CURRENT_USER\\x\\y]`,
      ),
      {
        under: 'hkey_current_user',
      },
    );
    expect(root.keys().map(({ name }) => name)).toEqual(['a']);
    expect(findKey(root, 'a\\b')!.values()).toEqual([text('w', '2')]);
  });

  it('is read as UTF-16, UTF-8, and REGEDIT4 in a code page', () => {
    const body = `${HEAD}[HKEY_CURRENT_USER\\Größe]\r\n"日本"="語"\r\n`;
    for (const encoding of ['utf-16le', 'utf-8'] as const) {
      const root = new MemoryKey('');
      applyEdits(root, parseRegText(encodeRegText(body, encoding)), { under: 'HKEY_CURRENT_USER' });
      expect(root.key('GRÖßE')!.values()).toEqual([text('日本', '語')]);
    }
    const old = Uint8Array.from('REGEDIT4\r\n\r\n[A\\Gr\xf6\xdfe]\r\n"x"=hex(7):61,00,f6,00,00', (c) =>
      c.charCodeAt(0),
    );
    const [, edit] = parseRegText(old);
    expect(edit).toEqual({ kind: 'set-value', path: ['A', 'Größe'], value: text('x', 'a\0ö\0', 7) });
  });

  it.each([
    ['regedit', 'line 1, column 1: it should begin with'],
    [`${HEAD}[a`, 'line 3, column 3: "]" is missing'],
    [`${HEAD}[a] b`, 'line 3, column 4: the line should end here'],
    [`${HEAD}[]`, 'line 3, column 2: the name of a key is missing'],
    [`${HEAD}"a"="b"`, 'line 3, column 1: a value without a key'],
    [`${HEAD}[a]\n"a"`, 'line 4, column 4: "=" is missing'],
    [`${HEAD}[a]\n"a"="b`, 'line 4, column 5: the quotes are not closed'],
    [`${HEAD}[a]\n"a"=dword:123456789`, 'line 4, column 11: the number should be'],
    [`${HEAD}[a]\n"a"=hex:1,xy`, 'line 4, column 11: a byte should be two'],
    [`${HEAD}[a]\n"a"=hex:1,,2`, 'line 4, column 11: a byte is missing'],
    [`${HEAD}[a]\n"a"=word`, 'line 4, column 5: a value should be'],
    [`${HEAD}[a]\nb`, 'line 4, column 1: the line should end'],
  ])('%j: %s', (source, message) => {
    const parse = (): unknown => parseRegText(source, 'x.reg');
    expect(parse).toThrow(PlinthError);
    expect(parse).toThrow(`x.reg: ${message}`);
  });

  it('goes no deeper than Windows', () => {
    const parse = (): unknown => parseRegText(`${HEAD}[${'k\\'.repeat(600)}]`);
    expect(parse).toThrow('registry text: line 3, column 1: keys more than 512 deep');
  });

  it('refuses edits outside of what may be edited', () => {
    expect(() => read('[HKEY_LOCAL_MACHINE\\a]')).toThrow('is not below "HKEY_CURRENT_USER"');
  });

  it('is written so that it reads the same', () => {
    const root = new MemoryKey('');
    const key = createPath(root, 'a]b\\-c');
    [text('', ''), text('q"\\', 'a"b\\c'), text('line', 'a\nb'), text('m', 'a\0b\0', 7)].forEach((value) =>
      key.setValue(value),
    );
    key.setValue({ name: 'odd', type: 1, data: Uint8Array.of(65) });
    key.setValue({ name: 'long', type: 3, data: new Uint8Array(100) });
    key.setValue({ name: 'short dword', type: 4, data: Uint8Array.of(1) });
    key.setValue({ name: 'surrogate', type: 1, data: Uint8Array.of(0, 0xd8, 0, 0) });
    const written = treeToRegText(root, 'HKEY_CURRENT_USER');
    expect(Math.max(...written.split('\r\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
    const again = new MemoryKey('');
    applyEdits(again, parseRegText(encodeRegText(written)), { under: 'HKEY_CURRENT_USER' });
    expect(diffRegistry(root, again)).toEqual([]);
  });
});

describe('a difference', () => {
  const before = read(
    '[HKEY_CURRENT_USER\\same]\n"v"="1"\n[HKEY_CURRENT_USER\\gone\\deep]\n[HKEY_CURRENT_USER\\k]\n"a"="1"\n"b"="2"\n"t"="3"\n',
  );
  const after = read(
    '[HKEY_CURRENT_USER\\SAME]\n"V"="1"\n[HKEY_CURRENT_USER\\k]\n"b"="changed"\n"t"=hex:33,00,00,00\n"n"="new"\n[HKEY_CURRENT_USER\\k\\made\\below]\n',
  );

  it('tells what was added, changed and removed, with types', () => {
    expect(diffRegistry(before, after).map((change) => `${change.kind} ${change.path.join('\\')}`)).toEqual([
      'key-removed gone',
      'value-removed k',
      'value-changed k',
      'value-added k',
      'value-changed k',
      'key-added k\\made',
      'key-added k\\made\\below',
    ]);
    expect(diffRegistry(before, after)[4]).toMatchObject({ before: { type: 1 }, after: { type: 3 } });
    expect(diffRegistry(before, before)).toEqual([]);
  });

  it('turns one state into the other, as data and as text', () => {
    const changes = diffRegistry(before, after);
    const [byData, byText] = [MemoryKey.from(before), MemoryKey.from(before)];
    applyChanges(byData, changes);
    expect(diffRegistry(byData, after)).toEqual([]);
    const source = changesToRegText(changes, 'HKEY_CURRENT_USER');
    expect(source).toContain('[-HKEY_CURRENT_USER\\gone]');
    expect(source).toContain('"a"=-');
    applyEdits(byText, parseRegText(source), { under: 'HKEY_CURRENT_USER' });
    expect(diffRegistry(byText, after)).toEqual([]);
  });
});

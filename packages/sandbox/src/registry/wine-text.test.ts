// SPDX-License-Identifier: Apache-2.0
import { PlinthError } from '@plinth/core';
import { describe, expect, it } from 'vitest';
import { findKey } from './key.js';
import { encodeUtf16 } from './names.js';
import { parseWineText, writeWineText } from './wine-text.js';

const SOURCE = String.raw`WINE REGISTRY Version 2
;; All keys relative to \\User\\S-1-5-21-0-0-0-1000

#arch=win64

[Control Panel\\Desk\[top\]] 1700072590
#time=1da17f0c9f6e2c0
#class="a \"class\""
@="default"
"DragFullWindows"="2"
"Path"=str(2):"%SystemRoot%\\x"
"list"=str(7):"one\0two\0"
"n"=dword:0000ff01
"bin"=hex:00,01,02,03,04,05,06,07,08,09,0a,0b,0c,0d,0e,0f,10,11,12,13,14,15,16,\
  17,18
"q"=hex(b):01,00,00,00,00,00,00,00
"\x65e5\x00e9a"="tab\tend\1\x4e2d"

[Links\\Here] 1700072590
#time=1da17f0c9f6e2c1
#link
"SymbolicLinkValue"=hex(6):5c,00
`;

describe("Wine's text", () => {
  it('is read with times, classes, links and every form of value', () => {
    const { root, relativeTo, arch } = parseWineText(SOURCE);
    expect([relativeTo, arch]).toEqual(['\\User\\S-1-5-21-0-0-0-1000', 'win64']);
    const desktop = findKey(root, 'control panel\\desk[top]')!;
    expect([desktop.className, desktop.lastWritten]).toEqual(['a "class"', 0x1da17f0c9f6e2c0n]);
    const data = (name: string): unknown => desktop.value(name)!.data;
    expect(data('')).toEqual(encodeUtf16('default\0'));
    expect(desktop.value('path')).toMatchObject({ type: 2, data: encodeUtf16('%SystemRoot%\\x\0') });
    expect(desktop.value('list')).toMatchObject({ type: 7, data: encodeUtf16('one\0two\0\0') });
    expect(desktop.value('n')).toMatchObject({ type: 4, data: Uint8Array.of(1, 0xff, 0, 0) });
    expect(data('bin')).toEqual(Uint8Array.from({ length: 25 }, (_, at) => at));
    expect(desktop.value('q')!.type).toBe(11);
    expect(data('日éa')).toEqual(encodeUtf16('tab\tend\u0001中\0'));
    expect(findKey(root, 'Links\\Here')!.flags).toBe(0x10);
  });

  it('comes back as the same text', () => {
    const read = parseWineText(SOURCE);
    expect(writeWineText(read.root, read)).toBe(SOURCE);
  });

  it('takes the time in seconds where that is all there is', () => {
    const { root } = parseWineText('WINE REGISTRY Version 2\n[a\\\\b] 1\n"x"="y"\n');
    expect(findKey(root, 'a\\b')!.lastWritten).toBe(116_444_736_010_000_000n);
    expect(root.key('a')!.lastWritten).toBe(116_444_736_010_000_000n);
  });

  it.each([
    ['REGEDIT4', 'line 1, column 1: it should begin with'],
    ['WINE REGISTRY Version 2\n[a', 'line 2, column 2: "]" is missing'],
    ['WINE REGISTRY Version 2\n"a"="b"', 'line 2, column 1: a value without a key'],
    ['WINE REGISTRY Version 2\n[a]\n"a"="b\n', 'line 3, column 6: "\\"" is missing'],
    ['WINE REGISTRY Version 2\n[a]\n"a"=str(2)', 'line 3, column 10: "):" is missing'],
    ['WINE REGISTRY Version 2\n[a]\n#time=x', 'line 3, column 7: the time should be'],
    ['WINE REGISTRY Version 2\n[a\\', 'line 2, column 4: a backslash ends the line'],
  ])('%j: %s', (source, message) => {
    const parse = (): unknown => parseWineText(source, 'user.reg');
    expect(parse).toThrow(PlinthError);
    expect(parse).toThrow(`user.reg: ${message}`);
  });

  it('goes no deeper than Windows', () => {
    const source = `WINE REGISTRY Version 2\n[${'k\\\\'.repeat(600)}]`;
    expect(() => parseWineText(source)).toThrow('Wine registry: line 2, column 1: keys more than 512 deep');
  });
});

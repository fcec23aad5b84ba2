// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { PlinthError } from '@plinth/core';
import { parseDrive } from './drive-option.js';

function complaint(text: string): string {
  try {
    parseDrive(text);
  } catch (error) {
    if (error instanceof PlinthError && error.kind === 'input') return error.message;
    throw error;
  }
  return 'none';
}

describe('--drive', () => {
  it.each([
    ['disk.img', { file: 'disk.img', readonly: false, snapshot: false }],
    ['disk.img,readonly', { file: 'disk.img', readonly: true, snapshot: false }],
    [
      'file=disk.img,format=raw,if=virtio,media=disk,id=hd0,snapshot=on,readonly=off',
      { file: 'disk.img', format: 'raw', readonly: false, snapshot: true },
    ],
    [
      'a.qcow2,overlay=b,serial=X-1',
      { file: 'a.qcow2', overlay: 'b', serial: 'X-1', readonly: false, snapshot: false },
    ],
    ['a,,b.img,overlay=c,,,,d', { file: 'a,b.img', overlay: 'c,,d', readonly: false, snapshot: false }],
  ])('takes %s', (text, drive) => {
    expect(parseDrive(text)).toEqual(drive);
  });

  it('takes names relative to a guest file', () => {
    expect(parseDrive('a.img,overlay=/x/b', '/guests')).toMatchObject({ file: '/guests/a.img', overlay: '/x/b' });
  });

  it.each([
    ['', 'drive: file: a text is needed'],
    ['format=raw', 'drive: a file is needed: file=NAME'],
    ['a,format=vmdk', 'drive: format "vmdk" is none of raw, qcow2'],
    ['a,if=ide', 'drive: a,if=ide: if=ide cannot be had here'],
    ['a,readonly=yes', 'drive: a,readonly=yes: readonly: on or off is needed'],
    ['a,colour=red', 'drive: there is no option "colour"'],
    ['a,b', 'drive: a,b: "b" is no option'],
    ['a,file=b', 'drive: a,file=b: file is given twice'],
    ['a,overlay=', 'drive: overlay: a text is needed'],
    ['a,serial=with blank', 'drive: serial: up to 20 ASCII characters without blanks are needed'],
    ['a\n,x=1', 'drive: there is no option "x"'],
  ])('refuses %j in one line', (text, line) => {
    expect(complaint(text)).toBe(line);
  });
});

// SPDX-License-Identifier: Apache-2.0
// Drives on real files: which are written, which are not, and one line for each that cannot be had.

import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { PlinthError } from '@plinth/core';
import { parseDrive } from './drive-option.js';
import { openDrives } from './open-drives.js';

const directory = mkdtempSync(join(tmpdir(), 'plinth-test-'));
afterAll(() => rmSync(directory, { recursive: true }));

const QCOW2_MAGIC = Uint8Array.of(0x51, 0x46, 0x49, 0xfb);

function file(name: string, bytes: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
}

function open(...drives: string[]): ReturnType<typeof openDrives> {
  return openDrives(drives.map((drive) => parseDrive(drive, directory)));
}

function complaint(...drives: string[]): string {
  try {
    for (const disk of open(...drives)) disk.close();
  } catch (error) {
    if (error instanceof PlinthError && error.kind === 'input') return error.message.replaceAll(directory, 'DIR');
    throw error;
  }
  return 'none';
}

/** Writes a sector of `value`, and says what the disk has then. */
function write(value: number, drive: string): number {
  const [disk] = open(drive);
  const sector = new Uint8Array(512).fill(value);
  disk!.write(1, sector);
  disk!.flush();
  disk!.read(1, sector.fill(0));
  disk!.close();
  return sector[7]!;
}

describe('drives', () => {
  it('are written in place, in an overlay, or nowhere', () => {
    const path = file('a.img', new Uint8Array(4096));
    const onDisk = (): number => readFileSync(path)[519]!;
    expect([write(1, 'a.img,snapshot'), onDisk()]).toEqual([1, 0]);
    expect([write(2, 'a.img,overlay=a.changes'), onDisk()]).toEqual([2, 0]);
    const [again] = open('a.img,overlay=a.changes,readonly');
    const sector = new Uint8Array(512);
    again!.read(1, sector);
    again!.close();
    expect([sector[0], again!.readOnly]).toEqual([2, true]);
    expect([write(3, 'a.img,overlay=a.changes,snapshot'), onDisk()]).toEqual([3, 0]);
    expect([write(4, 'a.img'), onDisk()]).toEqual([4, 4]);
  });

  it('notice that the disk under an overlay has changed', () => {
    const path = file('b.img', new Uint8Array(4096));
    write(1, 'b.img,overlay=b.changes');
    const { atimeMs, mtimeMs } = statSync(path);
    copyFileSync(path, join(directory, 'copy.img'));
    utimesSync(join(directory, 'copy.img'), atimeMs / 1000, mtimeMs / 1000);
    expect(complaint('copy.img,overlay=b.changes')).toBe('none');
    utimesSync(path, atimeMs / 1000, mtimeMs / 1000 + 1);
    expect(complaint('b.img,overlay=b.changes')).toMatch(/^DIR\/b\.changes: made over another disk, or over this one/);
  });

  it('that cannot be had are told in one line', () => {
    file('ok.img', new Uint8Array(1024));
    file('odd.img', new Uint8Array(1000));
    file('empty.img', new Uint8Array(0));
    file('q.img', Buffer.concat([QCOW2_MAGIC, new Uint8Array(508)]));
    file('q.qcow2', Buffer.concat([QCOW2_MAGIC, new Uint8Array(508)]));
    mkdirSync(join(directory, 'folder'));
    expect(complaint('missing.img')).toBe('drive: DIR/missing.img: there is no such file');
    expect(complaint('folder,readonly')).toBe('drive: DIR/folder: this is a directory');
    expect(complaint('/dev/null')).toBe('drive: /dev/null: neither a file nor a block device');
    expect(complaint('odd.img')).toMatch(/^DIR\/odd\.img: no disk image, or one that is cut short: its size, 1000/);
    expect(complaint('empty.img')).toMatch(/^DIR\/empty\.img: no disk image, .*it is empty$/);
    expect(complaint('q.img')).toMatch(/^drive: DIR\/q\.img: a qcow2 image by its content: say format=qcow2/);
    expect(complaint('q.qcow2')).toMatch(/^drive: DIR\/q\.qcow2: a qcow2 image is only read: add overlay=FILE/);
    expect(complaint('q.qcow2,readonly')).toBe('DIR/q.qcow2: a qcow2 image of version 0; versions 2 and 3 can be read');
    expect(complaint('ok.img,overlay=none,snapshot')).toMatch(/^drive: DIR\/none: there is no such overlay/);
    expect(complaint('ok.img,overlay=odd.img')).toMatch(/^DIR\/odd\.img: not an overlay of Plinth/);
    write(1, 'ok.img,overlay=ok.changes');
    expect(complaint('ok.changes')).toMatch(/^drive: DIR\/ok\.changes: an overlay: name its disk as the drive/);
    expect(complaint('ok.img', 'ok.img')).toBe(
      'drive: DIR/ok.img: two drives of one file need snapshot or readonly on both',
    );
    expect(complaint('ok.img,readonly', 'ok.img,snapshot')).toBe('none');
  });
});

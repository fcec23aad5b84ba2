// SPDX-License-Identifier: Apache-2.0
// Images made by qemu-img: plain, of version 2, compressed, with small clusters, and based on one another, read as
// qemu-img itself reads them.

import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDrives } from '@plinth/cli';
import type { BlockDevice } from '@plinth/machine';
import { afterAll, describe, expect, it } from 'vitest';

const missing = spawnSync('qemu-img', ['--version']).status === 0 ? undefined : 'qemu-img is not installed';
const SIZE = 3 * 1024 * 1024 + 512;
const directory = mkdtempSync(join(tmpdir(), 'plinth-test-'));
afterAll(() => rmSync(directory, { recursive: true }));

const path = (name: string): string => join(directory, name);

function qemuImg(...args: string[]): void {
  const { status, stderr } = spawnSync('qemu-img', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`qemu-img ${args.join(' ')}: ${stderr}`);
}

function contents(disk: BlockDevice): Buffer {
  const bytes = Buffer.alloc(disk.sectors * 512);
  disk.read(0, bytes);
  disk.close();
  return bytes;
}

function open(name: string): BlockDevice {
  const [disk] = openDrives([{ file: path(name), readonly: true, snapshot: false, format: 'qcow2' }]);
  return disk!;
}

/** Noise, zeros and text, so that clusters of every kind come of it. */
function original(): Buffer {
  const bytes = Buffer.alloc(SIZE);
  bytes.set(randomBytes(400_000), 100_000);
  bytes.fill('compressible ', 1_000_000, 2_000_000);
  bytes.set(randomBytes(512), SIZE - 512);
  return bytes;
}

describe('an image of qemu-img', () => {
  it.for<[string, string[]]>([
    ['plain', []],
    ['of version 2', ['-o', 'compat=0.10']],
    ['compressed', ['-c']],
    ['compressed, with small clusters', ['-c', '-o', 'cluster_size=4096']],
    ['compressed, with the smallest', ['-c', '-o', 'cluster_size=512']],
    ['with large clusters', ['-o', 'cluster_size=2M']],
  ])('is read: %s', ([, options], { skip }) => {
    skip(missing !== undefined, missing);
    const bytes = original();
    writeFileSync(path('raw.img'), bytes);
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', ...options, path('raw.img'), path('a.qcow2'));
    expect(contents(open('a.qcow2')).equals(bytes)).toBe(true);
    const size = statSync(path('a.qcow2')).size;
    truncateSync(path('a.qcow2'), Math.floor(size / 2));
    expect(() => open('a.qcow2')).toThrow(/a\.qcow2: this qcow2 image is cut short/);
  });

  it('is read with what is behind it', ({ skip }) => {
    skip(missing !== undefined, missing);
    const bytes = original();
    writeFileSync(path('base.img'), bytes);
    qemuImg('create', '-f', 'qcow2', '-b', 'base.img', '-F', 'raw', path('middle.qcow2'), `${SIZE + 1_048_576}`);
    qemuImg('create', '-f', 'qcow2', '-b', path('middle.qcow2'), '-F', 'qcow2', path('top.qcow2'));
    const expected = Buffer.concat([bytes, Buffer.alloc(1_048_576)]);
    expect(contents(open('top.qcow2')).equals(expected)).toBe(true);
    rmSync(path('base.img'));
    expect(() => open('top.qcow2')).toThrow(/its backing file: .*base\.img: there is no such file/);
  });

  it('is refused when it is encrypted, or compressed in a way that is not known', ({ skip }) => {
    skip(missing !== undefined, missing);
    qemuImg('create', '-f', 'qcow2', '-o', 'compression_type=zstd', path('zstd.qcow2'), '1M');
    expect(() => open('zstd.qcow2')).toThrow('compressed with zstd');
    qemuImg('create', '-f', 'qcow2', '-o', `data_file=${path('data.raw')}`, path('data.qcow2'), '1M');
    expect(() => open('data.qcow2')).toThrow('are in another file');
    // Not luks: qemu-img measures the host's speed for that, and gives up on a loaded one.
    const secret = ['--object', 'secret,id=s,data=secret', '-o', 'encrypt.format=aes,encrypt.key-secret=s'];
    qemuImg('create', '-f', 'qcow2', ...secret, path('aes.qcow2'), '1M');
    expect(() => open('aes.qcow2')).toThrow('is encrypted');
  });
});

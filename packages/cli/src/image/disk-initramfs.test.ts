// SPDX-License-Identifier: Apache-2.0
// Which modules the initramfs of a disk loads, and in which order.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { buildDiskInitramfs, moduleDependencies } from './disk-initramfs.js';

const BUSYBOX = Buffer.from('\0[\0[[\0mount\0sh\0\0', 'latin1');

function module(name: string, ...needs: string[]): Buffer {
  return Buffer.from(`\x7fELF\0license=GPL\0depends=${needs.join(',')}\0name=${name}\0`, 'latin1');
}

it('loads what a module needs before it, and nothing twice', () => {
  const directory = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  try {
    const modules: Record<string, string[]> = {
      virtio_mmio: [],
      virtio_blk: [],
      failover: [],
      net_failover: ['failover'],
      virtio_net: ['net_failover'],
      'virtio-rng': [],
      mbcache: [],
      jbd2: [],
      ext4: ['jbd2', 'mbcache'],
      fscache: [],
      '9pnet_virtio': [],
      '9p': ['fscache', '9pnet_virtio'],
    };
    mkdirSync(join(directory, 'kernel/fs'), { recursive: true });
    for (const [name, needs] of Object.entries(modules)) {
      writeFileSync(join(directory, 'kernel/fs', `${name}.ko`), module(name, ...needs));
    }
    const archive = gunzipSync(buildDiskInitramfs(BUSYBOX, directory)).toString('latin1');
    expect(archive).toContain(
      'virtio_mmio.ko\nvirtio_blk.ko\nfailover.ko\nnet_failover.ko\nvirtio_net.ko\nvirtio-rng.ko\njbd2.ko\nmbcache.ko\next4.ko\n',
    );
    expect(archive).toContain('\x009pnet_virtio.ko\nfscache.ko\n9p.ko\n'.slice(1));
    expect(archive.split('lib/modules/jbd2.ko\0')).toHaveLength(2);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

it('refuses a file that is no module', () => {
  expect(moduleDependencies(module('a', 'b', 'c'), 'a.ko')).toEqual(['b', 'c']);
  expect(moduleDependencies(module('a'), 'a.ko')).toEqual([]);
  expect(() => moduleDependencies(Buffer.from('text'), 'a.ko')).toThrow('no kernel module');
});

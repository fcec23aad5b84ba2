// SPDX-License-Identifier: Apache-2.0
// The Linux guests of benchmark `io`: the kernel of debian-mini, virtio drivers, and one program (bench/io), which is
// built here and is all that runs. The same kernel, initramfs and parameters for our machine and for the peer.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { moduleFiles } from '@plinth/cli';
import { PlinthError } from '@plinth/core';
import { writeCpio } from '@plinth/machine';
import { imageFile } from './cache.js';

const SOURCES = join(import.meta.dirname, '..', 'io');
const COMPILER = 'arm-linux-gnueabihf-gcc';
const FLAGS = ['-std=gnu17', '-Wall', '-Wextra', '-Werror', '-O2', '-static'];
/** By the program's name, in the order in which it loads them. */
const MODULES = {
  disk: ['virtio_mmio', 'virtio_blk'],
  network: ['virtio_mmio', 'failover', 'net_failover', 'virtio_net'],
} as const;

export interface IoGuest {
  /** The kernel unpacked, and as Debian packs it, which is what the peer can start. */
  readonly image: string;
  readonly zImage: string;
  readonly initrd: string;
}

/** `folder` is where what is made here goes. */
export async function ioGuest(folder: string, name: keyof typeof MODULES): Promise<IoGuest> {
  const program = join(folder, name);
  compile(join(SOURCES, `${name}.c`), program);
  const image = imageFile('debian-mini', 'Image');
  const manifest = JSON.parse(readFileSync(imageFile('debian-mini', 'manifest.json'), 'utf8')) as {
    packages: { name: string; version: string }[];
  };
  const kernel = manifest.packages.find(({ name }) => name.startsWith('linux-image'))!;
  const modules = await moduleFiles(kernel, MODULES[name], join(dirname(image), '../../test-modules', kernel.version));
  const file = (path: string, from: string, mode: number) =>
    ({ kind: 'file', path, mode, data: readFileSync(from) }) as const;
  const initrd = join(folder, `${name}.initrd`);
  const drivers = MODULES[name].map((driver, n) => file(`${driver}.ko`, modules[n]!, 0o644));
  writeFileSync(initrd, writeCpio([file('init', program, 0o755), ...drivers]));
  return { image, zImage: imageFile('debian-mini', 'vmlinuz'), initrd };
}

function compile(source: string, program: string): void {
  const { status, stderr, error } = spawnSync(COMPILER, [...FLAGS, source, '-o', program], { encoding: 'utf8' });
  if (error !== undefined) {
    const packages = 'gcc-arm-linux-gnueabihf libc6-dev-armhf-cross';
    const message = `${COMPILER} is not installed, and the guest's program is not shipped: apt-get install ${packages}`;
    throw new PlinthError('host', 'bench-compiler', message);
  }
  if (status === 0) return;
  const line = stderr.split('\n').find((text) => text.includes('error')) ?? stderr.slice(0, 200);
  throw new PlinthError('host', 'bench-compile', `${source}: ${COMPILER} refuses it: ${line}`);
}

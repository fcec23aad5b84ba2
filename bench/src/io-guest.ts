// SPDX-License-Identifier: Apache-2.0
// The Linux guests of benchmark `io`: the kernel of debian-mini, virtio drivers, and one program (bench/io), which is
// built here and is all that runs. The same kernel, initramfs and parameters for our machine and for the peer.

import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { moduleFiles } from '@plinth/cli';
import { writeCpio } from '@plinth/machine';
import { buildProgram } from './c-program.js';
import { imageFile } from './cache.js';

const SOURCES = join(import.meta.dirname, '..', 'io');
const COMPILER = 'arm-linux-gnueabihf-gcc';
const PACKAGES = 'gcc-arm-linux-gnueabihf libc6-dev-armhf-cross';
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
  const source = join(SOURCES, `${name}.c`);
  buildProgram({ compiler: COMPILER, flags: ['-static'], source, packages: PACKAGES }, program);
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

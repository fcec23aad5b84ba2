// SPDX-License-Identifier: Apache-2.0
// A Linux guest with Debian's virtio modules, which the guest image debian-mini does not have: they come from the kernel
// package that the image was made of, and are kept beside the images.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { moduleFiles } from '@plinth/cli';
import { concatenateArchives, type CpioEntry, withGuestFiles, writeCpio } from '@plinth/machine';
import { missingImage, plinth } from '../boot/guest.js';

/** In the order in which they are loaded. */
const MODULES = ['virtio_mmio', 'virtio_blk', 'virtio-rng', 'virtio_console'];
const MARKER = '0123456789abcdef0123456789abcdef';
/** Shown before the command's own output, which `commandOutput` takes. */
const load = (modules: readonly string[]): string =>
  `${modules.map((name) => `insmod /modules/${name}.ko`).join(' && ')} || exit 99\n`;

interface Kernel {
  readonly directory: string;
  readonly name: string;
  readonly version: string;
}

function kernelOfImage(): Kernel {
  const directory = plinth('image', 'path', 'debian-mini').stdout.trim();
  const manifest = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')) as {
    packages: { name: string; version: string }[];
  };
  const kernel = manifest.packages.find(({ name }) => name.startsWith('linux-image'))!;
  return { directory, ...kernel };
}

/** Why there are no modules; brings them, and the additional ones, if they are not here. */
export async function missingModules(additional: readonly string[] = []): Promise<string | undefined> {
  const noImage = missingImage();
  if (noImage !== undefined) return noImage;
  try {
    const kernel = kernelOfImage();
    await moduleFiles(kernel, [...MODULES, ...additional], modulesDirectory(kernel));
    return undefined;
  } catch (error) {
    return `no kernel modules: ${(error as Error).message}`;
  }
}

function modulesDirectory({ directory, version }: Kernel): string {
  return join(directory, '../../test-modules', version);
}

/** Files for a kernel whose init loads the modules and runs `command`; room for disks beside them. */
export class VirtioGuest implements Disposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  /** Unpacked, and as Debian packs it, which is what QEMU can start. */
  readonly kernel: string;
  readonly vmlinuz: string;
  readonly initrd: string = join(this.directory, 'initrd');

  /** `additional` modules are loaded after the others, in their order. */
  constructor(command: string, additional: readonly string[] = []) {
    const modules = [...MODULES, ...additional];
    const kernel = kernelOfImage();
    this.kernel = join(kernel.directory, 'Image');
    this.vmlinuz = join(kernel.directory, 'vmlinuz');
    const entries: CpioEntry[] = [{ kind: 'directory', path: 'modules', mode: 0o755 }];
    for (const name of modules) {
      const data = readFileSync(join(modulesDirectory(kernel), `${name}.ko`));
      entries.push({ kind: 'file', path: `modules/${name}.ko`, mode: 0o644, data });
    }
    const initramfs = readFileSync(join(kernel.directory, 'initramfs.cpio.gz'));
    const withCommand = withGuestFiles(initramfs, { exec: { command: load(modules) + command, marker: MARKER } });
    writeFileSync(this.initrd, concatenateArchives([withCommand, writeCpio(entries)]));
  }

  /** A file for a disk. */
  file(name: string, bytes?: Uint8Array): string {
    const path = join(this.directory, name);
    if (bytes !== undefined) writeFileSync(path, bytes);
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true });
  }
}

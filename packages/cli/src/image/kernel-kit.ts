// SPDX-License-Identifier: Apache-2.0
// What is put under a root file system: Debian's kernel, its modules, and the initramfs that mounts the root.

import { join } from 'node:path';
import type { Progress } from '../host/progress.js';
import type { DebianPackage, PrivateApt } from './apt.js';
import { readPackageFile } from './apt.js';
import { megabytes } from './debian-mini.js';
import { buildDiskInitramfs } from './disk-initramfs.js';
import type { HostTools } from './host-tools.js';
import { deviceTrees, findKernelPackage, unpackKernel, unpackModules } from './kernel-package.js';
import type { ImageFileName } from './manifest.js';

export interface KernelKit {
  readonly packages: readonly DebianPackage[];
  readonly files: Readonly<Partial<Record<ImageFileName, Uint8Array>>>;
  /** A directory with lib/modules/VERSION in it. */
  readonly modules: string;
}

const BUSYBOX_PACKAGE = 'busybox-static';

/** `apt` has read its lists; `work` is a directory for what is unpacked. */
export async function prepareKernel(
  apt: PrivateApt,
  tools: HostTools,
  work: string,
  progress: Progress,
): Promise<KernelKit> {
  const depmod = await tools.find('depmod');
  const packages = [await findKernelPackage(apt), await apt.show(BUSYBOX_PACKAGE)];
  const size = packages.reduce((sum, one) => sum + one.size, 0);
  progress.step(`Downloading the kernel ${packages[0]?.version} (${megabytes(size)})`);
  const [kernelFile = '', busyboxFile = ''] = await apt.downloadAll(packages);
  progress.step('Unpacking the kernel');
  const modules = join(work, 'modules');
  await unpackModules(kernelFile, modules, depmod);
  const vmlinuz = await readPackageFile(kernelFile, './boot/vmlinuz-*');
  const initramfs = buildDiskInitramfs(await readPackageFile(busyboxFile, '*/bin/busybox'), modules);
  const trees = await deviceTrees((tree) => readPackageFile(kernelFile, `./usr/lib/linux-image-*/${tree}`));
  return {
    packages,
    files: { vmlinuz, Image: unpackKernel(vmlinuz), 'initramfs.cpio.gz': initramfs, ...trees },
    modules,
  };
}

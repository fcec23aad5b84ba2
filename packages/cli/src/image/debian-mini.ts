// SPDX-License-Identifier: Apache-2.0
// The guest image `debian-mini`: Debian's armhf kernel as it is, the same kernel unpacked, device trees that come with it,
// and an initramfs of Debian's static busybox with our own /init. Everything comes from signed packages; nothing of it is part of this project.

import type { Progress } from '../host/progress.js';
import { PrivateApt, readPackageFile } from './apt.js';
import type { DebianPackage } from './apt.js';
import { readImageFile, storeImage } from './cache.js';
import { buildInitramfs, INITRAMFS_RECIPE } from './initramfs.js';
import { deviceTrees, findKernelPackage, unpackKernel } from './kernel-package.js';
import type { Manifest } from './manifest.js';

const NAME = 'debian-mini';
const BUSYBOX_PACKAGE = 'busybox-static';

export async function pullDebianMini(progress: Progress): Promise<Manifest> {
  using apt = new PrivateApt('armhf', progress);
  progress.step("Reading Debian's package lists for armhf");
  await apt.update();
  const kernelPackage = await findKernelPackage(apt);
  const busyboxPackage = await apt.show(BUSYBOX_PACKAGE);
  progress.step(`Downloading ${kernelPackage.name} ${kernelPackage.version} (${megabytes(kernelPackage.size)})`);
  const kernelFile = await apt.download(kernelPackage);
  progress.step(`Downloading ${busyboxPackage.name} ${busyboxPackage.version} (${megabytes(busyboxPackage.size)})`);
  const busyboxFile = await apt.download(busyboxPackage);
  progress.step('Building the image');
  const vmlinuz = await readPackageFile(kernelFile, './boot/vmlinuz-*');
  const busybox = await readPackageFile(busyboxFile, '*/bin/busybox');
  const trees = await deviceTrees((tree) => readPackageFile(kernelFile, `./usr/lib/linux-image-*/${tree}`));
  const manifest = await storeImage(
    { name: NAME, recipe: INITRAMFS_RECIPE, packages: [kernelPackage, busyboxPackage].map(origin) },
    { vmlinuz, Image: unpackKernel(vmlinuz), 'initramfs.cpio.gz': buildInitramfs(busybox), busybox, ...trees },
  );
  progress.done();
  return manifest;
}

/** The image with our scripts of today around what came from Debian, which is still right. */
export async function renewDebianMini(manifest: Manifest): Promise<Manifest> {
  if (manifest.recipe === INITRAMFS_RECIPE) return manifest;
  const busybox = readImageFile(manifest, 'busybox');
  return storeImage(
    { name: manifest.name, recipe: INITRAMFS_RECIPE, packages: manifest.packages },
    {
      vmlinuz: readImageFile(manifest, 'vmlinuz'),
      Image: readImageFile(manifest, 'Image'),
      'initramfs.cpio.gz': buildInitramfs(busybox),
      busybox,
      ...(await deviceTrees((tree) => readImageFile(manifest, tree))),
    },
  );
}

export function origin({ name, version, sha256 }: DebianPackage): Manifest['packages'][number] {
  return { name, version, sha256 };
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

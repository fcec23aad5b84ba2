// SPDX-License-Identifier: Apache-2.0
// The guest image `debian-mini`: Debian's armhf kernel as it is, the same kernel unpacked, device trees that come with it,
// and an initramfs of Debian's static busybox with our own /init. Everything comes from signed packages; nothing of it is part of this project.

import { gunzipSync } from 'node:zlib';
import { PlinthError } from '@plinth/core';
import { readZImage, unpackZImage, unxz } from '@plinth/machine';
import type { Progress } from '../host/progress.js';
import { PrivateApt, readPackageFile } from './apt.js';
import type { DebianPackage } from './apt.js';
import { findDamage, readImageFile, readManifest, storeImage } from './cache.js';
import { buildInitramfs, INITRAMFS_RECIPE } from './initramfs.js';
import { DEVICE_TREES } from './manifest.js';
import type { Manifest } from './manifest.js';

export const IMAGE_NAMES: readonly string[] = ['debian-mini'];

const KERNEL_META_PACKAGE = 'linux-image-armmp';
const BUSYBOX_PACKAGE = 'busybox-static';
const MAXIMUM_KERNEL_SIZE = 128 * 1024 * 1024;

/** Refuses a name that is not one of ours, which also keeps paths out of the cache's directory names. */
export function checkImageName(name: string): void {
  if (IMAGE_NAMES.includes(name)) return;
  throw new PlinthError('input', 'image-name', `no guest image "${name}": there is ${IMAGE_NAMES.join(', ')}`);
}

/** The cached image, up to date with this version of Plinth; brought first if it is not there or lacks a file of ours. */
export async function ensureImage(name: string, progress: Progress): Promise<Manifest> {
  checkImageName(name);
  const manifest = readKnown(name);
  if (manifest === undefined) return pullImage(name, progress);
  return manifest.recipe === INITRAMFS_RECIPE ? manifest : rebuildInitramfs(manifest);
}

/** Brings the image unless an undamaged one is there; `force` brings it in any case. */
export async function pullImage(name: string, progress: Progress, force: boolean = false): Promise<Manifest> {
  checkImageName(name);
  if (!force) {
    const present = readUsable(name);
    if (present !== undefined) return present.recipe === INITRAMFS_RECIPE ? present : rebuildInitramfs(present);
  }
  using apt = new PrivateApt('armhf', progress);
  progress.step("Reading Debian's package lists for armhf");
  await apt.update();
  const kernelPackage = await apt.show(kernelPackageName(await apt.show(KERNEL_META_PACKAGE)));
  const busyboxPackage = await apt.show(BUSYBOX_PACKAGE);
  progress.step(`Downloading ${kernelPackage.name} ${kernelPackage.version} (${megabytes(kernelPackage.size)})`);
  const kernelFile = await apt.download(kernelPackage);
  progress.step(`Downloading ${busyboxPackage.name} ${busyboxPackage.version} (${megabytes(busyboxPackage.size)})`);
  const busyboxFile = await apt.download(busyboxPackage);
  progress.step('Building the image');
  const vmlinuz = await readPackageFile(kernelFile, './boot/vmlinuz-*');
  const busybox = await readPackageFile(busyboxFile, '*/bin/busybox');
  const trees = await deviceTrees((tree) => readPackageFile(kernelFile, `./usr/lib/linux-image-*/${tree}`));
  const manifest = storeImage(
    { name, recipe: INITRAMFS_RECIPE, packages: [kernelPackage, busyboxPackage].map(origin) },
    { vmlinuz, Image: unpackKernel(vmlinuz), 'initramfs.cpio.gz': buildInitramfs(busybox), busybox, ...trees },
  );
  progress.done();
  return manifest;
}

function readUsable(name: string): Manifest | undefined {
  const manifest = readKnown(name);
  return manifest !== undefined && findDamage(manifest) === undefined ? manifest : undefined;
}

/** Without a manifest that this version understands, an image is as good as absent. */
function readKnown(name: string): Manifest | undefined {
  try {
    return readManifest(name);
  } catch (error) {
    if (error instanceof PlinthError && error.kind === 'input') return undefined;
    throw error;
  }
}

/** Our scripts changed with a new version of Plinth; what came from Debian is still right. */
async function rebuildInitramfs(manifest: Manifest): Promise<Manifest> {
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

type DeviceTree = (typeof DEVICE_TREES)[number];

async function deviceTrees(
  read: (tree: DeviceTree) => Uint8Array | Promise<Uint8Array>,
): Promise<Record<DeviceTree, Uint8Array>> {
  const entries = await Promise.all(DEVICE_TREES.map(async (tree) => [tree, await read(tree)] as const));
  return Object.fromEntries(entries) as Record<DeviceTree, Uint8Array>;
}

/** The meta package depends on the package of the current kernel version. */
function kernelPackageName(meta: DebianPackage): string {
  const name = /(?:^|, )(linux-image-[\w.+-]+-armmp)(?: |,|$)/.exec(meta.depends)?.[1];
  if (name === undefined) {
    throw new PlinthError(
      'host',
      'kernel-package',
      `${meta.name} ${meta.version} names no kernel package: ${meta.depends}`,
    );
  }
  return name;
}

function unpackKernel(vmlinuz: Uint8Array): Uint8Array {
  return unpackZImage(readZImage(vmlinuz, 'vmlinuz'), 'vmlinuz', {
    xz: (payload) => unxz(payload, 'vmlinuz', MAXIMUM_KERNEL_SIZE).data,
    gzip: (payload) => gunzipSync(payload, { maxOutputLength: MAXIMUM_KERNEL_SIZE }),
  });
}

function origin({ name, version, sha256 }: DebianPackage): Manifest['packages'][number] {
  return { name, version, sha256 };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

// SPDX-License-Identifier: Apache-2.0
// The manifest of a cached guest image: where its files come from and what they must be. Read with suspicion, since
// anything may have happened to a file in a cache. Format 1 is an image that lives in its initramfs; format 2 has a disk.

import { createHash } from 'node:crypto';
import { PlinthError } from '@plinth/core';

/** What every image has: the kernel as packed, the same unpacked, and what the kernel starts from. */
const BOOT_FILE_NAMES = ['vmlinuz', 'Image', 'initramfs.cpio.gz'] as const;
/** Those of the kernel's device trees that boards without one of their own need (`kernelDeviceTree`). */
export const DEVICE_TREES = ['vexpress-v2p-ca15-tc1.dtb'] as const;
/** Kept by images without a disk, so that a new version of Plinth can make their initramfs anew. */
const BUSYBOX = 'busybox';
export const DISK_FILE_NAME = 'disk.img';

export type ImageFileName = (typeof BOOT_FILE_NAMES)[number] | (typeof DEVICE_TREES)[number] | typeof BUSYBOX;

export interface FileEntry {
  readonly bytes: number;
  readonly sha256: string;
}

/** A raw disk with one ext4 file system and no partition table. */
export interface DiskEntry extends FileEntry {
  /** Milliseconds since 1970; with `bytes` a quick check, since reading a whole disk at each run would take too long. */
  readonly modified: number;
}

export interface Manifest {
  readonly format: 1 | 2;
  readonly name: string;
  /** RFC 3339. */
  readonly created: string;
  readonly packages: readonly { readonly name: string; readonly version: string; readonly sha256: string }[];
  /** The state of our own part of the image, see INITRAMFS_RECIPE and DISK_RECIPE. */
  readonly recipe: string;
  readonly files: Readonly<Partial<Record<ImageFileName, FileEntry>>>;
  /** Of format 2 alone. Never written to by a run: what a guest writes goes elsewhere. */
  readonly disk?: DiskEntry;
  /** What an imported image was made of. */
  readonly source?: string;
  /** Kernel options that the image needs. */
  readonly append?: string;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Names of the files that a manifest of this format lists. */
export function fileNames(format: Manifest['format']): readonly ImageFileName[] {
  const all = [...BOOT_FILE_NAMES, ...DEVICE_TREES];
  return format === 1 ? [...all, BUSYBOX] : all;
}

/** `path` names the file in errors. */
export function parseManifest(text: string, path: string): Manifest {
  const damaged = (detail: string): PlinthError =>
    new PlinthError('input', 'manifest', `${path}: not a manifest of this version (${detail}): pull the image again`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged('no JSON');
  }
  if (!isRecord(value)) throw damaged('unknown format');
  const { format, packages, files, disk } = value;
  if (format !== 1 && format !== 2) throw damaged('unknown format');
  for (const key of ['name', 'created', 'recipe']) if (typeof value[key] !== 'string') throw damaged(`no ${key}`);
  if (!Array.isArray(packages)) throw damaged('no packages');
  for (const entry of packages as unknown[]) {
    if (!isRecord(entry) || ['name', 'version', 'sha256'].some((key) => typeof entry[key] !== 'string')) {
      throw damaged('packages');
    }
  }
  for (const name of fileNames(format)) {
    if (!isFileEntry(isRecord(files) ? files[name] : undefined)) throw damaged(`file ${name}`);
  }
  if (format === 1 ? disk !== undefined : !isFileEntry(disk) || typeof disk['modified'] !== 'number') {
    throw damaged('disk');
  }
  for (const key of ['source', 'append']) {
    if (value[key] !== undefined && typeof value[key] !== 'string') throw damaged(key);
  }
  return value as unknown as Manifest;
}

function isFileEntry(value: unknown): value is Record<string, unknown> {
  return isRecord(value) && typeof value['bytes'] === 'number' && typeof value['sha256'] === 'string';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

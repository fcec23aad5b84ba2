// SPDX-License-Identifier: Apache-2.0
// The manifest of a cached guest image: where its files come from and what they must be. Read with suspicion, since
// anything may have happened to a file in a cache.

import { createHash } from 'node:crypto';
import { PlinthError } from '@plinth/core';

export const FILE_NAMES = ['vmlinuz', 'Image', 'initramfs.cpio.gz', 'busybox', 'vexpress-v2p-ca15-tc1.dtb'] as const;
export type ImageFileName = (typeof FILE_NAMES)[number];
/** Those of the kernel's device trees that boards without one of their own need (`kernelDeviceTree`). */
export const DEVICE_TREES = ['vexpress-v2p-ca15-tc1.dtb'] as const;

export interface Manifest {
  readonly format: 1;
  readonly name: string;
  /** RFC 3339. */
  readonly created: string;
  readonly packages: readonly { readonly name: string; readonly version: string; readonly sha256: string }[];
  /** The state of our own part of the initramfs, see INITRAMFS_RECIPE. */
  readonly recipe: string;
  readonly files: Readonly<Record<ImageFileName, { readonly bytes: number; readonly sha256: string }>>;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
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
  if (!isRecord(value) || value['format'] !== 1) throw damaged('unknown format');
  for (const key of ['name', 'created', 'recipe']) if (typeof value[key] !== 'string') throw damaged(`no ${key}`);
  const { packages, files } = value;
  if (!Array.isArray(packages)) throw damaged('no packages');
  for (const entry of packages as unknown[]) {
    if (!isRecord(entry) || ['name', 'version', 'sha256'].some((key) => typeof entry[key] !== 'string')) {
      throw damaged('packages');
    }
  }
  for (const name of FILE_NAMES) {
    const file = isRecord(files) ? files[name] : undefined;
    if (!isRecord(file) || typeof file['bytes'] !== 'number' || typeof file['sha256'] !== 'string') {
      throw damaged(`file ${name}`);
    }
  }
  return value as unknown as Manifest;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

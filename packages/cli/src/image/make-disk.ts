// SPDX-License-Identifier: Apache-2.0
// Makes a raw disk, sparse, with one ext4 file system (no partition table) from a directory tree, as mke2fs(8) does it:
// without mounting anything. Part of scripts for runInNamespace.

import { PlinthError } from '@plinth/core';
import type { NamespaceResult } from '../host/namespace.js';
import type { Tool } from './host-tools.js';

export const DEFAULT_DISK_SIZE: number = 2 * 1024 ** 3;
const MINIMUM_DISK_SIZE = 64 * 1024 ** 2;

/** Environment: ROOT, DISK (file to be made), DISK_SIZE (bytes), MKE2FS, MKE2FS_LIBRARIES. */
export const MAKE_DISK: string = String.raw`
truncate -s "$DISK_SIZE" "$DISK"
LD_LIBRARY_PATH=$MKE2FS_LIBRARIES "$MKE2FS" -q -F -t ext4 -L plinth -d "$ROOT" "$DISK"
`;

export function diskEnvironment(root: string, disk: string, size: number, mke2fs: Tool): Record<string, string> {
  if (size < MINIMUM_DISK_SIZE || size % 4096 !== 0) {
    throw new PlinthError('input', 'image-size', 'size: a multiple of 4096 bytes, at least 64M, is needed');
  }
  return {
    ROOT: root,
    DISK: disk,
    DISK_SIZE: String(size),
    MKE2FS: mke2fs.path,
    MKE2FS_LIBRARIES: mke2fs.libraries,
  };
}

/** Turns a failure of such a script into one line. */
export function checkDiskScript({ status, tail }: NamespaceResult, name: string): void {
  if (status === 0) return;
  if (status === 90) {
    const reason = 'this kernel cannot run ARM programs for the installation: Linux 6.7 or later is needed';
    throw new PlinthError('host', 'binfmt', `${name}: ${reason}, or the package qemu-user-static installed`);
  }
  const full = tail.find((line) => /no space left|could not allocate block|out of memory/i.test(line));
  if (full !== undefined) {
    const where = 'on this host, or the disk is too small for what it has to hold (--size)';
    throw new PlinthError('host', 'no-space', `${name}: there is no space left ${where}: ${full}`);
  }
  throw new PlinthError('host', 'image-build', `${name}: the image cannot be built: ${tail.slice(-3).join('; ')}`);
}

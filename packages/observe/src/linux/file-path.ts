// SPDX-License-Identifier: Apache-2.0
// The name of a file from its place in the kernel's directory cache (as d_path makes it): from entry to entry up, and where a
// file system is mounted on in the one around it. The root is that of the mount namespace, which need not be that of the
// process; that a file was deleted does not show.

import { fromUtf8 } from '@plinth/core';
import type { AddressSpace } from './address-space.js';
import type { KernelLayout } from './kernel-layout.js';

const MAX_ENTRIES = 256;
const MAX_NAME = 255;

/** `vfsmount` and `entry` are the members of a struct path; undefined if part of the name cannot be known. */
export function filePath(
  memory: AddressSpace,
  offsets: KernelLayout['offsets'],
  vfsmount: number | undefined,
  entry: number | undefined,
): string | undefined {
  const { 'entry.parent': parentAt, 'entry.name': nameAt, 'entry.nameLength': lengthAt } = offsets;
  const {
    'vfsmount.root': rootAt,
    'mount.vfsmount': inMount,
    'mount.parent': aboveAt,
    'mount.point': pointAt,
  } = offsets;
  if ([parentAt, nameAt, lengthAt, rootAt, inMount, aboveAt, pointAt].includes(undefined)) return undefined;
  let mount = vfsmount === undefined ? undefined : vfsmount - inMount!;
  let here = entry;
  let path = '';
  for (let n = 0; n < MAX_ENTRIES; n++) {
    if (mount === undefined || here === undefined) return undefined;
    const parent = memory.u32(here + parentAt!);
    if (here === memory.u32(mount + inMount! + rootAt!)) {
      const above = memory.u32(mount + aboveAt!);
      if (above === mount) return path === '' ? '/' : path;
      here = memory.u32(mount + pointAt!);
      mount = above;
      continue;
    }
    const at = memory.u32(here + nameAt!);
    const length = memory.u32(here + lengthAt!);
    const name = at === undefined || length === undefined || length > MAX_NAME ? undefined : memory.bytes(at, length);
    if (name === undefined || parent === undefined) return undefined;
    // The top of a file system that is mounted nowhere is named by what it is: memfd, shared memory.
    if (parent === here) return path === '' ? `/${fromUtf8(name)}` : path;
    path = `/${fromUtf8(name)}${path}`;
    here = parent;
  }
  return undefined;
}

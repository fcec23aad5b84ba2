// SPDX-License-Identifier: Apache-2.0
// Names of objects in a BPF file system: what has one stays when its process ends.

import { readdirSync, statfsSync } from 'node:fs';
import { PlinthError, utf8 } from '@plinth/core';
import { ERROR, type SystemCalls } from '../system-calls.js';
import { Attribute } from './attribute.js';
import { errorName, refusal } from './refusal.js';

/** BPF_FS_MAGIC of include/uapi/linux/magic.h. */
const BPF_FILE_SYSTEM = 0xcafe_4a11;

/** What a kernel with CONFIG_BPF_PRELOAD puts into each. */
const KERNELS_OWN: ReadonlySet<string> = new Set(['maps.debug', 'progs.debug']);

/** Where systems have it. */
export const BPF_FILES = '/sys/fs/bpf';

/** Whether there is a BPF file system at `path`; undefined if nothing can be said. */
export function hasBpfFiles(path: string = BPF_FILES): boolean | undefined {
  try {
    return statfsSync(path).type === BPF_FILE_SYSTEM;
  } catch {
    return undefined;
  }
}

/**
 * Mounts a BPF file system at `path` if none is there.
 * @returns whether it had to
 */
export function mountBpfFiles(calls: SystemCalls, path: string = BPF_FILES): boolean {
  if (hasBpfFiles(path) === true) return false;
  const result = calls.mount('bpf', path, 'bpf', 0, 'mode=0700');
  if (result === 0) return true;
  const how = 'this needs root, and a kernel with CONFIG_BPF_SYSCALL';
  throw new PlinthError(
    'host',
    'bpf-files',
    `${path}: no BPF file system can be mounted there: the kernel says ${errorName(-result)}: ${how}`,
  );
}

/** Takes away the one that `mountBpfFiles` has mounted, unless somebody has pinned something in it. */
export function unmountBpfFiles(calls: SystemCalls, path: string = BPF_FILES): void {
  if (readdirSync(path).every((name) => KERNELS_OWN.has(name))) calls.unmount(path);
}

/** Gives an object a name in a BPF file system. */
export function pin(calls: SystemCalls, fd: number, path: string): void {
  const result = new Attribute(calls)
    .pointer(0, utf8(`${path}\0`))
    .u32(8, fd)
    .call('objectPin');
  if (result < 0) throw refusal(`pinning ${path}`, -result);
}

/** A descriptor of a pinned object; undefined if there is none of that name. */
export function openPinned(calls: SystemCalls, path: string): number | undefined {
  const fd = new Attribute(calls).pointer(0, utf8(`${path}\0`)).call('objectGet');
  if (fd === -ERROR.ENOENT) return undefined;
  if (fd < 0) throw refusal(path, -fd);
  return fd;
}

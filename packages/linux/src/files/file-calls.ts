// SPDX-License-Identifier: Apache-2.0
// System calls about files, by descriptors of directories and with what Node leaves out: extended attributes, devices, whole nanoseconds,
// and paths that follow no symbolic link. As in system-calls.ts, a call that fails gives the negative error number.

import type { Result } from '../system-calls.js';

/** A name or path as the kernel has it: each character is one byte (`latin1`), since names need not be UTF-8. No zero among them. */
export type FileName = string;

export interface FileCalls {
  /** openat2(2): `resolve` of RESOLVE. */
  openBelow(directory: number, path: FileName, flags: number, mode: number, resolve: number): Result;
  close(fd: number): Result;
  /** statx(2) into a struct statx (file-status.ts). */
  statx(directory: number, path: FileName, flags: number, into: Uint8Array): Result;
  /** getdents64(2): bytes of struct linux_dirent64 (directory-entries.ts), 0 at the end. */
  directoryEntries(fd: number, into: Uint8Array): Result;
  readAt(fd: number, into: Uint8Array, offset: number): Result;
  writeAt(fd: number, from: Uint8Array, offset: number): Result;
  makeDirectory(directory: number, name: FileName, mode: number): Result;
  /** `device` as makeDevice makes it. */
  makeNode(directory: number, name: FileName, mode: number, device: number): Result;
  makeSymbolicLink(target: FileName, directory: number, name: FileName): Result;
  readLink(directory: number, name: FileName, into: Uint8Array): Result;
  link(from: number, name: FileName, to: number, newName: FileName): Result;
  unlink(directory: number, name: FileName, flags: number): Result;
  /** `flags` of RENAME. */
  rename(from: number, name: FileName, to: number, newName: FileName, flags: number): Result;
  changeMode(path: FileName, mode: number): Result;
  /** -1 leaves a number as it is. */
  changeOwner(directory: number, path: FileName, user: number, group: number, flags: number): Result;
  /** `times`: two struct timespec, of access and of change. */
  changeTimes(directory: number, path: FileName, times: Uint8Array, flags: number): Result;
  truncate(fd: number, size: number): Result;
  allocate(fd: number, mode: number, offset: number, length: number): Result;
  synchronise(fd: number, dataOnly: boolean): Result;
  seek(fd: number, offset: number, whence: number): Result;
  copyRange(from: number, fromOffset: number, to: number, toOffset: number, length: number): Result;
  getAttribute(path: FileName, name: FileName, into: Uint8Array): Result;
  setAttribute(path: FileName, name: FileName, value: Uint8Array, flags: number): Result;
  listAttributes(path: FileName, into: Uint8Array): Result;
  removeAttribute(path: FileName, name: FileName): Result;
  unmount(target: FileName, flags: number): Result;
}

/** Error numbers that the generic headers of Linux share. */
export const FILE_ERROR = {
  EPERM: 1,
  ENOENT: 2,
  EIO: 5,
  ENXIO: 6,
  EAGAIN: 11,
  EACCES: 13,
  EEXIST: 17,
  EXDEV: 18,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENOTTY: 25,
  EROFS: 30,
  ERANGE: 34,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ELOOP: 40,
  ENODATA: 61,
  EPROTO: 71,
  EOVERFLOW: 75,
  EOPNOTSUPP: 95,
  ESTALE: 116,
} as const;

/** renameat2(2). */
export const RENAME = { noReplace: 1, exchange: 2, whiteout: 4 } as const;

/** unlinkat(2), and AT_SYMLINK_NOFOLLOW of the others. */
export const REMOVE_DIRECTORY = 0x200;
export const NO_FOLLOW = 0x100;

export const SEEK = { set: 0, data: 3, hole: 4 } as const;

/** Bits of a mode. */
export const MODE = {
  type: 0o170000,
  socket: 0o140000,
  link: 0o120000,
  file: 0o100000,
  block: 0o060000,
  directory: 0o040000,
  character: 0o020000,
  pipe: 0o010000,
  setUser: 0o4000,
  setGroup: 0o2000,
  permissions: 0o7777,
} as const;

/** tv_nsec of utimensat(2). */
export const TIME = { now: 0x3fff_ffff, omit: 0x3fff_fffe } as const;

/** A number of a device, as the kernel gives it to user space in 32 bits (new_encode_dev). */
export function makeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

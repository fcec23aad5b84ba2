// SPDX-License-Identifier: Apache-2.0
// The calls of file-calls.ts through libc: one row for each.

import { loadLibc, type Native } from '../libc.js';
import type { Result } from '../system-calls.js';
import type { FileCalls, FileName } from './file-calls.js';

const PROTOTYPES = {
  syscall: 'intptr_t syscall(intptr_t number, ...)',
  close: 'int close(int fd)',
  statx: 'int statx(int directory, const void *path, int flags, unsigned int mask, void *into)',
  getdents64: 'intptr_t getdents64(int fd, void *into, size_t size)',
  pread: 'intptr_t pread64(int fd, void *into, size_t size, int64_t offset)',
  pwrite: 'intptr_t pwrite64(int fd, const void *from, size_t size, int64_t offset)',
  mkdirat: 'int mkdirat(int directory, const void *name, unsigned int mode)',
  mknodat: 'int mknodat(int directory, const void *name, unsigned int mode, uint64_t device)',
  symlinkat: 'int symlinkat(const void *target, int directory, const void *name)',
  readlinkat: 'intptr_t readlinkat(int directory, const void *name, void *into, size_t size)',
  linkat: 'int linkat(int from, const void *name, int to, const void *new_name, int flags)',
  unlinkat: 'int unlinkat(int directory, const void *name, int flags)',
  renameat2: 'int renameat2(int from, const void *name, int to, const void *new_name, unsigned int flags)',
  chmod: 'int chmod(const void *path, unsigned int mode)',
  fchownat: 'int fchownat(int directory, const void *path, unsigned int user, unsigned int group, int flags)',
  utimensat: 'int utimensat(int directory, const void *path, const void *times, int flags)',
  ftruncate: 'int ftruncate64(int fd, int64_t size)',
  fallocate: 'int fallocate64(int fd, int mode, int64_t offset, int64_t length)',
  fsync: 'int fsync(int fd)',
  fdatasync: 'int fdatasync(int fd)',
  lseek: 'int64_t lseek64(int fd, int64_t offset, int whence)',
  copy_file_range:
    'intptr_t copy_file_range(int from, void *from_offset, int to, void *to_offset, size_t length, unsigned int flags)',
  getxattr: 'intptr_t getxattr(const void *path, const void *name, void *into, size_t size)',
  setxattr: 'int setxattr(const void *path, const void *name, const void *value, size_t size, int flags)',
  listxattr: 'intptr_t listxattr(const void *path, void *into, size_t size)',
  removexattr: 'int removexattr(const void *path, const void *name)',
  umount2: 'int umount2(const void *target, int flags)',
} as const;

/** Number of openat2(2), the same everywhere; glibc has no function for it before 2.42. */
const OPENAT2 = 437;
/** STATX_BASIC_STATS. */
const BASIC = 0x7ff;
const LEFT_AS_IT_IS = 0xffff_ffff;

/** Loads libc; throws PlinthError `no-libc` (host) where that cannot be. */
export function nativeFileCalls(): FileCalls {
  const { koffi, table } = loadLibc(PROTOTYPES);
  const call = (native: Native, ...args: readonly unknown[]): Result => {
    const result = native(...args) as number;
    return result < 0 ? -koffi.errno() : result;
  };
  const how = new DataView(new ArrayBuffer(24));
  const howBytes = new Uint8Array(how.buffer);
  const offsets = new BigInt64Array(2);
  const at = (index: 0 | 1): Uint8Array => new Uint8Array(offsets.buffer, index * 8, 8);
  return {
    openBelow: (directory, path, flags, mode, resolve) => {
      how.setBigUint64(0, BigInt(flags), true);
      how.setBigUint64(8, BigInt(mode), true);
      how.setBigUint64(16, BigInt(resolve), true);
      return call(
        table.syscall,
        OPENAT2,
        'int',
        directory,
        'void *',
        bytes(path),
        'void *',
        howBytes,
        'size_t',
        howBytes.length,
      );
    },
    close: (fd) => call(table.close, fd),
    statx: (directory, path, flags, into) => call(table.statx, directory, bytes(path), flags, BASIC, into),
    directoryEntries: (fd, into) => call(table.getdents64, fd, into, into.length),
    readAt: (fd, into, offset) => call(table.pread, fd, into, into.length, offset),
    writeAt: (fd, from, offset) => call(table.pwrite, fd, from, from.length, offset),
    makeDirectory: (directory, name, mode) => call(table.mkdirat, directory, bytes(name), mode),
    makeNode: (directory, name, mode, device) => call(table.mknodat, directory, bytes(name), mode, device),
    makeSymbolicLink: (target, directory, name) => call(table.symlinkat, bytes(target), directory, bytes(name)),
    readLink: (directory, name, into) => call(table.readlinkat, directory, bytes(name), into, into.length),
    link: (from, name, to, newName) => call(table.linkat, from, bytes(name), to, bytes(newName), 0),
    unlink: (directory, name, flags) => call(table.unlinkat, directory, bytes(name), flags),
    rename: (from, name, to, newName, flags) => call(table.renameat2, from, bytes(name), to, bytes(newName), flags),
    changeMode: (path, mode) => call(table.chmod, bytes(path), mode),
    changeOwner: (directory, path, user, group, flags) =>
      call(
        table.fchownat,
        directory,
        bytes(path),
        user < 0 ? LEFT_AS_IT_IS : user,
        group < 0 ? LEFT_AS_IT_IS : group,
        flags,
      ),
    changeTimes: (directory, path, times, flags) => call(table.utimensat, directory, bytes(path), times, flags),
    truncate: (fd, size) => call(table.ftruncate, fd, size),
    allocate: (fd, mode, offset, length) => call(table.fallocate, fd, mode, offset, length),
    synchronise: (fd, dataOnly) => call(dataOnly ? table.fdatasync : table.fsync, fd),
    seek: (fd, offset, whence) => call(table.lseek, fd, offset, whence),
    copyRange: (from, fromOffset, to, toOffset, length) => {
      offsets[0] = BigInt(fromOffset);
      offsets[1] = BigInt(toOffset);
      return call(table.copy_file_range, from, at(0), to, at(1), length, 0);
    },
    getAttribute: (path, name, into) => call(table.getxattr, bytes(path), bytes(name), into, into.length),
    setAttribute: (path, name, value, flags) =>
      call(table.setxattr, bytes(path), bytes(name), value, value.length, flags),
    listAttributes: (path, into) => call(table.listxattr, bytes(path), into, into.length),
    removeAttribute: (path, name) => call(table.removexattr, bytes(path), bytes(name)),
    unmount: (target, flags) => call(table.umount2, bytes(target), flags),
  };
}

function bytes(name: FileName): Uint8Array {
  return Buffer.from(`${name}\0`, 'latin1');
}

// SPDX-License-Identifier: Apache-2.0
// What the system's error numbers mean to whoever uses Plinth.

import { PlinthError } from '@plinth/core';

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the host’s disk is full',
  EDQUOT: 'the disk quota on the host is used up',
  EFBIG: 'the file would be larger than the host allows',
  EROFS: 'it is on a read-only file system',
  EACCES: 'permission is denied',
  EPERM: 'the host does not allow it',
  EIO: 'the host could not read or write it',
  EMFILE: 'this process has too many files open (ulimit -n)',
  ENFILE: 'the host has too many files open',
  ENOMEM: 'the host has no memory left',
  ENOENT: 'there is no such file',
  EISDIR: 'this is a directory',
  ENOTDIR: 'a part of the path is no folder',
  EADDRINUSE: 'somebody listens there already',
  EADDRNOTAVAIL: 'this host has no such address',
};

/** Of what a call of Node's threw, without the names of calls and numbers. */
export function reasonOf(cause: unknown): string {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  return REASONS[code] ?? message;
}

/** The same as an error of the host's, if it is one that the host has told: no mistake of ours, wherever it came up. */
export function hostTrouble(cause: unknown): PlinthError | undefined {
  const { code = '', syscall, path } = (cause ?? {}) as NodeJS.ErrnoException;
  const reason = REASONS[code];
  if (reason === undefined || syscall === undefined) return undefined;
  const where = path === undefined ? '' : `${path}: `;
  return new PlinthError('host', 'host-trouble', `${where}${syscall} failed: ${reason}`, { cause });
}

/** What cannot be stored in the cache, for a reason that the host has told. */
export function cacheWriteFailure(path: string, cause: unknown): PlinthError {
  return new PlinthError('host', 'cache-write', `${path}: cannot be written: ${reasonOf(cause)}`, { cause });
}

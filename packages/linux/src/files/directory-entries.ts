// SPDX-License-Identifier: Apache-2.0
// Entries of a directory as getdents64(2) gives them, names as bytes.

import type { Result } from '../system-calls.js';
import type { FileCalls, FileName } from './file-calls.js';

export interface DirectoryEntry {
  readonly name: FileName;
  readonly inode: number;
  /** Bits 12 to 15 of a mode; 0 where the file system does not say. */
  readonly type: number;
}

const ROOM = 32_768;
/** struct linux_dirent64: 64-bit inode and offset, 16-bit length, 8-bit type, the name with a zero after it. */
const NAME_AT = 19;

/** All entries of an open directory from where it stands but `.` and `..`, or a negative error number. */
export function readEntries(calls: FileCalls, fd: number): DirectoryEntry[] | Result {
  const entries: DirectoryEntry[] = [];
  const bytes = Buffer.alloc(ROOM);
  for (;;) {
    const length = calls.directoryEntries(fd, bytes);
    if (length < 0) return length;
    if (length === 0) return entries;
    for (let at = 0; at + NAME_AT <= length; at += Math.max(NAME_AT, bytes.readUInt16LE(at + 16))) {
      const end = bytes.indexOf(0, at + NAME_AT);
      const name = bytes.toString('latin1', at + NAME_AT, end < 0 ? length : end);
      if (name === '.' || name === '..') continue;
      entries.push({ name, inode: Number(bytes.readBigUInt64LE(at)), type: bytes[at + 18]! });
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Locks on disk images, so that no two programs write one, and none reads what another writes: open file description
// locks (fcntl(2)) on the bytes that QEMU locks, with its meaning, so that the two keep out of each other's way too. A
// byte at 100 + n is held by who does n, one at 200 + n by who must not have others do it; all are read locks, and whoever
// has taken his looks whether another holds what speaks against them. They end when the file is closed.

import { ERROR, type SystemCalls } from './system-calls.js';

/** The same numbers on every architecture. */
const F_OFD_GETLK = 36;
const F_OFD_SETLK = 37;
const LOCK = { read: 0, write: 1, none: 2 } as const;
const SEEK_SET = 0;
/** struct flock of 64-bit hosts: 16-bit type and whence, 64-bit start and length, 32-bit process. */
const FLOCK_SIZE = 32;

const DONE_AT = 100;
const REFUSED_AT = 200;
/** What QEMU distinguishes and matters here. */
const READ = 0;
const WRITE = 1;
const RESIZE = 3;

export type ImageUse = 'read' | 'write';

/**
 * Takes the locks of a use on an open file, for as long as it is open.
 *
 * @returns what another does that forbids it: it writes, or it reads and counts on the content; `locked` if none does,
 *   `unsupported` where the file system or the host has no such locks
 */
export function lockImage(
  calls: SystemCalls,
  fd: number,
  use: ImageUse,
): 'locked' | 'written' | 'read' | 'unsupported' {
  const done = use === 'write' ? [READ, WRITE, RESIZE] : [READ];
  const refused = [WRITE, RESIZE];
  for (const at of [...done.map((n) => DONE_AT + n), ...refused.map((n) => REFUSED_AT + n)]) {
    const result = calls.fcntl(fd, F_OFD_SETLK, flock(LOCK.read, at));
    // Someone holds a write lock there, which no program takes that follows these rules.
    if (result === -ERROR.EAGAIN || result === -ERROR.EACCES) return 'written';
    if (result < 0) return 'unsupported';
  }
  if (refused.some((n) => isHeld(calls, fd, DONE_AT + n))) return 'written';
  return done.some((n) => isHeld(calls, fd, REFUSED_AT + n)) ? 'read' : 'locked';
}

/** Locks an open file against all others that ask in the same way, as long as it is open; false if one of them has it. */
export function lockFile(calls: SystemCalls, fd: number): boolean {
  return calls.fcntl(fd, F_OFD_SETLK, flock(LOCK.write, 0)) >= 0;
}

/** By another than this open file. */
function isHeld(calls: SystemCalls, fd: number, at: number): boolean {
  const lock = flock(LOCK.write, at);
  return calls.fcntl(fd, F_OFD_GETLK, lock) >= 0 && new DataView(lock.buffer).getInt16(0, true) !== LOCK.none;
}

/** Of one byte. */
function flock(type: number, start: number): Uint8Array {
  const bytes = new Uint8Array(FLOCK_SIZE);
  const view = new DataView(bytes.buffer);
  view.setInt16(0, type, true);
  view.setInt16(2, SEEK_SET, true);
  view.setBigInt64(8, BigInt(start), true);
  view.setBigInt64(16, 1n, true);
  return bytes;
}

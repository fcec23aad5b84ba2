// SPDX-License-Identifier: Apache-2.0
// Files and block devices of the host as RandomAccessFile. What the host refuses is one line with the file's name.

import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import type { Stats } from 'node:fs';
import { PlinthError } from '@plinth/core';
import { lockImage, nativeCalls, type SystemCalls } from '@plinth/linux';
import { contentDigest } from '@plinth/machine';
import type { RandomAccessFile } from '@plinth/machine';
import { reasonOf } from './reason.js';

export type DiskFileMode =
  | 'read'
  /** Read, and locked as for writing: for those who want to know that nobody has it open. */
  | 'lock'
  | 'write'
  /** To be written, and not there before. */
  | 'create'
  /** As `create`, and gone from the directory at once: it lives as long as it is open, whatever ends us. */
  | 'temporary';

const FLAGS: Readonly<Record<DiskFileMode, number>> = {
  read: constants.O_RDONLY,
  lock: constants.O_RDONLY,
  write: constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
  temporary: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
};
const SECTOR = 512;

export class DiskFile implements RandomAccessFile {
  readonly name: string;
  readonly #fd: number;
  #size: number;
  #digest: { readonly state: string; readonly value: Uint8Array } | undefined;

  /**
   * `option` says in messages where the name came from. The file is locked as QEMU does it, where `calls` can do that:
   * one may write it, or many may read it.
   */
  constructor(name: string, mode: DiskFileMode, option: string, calls: SystemCalls | undefined = lockCalls()) {
    this.name = name;
    try {
      this.#fd = openSync(name, FLAGS[mode], 0o644);
      if (mode === 'temporary') unlinkSync(name);
    } catch (cause) {
      throw new PlinthError('input', 'disk-file', `${option}: ${name}: ${reasonOf(cause)}`, { cause });
    }
    const stats = fstatSync(this.#fd);
    if (!stats.isFile() && !stats.isBlockDevice()) {
      closeSync(this.#fd);
      const what = stats.isDirectory() ? 'this is a directory' : 'neither a file nor a block device';
      throw new PlinthError('input', 'disk-file', `${option}: ${name}: ${what}`);
    }
    const other =
      calls === undefined || mode === 'temporary'
        ? 'locked'
        : lockImage(calls, this.#fd, mode === 'read' ? 'read' : 'write');
    if (other === 'written' || other === 'read') {
      closeSync(this.#fd);
      throw new PlinthError('input', 'disk-in-use', `${option}: ${name}: ${inUse(other, option)}`);
    }
    this.#size = stats.isFile() ? stats.size : blockDeviceSize(stats);
  }

  get size(): number {
    return this.#size;
  }

  get modified(): number {
    return Math.floor(fstatSync(this.#fd).mtimeMs);
  }

  /** Kept while the file has the same times: a second snapshot of a disk that is only read costs nothing. */
  digest(): Uint8Array {
    const { size, mtimeNs, ctimeNs } = fstatSync(this.#fd, { bigint: true });
    const state = `${size} ${mtimeNs} ${ctimeNs}`;
    if (this.#digest?.state !== state) {
      const value = contentDigest(this, (bytes) => createHash('sha256').update(bytes).digest());
      this.#digest = { state, value };
    }
    return this.#digest.value;
  }

  /** Size and time of the last change. A copy that keeps times is the same file. */
  identity(): Uint8Array {
    const { size, mtimeMs } = fstatSync(this.#fd);
    return createHash('sha256')
      .update(`${size} ${Math.round(mtimeMs)}`)
      .digest();
  }

  read(offset: number, into: Uint8Array): void {
    let done = 0;
    try {
      while (done < into.length) {
        const length = readSync(this.#fd, into, done, into.length - done, offset + done);
        if (length === 0) break;
        done += length;
      }
    } catch (cause) {
      throw this.#failure('read', cause);
    }
    into.fill(0, done);
  }

  write(offset: number, from: Uint8Array): void {
    try {
      for (let done = 0; done < from.length;) {
        done += writeSync(this.#fd, from, done, from.length - done, offset + done);
      }
    } catch (cause) {
      throw this.#failure('write', cause);
    }
    this.#size = Math.max(this.#size, offset + from.length);
  }

  sync(): void {
    try {
      fsyncSync(this.#fd);
    } catch (cause) {
      throw this.#failure('flush', cause);
    }
  }

  truncate(size: number): void {
    try {
      ftruncateSync(this.#fd, size);
    } catch (cause) {
      throw this.#failure('resize', cause);
    }
    this.#size = size;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #failure(what: string, cause: unknown): PlinthError {
    return new PlinthError('host', `disk-${what}`, `${this.name}: ${what} failed: ${reasonOf(cause)}`, { cause });
  }
}

/** `undefined` where the system's locks cannot be had. */
export function lockCalls(): SystemCalls | undefined {
  try {
    return nativeCalls();
  } catch {
    return undefined; // no C library that we can call: `plinth doctor` tells
  }
}

function inUse(other: 'written' | 'read', option: string): string {
  if (other === 'written') return 'another process writes to it: end that run, or work on a copy';
  const own = option === 'drive' ? 'add overlay=FILE or snapshot' : 'name another file';
  return `another process reads it and counts on what is in it: end that run, or ${own}`;
}

/** Linux tells it in sectors, by the device's number. */
function blockDeviceSize({ rdev }: Stats): number {
  // The kernel's encoding of device numbers (gnu_dev_major, gnu_dev_minor), below 2^32.
  const major = (rdev >>> 8) & 0xfff;
  const minor = (rdev & 0xff) | ((rdev >>> 12) & 0xfff00);
  try {
    return Number(readFileSync(`/sys/dev/block/${major}:${minor}/size`, 'latin1')) * SECTOR;
  } catch {
    return 0; // refused as empty by who opens it
  }
}

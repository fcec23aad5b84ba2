// SPDX-License-Identifier: Apache-2.0
// What statx(2) says of a file: the only form of it that is the same on every architecture.

import { makeDevice } from './file-calls.js';

/** Of struct statx. */
export const STATX_SIZE = 256;

export interface FileTime {
  /** Since 1970. */
  readonly seconds: number;
  readonly nanoseconds: number;
}

export interface FileStatus {
  /** Type and permissions. */
  readonly mode: number;
  readonly links: number;
  readonly user: number;
  readonly group: number;
  readonly inode: number;
  /** Bytes. */
  readonly size: number;
  /** Of 512 bytes. */
  readonly blocks: number;
  readonly blockSize: number;
  readonly accessed: FileTime;
  readonly modified: FileTime;
  readonly changed: FileTime;
  /** If it is one. */
  readonly device: number;
  /** On which it lies. */
  readonly fileSystem: number;
}

/** `bytes` is a struct statx. */
export function fileStatus(bytes: Uint8Array): FileStatus {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const time = (at: number): FileTime => ({
    seconds: Number(view.getBigInt64(at, true)),
    nanoseconds: view.getUint32(at + 8, true),
  });
  return {
    blockSize: view.getUint32(4, true),
    links: view.getUint32(16, true),
    user: view.getUint32(20, true),
    group: view.getUint32(24, true),
    mode: view.getUint16(28, true),
    inode: Number(view.getBigUint64(32, true)),
    size: Number(view.getBigUint64(40, true)),
    blocks: Number(view.getBigUint64(48, true)),
    accessed: time(64),
    changed: time(96),
    modified: time(112),
    device: makeDevice(view.getUint32(128, true), view.getUint32(132, true)),
    fileSystem: makeDevice(view.getUint32(136, true), view.getUint32(140, true)),
  };
}

/** Two struct timespec, as utimensat(2) takes them. */
export function timesBytes(accessed: FileTime, modified: FileTime): Uint8Array {
  const view = new DataView(new ArrayBuffer(32));
  [accessed, modified].forEach(({ seconds, nanoseconds }, n) => {
    view.setBigInt64(n * 16, BigInt(seconds), true);
    view.setBigInt64(n * 16 + 8, BigInt(nanoseconds), true);
  });
  return new Uint8Array(view.buffer);
}

// SPDX-License-Identifier: Apache-2.0
// Requests of the FUSE protocol (include/uapi/linux/fuse.h of Linux 6.16, version 7.31 and later), as read(2) of /dev/fuse gives them, in
// the byte order of the host, which is little-endian wherever Plinth runs.

import type { FileName } from '../files/file-calls.js';

export const OPERATION = {
  lookup: 1,
  forget: 2,
  getAttributes: 3,
  setAttributes: 4,
  readLink: 5,
  symbolicLink: 6,
  makeNode: 8,
  makeDirectory: 9,
  unlink: 10,
  removeDirectory: 11,
  rename: 12,
  link: 13,
  open: 14,
  read: 15,
  write: 16,
  fileSystemSize: 17,
  release: 18,
  synchronise: 20,
  setAttribute: 21,
  getAttribute: 22,
  listAttributes: 23,
  removeAttribute: 24,
  flush: 25,
  init: 26,
  openDirectory: 27,
  readDirectory: 28,
  releaseDirectory: 29,
  synchroniseDirectory: 30,
  create: 35,
  interrupt: 36,
  destroy: 38,
  batchForget: 42,
  allocate: 43,
  readDirectoryPlus: 44,
  rename2: 45,
  seek: 46,
  copyRange: 47,
} as const;

/** struct fuse_in_header. */
export const REQUEST_HEADER_SIZE = 40;

export interface FuseRequest {
  readonly operation: number;
  /** 8 bytes, as they come back in the answer. */
  readonly unique: bigint;
  readonly node: number;
  readonly user: number;
  readonly group: number;
  readonly body: RequestBody;
}

/** A request that is shorter than its own kind says. */
export class MalformedRequest extends Error {}

/** Bytes after the header, read in order. Only valid until the next request is read. */
export class RequestBody {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  #take(size: number): number {
    const at = this.#at;
    if (size < 0 || at + size > this.#bytes.length) throw new MalformedRequest('it ends too early');
    this.#at += size;
    return at;
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  /** Up to 2^53; above, not exact, which no offset, node or handle of ours is. */
  u64(): number {
    return Number(this.#bytes.readBigUInt64LE(this.#take(8)));
  }

  i64(): number {
    return Number(this.#bytes.readBigInt64LE(this.#take(8)));
  }

  skip(size: number): void {
    this.#take(size);
  }

  bytes(size: number): Buffer {
    const at = this.#take(size);
    return this.#bytes.subarray(at, at + size);
  }

  /** Up to a zero, which has to be there. */
  text(): FileName {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw new MalformedRequest('a name does not end');
    const text = this.#bytes.toString('latin1', this.#at, end);
    this.#at = end + 1;
    return text;
  }

  /** One name in a directory. */
  name(): FileName {
    const name = this.text();
    if (name === '' || name === '.' || name === '..' || name.includes('/')) throw new MalformedRequest('it is no name');
    return name;
  }
}

/** Nothing if it is no request at all; `bytes` is what one read gave. */
export function readRequest(bytes: Buffer): FuseRequest | undefined {
  if (bytes.length < REQUEST_HEADER_SIZE || bytes.readUInt32LE(0) !== bytes.length) return undefined;
  return {
    operation: bytes.readUInt32LE(4),
    unique: bytes.readBigUInt64LE(8),
    node: Number(bytes.readBigUInt64LE(16)),
    user: bytes.readUInt32LE(24),
    group: bytes.readUInt32LE(28),
    body: new RequestBody(bytes.subarray(REQUEST_HEADER_SIZE)),
  };
}

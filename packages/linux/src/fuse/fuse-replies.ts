// SPDX-License-Identifier: Apache-2.0
// Answers of the FUSE protocol, written in place behind their header: a session has one buffer for all of them.

import type { FileName } from '../files/file-calls.js';
import type { FileStatus } from '../files/file-status.js';
import type { DirectoryItem, FileSystemSize, FuseEntry } from './fuse-file-system.js';

/** struct fuse_out_header. */
export const REPLY_HEADER_SIZE = 16;
const ENTRY_SIZE = 128;
const DIRECTORY_ENTRY_SIZE = 24;
const LONGEST_NAME = 255;

export class FuseReply {
  readonly #bytes: Buffer;
  #end = REPLY_HEADER_SIZE;

  /** `room`: bytes of the largest answer, without its header. */
  constructor(room: number) {
    this.#bytes = Buffer.alloc(REPLY_HEADER_SIZE + room);
  }

  begin(): this {
    this.#end = REPLY_HEADER_SIZE;
    return this;
  }

  /** The finished answer, valid until the next one is begun. An error number instead of what was written, if it is not 0. */
  finish(unique: bigint, error: number): Uint8Array {
    if (error !== 0) this.#end = REPLY_HEADER_SIZE;
    this.#bytes.writeUInt32LE(this.#end, 0);
    this.#bytes.writeInt32LE(-error, 4);
    this.#bytes.writeBigUInt64LE(unique, 8);
    return this.#bytes.subarray(0, this.#end);
  }

  get length(): number {
    return this.#end - REPLY_HEADER_SIZE;
  }

  u16(value: number): this {
    this.#end = this.#bytes.writeUInt16LE(value, this.#end);
    return this;
  }

  u32(value: number): this {
    this.#end = this.#bytes.writeUInt32LE(value >>> 0, this.#end);
    return this;
  }

  u64(value: number): this {
    // As two numbers: cheaper than one bigint, and half of an answer is made of these.
    const low = value % 0x1_0000_0000;
    this.#end = this.#bytes.writeUInt32LE(low < 0 ? low + 0x1_0000_0000 : low, this.#end);
    this.#end = this.#bytes.writeInt32LE(Math.floor(value / 0x1_0000_0000) | 0, this.#end);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#bytes.set(value, this.#end);
    this.#end += value.length;
    return this;
  }

  text(value: FileName): this {
    this.#end += this.#bytes.write(value, this.#end, 'latin1');
    return this;
  }

  zeros(size: number): this {
    this.#bytes.fill(0, this.#end, this.#end + size);
    this.#end += size;
    return this;
  }

  /** Room for `size` bytes that are to be read into it; `took` of them then. */
  room(size: number): Uint8Array {
    return this.#bytes.subarray(REPLY_HEADER_SIZE, REPLY_HEADER_SIZE + size);
  }

  took(size: number): this {
    this.#end = REPLY_HEADER_SIZE + size;
    return this;
  }

  /** struct fuse_attr. */
  status(status: FileStatus): this {
    const { accessed, modified, changed } = status;
    this.u64(status.inode).u64(status.size).u64(status.blocks);
    for (const { seconds } of [accessed, modified, changed]) this.u64(seconds);
    for (const { nanoseconds } of [accessed, modified, changed]) this.u32(nanoseconds);
    this.u32(status.mode).u32(status.links).u32(status.user).u32(status.group);
    return this.u32(status.device).u32(status.blockSize).u32(0);
  }

  /** struct fuse_attr_out. */
  statusAnswer(status: FileStatus, cacheSeconds: number): this {
    return this.u64(cacheSeconds).u32(0).u32(0).status(status);
  }

  /** struct fuse_entry_out. */
  entry({ node, status }: FuseEntry, cacheSeconds: number): this {
    return this.u64(node).u64(0).u64(cacheSeconds).u64(cacheSeconds).u32(0).u32(0).status(status);
  }

  /** An entry that says that there is none, which the kernel may remember. */
  noEntry(cacheSeconds: number): this {
    return this.u64(0)
      .u64(0)
      .u64(cacheSeconds)
      .zeros(ENTRY_SIZE - 24);
  }

  /** struct fuse_open_out. */
  opened(handle: number, flags: number): this {
    return this.u64(handle).u32(flags).u32(0);
  }

  /** struct fuse_statfs_out. */
  fileSystemSize({ blocks, free, available, files, freeFiles, blockSize }: FileSystemSize): this {
    this.u64(blocks).u64(free).u64(available).u64(files).u64(freeFiles);
    return this.u32(blockSize).u32(LONGEST_NAME).u32(blockSize).zeros(28);
  }

  /** struct fuse_dirent, or fuse_direntplus with `entry`; see `directoryItemSize`. `next` is where reading goes on after it. */
  directoryItem({ name, inode, type }: DirectoryItem, next: number): this {
    this.u64(inode).u64(next).u32(name.length);
    this.u32(type).text(name);
    return this.zeros(padding(name.length));
  }
}

export function directoryItemSize({ name }: DirectoryItem, plus: boolean): number {
  return (plus ? ENTRY_SIZE : 0) + DIRECTORY_ENTRY_SIZE + name.length + padding(name.length);
}

function padding(length: number): number {
  return -length & 7;
}

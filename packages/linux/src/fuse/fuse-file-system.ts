// SPDX-License-Identifier: Apache-2.0
// What a FUSE session serves: files by numbers of nodes that the kernel was told, and opened ones by numbers of handles. Every method may
// throw FileError, which the kernel's caller gets; anything else that it throws becomes EIO.

import type { FileName } from '../files/file-calls.js';
import type { FileStatus, FileTime } from '../files/file-status.js';

/** The root's node. */
export const ROOT_NODE = 1;

export interface FuseEntry {
  readonly node: number;
  readonly status: FileStatus;
}

/** Who asks, by the numbers of the user namespace that the mount belongs to. */
export interface FuseCaller {
  readonly user: number;
  readonly group: number;
}

export interface StatusChanges {
  readonly mode?: number;
  readonly user?: number;
  readonly group?: number;
  readonly size?: number;
  /** `TIME.now` as its nanoseconds means now. */
  readonly accessed?: FileTime;
  readonly modified?: FileTime;
  readonly handle?: number;
  /** Bits that lend rights go, as they do when somebody without the right to keep them writes. */
  readonly dropRights?: boolean;
}

export interface DirectoryItem {
  readonly name: FileName;
  readonly inode: number;
  /** Bits 12 to 15 of a mode. */
  readonly type: number;
}

export interface FileSystemSize {
  /** Blocks of `blockSize` bytes. */
  readonly blockSize: number;
  readonly blocks: number;
  readonly free: number;
  readonly available: number;
  readonly files: number;
  readonly freeFiles: number;
}

export interface FuseFileSystem {
  /** Counts as one more use of the node, as all that gives an entry does; nothing if there is no such name. */
  lookup(parent: number, name: FileName): FuseEntry | undefined;
  forget(node: number, uses: number): void;
  /** Whether nobody changes it but by this mount: what it is, and of a directory which names it has. */
  isOurs(node: number): boolean;
  status(node: number, handle: number | undefined): FileStatus;
  change(node: number, changes: StatusChanges): FileStatus;
  readLink(node: number): Uint8Array;
  makeNode(parent: number, name: FileName, mode: number, device: number, caller: FuseCaller): FuseEntry;
  makeDirectory(parent: number, name: FileName, mode: number, caller: FuseCaller): FuseEntry;
  makeSymbolicLink(parent: number, name: FileName, target: FileName, caller: FuseCaller): FuseEntry;
  unlink(parent: number, name: FileName): void;
  removeDirectory(parent: number, name: FileName): void;
  rename(parent: number, name: FileName, newParent: number, newName: FileName, flags: number): void;
  link(node: number, parent: number, name: FileName): FuseEntry;
  /** A handle. `flags` of open(2). */
  open(node: number, flags: number, dropRights: boolean): number;
  create(
    parent: number,
    name: FileName,
    mode: number,
    flags: number,
    caller: FuseCaller,
  ): { readonly entry: FuseEntry; readonly handle: number };
  /** How many bytes were read; fewer than there is room for only at the end. */
  read(handle: number, into: Uint8Array, offset: number): number;
  write(handle: number, from: Uint8Array, offset: number, dropRights: boolean): number;
  synchronise(handle: number, dataOnly: boolean): void;
  release(handle: number): void;
  openDirectory(node: number): number;
  /** All of it. They stay what they are until `fromStart`. */
  items(handle: number, fromStart: boolean): readonly DirectoryItem[];
  synchroniseDirectory(handle: number): void;
  releaseDirectory(handle: number): void;
  size(): FileSystemSize;
  getAttribute(node: number, name: FileName): Uint8Array;
  setAttribute(node: number, name: FileName, value: Uint8Array, flags: number): void;
  attributes(node: number): readonly FileName[];
  removeAttribute(node: number, name: FileName): void;
  allocate(handle: number, mode: number, offset: number, length: number): void;
  seek(handle: number, offset: number, whence: number): number;
  copyRange(from: number, fromOffset: number, to: number, toOffset: number, length: number): number;
}

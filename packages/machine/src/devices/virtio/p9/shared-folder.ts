// SPDX-License-Identifier: Apache-2.0
// What a shared folder of the host is to the machine, and how it refuses. Paths are byte strings (a character for each
// byte) from the folder down, names with single slashes between, '' for the folder itself. Nothing follows a symbolic
// link, and nothing reaches beyond the folder, whatever else happens to it on the host meanwhile.

/** Linux' error numbers, which 9P2000.L has. */
export const LINUX_ERRNO = {
  EPERM: 1, ENOENT: 2, EIO: 5, ENXIO: 6, EBADF: 9, EAGAIN: 11, ENOMEM: 12, EACCES: 13, EBUSY: 16, EEXIST: 17,
  EXDEV: 18, ENODEV: 19, ENOTDIR: 20, EISDIR: 21, EINVAL: 22, ENFILE: 23, EMFILE: 24, ETXTBSY: 26, EFBIG: 27,
  ENOSPC: 28, EROFS: 30, EMLINK: 31, ENAMETOOLONG: 36, ENOTEMPTY: 39, ELOOP: 40, EOVERFLOW: 75, EMSGSIZE: 90,
  EOPNOTSUPP: 95, ESTALE: 116, EDQUOT: 122,
} as const; // prettier-ignore

/** Raised by a shared folder, and told to the guest as its error number. */
export class SharedFolderError extends Error {
  readonly errno: number;

  constructor(errno: number) {
    super(`error ${errno}`);
    this.errno = errno;
  }
}

/** As stat(2) has them; times in nanoseconds since 1970. */
export interface FileAttributes {
  /** Device and inode: two files with the same are one. */
  readonly device: bigint;
  readonly inode: bigint;
  /** Type and permissions. */
  readonly mode: number;
  readonly links: bigint;
  readonly owner: number;
  readonly group: number;
  /** Number of the device that the file stands for. */
  readonly represents: bigint;
  readonly size: bigint;
  readonly blockSize: bigint;
  /** Of 512 bytes. */
  readonly blocks: bigint;
  readonly accessed: bigint;
  readonly modified: bigint;
  readonly changed: bigint;
}

/** As statfs(2) has them. */
export interface FolderSpace {
  readonly blockSize: number;
  readonly blocks: bigint;
  readonly freeBlocks: bigint;
  readonly availableBlocks: bigint;
  readonly files: bigint;
  readonly freeFiles: bigint;
}

export interface SharedFileMode {
  readonly read: boolean;
  readonly write: boolean;
  /** Writes go to the end. */
  readonly append: boolean;
  readonly truncate: boolean;
  /** A write is over when it is stored. */
  readonly sync: boolean;
}

export interface FileChanges {
  /** Permissions. */
  readonly mode?: number;
  readonly size?: number;
  readonly accessed?: bigint | 'now';
  readonly modified?: bigint | 'now';
}

export interface SharedFile {
  attributes(): FileAttributes;
  /** Returns how many bytes there were. */
  read(offset: number, into: Uint8Array): number;
  /** Returns how many bytes were written. */
  write(offset: number, from: Uint8Array): number;
  change(changes: FileChanges): void;
  sync(): void;
  close(): void;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly inode: bigint;
  /** As a mode has it. */
  readonly type: number;
}

/** The entries of a directory one after another, without `.` and `..`. */
export interface SharedDirectory {
  attributes(): FileAttributes;
  next(): DirectoryEntry | undefined;
  rewind(): void;
  sync(): void;
  close(): void;
}

/** Every method may raise a `SharedFolderError`. */
export interface SharedFolder {
  readonly readOnly: boolean;
  /** Of a symbolic link, its own. */
  attributes(path: string): FileAttributes;
  change(path: string, changes: FileChanges): void;
  space(): FolderSpace;
  /** Opens a regular file; EACCES for what is neither that nor a directory. */
  openFile(path: string, mode: SharedFileMode): SharedFile;
  openDirectory(path: string): SharedDirectory;
  /** Makes a regular file and opens it; EEXIST if there is anything of that name. */
  createFile(path: string, mode: SharedFileMode, permissions: number): SharedFile;
  makeDirectory(path: string, permissions: number): void;
  makeLink(path: string, target: string): void;
  /** A second name `path` for the file `from`. */
  makeName(path: string, from: string): void;
  readLink(path: string): string;
  rename(from: string, to: string): void;
  removeFile(path: string): void;
  removeDirectory(path: string): void;
}

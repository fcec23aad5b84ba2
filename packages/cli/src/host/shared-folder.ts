// SPDX-License-Identifier: Apache-2.0
// A folder of this host as a SharedFolder. Node has no openat(2), so every directory on a path is opened by itself and
// its entry named as /proc/self/fd/N/NAME: the kernel then looks NAME up in that very directory, and never follows it if
// it is a symbolic link. Renaming things meanwhile leads nowhere else. What is to be opened is first held (O_PATH) and
// looked at, so that no device, socket or FIFO is ever opened.

import {
  chmodSync,
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  openSync,
  readlinkSync,
  readSync,
  renameSync,
  rmdirSync,
  statfsSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import type { BigIntStats, Dir, Dirent } from 'node:fs';
import { PlinthError } from '@plinth/core';
import { LINUX_ERRNO, SharedFolderError } from '@plinth/machine';
import type {
  DirectoryEntry,
  FileAttributes,
  FileChanges,
  FolderSpace,
  SharedDirectory,
  SharedFile,
  SharedFileMode,
  SharedFolder,
} from '@plinth/machine';

/** Linux' own, which Node does not name: a file is held, not opened. */
const O_PATH = 0o10000000;
const { O_APPEND, O_CREAT, O_DIRECTORY, O_DSYNC, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
const HOLD = O_PATH | O_NOFOLLOW;
const HOLD_DIRECTORY = HOLD | O_DIRECTORY;
/** Permissions of a directory or file until it gets its own, past the host's umask. */
const FRESH_DIRECTORY = 0o700;
const FRESH_FILE = 0o600;

export class HostFolder implements SharedFolder {
  readonly readOnly: boolean;
  readonly #root: number;

  /** `name` is followed if it is a symbolic link: it is the user's. */
  constructor(name: string, readOnly: boolean) {
    this.readOnly = readOnly;
    try {
      this.#root = openSync(name, O_PATH | O_DIRECTORY);
    } catch (cause) {
      const reasons: Readonly<Record<string, string>> = {
        ENOENT: 'there is no such directory',
        ENOTDIR: 'this is no directory',
        EACCES: 'permission is denied',
      };
      const { code = '', message } = cause as NodeJS.ErrnoException;
      throw new PlinthError('input', 'share', `share: ${name}: ${reasons[code] ?? message}`, { cause });
    }
    try {
      lstatSync(descriptor(this.#root));
    } catch (cause) {
      closeSync(this.#root);
      const why = 'folders are shared through /proc/self/fd, which is not here: mount /proc, or run on Linux';
      throw new PlinthError('host', 'share-proc', `share: ${name}: ${why}`, { cause });
    }
  }

  close(): void {
    closeSync(this.#root);
  }

  attributes(path: string): FileAttributes {
    return this.#holding(path, (held) => attributesOf(held));
  }

  change(path: string, changes: FileChanges): void {
    this.#holding(path, (held) => changeHeld(held, changes));
  }

  space(): FolderSpace {
    const space = told(() => statfsSync(descriptor(this.#root), { bigint: true }));
    return {
      blockSize: Number(space.bsize),
      blocks: space.blocks,
      freeBlocks: space.bfree,
      availableBlocks: space.bavail,
      files: space.files,
      freeFiles: space.ffree,
    };
  }

  openFile(path: string, mode: SharedFileMode): SharedFile {
    return this.#holding(path, (held) => {
      if (!told(() => fstatSync(held)).isFile()) throw new SharedFolderError(LINUX_ERRNO.EACCES);
      return new HostFile(
        told(() => openSync(descriptor(held), openFlags(mode))),
        mode.write,
      );
    });
  }

  openDirectory(path: string): SharedDirectory {
    return this.#holding(path, (held) => {
      if (!told(() => fstatSync(held)).isDirectory()) throw new SharedFolderError(LINUX_ERRNO.ENOTDIR);
      return new HostDirectory(told(() => openSync(descriptor(held), O_DIRECTORY)));
    });
  }

  createFile(path: string, mode: SharedFileMode, permissions: number): SharedFile {
    return this.#inDirectory(path, (entry) => {
      const flags = openFlags(mode) | O_CREAT | O_EXCL | O_NOFOLLOW;
      const file = new HostFile(
        told(() => openSync(entry, flags, FRESH_FILE)),
        mode.write,
      );
      try {
        file.change({ mode: permissions });
        return file;
      } catch (error) {
        file.close();
        throw error;
      }
    });
  }

  makeDirectory(path: string, permissions: number): void {
    this.#inDirectory(path, (entry) => told(() => mkdirSync(entry, FRESH_DIRECTORY)));
    this.change(path, { mode: permissions });
  }

  makeLink(path: string, target: string): void {
    this.#inDirectory(path, (entry) => told(() => symlinkSync(Buffer.from(target, 'latin1'), entry)));
  }

  makeName(path: string, from: string): void {
    this.#inDirectory(from, (old) => this.#inDirectory(path, (entry) => told(() => linkSync(old, entry))));
  }

  readLink(path: string): string {
    return this.#inDirectory(path, (entry) =>
      told(() => readlinkSync(entry, { encoding: 'buffer' })).toString('latin1'),
    );
  }

  rename(from: string, to: string): void {
    this.#inDirectory(from, (old) => this.#inDirectory(to, (entry) => told(() => renameSync(old, entry))));
  }

  removeFile(path: string): void {
    this.#inDirectory(path, (entry) => told(() => unlinkSync(entry)));
  }

  removeDirectory(path: string): void {
    this.#inDirectory(path, (entry) => told(() => rmdirSync(entry)));
  }

  /** With a descriptor that stands for what is at the path, whatever kind it is. */
  #holding<T>(path: string, use: (held: number) => T): T {
    if (path === '') return use(this.#root);
    return this.#inDirectory(path, (entry) => {
      const held = told(() => openSync(entry, HOLD));
      try {
        return use(held);
      } finally {
        closeSync(held);
      }
    });
  }

  /** With the last name of a path, as a name in the directory that the others lead to. */
  #inDirectory<T>(path: string, use: (entry: Buffer) => T): T {
    const names = path.split('/');
    if (!names.every(isName)) throw new SharedFolderError(LINUX_ERRNO.EINVAL);
    let directory = this.#root;
    try {
      for (const name of names.slice(0, -1)) {
        const next = told(() => openSync(entryOf(directory, name), HOLD_DIRECTORY));
        if (directory !== this.#root) closeSync(directory);
        directory = next;
      }
      return use(entryOf(directory, names.at(-1)!));
    } finally {
      if (directory !== this.#root) closeSync(directory);
    }
  }
}

class HostFile implements SharedFile {
  readonly #fd: number;
  readonly #writable: boolean;

  constructor(fd: number, writable: boolean) {
    this.#fd = fd;
    this.#writable = writable;
  }

  attributes(): FileAttributes {
    return attributesOf(this.#fd);
  }

  read(offset: number, into: Uint8Array): number {
    let done = 0;
    while (done < into.length) {
      const length = told(() => readSync(this.#fd, into, done, into.length - done, offset + done));
      if (length === 0) break;
      done += length;
    }
    return done;
  }

  write(offset: number, from: Uint8Array): number {
    return from.length === 0 ? 0 : told(() => writeSync(this.#fd, from, 0, from.length, offset));
  }

  change({ size, ...others }: FileChanges): void {
    // What may be written stays so while it is open, whatever its permissions are by now.
    if (size !== undefined && this.#writable) told(() => ftruncateSync(this.#fd, size));
    else if (size !== undefined) changeHeld(this.#fd, { size });
    changeHeld(this.#fd, others);
  }

  sync(): void {
    told(() => fdatasyncSync(this.#fd));
  }

  close(): void {
    closeSync(this.#fd);
  }
}

class HostDirectory implements SharedDirectory {
  readonly #fd: number;
  #entries: Dir | undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  attributes(): FileAttributes {
    return attributesOf(this.#fd);
  }

  next(): DirectoryEntry | undefined {
    this.#entries ??= told(() => opendirSync(descriptor(this.#fd).toString('latin1'), { encoding: NAMES }));
    for (;;) {
      const entry = told(() => this.#entries!.readSync() as unknown as Dirent<Buffer> | null);
      if (entry === null) return undefined;
      const name = entry.name.toString('latin1');
      const stats = told(() => lstatSync(entryOf(this.#fd, name), { bigint: true, throwIfNoEntry: false }));
      // What has been removed meanwhile is not told of.
      if (stats !== undefined) return { name, inode: stats.ino, type: Number(stats.mode) };
    }
  }

  rewind(): void {
    this.#entries?.closeSync();
    this.#entries = undefined;
  }

  sync(): void {
    told(() => fdatasyncSync(this.#fd));
  }

  close(): void {
    this.rewind();
    closeSync(this.#fd);
  }
}

/** Names of files as they are; the types of `opendirSync` do not know that it can. */
const NAMES = 'buffer' as BufferEncoding;

function descriptor(fd: number): Buffer {
  return Buffer.from(`/proc/self/fd/${fd}`);
}

function entryOf(directory: number, name: string): Buffer {
  return Buffer.from(`/proc/self/fd/${directory}/${name}`, 'latin1');
}

function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('\0');
}

function openFlags({ read, write, append, truncate, sync }: SharedFileMode): number {
  const access = write ? (read ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY;
  return (
    access | O_NONBLOCK | O_NOCTTY | (append ? O_APPEND : 0) | (truncate ? constants.O_TRUNC : 0) | (sync ? O_DSYNC : 0)
  );
}

/** Through the descriptor's own name, so that it is this file and no other. */
function changeHeld(held: number, { mode, size, accessed, modified }: FileChanges): void {
  const name = descriptor(held);
  const before = told(() => fstatSync(held, { bigint: true }));
  // Linux has no permissions of symbolic links; chmod(2) would say so only since 6.6.
  if (mode !== undefined && before.isSymbolicLink()) throw new SharedFolderError(LINUX_ERRNO.EOPNOTSUPP);
  if (size !== undefined) {
    if (before.isDirectory()) throw new SharedFolderError(LINUX_ERRNO.EISDIR);
    if (!before.isFile()) throw new SharedFolderError(LINUX_ERRNO.EINVAL);
    told(() => truncateSync(name, size));
  }
  if (accessed !== undefined || modified !== undefined) {
    const now = Date.now() / 1000;
    const seconds = (wanted: bigint | 'now' | undefined, old: bigint): number =>
      wanted === 'now' ? now : Number(wanted ?? old) / 1e9;
    told(() => utimesSync(name, seconds(accessed, before.atimeNs), seconds(modified, before.mtimeNs)));
  }
  if (mode !== undefined) told(() => chmodSync(name, mode));
}

function attributesOf(fd: number): FileAttributes {
  const stats: BigIntStats = told(() => fstatSync(fd, { bigint: true }));
  return {
    device: stats.dev,
    inode: stats.ino,
    mode: Number(stats.mode),
    links: stats.nlink,
    owner: Number(stats.uid),
    group: Number(stats.gid),
    represents: stats.rdev,
    size: stats.size,
    blockSize: stats.blksize,
    blocks: stats.blocks,
    accessed: stats.atimeNs,
    modified: stats.mtimeNs,
    changed: stats.ctimeNs,
  };
}

const NUMBERS: Readonly<Record<string, number>> = LINUX_ERRNO;

/** Does it, and tells of a refusal of the host by its number. */
function told<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    const { code, errno } = error as NodeJS.ErrnoException;
    if (code === undefined || errno === undefined) throw error;
    throw new SharedFolderError(NUMBERS[code] ?? LINUX_ERRNO.EIO);
  }
}

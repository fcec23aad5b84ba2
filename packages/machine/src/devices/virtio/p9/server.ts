// SPDX-License-Identifier: Apache-2.0
// A 9P2000.L server over a SharedFolder: one request in, one answer out. Ownership is not kept (as with QEMU's
// security_model=none without its rights): files belong to who runs us, a change of owner is granted and does nothing,
// set-user-ID and set-group-ID are taken off. Not here: device nodes, extended attributes, locks between guests.

import { READ_HEADER_SIZE, HEADER_SIZE, MESSAGE, type P9Request, parseRequest } from './messages.js';
import { type Fid, FidTable, isName, MAX_PATH, QID_DIRECTORY, step } from './fids.js';
import {
  type DirectoryEntry,
  LINUX_ERRNO,
  type FileAttributes,
  type SharedFileMode,
  type SharedDirectory,
  type SharedFile,
  type SharedFolder,
  SharedFolderError,
} from './shared-folder.js';
import { WireReader, WireWriter } from './wire.js';

/** Largest message: more than Linux' virtio transport can carry (500 KiB). */
export const MAX_MESSAGE: number = 512 * 1024;
/** Smallest that a guest may agree on. */
const MIN_MESSAGE = 4096;
/** Files and directories open on the host at once. */
export const MAX_OPEN = 512;

const VERSION = '9P2000.L';
const NO_FID = 0xffff_ffff;
const QID_LINK = 0x02;
const TYPE = { mask: 0o170000, directory: 0o040000, file: 0o100000, link: 0o120000 } as const;
/** What is left of permissions: a guest makes no program that runs as someone else on the host. */
const PERMISSIONS = 0o1777;
/** Flags of Tlopen and Tlcreate. */
const OPEN = { accessMask: 3, writeOnly: 1, readWrite: 2, exclusive: 0o200, truncate: 0o1000, append: 0o2000, dataSync: 0o10000, directory: 0o200000 } as const; // prettier-ignore
/** Of Tunlinkat. */
const REMOVE_DIRECTORY = 0x200;
/** All that Tgetattr can be asked for, but birth time, generation and data version. */
const BASIC_ATTRIBUTES = 0x7ffn;
const UNLOCKED = 2;
/** What the driver's statfs shows: the number of this protocol in Linux. */
const FILE_SYSTEM = 0x0102_1997;
const MAX_NAME = 255;
/** Of an entry in an Rreaddir, before its name. */
const ENTRY_SIZE = 24;
const SECOND = 1_000_000_000n;
/** Nanoseconds: times after that (some 30,000 years on) are refused. */
const LATEST = SECOND << 40n;

interface OpenDirectory {
  readonly directory: SharedDirectory;
  /** Entries that have been passed, `.` and `..` first, and one that had no room in the last answer. */
  position: bigint;
  pending: DirectoryEntry | undefined;
}

type Handle = { readonly file: SharedFile } | OpenDirectory;

export class P9Server {
  readonly #folder: SharedFolder;
  readonly fids: FidTable = new FidTable((fid) => this.#close(fid));
  /** What is open on the host; made anew where a fid is open and has none, after a restored snapshot. */
  readonly #handles = new Map<number, Handle>();
  readonly #answer = new WireWriter(new Uint8Array(MAX_MESSAGE));

  constructor(folder: SharedFolder) {
    this.#folder = folder;
  }

  /** Ends the session, and lets go of all that is open. */
  clear(): void {
    this.fids.clear();
    for (const fid of this.#handles.keys()) this.#close(fid);
  }

  /**
   * Does what a message asks for and gives the answer, valid until the next call, of at most `room` bytes (11 are
   * needed). The fids are as before: `follow` changes them.
   */
  serve(message: Uint8Array, room: number): Uint8Array {
    const answer = this.#answer;
    answer.at = HEADER_SIZE;
    const request = parseRequest(message);
    const header = new WireReader(message, 4);
    const number = header.u8();
    const tag = header.remaining < 2 ? 0xffff : header.u16();
    let type = number + 1;
    try {
      const { msize } = this.fids;
      if (request === undefined) throw new SharedFolderError(LINUX_ERRNO.EINVAL);
      if (request.type !== 'version' && message.length > msize) throw new SharedFolderError(LINUX_ERRNO.EMSGSIZE);
      this.#perform(request, Math.min(room, request.type === 'version' ? MAX_MESSAGE : msize));
      if (answer.at > room) {
        if (request.type === 'lopen' || request.type === 'lcreate') this.#close(request.fid);
        throw new SharedFolderError(LINUX_ERRNO.EMSGSIZE);
      }
    } catch (error) {
      if (!(error instanceof SharedFolderError)) throw error;
      type = MESSAGE.lerror + 1;
      answer.at = HEADER_SIZE;
      answer.u32(error.errno);
    }
    const size = answer.at;
    answer.at = 0;
    answer.u32(size);
    answer.u8(type);
    answer.u16(tag);
    return answer.bytes.subarray(0, size);
  }

  /** Lets an answer take effect on the fids, now or in a replayed run; gives it back. */
  follow(message: Uint8Array, answer: Uint8Array): Uint8Array {
    const request = parseRequest(message);
    if (request !== undefined) this.fids.follow(request, answer);
    return answer;
  }

  #perform(request: P9Request, room: number): void {
    const folder = this.#folder;
    const answer = this.#answer;
    switch (request.type) {
      case 'version':
        this.#version(request.msize, request.version);
        break;
      case 'attach': {
        if (request.authenticationFid !== NO_FID) fail(LINUX_ERRNO.EBADF);
        this.#new(request.fid, '');
        this.#qid(folder.attributes(''));
        break;
      }
      case 'walk':
        this.#walk(request.fid, request.newFid, request.names);
        break;
      case 'clunk':
        this.#fid(request.fid);
        break;
      case 'remove': {
        const { path } = this.#fid(request.fid);
        this.#change();
        if (path === '') fail(LINUX_ERRNO.EBUSY);
        if (isDirectory(folder.attributes(path))) folder.removeDirectory(path);
        else folder.removeFile(path);
        break;
      }
      case 'flush':
        // Requests are answered in their order, so the old one has been.
        break;
      case 'lopen':
        this.#lopen(request.fid, request.flags);
        break;
      case 'lcreate':
        this.#lcreate(request.fid, request.name, request.flags, request.mode);
        break;
      case 'read':
        this.#read(request.fid, request.offset, Math.min(request.count, room - READ_HEADER_SIZE));
        break;
      case 'write': {
        const file = this.#file(request.fid);
        answer.u32(file.write(fileOffset(request.offset), request.data));
        break;
      }
      case 'readdir':
        this.#readdir(request.fid, request.offset, Math.min(request.count, room - READ_HEADER_SIZE));
        break;
      case 'fsync': {
        const handle = this.#handle(request.fid);
        if ('file' in handle) handle.file.sync();
        else handle.directory.sync();
        break;
      }
      case 'statfs':
        this.#fid(request.fid);
        this.#statfs();
        break;
      case 'getattr':
        this.#getattr(this.#attributes(request.fid));
        break;
      case 'setattr':
        this.#setattr(request.fid, request.changes);
        break;
      case 'readlink':
        answer.text(folder.readLink(this.#fid(request.fid).path));
        break;
      case 'symlink': {
        const path = this.#child(request.fid, request.name);
        if (request.target === '' || request.target.includes('\0')) fail(LINUX_ERRNO.EINVAL);
        if (request.target.length >= MAX_PATH) fail(LINUX_ERRNO.ENAMETOOLONG);
        this.#change();
        folder.makeLink(path, request.target);
        this.#qid(folder.attributes(path));
        break;
      }
      case 'mkdir': {
        const path = this.#child(request.fid, request.name);
        this.#change();
        folder.makeDirectory(path, request.mode & PERMISSIONS);
        this.#qid(folder.attributes(path));
        break;
      }
      case 'mknod': {
        const path = this.#child(request.fid, request.name);
        this.#change();
        if ((request.mode & TYPE.mask) !== TYPE.file && (request.mode & TYPE.mask) !== 0) fail(LINUX_ERRNO.EPERM);
        folder.createFile(path, openMode(OPEN.writeOnly), request.mode & PERMISSIONS).close();
        this.#qid(folder.attributes(path));
        break;
      }
      case 'link': {
        const path = this.#child(request.directory, request.name);
        this.#change();
        folder.makeName(path, this.#fid(request.fid).path);
        break;
      }
      case 'rename':
        this.#rename(this.#fid(request.fid).path, this.#child(request.directory, request.name));
        break;
      case 'renameat':
        this.#rename(this.#child(request.fid, request.from), this.#child(request.directory, request.name));
        break;
      case 'unlinkat': {
        const path = this.#child(request.fid, request.name);
        this.#change();
        if ((request.flags & REMOVE_DIRECTORY) !== 0) folder.removeDirectory(path);
        else folder.removeFile(path);
        break;
      }
      case 'lock':
        // The driver keeps locks among its own processes itself, and there is nobody else.
        this.#fid(request.fid);
        answer.u8(0);
        break;
      case 'getlock':
        this.#fid(request.fid);
        answer.u8(UNLOCKED);
        answer.u64(request.start);
        answer.u64(request.length);
        answer.u32(request.process);
        answer.text(request.client);
        break;
      case 'auth':
      case 'xattrwalk':
      case 'xattrcreate':
        fail(LINUX_ERRNO.EOPNOTSUPP);
    }
  }

  #version(msize: number, version: string): void {
    if (msize < MIN_MESSAGE) fail(LINUX_ERRNO.EMSGSIZE);
    const known = version === VERSION;
    this.#answer.u32(Math.min(msize, MAX_MESSAGE));
    this.#answer.text(known ? VERSION : 'unknown');
  }

  #walk(from: number, to: number, names: readonly string[]): void {
    const { path } = this.#fid(from);
    if (to !== from) this.#new(to, path);
    else if (this.#fid(from).open !== undefined) fail(LINUX_ERRNO.EBADF);
    const answer = this.#answer;
    answer.u16(0);
    let reached = path;
    let count = 0;
    for (const name of names) {
      try {
        if (name !== '..') checkName(name);
        const next = step(reached, name);
        checkLength(next);
        this.#qid(this.#folder.attributes(next));
        reached = next;
      } catch (error) {
        // Only a first name that leads nowhere is an error (walk(5)).
        if (!(error instanceof SharedFolderError) || count === 0) throw error;
        break;
      }
      count++;
    }
    const end = answer.at;
    answer.at = HEADER_SIZE;
    answer.u16(count);
    answer.at = end;
    if (!this.fids.hasRoom(reached)) fail(LINUX_ERRNO.ENFILE);
  }

  #lopen(number: number, flags: number): void {
    const fid = this.#fid(number);
    if (fid.open !== undefined) fail(LINUX_ERRNO.EBADF);
    const handle = this.#open(fid.path, flags);
    this.#handles.set(number, handle);
    this.#opened(handle);
  }

  #lcreate(number: number, name: string, flags: number, mode: number): void {
    const path = this.#child(number, name);
    if (this.#fid(number).open !== undefined) fail(LINUX_ERRNO.EBADF);
    if (!this.fids.hasRoom(path)) fail(LINUX_ERRNO.ENFILE);
    this.#change();
    const handle = { file: this.#createOrOpen(path, flags, mode & PERMISSIONS) };
    this.#handles.set(number, handle);
    this.#opened(handle);
  }

  #createOrOpen(path: string, flags: number, permissions: number): SharedFile {
    this.#checkOpen();
    try {
      return this.#folder.createFile(path, openMode(flags), permissions);
    } catch (error) {
      const there = error instanceof SharedFolderError && error.errno === LINUX_ERRNO.EEXIST;
      if (!there || (flags & OPEN.exclusive) !== 0) throw error;
    }
    return this.#folder.openFile(path, openMode(flags));
  }

  #open(path: string, flags: number): Handle {
    this.#checkOpen();
    const mode = openMode(flags);
    if (mode.write || mode.truncate) this.#change();
    if (isDirectory(this.#folder.attributes(path))) {
      if (mode.write || mode.truncate) fail(LINUX_ERRNO.EISDIR);
      return { directory: this.#folder.openDirectory(path), position: 0n, pending: undefined };
    }
    if ((flags & OPEN.directory) !== 0) fail(LINUX_ERRNO.ENOTDIR);
    return { file: this.#folder.openFile(path, mode) };
  }

  #checkOpen(): void {
    if (this.#handles.size >= MAX_OPEN) fail(LINUX_ERRNO.EMFILE);
  }

  #opened(handle: Handle): void {
    this.#qid(attributesOf(handle));
    // The driver chooses the size of reads and writes.
    this.#answer.u32(0);
  }

  #read(number: number, offset: bigint, count: number): void {
    const answer = this.#answer;
    const file = this.#file(number);
    if (count < 0) fail(LINUX_ERRNO.EMSGSIZE);
    const length = file.read(fileOffset(offset), answer.bytes.subarray(READ_HEADER_SIZE, READ_HEADER_SIZE + count));
    answer.u32(length);
    answer.at += length;
  }

  #readdir(number: number, offset: bigint, count: number): void {
    const answer = this.#answer;
    const handle = this.#handle(number);
    if ('file' in handle) fail(LINUX_ERRNO.ENOTDIR);
    if (count < 0) fail(LINUX_ERRNO.EMSGSIZE);
    if (offset !== handle.position) this.#seek(handle, offset);
    const { path } = this.#fid(number);
    const end = READ_HEADER_SIZE + count;
    answer.at = READ_HEADER_SIZE;
    for (;;) {
      const entry = handle.pending ?? this.#entry(handle, path);
      handle.pending = entry;
      if (entry === undefined || answer.at + ENTRY_SIZE + entry.name.length > end) break;
      handle.pending = undefined;
      handle.position++;
      answer.u8(qidType(entry.type));
      answer.u32(0);
      answer.u64(entry.inode);
      answer.u64(handle.position);
      answer.u8((entry.type & TYPE.mask) >> 12);
      answer.text(entry.name);
    }
    if (answer.at === READ_HEADER_SIZE && handle.pending !== undefined) fail(LINUX_ERRNO.EINVAL);
    const after = answer.at;
    answer.at = HEADER_SIZE;
    answer.u32(after - READ_HEADER_SIZE);
    answer.at = after;
  }

  #entry({ directory, position }: OpenDirectory, path: string): DirectoryEntry | undefined {
    if (position === 0n) return { name: '.', inode: directory.attributes().inode, type: TYPE.directory };
    if (position > 1n) return directory.next();
    const parent = this.#folder.attributes(step(path, '..'));
    return { name: '..', inode: parent.inode, type: TYPE.directory };
  }

  #seek(handle: OpenDirectory, position: bigint): void {
    if (position < handle.position || handle.position < 2n) {
      handle.directory.rewind();
      handle.position = position < 2n ? position : 2n;
      handle.pending = undefined;
    }
    while (handle.position < position) {
      const passed = handle.pending ?? handle.directory.next();
      handle.pending = undefined;
      if (passed === undefined) break;
      handle.position++;
    }
  }

  #statfs(): void {
    const space = this.#folder.space();
    const answer = this.#answer;
    answer.u32(FILE_SYSTEM);
    answer.u32(space.blockSize);
    for (const count of [space.blocks, space.freeBlocks, space.availableBlocks, space.files, space.freeFiles]) {
      answer.u64(count);
    }
    answer.u64(0n);
    answer.u32(MAX_NAME);
  }

  #getattr(attributes: FileAttributes): void {
    const { mode, owner, group, links, represents, size, blockSize, blocks } = attributes;
    const answer = this.#answer;
    answer.u64(BASIC_ATTRIBUTES);
    this.#qid(attributes);
    for (const value of [mode, owner, group]) answer.u32(value);
    for (const value of [links, represents, size, blockSize, blocks]) answer.u64(value);
    for (const time of [attributes.accessed, attributes.modified, attributes.changed]) {
      answer.u64(time / SECOND);
      answer.u64(time % SECOND);
    }
    for (let rest = 0; rest < 4; rest++) answer.u64(0n);
  }

  #setattr(number: number, changes: Extract<P9Request, { type: 'setattr' }>['changes']): void {
    const fid = this.#fid(number);
    this.#change();
    const { mode, size, accessed, modified } = changes;
    for (const time of [accessed, modified]) if (typeof time === 'bigint' && time >= LATEST) fail(LINUX_ERRNO.EINVAL);
    const wanted = {
      ...(mode === undefined ? {} : { mode: mode & PERMISSIONS }),
      ...(size === undefined ? {} : { size: fileOffset(size) }),
      ...(accessed === undefined ? {} : { accessed }),
      ...(modified === undefined ? {} : { modified }),
    };
    if (Object.keys(wanted).length === 0) return;
    const handle = fid.open === undefined ? undefined : this.#handle(number);
    // A file that is open may have no name any more.
    if (handle !== undefined && 'file' in handle) handle.file.change(wanted);
    else this.#folder.change(fid.path, wanted);
  }

  #rename(from: string, to: string): void {
    this.#change();
    if (from === '') fail(LINUX_ERRNO.EBUSY);
    this.#folder.rename(from, to);
  }

  #attributes(number: number): FileAttributes {
    const fid = this.#fid(number);
    return fid.open === undefined ? this.#folder.attributes(fid.path) : attributesOf(this.#handle(number));
  }

  #fid(number: number): Fid {
    return this.fids.get(number) ?? fail(LINUX_ERRNO.EBADF);
  }

  /** Checks that a new fid may be made. */
  #new(number: number, path: string): void {
    if (number === NO_FID || this.fids.get(number) !== undefined) fail(LINUX_ERRNO.EBADF);
    if (!this.fids.hasRoom(path)) fail(LINUX_ERRNO.ENFILE);
  }

  /** The path of a name in a directory. */
  #child(directory: number, name: string): string {
    const { path } = this.#fid(directory);
    checkName(name);
    const child = step(path, name);
    checkLength(child);
    return child;
  }

  #change(): void {
    if (this.#folder.readOnly) fail(LINUX_ERRNO.EROFS);
  }

  #file(number: number): SharedFile {
    const handle = this.#handle(number);
    return 'file' in handle ? handle.file : fail(LINUX_ERRNO.EISDIR);
  }

  #handle(number: number): Handle {
    const { path, open } = this.#fid(number);
    if (open === undefined) return fail(LINUX_ERRNO.EBADF);
    return this.#handles.get(number) ?? this.#reopen(number, path, open);
  }

  /** Opens again what was open when a snapshot was taken, if it is still there. */
  #reopen(number: number, path: string, { flags, directory, unique }: NonNullable<Fid['open']>): Handle {
    let handle: Handle | undefined;
    try {
      handle = this.#open(path, flags & ~OPEN.truncate);
    } catch (error) {
      if (!(error instanceof SharedFolderError) || error.errno === LINUX_ERRNO.EMFILE) throw error;
      return fail(LINUX_ERRNO.ESTALE);
    }
    const attributes = attributesOf(handle);
    this.#handles.set(number, handle);
    if (isDirectory(attributes) === directory && uniqueOf(attributes) === unique) return handle;
    this.#close(number);
    return fail(LINUX_ERRNO.ESTALE);
  }

  #close(number: number): void {
    const handle = this.#handles.get(number);
    this.#handles.delete(number);
    if (handle === undefined) return;
    if ('file' in handle) handle.file.close();
    else handle.directory.close();
  }

  #qid(attributes: FileAttributes): void {
    const { mode, modified, size } = attributes;
    this.#answer.u8(qidType(mode));
    // Changes whenever the file does, for caches.
    this.#answer.u32(Number(BigInt.asUintN(32, modified ^ (modified >> 32n) ^ (size << 8n))));
    this.#answer.u64(uniqueOf(attributes));
  }
}

function fail(errno: number): never {
  throw new SharedFolderError(errno);
}

function checkName(name: string): void {
  if (!isName(name)) fail(LINUX_ERRNO.EINVAL);
  if (name.length > MAX_NAME) fail(LINUX_ERRNO.ENAMETOOLONG);
}

function checkLength(path: string): void {
  if (path.length >= MAX_PATH) fail(LINUX_ERRNO.ENAMETOOLONG);
}

function fileOffset(offset: bigint): number {
  return offset > BigInt(Number.MAX_SAFE_INTEGER) ? fail(LINUX_ERRNO.EINVAL) : Number(offset);
}

function openMode(flags: number): SharedFileMode {
  const access = flags & OPEN.accessMask;
  return {
    read: access !== OPEN.writeOnly,
    write: access === OPEN.writeOnly || access === OPEN.readWrite,
    append: (flags & OPEN.append) !== 0,
    truncate: (flags & OPEN.truncate) !== 0,
    sync: (flags & OPEN.dataSync) !== 0,
  };
}

function attributesOf(handle: Handle): FileAttributes {
  return 'file' in handle ? handle.file.attributes() : handle.directory.attributes();
}

function isDirectory({ mode }: FileAttributes): boolean {
  return (mode & TYPE.mask) === TYPE.directory;
}

function qidType(mode: number): number {
  const type = mode & TYPE.mask;
  return type === TYPE.directory ? QID_DIRECTORY : type === TYPE.link ? QID_LINK : 0;
}

/** One number for each file, though there may be several file systems below the folder. */
function uniqueOf({ device, inode }: FileAttributes): bigint {
  return BigInt.asUintN(64, inode ^ (device << 40n));
}

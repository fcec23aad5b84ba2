// SPDX-License-Identifier: Apache-2.0
// Serves one FUSE mount, on the descriptor of /dev/fuse that it was mounted with, until it is unmounted. One request after the other, each
// answered before the next is read: so an INTERRUPT always comes too late and needs no answer. The thread does nothing else, and must not
// touch the mount: it would wait for itself.

import { getSystemErrorMap } from 'node:util';
import { PlinthError } from '@plinth/core';
import { FILE_ERROR } from '../files/file-calls.js';
import { FileError } from '../files/file-error.js';
import type { FileStatus, FileTime } from '../files/file-status.js';
import { ERROR, type SystemCalls } from '../system-calls.js';
import type { FuseCaller, FuseEntry, FuseFileSystem, StatusChanges } from './fuse-file-system.js';
import { changesOutside, numbersInside, numbersOutside, type NumberMap } from './fuse-numbers.js';
import { directoryItemSize, FuseReply } from './fuse-replies.js';
import { type FuseRequest, MalformedRequest, OPERATION, readRequest, type RequestBody } from './fuse-requests.js';

export interface FuseOptions {
  /** How long the kernel may believe what it was told of names and files that change beside the mount: when that is seen. */
  readonly cacheSeconds: number;
  /** The kernel collects writes and gives them later, in larger pieces. */
  readonly writeback: boolean;
  /** Of the mount's user namespace, where that is another one than ours; without, numbers are as they are. */
  readonly numbers?: NumberMap;
}

const MAJOR = 7;
/** MAX_PAGES and what is used of the rest; HANDLE_KILLPRIV_V2 is of 33 and asked for only where it is offered. */
const OLDEST_MINOR = 31;
const NEWEST_MINOR = 36;
const MAX_WRITE = 1 << 20;
const MAX_PAGES = 256;
const REQUEST_ROOM = MAX_WRITE + 8192;
const INIT_FLAG = {
  asynchronousRead: 1,
  openTruncates: 1 << 3,
  bigWrites: 1 << 5,
  invalidateChanged: 1 << 12,
  readDirectoryPlus: 1 << 13,
  readDirectoryPlusWhenUseful: 1 << 14,
  asynchronousDirect: 1 << 15,
  writeback: 1 << 16,
  parallelDirectories: 1 << 18,
  maxPages: 1 << 22,
  cacheLinks: 1 << 23,
  dropRights: 1 << 28,
} as const;
const OPEN_ANSWER = { keepCache: 2, cacheDirectory: 8, noFlush: 32 } as const;
/** How long the kernel may believe what changes by this mount only: for good. */
const LASTING_SECONDS = 1_000_000_000;
const OPEN_DROPS_RIGHTS = 1;
const WRITE_DROPS_RIGHTS = 4;
const SYNCHRONISE_DATA = 1;
const GET_BY_HANDLE = 1;
const CHANGE = {
  mode: 1,
  user: 2,
  group: 4,
  size: 8,
  accessed: 16,
  modified: 32,
  handle: 64,
  accessedNow: 128,
  modifiedNow: 256,
  dropRights: 2048,
} as const;
const NOW: FileTime = { seconds: 0, nanoseconds: 0x3fff_ffff };

type Handler = (request: FuseRequest, body: RequestBody, reply: FuseReply) => FuseReply;

export class FuseSession {
  readonly #files: FuseFileSystem;
  readonly #options: FuseOptions;
  readonly #reply = new FuseReply(MAX_WRITE + 4096);
  readonly #handlers: ReadonlyMap<number, Handler>;
  readonly #room = Buffer.alloc(REQUEST_ROOM);
  #begun = false;
  /** What the last answer gave: nodes, a file, a directory. */
  #nodes: number[] = [];
  #file: number | undefined;
  #directory: number | undefined;

  constructor(files: FuseFileSystem, options: FuseOptions) {
    this.#files = files;
    this.#options = options;
    this.#handlers = this.#table();
  }

  /**
   * Returns when the mount is gone.
   * @param onBegun when the kernel has said hello: the mount answers from now on
   * @throws PlinthError `fuse` (host)
   */
  serve(calls: SystemCalls, fd: number, onBegun: () => void): void {
    let told = false;
    while (this.serveOne(calls, fd)) {
      if (told || !this.#begun) continue;
      told = true;
      onBegun();
    }
  }

  /**
   * Answers one request, if there is one; waits for it unless the descriptor does not.
   * @returns whether the mount is still there
   * @throws PlinthError `fuse` (host)
   */
  serveOne(calls: SystemCalls, fd: number): boolean {
    const length = calls.read(fd, this.#room);
    if (length === -ERROR.ENODEV) return false;
    // ENOENT: the one that asked was killed.
    if (length === -ERROR.EINTR || length === -ERROR.ENOENT || length === -ERROR.EAGAIN) return true;
    if (length < 0) throw new PlinthError('host', 'fuse', `/dev/fuse: ${new FileError(-length).message}`);
    const answer = this.answer(this.#room.subarray(0, length));
    // Who asked was killed meanwhile: the kernel knows nothing of what it was given, so it will not give that back.
    if (answer !== undefined && calls.write(fd, answer) < 0) this.takeBack();
    return true;
  }

  /** Nothing if there is none to give. Valid until the next one. */
  answer(bytes: Buffer): Uint8Array | undefined {
    const request = readRequest(bytes);
    if (request === undefined) return undefined;
    const { operation, unique, body } = request;
    this.#nodes = [];
    this.#file = undefined;
    this.#directory = undefined;
    try {
      if (operation === OPERATION.forget) {
        this.#files.forget(request.node, body.u64());
        return undefined;
      }
      if (operation === OPERATION.batchForget) {
        const count = body.u32();
        body.skip(4);
        for (let left = count; left > 0; left--) this.#files.forget(body.u64(), body.u64());
        return undefined;
      }
      if (operation === OPERATION.interrupt) return undefined;
      const handler = this.#handlers.get(operation);
      if (handler === undefined) return this.#reply.finish(unique, FILE_ERROR.ENOSYS);
      return handler(request, body, this.#reply.begin()).finish(unique, 0);
    } catch (error) {
      if (operation === OPERATION.forget || operation === OPERATION.batchForget) return undefined;
      return this.#reply.finish(unique, errorNumber(error));
    }
  }

  /** Forgets and closes what the last answer gave, which did not arrive. */
  takeBack(): void {
    for (const node of this.#nodes) this.#files.forget(node, 1);
    if (this.#file !== undefined) this.#files.release(this.#file);
    if (this.#directory !== undefined) this.#files.releaseDirectory(this.#directory);
  }

  #entry(reply: FuseReply, entry: FuseEntry): FuseReply {
    this.#nodes.push(entry.node);
    const status = numbersInside(entry.status, this.#options.numbers);
    return reply.entry({ ...entry, status }, this.#cacheSeconds(entry.node));
  }

  #status(reply: FuseReply, node: number, status: FileStatus): FuseReply {
    return reply.statusAnswer(numbersInside(status, this.#options.numbers), this.#cacheSeconds(node));
  }

  #cacheSeconds(node: number): number {
    return this.#files.isOurs(node) ? LASTING_SECONDS : this.#options.cacheSeconds;
  }

  #table(): ReadonlyMap<number, Handler> {
    const files = this.#files;
    const { numbers } = this.#options;
    return new Map<number, Handler>([
      [OPERATION.init, (_, body, reply) => this.#init(body, reply)],
      [OPERATION.destroy, (_, _body, reply) => reply],
      [
        OPERATION.lookup,
        ({ node }, body, reply) => {
          const entry = files.lookup(node, body.name());
          return entry === undefined ? reply.noEntry(this.#cacheSeconds(node)) : this.#entry(reply, entry);
        },
      ],
      [
        OPERATION.getAttributes,
        ({ node }, body, reply) => {
          const flags = body.u32();
          body.skip(4);
          const handle = body.u64();
          return this.#status(reply, node, files.status(node, (flags & GET_BY_HANDLE) === 0 ? undefined : handle));
        },
      ],
      [
        OPERATION.setAttributes,
        ({ node }, body, reply) =>
          this.#status(reply, node, files.change(node, changesOutside(readChanges(body), numbers))),
      ],
      [OPERATION.readLink, ({ node }, _, reply) => reply.bytes(files.readLink(node))],
      [
        OPERATION.symbolicLink,
        (request, body, reply) => {
          const name = body.name();
          return this.#entry(reply, files.makeSymbolicLink(request.node, name, body.text(), this.#caller(request)));
        },
      ],
      [
        OPERATION.makeNode,
        (request, body, reply) => {
          const [mode, device] = [body.u32(), body.u32()];
          body.skip(8);
          return this.#entry(reply, files.makeNode(request.node, body.name(), mode, device, this.#caller(request)));
        },
      ],
      [
        OPERATION.makeDirectory,
        (request, body, reply) => {
          const mode = body.u32();
          body.skip(4);
          return this.#entry(reply, files.makeDirectory(request.node, body.name(), mode, this.#caller(request)));
        },
      ],
      [OPERATION.unlink, ({ node }, body, reply) => after(reply, files.unlink(node, body.name()))],
      [OPERATION.removeDirectory, ({ node }, body, reply) => after(reply, files.removeDirectory(node, body.name()))],
      [
        OPERATION.rename,
        ({ node }, body, reply) => {
          const parent = body.u64();
          return after(reply, files.rename(node, body.name(), parent, body.name(), 0));
        },
      ],
      [
        OPERATION.rename2,
        ({ node }, body, reply) => {
          const [parent, flags] = [body.u64(), body.u32()];
          body.skip(4);
          return after(reply, files.rename(node, body.name(), parent, body.name(), flags));
        },
      ],
      [
        OPERATION.link,
        ({ node }, body, reply) => {
          const linked = body.u64();
          return this.#entry(reply, files.link(linked, node, body.name()));
        },
      ],
      ...this.#fileTable(),
      ...this.#directoryTable(),
      ...this.#attributeTable(),
    ]);
  }

  #fileTable(): [number, Handler][] {
    const files = this.#files;
    const opened = OPEN_ANSWER.keepCache | (this.#options.writeback ? 0 : OPEN_ANSWER.noFlush);
    return [
      [
        OPERATION.open,
        ({ node }, body, reply) => {
          const flags = this.#openFlags(body.u32());
          this.#file = files.open(node, flags, (body.u32() & OPEN_DROPS_RIGHTS) !== 0);
          return reply.opened(this.#file, opened);
        },
      ],
      [
        OPERATION.create,
        (request, body, reply) => {
          const [flags, mode] = [this.#openFlags(body.u32()), body.u32()];
          body.skip(8);
          const { entry, handle } = files.create(request.node, body.name(), mode, flags, this.#caller(request));
          this.#file = handle;
          return this.#entry(reply, entry).opened(handle, opened);
        },
      ],
      [
        OPERATION.read,
        (_, body, reply) => {
          const [handle, offset, size] = [body.u64(), body.u64(), body.u32()];
          if (size > MAX_WRITE) throw new FileError(FILE_ERROR.EIO);
          return reply.took(files.read(handle, reply.room(size), offset));
        },
      ],
      [
        OPERATION.write,
        (_, body, reply) => {
          const [handle, offset, size, flags] = [body.u64(), body.u64(), body.u32(), body.u32()];
          body.skip(16);
          const bytes = body.bytes(size);
          return reply.u32(files.write(handle, bytes, offset, (flags & WRITE_DROPS_RIGHTS) !== 0)).u32(0);
        },
      ],
      [OPERATION.flush, (_, _body, reply) => reply],
      [OPERATION.release, (_, body, reply) => after(reply, files.release(body.u64()))],
      [
        OPERATION.synchronise,
        (_, body, reply) => after(reply, files.synchronise(body.u64(), (body.u32() & SYNCHRONISE_DATA) !== 0)),
      ],
      [
        OPERATION.allocate,
        (_, body, reply) => {
          const [handle, offset, length, mode] = [body.u64(), body.u64(), body.u64(), body.u32()];
          return after(reply, files.allocate(handle, mode, offset, length));
        },
      ],
      [
        OPERATION.seek,
        (_, body, reply) => {
          const [handle, offset, whence] = [body.u64(), body.i64(), body.u32()];
          return reply.u64(files.seek(handle, offset, whence));
        },
      ],
      [
        OPERATION.copyRange,
        (_, body, reply) => {
          const [from, fromOffset] = [body.u64(), body.u64()];
          body.skip(8);
          const [to, toOffset, length] = [body.u64(), body.u64(), body.u64()];
          return reply.u32(files.copyRange(from, fromOffset, to, toOffset, Math.min(length, 1 << 30))).u32(0);
        },
      ],
      [OPERATION.fileSystemSize, (_, _body, reply) => reply.fileSystemSize(files.size())],
    ];
  }

  #directoryTable(): [number, Handler][] {
    const files = this.#files;
    return [
      [
        OPERATION.openDirectory,
        ({ node }, _, reply) => {
          this.#directory = files.openDirectory(node);
          const kept = OPEN_ANSWER.keepCache | OPEN_ANSWER.cacheDirectory;
          return reply.opened(this.#directory, files.isOurs(node) ? kept : 0);
        },
      ],
      [OPERATION.readDirectory, (request, body, reply) => this.#readDirectory(request, body, reply, false)],
      [OPERATION.readDirectoryPlus, (request, body, reply) => this.#readDirectory(request, body, reply, true)],
      [OPERATION.releaseDirectory, (_, body, reply) => after(reply, files.releaseDirectory(body.u64()))],
      [OPERATION.synchroniseDirectory, (_, body, reply) => after(reply, files.synchroniseDirectory(body.u64()))],
    ];
  }

  #attributeTable(): [number, Handler][] {
    const files = this.#files;
    return [
      [
        OPERATION.getAttribute,
        ({ node }, body, reply) => {
          const size = body.u32();
          body.skip(4);
          return sized(reply, size, files.getAttribute(node, body.text()));
        },
      ],
      [
        OPERATION.listAttributes,
        ({ node }, body, reply) => {
          const size = body.u32();
          const names = files.attributes(node).map((name) => `${name}\0`);
          return sized(reply, size, Buffer.from(names.join(''), 'latin1'));
        },
      ],
      [
        OPERATION.setAttribute,
        ({ node }, body, reply) => {
          const [size, flags] = [body.u32(), body.u32()];
          const name = body.text();
          return after(reply, files.setAttribute(node, name, body.bytes(size), flags));
        },
      ],
      [OPERATION.removeAttribute, ({ node }, body, reply) => after(reply, files.removeAttribute(node, body.text()))],
    ];
  }

  /** The kernel reads what is around a write that it collects. */
  #openFlags(flags: number): number {
    const writeOnly = (flags & 3) === 1;
    return this.#options.writeback && writeOnly ? (flags & ~3) | 2 : flags;
  }

  /** struct fuse_init_in and fuse_init_out. */
  #init(body: RequestBody, reply: FuseReply): FuseReply {
    const [major, minor, readAhead, offered] = [body.u32(), body.u32(), body.u32(), body.u32()];
    // A newer major version is answered by ours, and then says hello again.
    if (major > MAJOR) return reply.u32(MAJOR).u32(NEWEST_MINOR).zeros(56);
    if (major < MAJOR || minor < OLDEST_MINOR) throw new FileError(FILE_ERROR.EPROTO);
    const { writeback, ...wanted } = INIT_FLAG;
    const flags = Object.values(wanted).reduce((all, flag) => all | flag, this.#options.writeback ? writeback : 0);
    this.#begun = true;
    return reply
      .u32(MAJOR)
      .u32(Math.min(minor, NEWEST_MINOR))
      .u32(readAhead)
      .u32(flags & offered)
      .u16(64)
      .u16(48)
      .u32(MAX_WRITE)
      .u32(1)
      .u16(MAX_PAGES)
      .u16(0)
      .zeros(32);
  }

  #readDirectory({ node }: FuseRequest, body: RequestBody, reply: FuseReply, plus: boolean): FuseReply {
    const [handle, offset, size] = [body.u64(), body.u64(), body.u32()];
    const room = Math.min(size, MAX_WRITE);
    const items = this.#files.items(handle, offset === 0);
    for (let index = offset; index < items.length; index++) {
      const item = items[index]!;
      if (reply.length + directoryItemSize(item, plus) > room) break;
      if (plus) {
        const entry = item.name === '.' || item.name === '..' ? undefined : this.#lookup(node, item.name);
        if (entry === undefined) reply.noEntry(0);
        else this.#entry(reply, entry);
        reply.directoryItem(entry === undefined ? item : { ...item, inode: entry.status.inode }, index + 1);
      } else reply.directoryItem(item, index + 1);
    }
    return reply;
  }

  /** Who asks, by our numbers. */
  #caller({ user, group }: FuseRequest): FuseCaller {
    return numbersOutside({ user, group }, this.#options.numbers);
  }

  #lookup(parent: number, name: string): FuseEntry | undefined {
    try {
      return this.#files.lookup(parent, name);
    } catch (error) {
      // A name that cannot be looked at is listed all the same.
      if (error instanceof FileError) return undefined;
      throw error;
    }
  }
}

/** The reply, once a call that gives nothing was made. */
function after(reply: FuseReply, _nothing: void): FuseReply {
  return reply;
}

/** A value of at most `size` bytes, or how long it is if that is 0. */
function sized(reply: FuseReply, size: number, value: Uint8Array): FuseReply {
  if (size === 0) return reply.u32(value.length).u32(0);
  if (value.length > size) throw new FileError(FILE_ERROR.ERANGE);
  return reply.bytes(value);
}

/** struct fuse_setattr_in. */
function readChanges(body: RequestBody): StatusChanges {
  const valid = body.u32();
  body.skip(4);
  const [handle, size] = [body.u64(), body.u64()];
  body.skip(8);
  const [accessed, modified] = [body.i64(), body.i64()];
  body.skip(8);
  const [accessedPart, modifiedPart] = [body.u32(), body.u32()];
  body.skip(4);
  const mode = body.u32();
  body.skip(4);
  const [user, group] = [body.u32(), body.u32()];
  const has = (flag: number): boolean => (valid & flag) !== 0;
  const time = (now: number, given: number, seconds: number, nanoseconds: number): FileTime | undefined => {
    if (has(now)) return NOW;
    return has(given) ? { seconds, nanoseconds } : undefined;
  };
  const accessedAt = time(CHANGE.accessedNow, CHANGE.accessed, accessed, accessedPart);
  const modifiedAt = time(CHANGE.modifiedNow, CHANGE.modified, modified, modifiedPart);
  return {
    ...(has(CHANGE.mode) ? { mode } : {}),
    ...(has(CHANGE.user) ? { user } : {}),
    ...(has(CHANGE.group) ? { group } : {}),
    ...(has(CHANGE.size) ? { size } : {}),
    ...(has(CHANGE.handle) ? { handle } : {}),
    ...(accessedAt === undefined ? {} : { accessed: accessedAt }),
    ...(modifiedAt === undefined ? {} : { modified: modifiedAt }),
    dropRights: has(CHANGE.dropRights),
  };
}

/** Of what went wrong while answering. */
function errorNumber(error: unknown): number {
  if (error instanceof FileError) return error.number;
  if (error instanceof MalformedRequest) return FILE_ERROR.EIO;
  const { errno } = error as NodeJS.ErrnoException;
  return errno !== undefined && getSystemErrorMap().has(errno) ? -errno : FILE_ERROR.EIO;
}

// SPDX-License-Identifier: Apache-2.0
// A stack of layers as one tree that can be written: reads come from the merged view, writes go to the upper layer, into which a file is
// copied whole before its first change (overlayfs.rst). Differences from overlayfs: files that are open while they are copied up show the
// copy from then on, and an unlinked file that nobody has open cannot be used by its number.

import { constants, statfsSync } from 'node:fs';
import {
  AT,
  type DirectoryItem,
  done,
  FILE_ERROR,
  type FileCalls,
  FileError,
  type FileName,
  type FileStatus,
  type FileSystemSize,
  type FuseCaller,
  type FuseEntry,
  type FuseFileSystem,
  MODE,
  OPEN_FLAG,
  RENAME,
  SEEK,
  type StatusChanges,
  TIME,
  timesBytes,
} from '@plinth/linux';
import { attributeNames } from './copy-file.js';
import { filePath, isMark } from './layer.js';
import { MergedView, type ViewEntry } from './merged-view.js';
import type { NodeTable, TreeNode } from './tree-node.js';
import { readLink, UpperWriter } from './upper-writer.js';

export interface LayerStack {
  /** Read-only directories, the uppermost first. */
  readonly lower: readonly string[];
  /** The directory that is written. */
  readonly upper: string;
  /** An empty directory on the same file system as `upper`. */
  readonly work: string;
}

interface FileHandle {
  readonly node: TreeNode;
  readonly writable: boolean;
  fd: number;
}

interface DirectoryHandle {
  readonly node: TreeNode;
  items: readonly DirectoryItem[] | undefined;
}

const ACCESS_MODE = 3;
const LONGEST_ATTRIBUTE = 65_536;
/** Attributes that the kernel gives a meaning which this tree does not keep. */
const ACCESS_LISTS = 'system.posix_acl_';

export class LayeredFiles implements FuseFileSystem, Disposable {
  readonly #calls: FileCalls;
  readonly #view: MergedView;
  readonly #writer: UpperWriter;
  readonly #files = new Map<number, FileHandle>();
  readonly #directories = new Map<number, DirectoryHandle>();
  /** Room for an attribute: the kernel asks for one with nearly each write. */
  readonly #value = new Uint8Array(LONGEST_ATTRIBUTE);
  #last = 0;

  /** @throws PlinthError `layer` (input) */
  constructor(calls: FileCalls, { lower, upper, work }: LayerStack) {
    this.#calls = calls;
    this.#view = new MergedView(calls, [upper, ...lower]);
    this.#writer = new UpperWriter(this.#view, work);
  }

  get #nodes(): NodeTable {
    return this.#view.nodes;
  }

  /** How many nodes are known. */
  get known(): number {
    return this.#nodes.size;
  }

  lookup(parent: number, name: FileName): FuseEntry | undefined {
    const entry = this.#view.entry(this.#nodes.directory(parent), name);
    return entry === undefined ? undefined : this.#use(entry);
  }

  #use({ node, status }: ViewEntry): FuseEntry {
    this.#nodes.use(node);
    return { node: node.id, status };
  }

  /** Of a name that was just made. */
  #made(parent: TreeNode, name: FileName): FuseEntry {
    const entry = this.#view.entry(parent, name);
    if (entry === undefined) throw new FileError(FILE_ERROR.EIO);
    return this.#use(entry);
  }

  forget(node: number, uses: number): void {
    this.#nodes.forget(node, uses);
  }

  /** What lies in the upper layer alone. */
  isOurs(id: number): boolean {
    const { isUpper, facts } = this.#nodes.get(id);
    return isUpper && facts.layers.length === 1;
  }

  status(id: number, handle: number | undefined): FileStatus {
    const node = this.#nodes.get(id);
    const open = handle === undefined ? undefined : this.#files.get(handle);
    if (open !== undefined) return this.#view.status(node, open.fd);
    return this.#with(node, (fd) => this.#view.status(node, fd));
  }

  /** Its file, or of a removed one what somebody has open of it. */
  #with<T>(node: TreeNode, use: (fd: number) => T): T {
    if (!node.isRemoved) return this.#view.with(node, use);
    return use(this.#openHandle(node).fd);
  }

  #openHandle(node: TreeNode): FileHandle {
    for (const handle of this.#files.values()) if (handle.node === node) return handle;
    throw new FileError(FILE_ERROR.ENOENT);
  }

  change(id: number, changes: StatusChanges): FileStatus {
    const node = this.#nodes.get(id);
    if (!node.isRemoved) this.#copyUp(node, changes.size);
    if (changes.size !== undefined) this.#truncate(node, changes.size, changes.handle);
    return this.#with(node, (fd) => {
      const { mode, user, group, accessed, modified } = changes;
      const path = filePath(fd);
      if (user !== undefined || group !== undefined) {
        done(this.#calls.changeOwner(fd, '', user ?? -1, group ?? -1, AT.emptyPath));
      }
      if (mode !== undefined) {
        if (node.type === MODE.link) throw new FileError(FILE_ERROR.EOPNOTSUPP);
        done(this.#calls.changeMode(path, mode & MODE.permissions));
      } else if (changes.dropRights === true) this.#dropRights(node, fd);
      if (accessed !== undefined || modified !== undefined) {
        const omit = { seconds: 0, nanoseconds: TIME.omit };
        const times = timesBytes(accessed ?? omit, modified ?? omit);
        done(this.#calls.changeTimes(AT.workingDirectory, path, times, 0));
      }
      return this.#view.status(node, fd);
    });
  }

  /** Files that are open show the copy from then on. */
  #copyUp(node: TreeNode, keep?: number): void {
    if (!this.#writer.copyUp(node, keep)) return;
    for (const handle of this.#files.values()) {
      if (handle.node !== node) continue;
      const fresh = this.#view.open(node, constants.O_RDONLY | constants.O_NONBLOCK);
      this.#calls.close(handle.fd);
      handle.fd = fresh;
    }
  }

  #truncate(node: TreeNode, size: number, id: number | undefined): void {
    if (node.isDirectory) throw new FileError(FILE_ERROR.EISDIR);
    const handle = id === undefined ? undefined : this.#files.get(id);
    if (handle?.writable === true) done(this.#calls.truncate(handle.fd, size));
    else if (node.isRemoved) done(this.#calls.truncate(this.#openHandle(node).fd, size));
    else {
      const fd = this.#view.open(node, constants.O_WRONLY | constants.O_NONBLOCK);
      const result = this.#calls.truncate(fd, size);
      this.#calls.close(fd);
      done(result);
    }
  }

  /** What lets others be somebody else goes when a file is changed (inode(7)). */
  #dropRights(node: TreeNode, fd: number): void {
    if (node.type !== MODE.file) return;
    const { mode } = this.#view.status(node, fd);
    const group = (mode & 0o010) === 0 ? 0 : MODE.setGroup;
    const without = mode & ~(MODE.setUser | group);
    if (without !== mode) done(this.#calls.changeMode(filePath(fd), without & MODE.permissions));
  }

  readLink(id: number): Uint8Array {
    const node = this.#nodes.get(id);
    if (node.type !== MODE.link) throw new FileError(FILE_ERROR.EINVAL);
    return Buffer.from(
      this.#view.with(node, (fd) => readLink(this.#calls, fd)),
      'latin1',
    );
  }

  makeNode(parent: number, name: FileName, mode: number, device: number, caller: FuseCaller): FuseEntry {
    const directory = this.#free(parent, name);
    const type = mode & MODE.type;
    // It would be a whiteout.
    if (type === MODE.character && device === 0) throw new FileError(FILE_ERROR.EPERM);
    this.#writer.add(directory, name, mode, caller, (place) => {
      done(this.#calls.makeNode(place.directory, place.name, mode, device));
    });
    return this.#made(directory, name);
  }

  makeDirectory(parent: number, name: FileName, mode: number, caller: FuseCaller): FuseEntry {
    const directory = this.#free(parent, name);
    const all = (mode & MODE.permissions) | MODE.directory;
    this.#writer.add(directory, name, all, caller, (place) => {
      done(this.#calls.makeDirectory(place.directory, place.name, place.mode));
    });
    return this.#made(directory, name);
  }

  makeSymbolicLink(parent: number, name: FileName, target: FileName, caller: FuseCaller): FuseEntry {
    const directory = this.#free(parent, name);
    this.#writer.add(directory, name, MODE.link, caller, (place) => {
      done(this.#calls.makeSymbolicLink(target, place.directory, place.name));
    });
    return this.#made(directory, name);
  }

  /** The directory, in which the name must be free. */
  #free(parent: number, name: FileName): TreeNode {
    const directory = this.#nodes.directory(parent);
    if (this.#view.find(directory, name) !== undefined) throw new FileError(FILE_ERROR.EEXIST);
    return directory;
  }

  #there(directory: TreeNode, name: FileName): TreeNode {
    const node = this.#view.lookup(directory, name);
    if (node === undefined) throw new FileError(FILE_ERROR.ENOENT);
    return node;
  }

  unlink(parent: number, name: FileName): void {
    const directory = this.#nodes.directory(parent);
    if (this.#there(directory, name).isDirectory) throw new FileError(FILE_ERROR.EISDIR);
    this.#writer.remove(directory, name, false);
    this.#nodes.remove(directory, name);
  }

  removeDirectory(parent: number, name: FileName): void {
    const directory = this.#nodes.directory(parent);
    this.#mustBeEmpty(this.#there(directory, name));
    this.#writer.remove(directory, name, true);
    this.#nodes.remove(directory, name);
  }

  #mustBeEmpty(node: TreeNode): void {
    if (!node.isDirectory) throw new FileError(FILE_ERROR.ENOTDIR);
    if (this.#view.items(node).length > 0) throw new FileError(FILE_ERROR.ENOTEMPTY);
  }

  rename(parent: number, name: FileName, newParent: number, newName: FileName, flags: number): void {
    const [from, to] = [this.#nodes.directory(parent), this.#nodes.directory(newParent)];
    const node = this.#there(from, name);
    const other = this.#view.lookup(to, newName);
    if ((flags & ~(RENAME.noReplace | RENAME.exchange)) !== 0) throw new FileError(FILE_ERROR.EINVAL);
    if (flags === RENAME.exchange) {
      if (other === undefined) throw new FileError(FILE_ERROR.ENOENT);
      this.#toBeRenamed(node);
      this.#toBeRenamed(other);
      this.#writer.exchange(from, name, to, newName);
      this.#nodes.put(node, to, newName);
      this.#nodes.put(other, from, name);
      node.places = node.places.filter((place) => place.parent !== from || place.name !== name);
      other.places = other.places.filter((place) => place.parent !== to || place.name !== newName);
      return;
    }
    if (other !== undefined) {
      if (flags === RENAME.noReplace) throw new FileError(FILE_ERROR.EEXIST);
      // Two names of one file: nothing happens (rename(2)).
      if (other === node) return;
      if (node.isDirectory) this.#mustBeEmpty(other);
      else if (other.isDirectory) throw new FileError(FILE_ERROR.EISDIR);
    }
    this.#toBeRenamed(node);
    this.#writer.rename(from, name, to, newName, node.isDirectory);
    if (other !== undefined) this.#nodes.remove(to, newName);
    // Its new place first: a node without any would be dropped.
    this.#nodes.put(node, to, newName);
    from.children.delete(name);
    node.places = node.places.filter((place) => place.parent !== from || place.name !== name);
  }

  #toBeRenamed(node: TreeNode): void {
    const { layers } = node.facts;
    // overlayfs, too, leaves it to whoever renames to copy instead.
    if (node.isDirectory && (layers.length > 1 || !node.isUpper)) throw new FileError(FILE_ERROR.EXDEV);
    this.#copyUp(node);
  }

  link(id: number, parent: number, name: FileName): FuseEntry {
    const node = this.#nodes.get(id);
    if (node.isDirectory) throw new FileError(FILE_ERROR.EPERM);
    const directory = this.#free(parent, name);
    this.#copyUp(node);
    this.#writer.link(node, directory, name);
    this.#nodes.setLinked(node);
    return this.#made(directory, name);
  }

  open(id: number, flags: number, dropRights: boolean): number {
    const node = this.#nodes.get(id);
    if (node.type !== MODE.file) throw new FileError(node.isDirectory ? FILE_ERROR.EISDIR : FILE_ERROR.EIO);
    const access = flags & ACCESS_MODE;
    const cuts = (flags & constants.O_TRUNC) !== 0;
    const writable = access !== constants.O_RDONLY || cuts;
    if (writable) this.#copyUp(node, cuts ? 0 : undefined);
    const wanted = access | (cuts ? constants.O_TRUNC : 0) | constants.O_NONBLOCK;
    const fd = this.#view.open(node, wanted);
    if (cuts && dropRights) this.#dropRights(node, fd);
    return this.#hold({ node, fd, writable });
  }

  #hold(handle: FileHandle): number {
    this.#files.set(++this.#last, handle);
    return this.#last;
  }

  create(
    parent: number,
    name: FileName,
    mode: number,
    flags: number,
    caller: FuseCaller,
  ): { readonly entry: FuseEntry; readonly handle: number } {
    const directory = this.#nodes.directory(parent);
    const there = this.#view.entry(directory, name);
    if (there !== undefined) {
      if ((flags & constants.O_EXCL) !== 0) throw new FileError(FILE_ERROR.EEXIST);
      const handle = this.open(there.node.id, flags, false);
      return { entry: this.#use({ ...there, status: this.status(there.node.id, handle) }), handle };
    }
    let fd = -1;
    const all = (mode & MODE.permissions) | MODE.file;
    try {
      this.#writer.add(directory, name, all, caller, (place) => {
        const how = constants.O_CREAT | constants.O_EXCL | OPEN_FLAG.closeOnExec | (flags & ACCESS_MODE);
        fd = done(this.#calls.openBelow(place.directory, place.name, how, place.mode, 0));
      });
      const entry = this.#made(directory, name);
      const writable = (flags & ACCESS_MODE) !== constants.O_RDONLY;
      return { entry, handle: this.#hold({ node: this.#nodes.get(entry.node), fd, writable }) };
    } catch (error) {
      if (fd >= 0) this.#calls.close(fd);
      throw error;
    }
  }

  #file(id: number): FileHandle {
    const handle = this.#files.get(id);
    if (handle === undefined) throw new FileError(FILE_ERROR.EIO);
    return handle;
  }

  read(id: number, into: Uint8Array, offset: number): number {
    const { fd } = this.#file(id);
    let length = 0;
    while (length < into.length) {
      const result = done(this.#calls.readAt(fd, into.subarray(length), offset + length));
      if (result === 0) break;
      length += result;
    }
    return length;
  }

  write(id: number, from: Uint8Array, offset: number, dropRights: boolean): number {
    const { fd, node } = this.#file(id);
    const length = done(this.#calls.writeAt(fd, from, offset));
    if (dropRights) this.#dropRights(node, fd);
    return length;
  }

  synchronise(id: number, dataOnly: boolean): void {
    const { fd, writable } = this.#file(id);
    if (writable) done(this.#calls.synchronise(fd, dataOnly));
  }

  release(id: number): void {
    this.#calls.close(this.#file(id).fd);
    this.#files.delete(id);
  }

  openDirectory(id: number): number {
    this.#directories.set(++this.#last, { node: this.#nodes.directory(id), items: undefined });
    return this.#last;
  }

  items(id: number, fromStart: boolean): readonly DirectoryItem[] {
    const handle = this.#directories.get(id);
    if (handle === undefined) throw new FileError(FILE_ERROR.EIO);
    if (handle.items === undefined || fromStart) {
      const { node } = handle;
      const parent = node.places[0]?.parent ?? node;
      const type = MODE.directory >>> 12;
      handle.items = [
        { name: '.', inode: node.inode, type },
        { name: '..', inode: parent.inode, type },
        ...this.#view.items(node),
      ];
    }
    return handle.items;
  }

  synchroniseDirectory(id: number): void {
    const node = this.#directories.get(id)?.node;
    if (node?.isUpper !== true || node.isRemoved) return;
    const fd = this.#view.open(node, constants.O_RDONLY | constants.O_DIRECTORY);
    const result = this.#calls.synchronise(fd, false);
    this.#calls.close(fd);
    done(result);
  }

  releaseDirectory(id: number): void {
    this.#directories.delete(id);
  }

  size(): FileSystemSize {
    const { bsize, blocks, bfree, bavail, files, ffree } = statfsSync(filePath(this.#view.layers[0]!.root));
    return { blockSize: bsize, blocks, free: bfree, available: bavail, files, freeFiles: ffree };
  }

  getAttribute(id: number, name: FileName): Uint8Array {
    if (name.startsWith(ACCESS_LISTS)) throw new FileError(FILE_ERROR.EOPNOTSUPP);
    if (isMark(name)) throw new FileError(FILE_ERROR.ENODATA);
    return this.#with(this.#nodes.get(id), (fd) => {
      const length = done(this.#calls.getAttribute(filePath(fd), name, this.#value));
      return this.#value.slice(0, length);
    });
  }

  setAttribute(id: number, name: FileName, value: Uint8Array, flags: number): void {
    this.#changeAttribute(id, name, (path) => this.#calls.setAttribute(path, name, value, flags));
  }

  removeAttribute(id: number, name: FileName): void {
    this.#changeAttribute(id, name, (path) => this.#calls.removeAttribute(path, name));
  }

  #changeAttribute(id: number, name: FileName, change: (path: FileName) => number): void {
    if (name.startsWith(ACCESS_LISTS) || isMark(name)) throw new FileError(FILE_ERROR.EOPNOTSUPP);
    const node = this.#nodes.get(id);
    if (!node.isRemoved) this.#copyUp(node);
    this.#with(node, (fd) => done(change(filePath(fd))));
  }

  attributes(id: number): readonly FileName[] {
    return this.#with(this.#nodes.get(id), (fd) =>
      attributeNames(this.#calls, filePath(fd)).filter((name) => !isMark(name) && !name.startsWith(ACCESS_LISTS)),
    );
  }

  allocate(id: number, mode: number, offset: number, length: number): void {
    done(this.#calls.allocate(this.#file(id).fd, mode, offset, length));
  }

  seek(id: number, offset: number, whence: number): number {
    if (whence !== SEEK.data && whence !== SEEK.hole) throw new FileError(FILE_ERROR.EINVAL);
    return done(this.#calls.seek(this.#file(id).fd, offset, whence));
  }

  copyRange(from: number, fromOffset: number, to: number, toOffset: number, length: number): number {
    return done(this.#calls.copyRange(this.#file(from).fd, fromOffset, this.#file(to).fd, toOffset, length));
  }

  [Symbol.dispose](): void {
    for (const { fd } of this.#files.values()) this.#calls.close(fd);
    this.#files.clear();
    this.#writer[Symbol.dispose]();
    this.#view[Symbol.dispose]();
  }
}

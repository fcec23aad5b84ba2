// SPDX-License-Identifier: Apache-2.0
// A shared folder in memory, for tests of the 9P server: a tree of directories, files and symbolic links, no permissions.

import {
  type DirectoryEntry,
  type FileAttributes,
  type FileChanges,
  type FolderSpace,
  LINUX_ERRNO,
  type SharedDirectory,
  type SharedFile,
  type SharedFileMode,
  type SharedFolder,
  SharedFolderError,
} from '../devices/virtio/p9/shared-folder.js';

const TYPE = { directory: 0o040000, file: 0o100000, link: 0o120000 } as const;

export class MemoryNode {
  readonly type: keyof typeof TYPE;
  readonly inode: bigint;
  permissions: number;
  bytes: Uint8Array = new Uint8Array(0);
  target: string = '';
  readonly entries: Map<string, MemoryNode> = new Map();
  accessed: bigint = 0n;
  modified: bigint = 0n;

  constructor(type: keyof typeof TYPE, inode: bigint, permissions: number) {
    this.type = type;
    this.inode = inode;
    this.permissions = permissions;
  }
}

export class MemoryFolder implements SharedFolder {
  readonly readOnly: boolean;
  readonly root: MemoryNode = new MemoryNode('directory', 1n, 0o755);
  /** Files and directories that are open. */
  open: number = 0;
  #inodes = 1n;

  constructor(options: { readonly readOnly?: boolean } = {}) {
    this.readOnly = options.readOnly ?? false;
  }

  /** Raises what the host would: for tests of a host in trouble. */
  trouble: number | undefined;

  at(path: string): MemoryNode {
    let node = this.root;
    for (const name of path === '' ? [] : path.split('/')) {
      if (node.type !== 'directory') throw new SharedFolderError(LINUX_ERRNO.ENOTDIR);
      node = node.entries.get(name) ?? refuse(LINUX_ERRNO.ENOENT);
    }
    return node;
  }

  /** A file in it, with all directories on the way. */
  put(path: string, bytes: Uint8Array): MemoryNode {
    let node = this.root;
    const names = path.split('/');
    for (const name of names.slice(0, -1)) {
      if (!node.entries.has(name)) node.entries.set(name, new MemoryNode('directory', ++this.#inodes, 0o755));
      node = node.entries.get(name)!;
    }
    const file = new MemoryNode('file', ++this.#inodes, 0o644);
    file.bytes = bytes;
    node.entries.set(names.at(-1)!, file);
    return file;
  }

  #parent(path: string): { readonly entries: Map<string, MemoryNode>; readonly name: string } {
    const cut = path.lastIndexOf('/');
    const node = this.at(path.slice(0, Math.max(0, cut)));
    if (node.type !== 'directory') throw new SharedFolderError(LINUX_ERRNO.ENOTDIR);
    return { entries: node.entries, name: path.slice(cut + 1) };
  }

  #make(path: string, type: keyof typeof TYPE, permissions: number): MemoryNode {
    const { entries, name } = this.#parent(path);
    if (entries.has(name)) throw new SharedFolderError(LINUX_ERRNO.EEXIST);
    const node = new MemoryNode(type, ++this.#inodes, permissions);
    entries.set(name, node);
    return node;
  }

  attributes(path: string): FileAttributes {
    return attributesOf(this.at(path));
  }

  change(path: string, changes: FileChanges): void {
    change(this.at(path), changes);
  }

  space(): FolderSpace {
    const none = { files: 10n, freeFiles: 5n };
    return { blockSize: 4096, blocks: 100n, freeBlocks: 50n, availableBlocks: 40n, ...none };
  }

  openFile(path: string, mode: SharedFileMode): SharedFile {
    const node = this.at(path);
    if (node.type !== 'file') throw new SharedFolderError(LINUX_ERRNO.EACCES);
    if (mode.truncate) node.bytes = new Uint8Array(0);
    return this.#file(node, mode);
  }

  #file(node: MemoryNode, mode: SharedFileMode): SharedFile {
    this.open++;
    return {
      attributes: () => attributesOf(node),
      read: (offset, into) => {
        if (!mode.read) throw new SharedFolderError(LINUX_ERRNO.EBADF);
        const bytes = node.bytes.subarray(offset, offset + into.length);
        into.set(bytes);
        return bytes.length;
      },
      write: (offset, from) => {
        if (this.trouble !== undefined) throw new SharedFolderError(this.trouble);
        if (!mode.write) throw new SharedFolderError(LINUX_ERRNO.EBADF);
        const at = mode.append ? node.bytes.length : offset;
        if (at > 1 << 20) throw new SharedFolderError(LINUX_ERRNO.EFBIG);
        if (at + from.length > node.bytes.length) change(node, { size: at + from.length });
        node.bytes.set(from, at);
        return from.length;
      },
      change: (changes) => change(node, changes),
      sync: () => {},
      close: () => void this.open--,
    };
  }

  openDirectory(path: string): SharedDirectory {
    const node = this.at(path);
    if (node.type !== 'directory') throw new SharedFolderError(LINUX_ERRNO.ENOTDIR);
    this.open++;
    let entries = [...node.entries];
    return {
      attributes: () => attributesOf(node),
      next: (): DirectoryEntry | undefined => {
        const [name, child] = entries.shift() ?? [];
        return child === undefined ? undefined : { name: name!, inode: child.inode, type: TYPE[child.type] };
      },
      rewind: () => void (entries = [...node.entries]),
      sync: () => {},
      close: () => void this.open--,
    };
  }

  createFile(path: string, mode: SharedFileMode, permissions: number): SharedFile {
    return this.#file(this.#make(path, 'file', permissions), mode);
  }

  makeDirectory(path: string, permissions: number): void {
    this.#make(path, 'directory', permissions);
  }

  makeLink(path: string, target: string): void {
    this.#make(path, 'link', 0o777).target = target;
  }

  makeName(path: string, from: string): void {
    const node = this.at(from);
    if (node.type === 'directory') throw new SharedFolderError(LINUX_ERRNO.EPERM);
    const { entries, name } = this.#parent(path);
    if (entries.has(name)) throw new SharedFolderError(LINUX_ERRNO.EEXIST);
    entries.set(name, node);
  }

  readLink(path: string): string {
    const node = this.at(path);
    return node.type === 'link' ? node.target : refuse(LINUX_ERRNO.EINVAL);
  }

  rename(from: string, to: string): void {
    const node = this.at(from);
    const { entries, name } = this.#parent(to);
    if (`${to}/`.startsWith(`${from}/`)) throw new SharedFolderError(LINUX_ERRNO.EINVAL);
    const old = this.#parent(from);
    old.entries.delete(old.name);
    entries.set(name, node);
  }

  removeFile(path: string): void {
    if (this.at(path).type === 'directory') throw new SharedFolderError(LINUX_ERRNO.EISDIR);
    const { entries, name } = this.#parent(path);
    entries.delete(name);
  }

  removeDirectory(path: string): void {
    const node = this.at(path);
    if (node.type !== 'directory') throw new SharedFolderError(LINUX_ERRNO.ENOTDIR);
    if (node.entries.size > 0) throw new SharedFolderError(LINUX_ERRNO.ENOTEMPTY);
    const { entries, name } = this.#parent(path);
    entries.delete(name);
  }
}

function refuse(errno: number): never {
  throw new SharedFolderError(errno);
}

function attributesOf(node: MemoryNode): FileAttributes {
  const size = BigInt(node.type === 'link' ? node.target.length : node.bytes.length);
  return {
    device: 0n,
    inode: node.inode,
    mode: TYPE[node.type] | node.permissions,
    links: 1n,
    owner: 1000,
    group: 1000,
    represents: 0n,
    size,
    blockSize: 4096n,
    blocks: (size + 511n) / 512n,
    accessed: node.accessed,
    modified: node.modified,
    changed: 0n,
  };
}

function change(node: MemoryNode, { mode, size, accessed, modified }: FileChanges): void {
  if (size !== undefined) {
    if (size > 1 << 20) throw new SharedFolderError(LINUX_ERRNO.EFBIG);
    const bytes = new Uint8Array(size);
    bytes.set(node.bytes.subarray(0, size));
    node.bytes = bytes;
  }
  if (mode !== undefined) node.permissions = mode;
  if (accessed !== undefined) node.accessed = accessed === 'now' ? 1n : accessed;
  if (modified !== undefined) node.modified = modified === 'now' ? 1n : modified;
}

// SPDX-License-Identifier: Apache-2.0
// Reads a stack of layers as one tree: the uppermost entry of a name counts, directories merge until one is opaque, whiteouts hide. What is
// looked up is looked up on disk each time, so lower layers may change beneath, as far as the kernel's own cache lets one see it.

import {
  done,
  type DirectoryItem,
  FILE_ERROR,
  type FileCalls,
  FileError,
  type FileName,
  type FileStatus,
  MODE,
} from '@plinth/linux';
import { type Layer, OPEN_PATH, openLayers } from './layer.js';
import { findMerged, type Merged, type MergedDirectory, mergedNames, rootOf } from './merge.js';
import { NodeTable, type TreeNode } from './tree-node.js';

/** Inodes of each file system get a range of their own. */
const INODES = 2 ** 48;

export interface ViewEntry {
  readonly node: TreeNode;
  /** As programs see it. */
  readonly status: FileStatus;
}

export class MergedView implements Disposable {
  readonly calls: FileCalls;
  /** The uppermost first. */
  readonly layers: readonly Layer[];
  readonly nodes: NodeTable;
  readonly #fileSystems: number[] = [];

  /** @throws PlinthError `layer` (input) */
  constructor(calls: FileCalls, directories: readonly string[]) {
    this.calls = calls;
    const layers = openLayers(calls, directories);
    this.layers = layers;
    const root = rootOf(layers);
    if (root === undefined) throw new FileError(FILE_ERROR.ENOENT);
    this.nodes = new NodeTable(this.#inode(root.status.fileSystem, root.status.inode), root);
  }

  /** The node of a name, made if it was not known; nothing if there is no such name. Not counted as a use. */
  lookup(parent: TreeNode, name: FileName): TreeNode | undefined {
    return this.entry(parent, name)?.node;
  }

  /** The same, and what its file says of itself. */
  entry(parent: TreeNode, name: FileName): ViewEntry | undefined {
    const found = this.find(parent, name);
    const node = this.#nodeOf(parent, name, found);
    return found === undefined || node === undefined ? undefined : { node, status: shown(node, found.status) };
  }

  #nodeOf(parent: TreeNode, name: FileName, found: Merged | undefined): TreeNode | undefined {
    const known = parent.children.get(name);
    if (found === undefined) {
      if (known !== undefined) this.nodes.remove(parent, name);
      return undefined;
    }
    const type = found.status.mode & MODE.type;
    if (known !== undefined) {
      if (known.facts.identity === found.identity && known.type === type) {
        known.facts = found;
        return known;
      }
      this.nodes.remove(parent, name);
    }
    const isLinked = found.layers[0] === 0 && type !== MODE.directory && found.status.links > 1;
    let node = isLinked ? this.nodes.linked(found.identity) : undefined;
    if (node?.type !== type) {
      node = this.nodes.make(type, this.#inode(found.status.fileSystem, found.status.inode), found);
      if (isLinked) this.nodes.setLinked(node);
    }
    this.nodes.put(node, parent, name);
    return node;
  }

  /** What the layers say of a name. */
  find(parent: TreeNode, name: FileName, layers: readonly number[] = parent.facts.layers): Merged | undefined {
    return findMerged(this.layers, { ...this.#directory(parent), layers }, name);
  }

  #directory({ path, facts }: TreeNode): MergedDirectory {
    return { path, layers: facts.layers, fileWhiteouts: facts.fileWhiteouts };
  }

  /** Whether a name would be there without the upper layer. */
  isBelow(parent: TreeNode, name: FileName): boolean {
    const lower = parent.facts.layers.filter((layer) => layer !== 0);
    return lower.length > 0 && this.find(parent, name, lower) !== undefined;
  }

  /** As programs see it; `fd` is its file. */
  status(node: TreeNode, fd: number): FileStatus {
    return shown(node, this.layers[0]!.statusOf(fd));
  }

  /** Opens its uppermost file. @throws FileError */
  open(node: TreeNode, flags: number): number {
    return done(this.layers[node.facts.layers[0]!]!.open(node.path, flags));
  }

  /** Its uppermost file, by a descriptor that stands for it only (O_PATH). */
  with<T>(node: TreeNode, use: (fd: number) => T): T {
    const fd = this.open(node, OPEN_PATH);
    try {
      return use(fd);
    } finally {
      this.calls.close(fd);
    }
  }

  /** Names of a directory, without `.` and `..`. */
  items(node: TreeNode): DirectoryItem[] {
    if (node.isRemoved) return [];
    return [...mergedNames(this.calls, this.layers, this.#directory(node))].map(([name, { layer, inode, type }]) => {
      const known = node.children.get(name);
      return { name, type, inode: known?.inode ?? this.#inode(this.layers[layer]!.fileSystem, inode) };
    });
  }

  #inode(fileSystem: number, inode: number): number {
    let index = this.#fileSystems.indexOf(fileSystem);
    if (index < 0) index = this.#fileSystems.push(fileSystem) - 1;
    return (index % 32) * INODES + (inode % INODES);
  }

  [Symbol.dispose](): void {
    for (const layer of this.layers) layer[Symbol.dispose]();
  }
}

/** Of a file of a node, what programs see. */
function shown(node: TreeNode, status: FileStatus): FileStatus {
  const merges = node.isDirectory && node.facts.layers.length > 1;
  return { ...status, inode: node.inode, links: merges ? 1 : status.links };
}

// SPDX-License-Identifier: Apache-2.0
// Files of a merged view that somebody outside knows by a number, and the names they have there.

import { FILE_ERROR, FileError, type FileName, MODE, ROOT_NODE } from '@plinth/linux';

interface Place {
  readonly parent: TreeNode;
  readonly name: FileName;
}

export interface NodeFacts {
  /** Its layers, the uppermost first; one for all but directories. */
  readonly layers: readonly number[];
  /** Of these, the ones whose directory may have whiteouts that are files. */
  readonly fileWhiteouts: ReadonlySet<number>;
  /** Names its file in the uppermost of them. */
  readonly identity: string;
}

export class TreeNode {
  readonly id: number;
  /** Bits 12 to 15 of its mode, which never change. */
  readonly type: number;
  /** As programs see it: what its file had when it was first seen, also after it was copied up. */
  readonly inode: number;
  /** Those that are known. */
  readonly children: Map<FileName, TreeNode> = new Map<FileName, TreeNode>();
  facts: NodeFacts;
  /** Several for hard links, none once it was removed. */
  places: readonly Place[] = [];
  /** How often the kernel was told of it and has not forgotten. */
  uses = 0;

  constructor(id: number, type: number, inode: number, facts: NodeFacts) {
    this.id = id;
    this.type = type;
    this.inode = inode;
    this.facts = facts;
  }

  get isDirectory(): boolean {
    return this.type === MODE.directory;
  }

  /** Whether it lies in the layer that is written. */
  get isUpper(): boolean {
    return this.facts.layers[0] === 0;
  }

  get isRemoved(): boolean {
    return this.places.length === 0 && this.id !== ROOT_NODE;
  }

  /** From the root on, '' for that itself. @throws FileError if it has none any more */
  get path(): FileName {
    if (this.id === ROOT_NODE) return '';
    const [place] = this.places;
    if (place === undefined) throw new FileError(FILE_ERROR.ENOENT);
    const { path } = place.parent;
    return path === '' ? place.name : `${path}/${place.name}`;
  }
}

export class NodeTable {
  readonly root: TreeNode;
  readonly #nodes = new Map<number, TreeNode>();
  /** Files of the upper layer with several names, by identity. */
  readonly #linked = new Map<string, TreeNode>();
  #last = ROOT_NODE;

  constructor(rootInode: number, facts: NodeFacts) {
    this.root = new TreeNode(ROOT_NODE, MODE.directory, rootInode, facts);
    this.#nodes.set(ROOT_NODE, this.root);
  }

  /** @throws FileError for one that is not known */
  get(id: number): TreeNode {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new FileError(FILE_ERROR.ESTALE);
    return node;
  }

  /** @throws FileError if it is not known, or no directory */
  directory(id: number): TreeNode {
    const node = this.get(id);
    if (!node.isDirectory) throw new FileError(FILE_ERROR.ENOTDIR);
    return node;
  }

  make(type: number, inode: number, facts: NodeFacts): TreeNode {
    const node = new TreeNode(++this.#last, type, inode, facts);
    this.#nodes.set(node.id, node);
    return node;
  }

  linked(identity: string): TreeNode | undefined {
    return this.#linked.get(identity);
  }

  setLinked(node: TreeNode): void {
    this.#linked.set(node.facts.identity, node);
  }

  put(node: TreeNode, parent: TreeNode, name: FileName): void {
    node.places = [...node.places, { parent, name }];
    parent.children.set(name, node);
  }

  remove(parent: TreeNode, name: FileName): void {
    const node = parent.children.get(name);
    if (node === undefined) return;
    parent.children.delete(name);
    node.places = node.places.filter((place) => place.parent !== parent || place.name !== name);
    if (node.places.length === 0 && this.#linked.get(node.facts.identity) === node) {
      this.#linked.delete(node.facts.identity);
    }
    this.#dropUnused(node);
  }

  use(node: TreeNode): void {
    node.uses++;
    this.#nodes.set(node.id, node);
  }

  forget(id: number, uses: number): void {
    const node = this.#nodes.get(id);
    if (node === undefined || id === ROOT_NODE) return;
    node.uses = Math.max(0, node.uses - uses);
    this.#dropUnused(node);
  }

  /** Nodes that are known, the root too. */
  get size(): number {
    return this.#nodes.size;
  }

  /** One that nobody knows and that leads to none that somebody knows. */
  #dropUnused(node: TreeNode): void {
    if (node.uses > 0 || node.children.size > 0 || node.id === ROOT_NODE) return;
    this.#nodes.delete(node.id);
    if (this.#linked.get(node.facts.identity) === node) this.#linked.delete(node.facts.identity);
    for (const { parent, name } of node.places) {
      if (parent.children.get(name) !== node) continue;
      parent.children.delete(name);
      this.#dropUnused(parent);
    }
    node.places = [];
  }
}

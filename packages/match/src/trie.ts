// SPDX-License-Identifier: Apache-2.0
// The tree of all prefixes of a set of patterns, with its failure links (Aho and Corasick, CACM 18:6, 1975): the form from
// which both automata are made. Bytes are first mapped to classes: 0 for those in no pattern, one class for each other
// byte, or for both cases of a letter.

import { foldByte } from './pattern.js';

export interface Trie {
  /** Class of each byte; 0 is in no pattern. */
  readonly classes: Uint16Array;
  /** With class 0. */
  readonly classCount: number;
  /** Nodes, in the order of their depth; the root is 0. */
  readonly count: number;
  readonly parent: Uint32Array;
  /** By which class its parent leads to it. */
  readonly by: Uint16Array;
  readonly depth: Uint32Array;
  /** The node of its longest proper suffix that is here. */
  readonly fail: Uint32Array;
  /** 1 + where `lists` says which patterns end here; 0 for none. */
  readonly own: Uint32Array;
  /** The nearest proper suffix at which a pattern ends; 0 for none. */
  readonly suffix: Uint32Array;
  /** Number of patterns, then their indices; again and again. */
  readonly lists: Uint32Array;
  /** First child of each node; its children stand side by side. Of `count`, one behind the last. */
  readonly children: Uint32Array;
}

interface Key {
  readonly id: number;
  readonly classes: Uint16Array;
}

/** `ids` are what the lists name the patterns by. With `fold`, both cases of a letter are one class. */
export function buildTrie(patterns: readonly Uint8Array[], ids: readonly number[], fold: boolean): Trie {
  const { classes, classCount } = classesOf(patterns, fold);
  const keys = patterns.map((bytes, n) => ({
    id: ids[n]!,
    classes: Uint16Array.from(bytes, (byte) => classes[byte]!),
  }));
  keys.sort((a, b) => compare(a.classes, b.classes) || a.id - b.id);
  return withLinks(grow(keys), classes, classCount);
}

function classesOf(patterns: readonly Uint8Array[], fold: boolean): { classes: Uint16Array; classCount: number } {
  const used = new Uint8Array(256);
  for (const bytes of patterns) for (const byte of bytes) used[fold ? foldByte(byte) : byte] = 1;
  const classes = new Uint16Array(256);
  let classCount = 1;
  for (let byte = 0; byte < 256; byte++) if (used[byte] === 1) classes[byte] = classCount++;
  if (fold) for (let byte = 0x41; byte <= 0x5a; byte++) classes[byte] = classes[byte + 0x20]!;
  return { classes, classCount };
}

function compare(a: Uint16Array, b: Uint16Array): number {
  const length = Math.min(a.length, b.length);
  for (let n = 0; n < length; n++) if (a[n] !== b[n]) return a[n]! - b[n]!;
  return a.length - b.length;
}

interface Nodes {
  readonly parent: Uint32Array;
  readonly by: Uint16Array;
  readonly depth: Uint32Array;
  readonly own: Uint32Array;
  readonly lists: Uint32Array;
  readonly children: Uint32Array;
}

/** Nodes level by level: each is a stretch of the sorted keys, which have its prefix in common. */
function grow(keys: readonly Key[]): Nodes {
  const most = 1 + keys.reduce((sum, { classes }) => sum + classes.length, 0);
  const parent = new Uint32Array(most);
  const by = new Uint16Array(most);
  const depth = new Uint32Array(most);
  const own = new Uint32Array(most);
  const children = new Uint32Array(most + 1);
  const from = new Uint32Array(most);
  const to = new Uint32Array(most);
  const lists: number[] = [];
  to[0] = keys.length;
  let count = 1;
  for (let node = 0; node < count; node++) {
    children[node] = count;
    const at = depth[node]!;
    let key = from[node]!;
    const end = to[node]!;
    while (key < end && keys[key]!.classes.length === at) key++;
    if (key > from[node]!) {
      own[node] = lists.length + 1;
      lists.push(key - from[node]!);
      for (let n = from[node]!; n < key; n++) lists.push(keys[n]!.id);
    }
    while (key < end) {
      const next = keys[key]!.classes[at]!;
      parent[count] = node;
      by[count] = next;
      depth[count] = at + 1;
      from[count] = key;
      while (key < end && keys[key]!.classes[at] === next) key++;
      to[count++] = key;
    }
  }
  children[count] = count;
  return {
    parent: parent.slice(0, count),
    by: by.slice(0, count),
    depth: depth.slice(0, count),
    own: own.slice(0, count),
    lists: Uint32Array.from(lists),
    children: children.slice(0, count + 1),
  };
}

function withLinks(nodes: Nodes, classes: Uint16Array, classCount: number): Trie {
  const { parent, by, own, children } = nodes;
  const count = parent.length;
  const fail = new Uint32Array(count);
  const suffix = new Uint32Array(count);
  const rootChild = new Uint32Array(classCount);
  for (let node = children[0]!; node < children[1]!; node++) rootChild[by[node]!] = node;
  // In the order of their depth, so a parent's links are known.
  for (let node = children[1]!; node < count; node++) {
    let from = parent[node]!;
    let to = 0;
    do {
      from = fail[from]!;
      to = from === 0 ? rootChild[by[node]!]! : childOf(nodes, from, by[node]!);
    } while (to === 0 && from !== 0);
    fail[node] = to;
    suffix[node] = own[to] === 0 ? suffix[to]! : to;
  }
  return { ...nodes, classes, classCount, count, fail, suffix };
}

/** 0 if there is none; children are in the order of their classes. */
function childOf({ children, by }: Nodes, node: number, by0: number): number {
  let low = children[node]!;
  let high = children[node + 1]!;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (by[middle]! < by0) low = middle + 1;
    else high = middle;
  }
  return low < children[node + 1]! && by[low] === by0 ? low : 0;
}

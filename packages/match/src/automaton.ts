// SPDX-License-Identifier: Apache-2.0
// An automaton that finds all patterns in one pass (Aho and Corasick), in two forms with the same answers: `dense` has a
// row of next states for each state, `compressed` has the edges of the trie alone in a double array (Aoe, IEEE TSE 15:9,
// 1989) and follows failure links. Both are plain tables, so that any executor can walk them.

import type { Trie } from './trie.js';

export interface Automaton {
  /** Class of each byte, 256 of them. */
  readonly classes: Uint16Array;
  readonly classCount: number;
  readonly stateCount: number;
  /** Bytes of a state's prefix. State 0 is the root. */
  readonly depth: Uint32Array;
  /** 1 + where `lists` says which patterns end in a state with all their bytes being its prefix; 0 for none. */
  readonly own: Uint32Array;
  /** The nearest state for a proper suffix with an `own`; 0 for none. */
  readonly suffix: Uint32Array;
  /** Number of patterns, then their indices; again and again. */
  readonly lists: Uint32Array;
  readonly table: DenseTable | CompressedTable;
}

export interface DenseTable {
  readonly form: 'dense';
  /** Next state, at state * classCount + class. */
  readonly next: Uint32Array;
}

export interface CompressedTable {
  readonly form: 'compressed';
  /** The child of a state by a class is at base + class, if `check` there is 1 + the state. */
  readonly base: Uint32Array;
  readonly check: Uint32Array;
  readonly fail: Uint32Array;
}

export type Form = (DenseTable | CompressedTable)['form'];

/** Bytes of a dense table: with 16-bit states half of it, but then there is nothing to choose. */
export function denseSize(trie: Trie): number {
  return trie.count * trie.classCount * 4;
}

export function buildAutomaton(trie: Trie, form: Form): Automaton {
  return form === 'dense' ? dense(trie) : compressed(trie);
}

function dense(trie: Trie): Automaton {
  const { count, classCount, children, by, fail } = trie;
  const next = new Uint32Array(count * classCount);
  for (let node = 0; node < count; node++) {
    const row = node * classCount;
    // The root has no failure, its row begins with nothing but the root.
    if (node > 0) next.copyWithin(row, fail[node]! * classCount, (fail[node]! + 1) * classCount);
    for (let child = children[node]!; child < children[node + 1]!; child++) next[row + by[child]!] = child;
  }
  const { classes, depth, own, suffix, lists } = trie;
  return { classes, classCount, stateCount: count, depth, own, suffix, lists, table: { form: 'dense', next } };
}

function compressed(trie: Trie): Automaton {
  const { count, classCount, children, by } = trie;
  const places = new Places(count + classCount);
  const state = new Uint32Array(count);
  const base = new Map<number, number>();
  for (let node = 0; node < count; node++) {
    const first = children[node]!;
    const end = children[node + 1]!;
    if (first === end) continue;
    const at = places.find(by, first, end);
    base.set(node, at);
    for (let child = first; child < end; child++) state[child] = at + by[child]!;
  }
  // Room behind the last cell, so that base + class is always inside.
  const stateCount = places.end + classCount;
  const table = {
    form: 'compressed' as const,
    base: new Uint32Array(stateCount),
    check: new Uint32Array(stateCount),
    fail: new Uint32Array(stateCount),
  };
  const depth = new Uint32Array(stateCount);
  const own = new Uint32Array(stateCount);
  const suffix = new Uint32Array(stateCount);
  for (let node = 0; node < count; node++) {
    const cell = state[node]!;
    table.base[cell] = base.get(node) ?? 0;
    if (node > 0) table.check[cell] = state[trie.parent[node]!]! + 1;
    table.fail[cell] = state[trie.fail[node]!]!;
    depth[cell] = trie.depth[node]!;
    own[cell] = trie.own[node]!;
    suffix[cell] = state[trie.suffix[node]!]!;
  }
  return { classes: trie.classes, classCount, stateCount, depth, own, suffix, lists: trie.lists, table };
}

/** Which cells of the double array are taken; cell 0 is the root's. Free ones are a list in order. */
class Places {
  #taken: Uint8Array;
  /** A cell below which none is free. */
  #low = 1;
  /** Behind the last cell that is taken. */
  end = 1;

  constructor(size: number) {
    this.#taken = new Uint8Array(size + 1);
    this.#taken[0] = 1;
  }

  #isFree(cell: number): boolean {
    return cell >= this.#taken.length || this.#taken[cell] === 0;
  }

  /** Takes the cells for classes `by[first..end)` at the lowest base that has them all free; returns the base. */
  find(by: Uint16Array, first: number, end: number): number {
    while (!this.#isFree(this.#low)) this.#low++;
    const lead = by[first]!;
    let tries = 0;
    let cell = Math.max(this.#low, lead);
    for (; ; cell++) {
      if (!this.#isFree(cell)) continue;
      const base = cell - lead;
      let n = first + 1;
      while (n < end && this.#isFree(base + by[n]!)) n++;
      if (n === end) {
        for (let child = first; child < end; child++) this.#take(base + by[child]!);
        return base;
      }
      // Gaps that broad nodes never fit must not be looked through again and again: what is left behind stays empty.
      if (++tries === 64) this.#low = Math.max(this.#low, cell - 4096);
    }
  }

  #take(cell: number): void {
    if (cell >= this.#taken.length) {
      const grown = new Uint8Array(Math.max(cell + 1, this.#taken.length * 2));
      grown.set(this.#taken);
      this.#taken = grown;
    }
    this.#taken[cell] = 1;
    if (cell >= this.end) this.end = cell + 1;
  }
}

/** The state after a byte of this class. */
export function step(automaton: Automaton, state: number, byClass: number): number {
  const { table } = automaton;
  if (table.form === 'dense') return table.next[state * automaton.classCount + byClass]!;
  if (byClass === 0) return 0;
  const { base, check, fail } = table;
  for (let from = state; ; from = fail[from]!) {
    const to = base[from]! + byClass;
    if (check[to] === from + 1) return to;
    if (from === 0) return 0;
  }
}

/** The state whose prefix is one byte longer, or -1: a walk that begins at the root goes on only with patterns that begin there. */
export function descend(automaton: Automaton, state: number, byClass: number): number {
  if (byClass === 0) return -1;
  const { table } = automaton;
  if (table.form === 'dense') {
    const to = table.next[state * automaton.classCount + byClass]!;
    return automaton.depth[to] === automaton.depth[state]! + 1 ? to : -1;
  }
  const to = table.base[state]! + byClass;
  return table.check[to] === state + 1 ? to : -1;
}

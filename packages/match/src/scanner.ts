// SPDX-License-Identifier: Apache-2.0
// Searches a stream that comes in chunks. Every occurrence is found, overlapping ones too, wherever the chunks are cut; the order
// in which those of one chunk are told is not fixed.

import { type Automaton, descend, step } from './automaton.js';
import { beginsSlot, bitOf, DISTANCES, type Filter, HEAD_MASK, windowMask, wordHash, type WordSet } from './filter.js';
import type { Match } from './pattern.js';
import type { Matcher } from './matcher.js';

/** What a stream leaves behind: enough to go on. */
export interface StreamState {
  /** Bytes so far. */
  readonly position: number;
  /** A state for each automaton of the matcher. */
  readonly states: readonly number[];
}

/** What searches a stream: each of our executors gives one. */
export interface StreamScanner {
  readonly state: StreamState;
  /** The next bytes of the stream. */
  feed(chunk: Uint8Array, tell: (match: Match) => void): void;
}

export class Scanner implements StreamScanner {
  readonly #matcher: Matcher;
  #position: number;
  readonly #states: number[];

  /** Goes on behind `state`, or begins. */
  constructor(matcher: Matcher, state?: StreamState) {
    this.#matcher = matcher;
    this.#position = state?.position ?? 0;
    this.#states = state === undefined ? matcher.automata.map(() => 0) : [...state.states];
  }

  get state(): StreamState {
    return { position: this.#position, states: [...this.#states] };
  }

  feed(chunk: Uint8Array, tell: (match: Match) => void): void {
    const { automata, filter, longest } = this.#matcher;
    const started = this.#position;
    const emit = (pattern: number, end: number): void => tell({ pattern, end: started + end });
    automata.forEach((automaton, n) => {
      const state = this.#states[n]!;
      if (filter === undefined || chunk.length < longest) {
        this.#states[n] = walk(automaton, state, chunk, emit);
        return;
      }
      finish(automaton, state, chunk, emit);
      this.#states[n] = walk(automaton, 0, chunk.subarray(chunk.length - longest + 1), () => {});
    });
    if (filter !== undefined && chunk.length >= longest) {
      candidates(filter, chunk, (from) => {
        for (const automaton of automata) compareAt(automaton, chunk, from, emit);
      });
    }
    this.#position += chunk.length;
  }
}

type Emit = (pattern: number, end: number) => void;

/** All occurrences in a text that is whole, in the order of their ends, then of their patterns. */
export function findAll(matcher: Matcher, text: Uint8Array): Match[] {
  const found: Match[] = [];
  new Scanner(matcher).feed(text, (match) => found.push(match));
  return found.sort((a, b) => a.end - b.end || a.pattern - b.pattern);
}

/** Reads every byte. */
function walk(automaton: Automaton, from: number, chunk: Uint8Array, emit: Emit): number {
  const { classes, own, suffix } = automaton;
  let state = from;
  for (let n = 0; n < chunk.length; n++) {
    state = step(automaton, state, classes[chunk[n]!]!);
    if (own[state] === 0 && suffix[state] === 0) continue;
    for (let at = state; at !== 0; at = suffix[at]!) list(automaton, at, n + 1, emit);
  }
  return state;
}

/** Reads on while a pattern that began before this chunk may end in it, and tells those. */
function finish(automaton: Automaton, from: number, chunk: Uint8Array, emit: Emit): void {
  const { classes, depth, suffix } = automaton;
  let state = from;
  for (let n = 0; n < chunk.length && depth[state]! > n; n++) {
    state = step(automaton, state, classes[chunk[n]!]!);
    // Prefixes get shorter along the links; one that begins in this chunk is found by the filter.
    for (let at = state; at !== 0 && depth[at]! > n + 1; at = suffix[at]!) list(automaton, at, n + 1, emit);
  }
}

/** Tells the patterns that begin at `from`. */
function compareAt(automaton: Automaton, chunk: Uint8Array, from: number, emit: Emit): void {
  const { classes, own } = automaton;
  let state = 0;
  for (let n = from; n < chunk.length; n++) {
    state = descend(automaton, state, classes[chunk[n]!]!);
    if (state < 0) return;
    if (own[state] !== 0) list(automaton, state, n + 1, emit);
  }
}

function list({ own, lists }: Automaton, state: number, end: number, emit: Emit): void {
  if (own[state] === 0) return;
  const at = own[state]! - 1;
  for (let n = 1; n <= lists[at]!; n++) emit(lists[at + n]!, end);
}

/** Tells every position at which a pattern may begin, each once. */
function candidates(
  { stride, width, windows, heads, begins, beginsBits }: Filter,
  chunk: Uint8Array,
  tell: (from: number) => void,
): void {
  const mask = windowMask(width);
  /** What has been told, as distances from the last look that let something through. */
  let [told, last] = [0, 0];
  for (let at = 0; at < chunk.length; at += stride) {
    const hash = wordHash(word(chunk, at), mask);
    if (!isIn(windows, hash)) continue;
    const distances = begins[beginsSlot(hash, beginsBits)]!;
    told = at - last < 32 ? told << (at - last) : 0;
    last = at;
    for (let n = 0; n < DISTANCES; n++) {
      const from = at + stride - 1 - n;
      const bit = 1 << n;
      if (from < 0 || (distances & bit) === 0 || (told & bit) !== 0) continue;
      const short = (distances & (bit << DISTANCES)) !== 0;
      if (!short && !isIn(heads, wordHash(word(chunk, from), HEAD_MASK))) continue;
      told |= bit;
      tell(from);
    }
  }
}

function isIn({ bitmap, bits }: WordSet, hash: number): boolean {
  const bit = bitOf(hash, bits);
  return (bitmap[bit >>> 3]! & (1 << (bit & 7))) !== 0;
}

/** Four bytes, little-endian; what is behind the text counts as zero. */
function word(chunk: Uint8Array, at: number): number {
  return chunk[at]! | (chunk[at + 1]! << 8) | (chunk[at + 2]! << 16) | (chunk[at + 3]! << 24);
}

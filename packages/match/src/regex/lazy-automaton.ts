// SPDX-License-Identifier: Apache-2.0
// Whether a text has a match: an automaton that is made of the program while it runs, state by state, and forgotten when it has become
// too large. So a byte takes one step, or at worst one walk over the program, whatever expression and text are.
//
// A state is where the machine is before anybody looks at what comes next: assertions are decided when that is known, by the byte before
// (kept in the state) and the byte behind.

import { WORD } from './byte-set.js';
import type { Instruction } from './nfa.js';
import type { Assertion } from './parse-regex.js';

/** What came before. */
const BEFORE = { nothing: 0, newline: 1, word: 2, other: 3 } as const;
type Before = (typeof BEFORE)[keyof typeof BEFORE];

/**
 * A place is an instruction and what is owed there: nothing, or (behind a `lastLine` before a newline) that newline, or the end behind it.
 */
const OWED = { nothing: 0, newline: 1, end: 2, count: 3 } as const;

/** A transition that is not known yet, and one to the state in which everything has matched. */
const UNKNOWN = -1;
const MATCHED = -2;

/** Numbers that states and their transitions may take. */
const MOST_WORDS = 1_000_000;
const NEWLINE = 0x0a;

interface State {
  readonly places: Int32Array;
  readonly before: Before;
  /** By class of the next byte; the last one is the end. */
  readonly next: Int32Array;
}

export class LazyAutomaton {
  readonly #code: readonly Instruction[];
  /** It begins only where the text does. */
  readonly #anchored: boolean;
  readonly #classOf: Uint8Array;
  /** A byte of each class. */
  readonly #sample: number[];
  #states: State[] = [];
  #numbers = new Map<string, number>();
  #words = 0;
  readonly #marks: Uint8Array;

  constructor(code: readonly Instruction[], anchored: boolean) {
    this.#code = code;
    this.#anchored = anchored;
    ({ classOf: this.#classOf, sample: this.#sample } = byteClasses(code));
    this.#marks = new Uint8Array(code.length * OWED.count);
  }

  /** A match that begins at `from` or later. */
  test(text: Uint8Array, from = 0): boolean {
    let state = this.#state(new Int32Array([0]), beforeOf(text, from));
    const end = this.#sample.length;
    for (let at = from; at <= text.length; at++) {
      const byteClass = at === text.length ? end : this.#classOf[text[at]!]!;
      let next = this.#states[state]!.next[byteClass]!;
      if (next === UNKNOWN) next = this.#step(state, byteClass);
      if (next === MATCHED) return true;
      // Nothing is left that could match.
      if (this.#states[next]!.places.length === 0) return false;
      state = next;
    }
    return false;
  }

  #state(places: Int32Array, before: Before): number {
    const key = `${before}:${places.join()}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#words += places.length + this.#sample.length + 8;
    const next = new Int32Array(this.#sample.length + 1).fill(UNKNOWN);
    this.#states.push({ places, before, next });
    this.#numbers.set(key, this.#states.length - 1);
    return this.#states.length - 1;
  }

  #step(from: number, byteClass: number): number {
    const state = this.#states[from]!;
    const byte = this.#sample[byteClass];
    const reached: number[] = [];
    const matches = this.#follow(state, byte, reached);
    let to: number = MATCHED;
    if (!matches) {
      const places = new Set(byte === undefined ? [] : reached);
      if (byte !== undefined && !this.#anchored) places.add(0);
      if (this.#words > MOST_WORDS) {
        this.#states = [];
        this.#numbers.clear();
        this.#words = 0;
        return this.#state(Int32Array.from(places).sort(), byte === undefined ? BEFORE.nothing : kindOf(byte));
      }
      to = this.#state(Int32Array.from(places).sort(), byte === undefined ? BEFORE.nothing : kindOf(byte));
    }
    state.next[byteClass] = to;
    return to;
  }

  /** Adds the places behind the byte (undefined is the end); true if the expression has matched before it. */
  #follow({ places, before }: State, byte: number | undefined, reached: number[]): boolean {
    const marks = this.#marks.fill(0);
    const open = [...places];
    while (open.length > 0) {
      const place = open.pop()!;
      if (marks[place] !== 0) continue;
      marks[place] = 1;
      const at = Math.floor(place / OWED.count);
      const owed = place % OWED.count;
      if (owed === OWED.end && byte !== undefined) continue;
      const instruction = this.#code[at]!;
      switch (instruction.op) {
        case 'match':
          if (owed !== OWED.newline) return true;
          if (byte === NEWLINE) reached.push(at * OWED.count + OWED.end);
          break;
        case 'jump':
          open.push(instruction.to * OWED.count + owed);
          break;
        case 'split':
          open.push(instruction.first * OWED.count + owed, instruction.second * OWED.count + owed);
          break;
        case 'assert':
          if (holds(instruction.what, before, byte)) open.push((at + 1) * OWED.count + owed);
          else if (instruction.what === 'lastLine' && byte === NEWLINE) {
            open.push((at + 1) * OWED.count + OWED.newline);
          }
          break;
        case 'set':
          if (byte === undefined || !instruction.set.has(byte)) break;
          if (owed === OWED.nothing) reached.push((at + 1) * OWED.count);
          else if (byte === NEWLINE) reached.push((at + 1) * OWED.count + OWED.end);
          break;
      }
    }
    return false;
  }
}

/** `byte` is undefined at the end. Of `lastLine` only the end itself is decided. */
function holds(what: Assertion, before: Before, byte: number | undefined): boolean {
  const isBorder = (before === BEFORE.word) !== (byte !== undefined && WORD.has(byte));
  switch (what) {
    case 'begin':
      return before === BEFORE.nothing;
    case 'lineBegin':
      // Behind a newline that ends the text no line begins.
      return before === BEFORE.nothing || (before === BEFORE.newline && byte !== undefined);
    case 'end':
    case 'lastLine':
      return byte === undefined;
    case 'lineEnd':
      return byte === undefined || byte === NEWLINE;
    case 'word':
      return isBorder;
    case 'notWord':
      return !isBorder;
  }
}

/** Whether an assertion holds before the byte at `at`. */
export function holdsAt(what: Assertion, text: Uint8Array, at: number): boolean {
  if (what === 'lastLine' && at === text.length - 1 && text[at] === NEWLINE) return true;
  return holds(what, beforeOf(text, at), at < text.length ? text[at]! : undefined);
}

function beforeOf(text: Uint8Array, at: number): Before {
  return at === 0 ? BEFORE.nothing : kindOf(text[at - 1]!);
}

function kindOf(byte: number): Before {
  if (byte === NEWLINE) return BEFORE.newline;
  return WORD.has(byte) ? BEFORE.word : BEFORE.other;
}

/** Bytes that no instruction and no assertion tells apart are of one class. */
function byteClasses(code: readonly Instruction[]): { classOf: Uint8Array; sample: number[] } {
  const sets = new Map(code.flatMap((one) => (one.op === 'set' ? [[one.set.key, one.set] as const] : [])));
  const classOf = new Uint8Array(256);
  const numbers = new Map<string, number>();
  const sample: number[] = [];
  for (let byte = 0; byte < 256; byte++) {
    const key = `${kindOf(byte)}${[...sets.values()].map((set) => (set.has(byte) ? '1' : '0')).join('')}`;
    let number = numbers.get(key);
    if (number === undefined) {
      number = sample.length;
      numbers.set(key, number);
      sample.push(byte);
    }
    classOf[byte] = number;
  }
  return { classOf, sample };
}

// SPDX-License-Identifier: Apache-2.0
// The conditions of a rule that look in one buffer, in their order: contents, expressions, and whether there is data at a place
// (Suricata user guide, "Payload Keywords"). One that is relative counts from the end of the match before; if it does not hold there, the
// match before is looked for further on.

import { foldByte } from '@plinth/match';
import type {
  ByteExtractCondition,
  ByteJumpCondition,
  ByteMathCondition,
  ByteTestCondition,
  ContentCondition,
  DataAtCondition,
  NumberCondition,
  PlaceName,
} from '../rule.js';
import type { BufferView, Outcome } from './buffer-view.js';
import { amountIn, byteExtract, byteJump, byteMath, byteTest, type FoundNumber } from './byte-number.js';
import { compareNumber } from './compare-number.js';
import type { CompiledPcre } from './compiled-rule.js';

export type BufferCondition =
  | ContentCondition
  | CompiledPcre
  | DataAtCondition
  | NumberCondition
  | ByteTestCondition
  | ByteJumpCondition
  | ByteExtractCondition
  | ByteMathCondition;

/** Attempts until it is given up: many matches of many contents multiply. Looking through some bytes is an attempt too. */
const MOST_STEPS = 50_000;
const BYTES_OF_STEP = 64;

/** Whether all of them hold. With `last`, that of a size: conditions without relation each need hold by themselves. */
export function inspectBuffer(conditions: readonly BufferCondition[], { bytes, complete }: BufferView): Outcome {
  const search = new BufferSearch(conditions, bytes);
  const holds = search.run();
  if (search.spent) return 'unknown';
  if (complete) return holds ? 'match' : 'none';
  // What has been found stays found; what has not may come, and what must not be there may, too.
  return holds && !conditions.some((condition) => mayChange(condition)) ? 'match' : 'unknown';
}

/** Whether more bytes could make it not hold any more. */
function mayChange(condition: BufferCondition): boolean {
  switch (condition.kind) {
    case 'content':
      return condition.negated || condition.endswith;
    case 'pcre':
      return condition.negated || condition.readsEnd;
    case 'isdataat':
      return condition.negated;
    case 'byte_test':
    case 'byte_extract':
    case 'byte_math':
      return false;
    case 'byte_jump':
      return condition.from === 'end';
    case 'number':
      return true;
  }
}

export function isRelative(condition: BufferCondition): boolean {
  switch (condition.kind) {
    case 'content':
      return hasPlace(condition, 'distance') || hasPlace(condition, 'within');
    case 'pcre':
    case 'isdataat':
      return condition.relative;
    case 'byte_test':
    case 'byte_jump':
    case 'byte_extract':
    case 'byte_math':
      return condition.number.relative;
    case 'number':
      return false;
  }
}

/** Whether a content says where it is in this way, by a number or a variable. */
export function hasPlace(condition: ContentCondition, name: PlaceName): boolean {
  return condition[name] !== undefined || condition.variables?.[name] !== undefined;
}

class BufferSearch {
  readonly #conditions: readonly BufferCondition[];
  readonly #bytes: Uint8Array;
  #steps = 0;
  /** Places from which the rest is known not to hold, with what was read up to there. */
  readonly #failed = new Set<number | string>();
  readonly #variables = new Map<string, bigint>();
  /** By condition: from there on its content is nowhere. */
  readonly #absent: number[] = [];

  constructor(conditions: readonly BufferCondition[], bytes: Uint8Array) {
    this.#conditions = conditions;
    this.#bytes = bytes;
  }

  get spent(): boolean {
    return this.#steps > MOST_STEPS;
  }

  run(): boolean {
    return this.#from(0, 0);
  }

  /** Whether condition `n` and all behind it hold, the match before having ended at `end`. */
  #from(n: number, end: number): boolean {
    const condition = this.#conditions[n];
    if (condition === undefined) return true;
    if (++this.#steps > MOST_STEPS) return false;
    const place = end * this.#conditions.length + n;
    const key = this.#variables.size === 0 ? place : [place, ...this.#variables.values()].join();
    if (this.#failed.has(key)) return false;
    const holds = this.#holds(condition, n, end);
    if (!holds) this.#failed.add(key);
    return holds;
  }

  #holds(condition: BufferCondition, n: number, end: number): boolean {
    const place = { bytes: this.#bytes, end, variables: this.#variables };
    switch (condition.kind) {
      case 'number':
        return compareNumber(condition.test, this.#bytes.length) && this.#from(n + 1, end);
      case 'isdataat': {
        const { relative, negated } = condition;
        const at = amountIn(place, condition.at);
        const has = relative ? end + at <= this.#bytes.length : at < this.#bytes.length;
        return has !== negated && this.#from(n + 1, end);
      }
      case 'byte_test':
        return byteTest(condition, place) && this.#from(n + 1, end);
      case 'byte_jump': {
        const to = byteJump(condition, place);
        return to !== undefined && this.#from(n + 1, to);
      }
      case 'byte_extract':
        return this.#remember(condition, byteExtract(condition, place), n);
      case 'byte_math':
        return this.#remember(condition, byteMath(condition, place), n);
      case 'pcre':
        return this.#pcre(condition, n, end);
      case 'content':
        return this.#content(condition, n, end);
    }
  }

  /** What is relative to it begins behind the number. */
  #remember({ name }: { readonly name: string }, found: FoundNumber | undefined, n: number): boolean {
    if (found === undefined) return false;
    this.#variables.set(name, found.value);
    return this.#from(n + 1, found.stop);
  }

  /** Whether another match of condition `n` could help those behind it. */
  #isFollowed(n: number): boolean {
    const behind = this.#conditions.slice(n + 1);
    for (const [between, next] of behind.entries()) {
      // Suricata does not go back for numbers that something else stands before.
      const isNumber = next.kind === 'byte_extract' || next.kind === 'byte_math' || next.kind === 'byte_test';
      if (isRelative(next) && !(isNumber && between > 0)) return true;
      if (next.kind === 'content' || next.kind === 'pcre') return false;
    }
    return false;
  }

  #pcre({ regex, relative, negated }: CompiledPcre, n: number, end: number): boolean {
    // What is before the match before is not there for it.
    const from = relative ? Math.min(end, this.#bytes.length) : 0;
    const text = this.#bytes.subarray(from);
    if (negated) return !regex.test(text) && this.#from(n + 1, end);
    for (let at = 0; at <= text.length;) {
      const match = regex.find(text, at);
      this.#steps += (text.length - at) / BYTES_OF_STEP;
      if (match === undefined) return false;
      if (this.#from(n + 1, from + match.end)) return true;
      if (!this.#isFollowed(n) || this.spent) return false;
      at = match.begin + 1;
    }
    return false;
  }

  #content(condition: ContentCondition, n: number, end: number): boolean {
    const { bytes, nocase, negated, endswith } = condition;
    const [first, last] = this.#window(condition, end);
    for (let at = first; at + bytes.length <= Math.min(last, this.#absent[n] ?? last); at++) {
      const found = indexOf(this.#bytes, bytes, nocase, at, last);
      this.#steps += ((found < 0 ? last : found) - at) / BYTES_OF_STEP;
      if (found < 0) {
        if (last === this.#bytes.length) this.#absent[n] = at;
        break;
      }
      at = found;
      const stop = at + bytes.length;
      if (endswith && stop !== this.#bytes.length) continue;
      if (negated) return false;
      if (this.#from(n + 1, stop)) return true;
      if (!this.#isFollowed(n) || this.spent) return false;
    }
    // One that is not there leaves the place where the match before ended.
    return negated && this.#from(n + 1, end);
  }

  /** Where it may begin at the earliest, and has to have ended. */
  #window(condition: ContentCondition, end: number): [first: number, last: number] {
    const { bytes, startswith } = condition;
    const size = this.#bytes.length;
    const at = (name: PlaceName): number | undefined => {
      const variable = condition.variables?.[name];
      return variable === undefined ? condition[name] : amountIn({ variables: this.#variables }, variable);
    };
    if (isRelative(condition)) {
      const begin = end + (at('distance') ?? 0);
      const within = at('within');
      const stop = within === undefined ? size : begin + within;
      // An end before the beginning is none, as Suricata has it.
      return [Math.max(0, begin), stop < 0 ? size : Math.min(size, stop)];
    }
    if (startswith) return [0, Math.min(size, bytes.length)];
    const offset = at('offset') ?? 0;
    const depth = at('depth');
    return [offset, depth === undefined ? size : Math.min(size, offset + depth)];
  }
}

/** The first place from `from` on at which it lies before `end`; -1 if there is none. */
function indexOf(text: Uint8Array, bytes: Uint8Array, nocase: boolean, from: number, end: number): number {
  const fold = nocase ? foldByte : (byte: number): number => byte;
  const first = fold(bytes[0]!);
  for (let at = from; at + bytes.length <= end; at++) {
    if (fold(text[at]!) !== first) continue;
    let n = 1;
    while (n < bytes.length && fold(text[at + n]!) === fold(bytes[n]!)) n++;
    if (n === bytes.length) return at;
  }
  return -1;
}

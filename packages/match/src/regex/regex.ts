// SPDX-License-Identifier: Apache-2.0
// A regular expression of PCRE over bytes: whether a text has a match, and where.

import type { Pattern } from '../pattern.js';
import { findMatch, type RegexMatch } from './find-match.js';
import { LazyAutomaton } from './lazy-automaton.js';
import { compileNfa, type Instruction } from './nfa.js';
import { parseRegex, type RegexFlags } from './parse-regex.js';
import { requiredLiteral } from './required-literal.js';

export class Regex {
  /** Bytes that each match has in it. */
  readonly literal: Pattern | undefined;
  /** Whether what comes behind a match may make it none: an assertion looks there. */
  readonly readsEnd: boolean;
  readonly #code: readonly Instruction[];
  readonly #anchored: boolean;
  readonly #automaton: LazyAutomaton;

  /**
   * Each character of `source` is a byte. Throws a `RegexError`: `regex-syntax` for what is no expression, `regex-refused` for one
   * with something that takes more than a pass over the text; its message names it.
   */
  constructor(source: string, flags: RegexFlags = {}) {
    const node = parseRegex(source, flags);
    this.#code = compileNfa(node);
    this.#anchored = flags.anchored === true;
    this.#automaton = new LazyAutomaton(this.#code, this.#anchored);
    this.literal = requiredLiteral(node);
    this.readsEnd = this.#code.some((one) => one.op === 'assert' && one.what !== 'begin' && one.what !== 'lineBegin');
  }

  /** Whether a match begins at `from` or later. Time grows with the text, whatever is in it. */
  test(text: Uint8Array, from = 0): boolean {
    return this.#automaton.test(text, from);
  }

  /** The match that PCRE would find from `from` on. */
  find(text: Uint8Array, from = 0): RegexMatch | undefined {
    return this.test(text, from) ? findMatch(this.#code, this.#anchored, text, from) : undefined;
  }
}

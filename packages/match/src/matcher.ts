// SPDX-License-Identifier: Apache-2.0
// A set of patterns as tables, and how a text is to be searched with them. Patterns with and without regard to case are
// two automata, since a state stands for bytes that are gone. The filter is for both.
//
// With a filter the automata are walked at the seams of chunks only: from the state that the last chunk left while a
// pattern that began there may go on, and over the last bytes, for the next one. What begins and ends in a chunk is found by the
// filter, and compared along the trie from its first byte.

import { type Automaton, buildAutomaton, denseSize, type Form } from './automaton.js';
import { buildFilter, type Filter, SHORTEST_FILTERED } from './filter.js';
import { checkPatterns, type Pattern } from './pattern.js';
import { buildTrie } from './trie.js';

export interface MatcherOptions {
  /** How a text is searched; chosen from the set if left out. */
  readonly search?: 'filter' | 'automaton';
  /** The form of the automata; dense while it is small, if left out. */
  readonly form?: Form;
}

export interface Matcher {
  readonly patterns: readonly Pattern[];
  /** Bytes of the longest pattern. */
  readonly longest: number;
  /** One or two; none for an empty set. */
  readonly automata: readonly Automaton[];
  /** Undefined: the automata read every byte. */
  readonly filter: Filter | undefined;
}

/** Bytes that a dense automaton may have: what caches hold is walked faster, what they do not is walked slower than the compressed form. */
const DENSE_BYTES = 256 * 1024;
/** With more than one window in as many let through, comparing costs more than the automaton. */
const LEAST_SPARSITY = 8;

/** Raises a typed error for an empty pattern and one that is too long. */
export function buildMatcher(patterns: readonly Pattern[], options: MatcherOptions = {}): Matcher {
  checkPatterns(patterns);
  const longest = patterns.reduce((most, { bytes }) => Math.max(most, bytes.length), 0);
  const automata: Automaton[] = [];
  for (const nocase of [false, true]) {
    const ids = patterns.flatMap((pattern, id) => (pattern.nocase === nocase ? [id] : []));
    if (ids.length === 0) continue;
    const trie = buildTrie(
      ids.map((id) => patterns[id]!.bytes),
      ids,
      nocase,
    );
    const form = options.form ?? (denseSize(trie) <= DENSE_BYTES ? 'dense' : 'compressed');
    automata.push(buildAutomaton(trie, form));
  }
  return { patterns, longest, automata, filter: patterns.length === 0 ? undefined : chooseFilter(patterns, options) };
}

function chooseFilter(patterns: readonly Pattern[], { search }: MatcherOptions): Filter | undefined {
  if (search === 'automaton') return undefined;
  const short = patterns.some(({ bytes }) => bytes.length < SHORTEST_FILTERED);
  if (short && search === undefined) return undefined;
  const filter = buildFilter(patterns);
  const { bits, entries } = filter.windows;
  const sparse = entries * LEAST_SPARSITY <= 2 ** bits;
  return search === 'filter' || sparse ? filter : undefined;
}

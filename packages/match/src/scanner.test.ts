// SPDX-License-Identifier: Apache-2.0
// Both executors find what is there, whatever the form of the automata and the way of searching.

import { describe, expect, it } from 'vitest';
import { CompiledMatcher } from './compiled-matcher.js';
import { SHORTEST_FILTERED } from './filter.js';
import { buildMatcher, type Matcher, type MatcherOptions } from './matcher.js';
import type { Match } from './pattern.js';
import { findAll, Scanner, type StreamScanner, type StreamState } from './scanner.js';
import { findNaively, Random, randomScene } from './testing/random-sets.js';

type Open = (state?: StreamState) => StreamScanner;
const inJavaScript =
  (matcher: Matcher): Open =>
  (state) =>
    new Scanner(matcher, state);
const inWebAssembly = (matcher: Matcher): Open => {
  const compiled = new CompiledMatcher(matcher);
  return (state) => compiled.scanner(state);
};

const WAYS: readonly (readonly [name: string, options: MatcherOptions, executor: (matcher: Matcher) => Open])[] = [
  ['as it chooses', {}, inJavaScript],
  ['filter, dense', { search: 'filter', form: 'dense' }, inJavaScript],
  ['filter, compressed', { search: 'filter', form: 'compressed' }, inJavaScript],
  ['automaton, dense', { search: 'automaton', form: 'dense' }, inJavaScript],
  ['automaton, compressed', { search: 'automaton', form: 'compressed' }, inJavaScript],
  ['WebAssembly, filter', { search: 'filter', form: 'compressed' }, inWebAssembly],
  ['WebAssembly, automaton', { search: 'automaton', form: 'compressed' }, inWebAssembly],
];

const sorted = (found: Match[]): Match[] => found.toSorted((a, b) => a.end - b.end || a.pattern - b.pattern);
const text = (value: string): Uint8Array => Uint8Array.from(value, (char) => char.charCodeAt(0));

describe.each(WAYS)('a matcher, %s', (_, options, executor) => {
  const all = (matcher: Matcher, bytes: Uint8Array): Match[] => {
    const found: Match[] = [];
    executor(matcher)().feed(bytes, (match) => found.push(match));
    return sorted(found);
  };

  it('finds what a naive search finds, in one piece and in many', () => {
    for (let seed = 1; seed <= 150; seed++) {
      const random = new Random(seed * 7919);
      const { patterns, text: bytes } = randomScene(random);
      if (options.search === 'filter' && patterns.some(({ bytes: { length } }) => length < SHORTEST_FILTERED)) {
        expect(() => buildMatcher(patterns, options)).toThrow('a filter finds patterns of two bytes and more');
        continue;
      }
      const matcher = buildMatcher(patterns, options);
      const expected = findNaively(patterns, bytes);
      expect(all(matcher, bytes), `seed ${seed}`).toEqual(expected);
      const found: Match[] = [];
      const open = executor(matcher);
      let scanner = open();
      for (let at = 0; at < bytes.length;) {
        const size = random.pick([0, 1, 2, 3, 7, 64, 1000]);
        scanner.feed(bytes.subarray(at, at + size), (match) => found.push(match));
        at += size;
        // What a stream leaves behind is a value.
        scanner = open(scanner.state);
      }
      expect(sorted(found), `seed ${seed}, in pieces`).toEqual(expected);
    }
  });

  it('finds a pattern of which every byte is a chunk', () => {
    const matcher = buildMatcher([{ bytes: text('select'), nocase: true }], options);
    const scanner = executor(matcher)();
    const found: Match[] = [];
    for (const byte of text('SELselECT')) scanner.feed(Uint8Array.of(byte), (match) => found.push(match));
    expect(found).toEqual([{ pattern: 0, end: 9 }]);
  });

  it('finds all values of a byte, and patterns of all of them', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_n, n) => n);
    const patterns = [
      { bytes, nocase: false },
      ...[...bytes].map((n) => ({ bytes: Uint8Array.of(n, n), nocase: false })),
    ];
    expect(all(buildMatcher(patterns, options), bytes)).toEqual(findNaively(patterns, bytes));
  });

  it('finds a long pattern in a text that is longer than what is searched at a time', () => {
    const long = Uint8Array.from({ length: 50_000 }, (_n, n) => (n * 7 + (n >>> 8)) & 0xff);
    const bytes = Uint8Array.from({ length: 400_000 }, (_n, n) => (n * 13) & 0xff);
    bytes.set(long, 70_001);
    bytes.set(long, 349_999);
    const matcher = buildMatcher([{ bytes: long, nocase: false }], options);
    expect(all(matcher, bytes)).toEqual([
      { pattern: 0, end: 120_001 },
      { pattern: 0, end: 399_999 },
    ]);
  });
});

it('refuses patterns that are empty or longer than a seam can keep', () => {
  expect(() => buildMatcher([{ bytes: new Uint8Array(0), nocase: false }])).toThrow('pattern 0 is empty');
  expect(() => buildMatcher([{ bytes: new Uint8Array(70_000), nocase: false }])).toThrow('has 70000 bytes');
});

it('an empty set finds nothing', () => {
  expect(findAll(buildMatcher([]), text('anything'))).toEqual([]);
});

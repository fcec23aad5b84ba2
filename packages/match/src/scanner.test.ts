// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { SHORTEST_FILTERED } from './filter.js';
import { buildMatcher, type MatcherOptions } from './matcher.js';
import type { Match } from './pattern.js';
import { findAll, Scanner } from './scanner.js';
import { findNaively, Random, randomScene } from './testing/random-sets.js';

const FORMS: MatcherOptions[] = [
  {},
  { search: 'filter', form: 'dense' },
  { search: 'filter', form: 'compressed' },
  { search: 'automaton', form: 'dense' },
  { search: 'automaton', form: 'compressed' },
];

const sorted = (found: Match[]): Match[] => found.toSorted((a, b) => a.end - b.end || a.pattern - b.pattern);
const text = (value: string): Uint8Array => Uint8Array.from(value, (char) => char.charCodeAt(0));

describe.each(FORMS)('a matcher with %j', (options) => {
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
      expect(findAll(matcher, bytes), `seed ${seed}`).toEqual(expected);
      const found: Match[] = [];
      let scanner = new Scanner(matcher);
      for (let at = 0; at < bytes.length;) {
        const size = random.pick([0, 1, 2, 3, 7, 64, 1000]);
        scanner.feed(bytes.subarray(at, at + size), (match) => found.push(match));
        at += size;
        // What a stream leaves behind is a value.
        scanner = new Scanner(matcher, scanner.state);
      }
      expect(sorted(found), `seed ${seed}, in pieces`).toEqual(expected);
    }
  });

  it('finds a pattern of which every byte is a chunk', () => {
    const matcher = buildMatcher([{ bytes: text('select'), nocase: true }], options);
    const scanner = new Scanner(matcher);
    const found: Match[] = [];
    for (const byte of text('SELselECT')) scanner.feed(Uint8Array.of(byte), (match) => found.push(match));
    expect(found).toEqual([{ pattern: 0, end: 9 }]);
  });

  it('finds all values of a byte, and patterns of all of them', () => {
    const all = Uint8Array.from({ length: 256 }, (_, n) => n);
    const patterns = [
      { bytes: all, nocase: false },
      ...[...all].map((n) => ({ bytes: Uint8Array.of(n, n), nocase: false })),
    ];
    expect(findAll(buildMatcher(patterns, options), all)).toEqual(findNaively(patterns, all));
  });
});

it('refuses patterns that are empty or longer than a seam can keep', () => {
  expect(() => buildMatcher([{ bytes: new Uint8Array(0), nocase: false }])).toThrow('pattern 0 is empty');
  expect(() => buildMatcher([{ bytes: new Uint8Array(70_000), nocase: false }])).toThrow('has 70000 bytes');
});

it('an empty set finds nothing', () => {
  expect(findAll(buildMatcher([]), text('anything'))).toEqual([]);
});

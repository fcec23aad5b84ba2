// SPDX-License-Identifier: Apache-2.0
// Regular expressions: what they match, held to JavaScript's on random ones, and what of PCRE is refused.
import { describe, expect, it } from 'vitest';
import { Random } from '../testing/random-sets.js';
import { RegexError, type RegexFlags } from './parse-regex.js';
import { Regex } from './regex.js';

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
const found = (source: string, text: string, flags: RegexFlags = {}): string | undefined => {
  const match = new Regex(source, flags).find(bytes(text));
  return match === undefined ? undefined : text.slice(match.begin, match.end);
};
const refusal = (source: string): string => {
  try {
    void new Regex(source);
  } catch (error) {
    if (error instanceof RegexError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'taken';
};

/** An expression that means the same to PCRE and JavaScript. */
function randomSource(random: Random, depth: number): string {
  const atom = (): string => {
    const kind = random.below(depth > 0 ? 12 : 9);
    if (kind < 4) return random.pick(['a', 'b', 'A', 'c', '\\n', ' ', '_']);
    if (kind === 4) return random.pick(['.', '\\w', '\\W', '\\d', '\\s', '\\S']);
    if (kind === 5)
      return random.pick(['[ab]', '[^ab]', '[a-c1]', '[^\\n]', '[\\w-]', '[]a]', '[\\x61-\\x63]'].slice(0, 5));
    if (kind === 6) return random.pick(['^', '$', '\\b', '\\B']);
    if (kind < 9) return random.pick(['a', 'b', 'ab', 'ba']);
    return random.pick([
      () => `(${randomSource(random, depth - 1)})`,
      () => `(?:${randomSource(random, depth - 1)})`,
      () => `(${randomSource(random, depth - 1)}|${randomSource(random, depth - 1)})`,
    ])();
  };
  let source = '';
  for (let n = random.below(4) + 1; n > 0; n--) {
    const one = atom();
    const repeats = !/^(\^|\$|\\b|\\B|ab|ba)$/.test(one) && random.below(3) === 0;
    source += one + (repeats ? random.pick(['*', '+', '?', '{2}', '{1,3}', '{2,}', '*?', '+?', '??', '{0,2}?']) : '');
  }
  return source;
}

describe('a regular expression', () => {
  it('matches where JavaScript finds a match, on random expressions and texts', () => {
    let matches = 0;
    for (let seed = 1; seed <= 1500; seed++) {
      const random = new Random(seed * 104_729);
      const source = randomSource(random, 2);
      const flags = { nocase: random.below(3) === 0, dotAll: random.below(3) === 0, multiline: random.below(3) === 0 };
      const oracle = new RegExp(
        source,
        `${flags.nocase ? 'i' : ''}${flags.dotAll ? 's' : ''}${flags.multiline ? 'm' : ''}`,
      );
      const regex = new Regex(source, { ...flags, dollarEndOnly: true });
      for (let n = 0; n < 8; n++) {
        const size = random.below(12);
        let text = '';
        for (let at = 0; at < size; at++) text += random.pick(['a', 'b', 'A', 'c', '1', ' ', '\n', '_', 'x']);
        // Behind a newline that ends the text, JavaScript has a line and PCRE has none.
        if (flags.multiline && text.endsWith('\n')) text += 'x';
        const expected = oracle.exec(text);
        const what = `seed ${seed}: /${source}/ ${JSON.stringify(flags)} in ${JSON.stringify(text)}`;
        expect(regex.test(bytes(text)), what).toBe(expected !== null);
        // Spans are the same unless an empty way goes round in a repetition.
        const span = regex.find(bytes(text));
        expect(span?.begin, what).toBe(expected?.index);
        if (expected !== null) {
          matches++;
          const literal = regex.literal;
          if (literal !== undefined) {
            const text1 = String.fromCharCode(...literal.bytes);
            const inside = literal.nocase
              ? expected[0].toLowerCase().includes(text1.toLowerCase())
              : expected[0].includes(text1);
            expect(inside, `${what}: literal ${text1}`).toBe(true);
          }
          if (!/[*+?}]/.test(source)) expect(span!.end - span!.begin, what).toBe(expected[0].length);
        }
      }
    }
    expect(matches).toBeGreaterThan(2500);
  });

  it('prefers what PCRE prefers', () => {
    expect(found('a+', 'xaaay')).toBe('aaa');
    expect(found('a+?', 'xaaay')).toBe('a');
    expect(found('a|ab', 'xab')).toBe('a');
    expect(found('ab|a', 'xab')).toBe('ab');
    expect(found('a{2,3}', 'aaaa')).toBe('aaa');
    expect(found('a+', 'aa', { ungreedy: true })).toBe('a');
    expect(found('(?:x|(?:y|yz))w?', 'yzw')).toBe('y');
  });

  it.each([
    ['a$', 'a\n', true],
    ['a$', 'a\n\n', false],
    ['a$\\n', 'a\n', true],
    ['a\\z', 'a\n', false],
    ['a\\Z', 'a\n', true],
    ['\\Aa', 'ba', false],
    ['(?i)AbC', 'aBc', true],
    ['(?i:a)B', 'AB', true],
    ['(?i:a)B', 'Ab', false],
    ['a(?#a comment)b', 'ab', true],
    ['\\x41\\x{42}\\103', 'ABC', true],
    ['\\Qa.b\\E', 'a.b', true],
    ['\\Qa.b\\E', 'axb', false],
    ['[[:digit:]]{3}', 'a123', true],
    ['[[:^digit:]]', '123', false],
    ['[]a]', ']', true],
    ['[a\\]b-]', '-', true],
    ['a{,3}', 'a{,3}', true],
    ['a{x', 'a{x', true],
    ['(?P<name>ab)+c', 'ababc', true],
    ['^.{1,2}$', 'ab', true],
    ['^.{1,2}$', 'abc', false],
    ['\\/[0-9]{2,8}\\.functions', '/123.functions', true],
  ])('/%s/ in %j: %s', (source, text, matches) => {
    expect(new Regex(source).test(bytes(text))).toBe(matches);
  });

  it('takes every byte for itself', () => {
    expect(new Regex('\\xff+').find(Uint8Array.of(1, 255, 255, 2))).toEqual({ begin: 1, end: 3 });
    expect(new Regex('.').test(Uint8Array.of(0))).toBe(true);
  });

  it('goes on from a place, with what is before it', () => {
    const regex = new Regex('\\bab');
    expect(regex.find(bytes('ab ab'), 1)).toEqual({ begin: 3, end: 5 });
    expect(new Regex('^ab').test(bytes('xab'), 1)).toBe(false);
    expect(new Regex('ab', { anchored: true }).test(bytes('xab'), 1)).toBe(true);
    expect(new Regex('ab', { anchored: true }).test(bytes('xab'), 0)).toBe(false);
  });

  it.each([
    ['(a)\\1', 'regex-refused: a back reference'],
    ['(?=a)', 'regex-refused: looking ahead'],
    ['(?<!a)b', 'regex-refused: looking behind'],
    ['(?>a)', 'regex-refused: an atomic group'],
    ['a++', 'regex-refused: a possessive repetition'],
    ['\\Ga', 'regex-refused: \\G'],
    ['(?R)', 'regex-refused: recursion'],
    ['(?(1)a)', 'regex-refused: a conditional group'],
    ['(((a{1000}){1000}){1000})', 'regex-refused: repetitions that make more than 10000 states'],
    ['(((){60000}){60000}){60000}', 'regex-refused: repetitions that make more than 10000 states'],
    ['(a', 'regex-syntax: the expression has a group without end at its character 3'],
    ['a)', 'regex-syntax: the expression has a ) that closes nothing at its character 2'],
    ['*a', 'regex-syntax: the expression has a * with nothing to repeat at its character 1'],
    ['[b-a]', 'regex-syntax: the expression has a range whose ends are out of order before it at its character 5'],
    [
      'a{3,2}',
      'regex-syntax: the expression has a repetition whose numbers are out of order before it at its character 7',
    ],
    ['a\\', 'regex-syntax: the expression has a backslash with nothing behind it at its character 3'],
    ['(?z)', 'regex-syntax: the expression has a group of no known kind at its character 3'],
  ])('/%s/: %s', (source, message) => {
    expect(refusal(source)).toBe(message);
  });

  it('takes time by the length of the text, where backtracking would never end', () => {
    const text = bytes(`${'a'.repeat(5000)}!`);
    expect(new Regex('^(a+)+$').find(text)).toBeUndefined();
    expect(new Regex('(a|aa)*b').find(text)).toBeUndefined();
    // More states than are kept: they are made again.
    expect(new Regex('(a|b)*a(a|b){40}c').test(bytes('abba'.repeat(1000)))).toBe(false);
  });

  it('says what every match has in it', () => {
    const literal = (source: string, flags: RegexFlags = {}): string => {
      const { literal: one } = new Regex(source, flags);
      return one === undefined ? '' : `${one.nocase ? 'i:' : ''}${String.fromCharCode(...one.bytes)}`;
    };
    expect(literal('a.bcd.*e')).toBe('bcd');
    expect(literal('abc', { nocase: true })).toBe('i:abc');
    expect(literal('(?:ab){2}c')).toBe('ababc');
    expect(literal('x(ab)+')).toBe('ab');
    expect(literal('(one)?two')).toBe('two');
    expect(literal('a|b')).toBe('');
    expect(literal('^GET \\/[a-z]{3}\\.php$')).toBe('GET /');
  });

  it('answers any text that is meant to be one, with a value or a typed error', () => {
    const letters = [
      ...'ab()[]{}*+?|\\^$.,-:<>=!#123PQEdwsxbBAzZikU\n ',
      '(?',
      '[:',
      ':]',
      '\\x',
      '{2,3}',
      '(?:',
      '\\Q',
      '\\E',
    ];
    const cases = process.env['PLINTH_LONG'] === '1' ? 1_000_000 : 20_000;
    let taken = 0;
    for (let seed = 1; seed <= cases; seed++) {
      const random = new Random(seed * 15_485_863);
      let source = '';
      for (let n = random.below(16); n > 0; n--) source += random.pick(letters);
      if (refusal(source) === 'taken') taken++;
    }
    expect(taken).toBeGreaterThan(cases / 20);
  });
});

// SPDX-License-Identifier: Apache-2.0
// What is done to a buffer before rules look in it.
import { latin1 } from '@plinth/core';
import { describe, expect, it } from 'vitest';
import { judgeRules } from '../judge-rule.js';
import { parseRules } from '../parse-rules.js';
import { bytesOf } from './buffer-view.js';
import { splitBuffer, transformed, withTransform } from './transforms.js';

function change(text: string, ...names: readonly [name: string, value?: string][]): string {
  const buffer = names.reduce((known, [name, value]) => withTransform(known, name, value)!, 'http.uri');
  return latin1(transformed(bytesOf(text), splitBuffer(buffer).transforms));
}

describe('transforms', () => {
  it.each([
    ['to_lowercase', 'Ab\xc4', 'ab\xc4'],
    ['to_uppercase', 'aB\xe4', 'AB\xe4'],
    ['strip_whitespace', ' a\t\r\n\v\fb ', 'ab'],
    ['compress_whitespace', 'a \t b\n\nc', 'a b\nc'],
    ['dotprefix', 'a.b', '.a.b'],
    ['url_decode', 'a+%41%zz%', 'a A%zz%'],
    ['header_lowercase', 'Ab: C\r\nDe: F\r\n', 'ab: C\r\nde: F\r\n'],
    ['strip_pseudo_headers', ':method: GET\r\nA: b\r\n', 'A: b\r\n'],
  ])('%s of %j', (name, text, expected) => {
    expect(change(text, [name])).toBe(expected);
  });

  it('follow one another', () => {
    expect(change('A b', ['strip_whitespace'], ['to_lowercase'], ['dotprefix'])).toBe('.ab');
    expect(change('abc', ['xor', '"2000"'])).toBe('AbC');
    expect(change('abc', ['xor', '"2000"'], ['xor', '"2000"'])).toBe('abc');
  });

  it('are decided by whoever has the buffer, and refused where they cannot be', () => {
    const answer = (options: string, streams = true): string => {
      const { rules, errors } = parseRules(`alert http any any -> any any (${options} sid:1;)`, 'test.rules');
      if (errors[0] !== undefined) return errors[0].message;
      const one = judgeRules(rules, { streams })[0]!;
      return one.answer === 'refused' ? one.because : one.answer;
    };
    expect(answer('http.uri; to_lowercase; content:"ab";')).toBe('confirm');
    expect(answer('http.uri; content:"ab"; to_lowercase; content:"c";')).toContain('has to stand before it');
    expect(answer('http.uri; xor; content:"ab";')).toContain('xor needs');
    expect(answer('to_lowercase; content:"ab";')).toBe('to_lowercase of the payload');
    expect(answer('http.uri; to_md5; content:"ab";')).toBe('to_md5');
  });
});

// SPDX-License-Identifier: Apache-2.0
// Candidates: whatever a rule matches in a packet, one of its candidates matches, for rules and requests drawn at random; and what
// becomes of rules that have none.
import { describe, expect, it } from 'vitest';
import { PlainInspector } from '../evaluate-packet.js';
import { type Judgement, judgeRule, judgeRules } from '../judge-rule.js';
import { parseRules } from '../parse-rules.js';
import { confirmPacket } from './confirm-packet.js';
import { testFrame } from './testing/packets.js';

const judge = (text: string, streams = false): Judgement => {
  const { rules, errors } = parseRules(text, 'test.rules');
  if (errors[0] !== undefined) throw errors[0];
  return judgeRule(rules[0]!, { streams });
};
const answer = (options: string, protocol = 'tcp'): string => {
  const one = judge(`alert ${protocol} any any -> any any (${options} sid:1;)`);
  if (one.answer !== 'confirm') return one.answer === 'refused' ? `refused: ${one.because}` : one.answer;
  return one.candidates
    .map(({ contents }) =>
      contents.map(({ bytes, nocase }) => `${nocase ? 'i:' : ''}${String.fromCharCode(...bytes)}`).join('+'),
    )
    .join(' ');
};

/** A small generator that can be told again. */
function generator(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('candidates', () => {
  it('look for what was chosen, or else for what is longest', () => {
    expect(answer('content:"abc"; content:"defgh"; distance:0;')).toBe('defgh');
    expect(answer('content:"abc"; fast_pattern; content:"defgh"; distance:0;')).toBe('abc');
    expect(answer('content:"GET /abc"; content:!"defghijkl"; distance:0;')).toBe('GET /abc');
    expect(answer('content:"ab"; pcre:"/x[0-9]long literal.*/";')).toBe('long literal');
    expect(answer('content:"ab"; pcre:"/(?:one|two)/i";')).toBe('ab');
  });

  it('cut where a buffer is made of what was sent', () => {
    expect(answer('http.header; content:"Host: example.com|0d 0a|X";', 'http')).toBe('example.com');
    expect(answer('http.user_agent; content:"one two three";', 'http')).toBe('three');
    expect(answer('http.host; content:"example.com";', 'http')).toBe('i:example.com');
    expect(answer('dns.query; content:"www.example.com"; nocase;', 'dns')).toBe('i:example');
    const begins = [
      'i:%uff',
      'i:%c0',
      'i:%c1',
      'i:%e0',
      'i:%f0',
      'i:\xc0%',
      'i:\xc1%',
      'i:\xe0\x80',
      'i:\xe0\x81',
      'i:\xe0%',
    ];
    expect(answer('http.uri; content:"/ab/";', 'http')).toBe(
      ['ab i:%61 i:%u0061 \xc1\xa1 i:%62 i:%u0062 \xc1\xa2', ...begins, 'i:\xf0\x80 i:\xf0%'].join(' '),
    );
    expect(answer('http.uri; content:"a"; nocase;', 'http')).toBe('i:HTTP/ i:GET ');
    expect(answer('http.uri; content:!"/ab/";', 'http')).toBe('i:HTTP/ i:GET ');
  });

  it('are refused where nothing tells packets apart, or bodies are coded', () => {
    expect(answer('pcre:!"/abc/";')).toBe('refused: pcre, with nothing that its packets have to have');
    expect(answer('http.response_body; content:"abc";', 'http')).toBe('refused: http.response_body');
    expect(answer('pcre:"/(a)\\1/";')).toBe('refused: pcre with a back reference');
    expect(answer('byte_extract:1,0,x; content:"ab"; offset:x;')).toBe('ab');
    expect(answer('byte_extract:1,0,x; http.uri; content:"ab"; offset:x;', 'http')).toBe(
      'refused: content by a variable of another buffer',
    );
    expect(answer('content:"abc"; byte_test:1,>,2,0,relative;')).toBe('abc');
    expect(answer('http.uri; content:"a"; http.stat_code; content:"200";', 'http')).toBe(
      'refused: buffers of request and of response in one rule',
    );
    expect(judge('alert http any any -> any any (http.response_body; content:"abc"; sid:1;)', true)).toMatchObject({
      answer: 'confirm',
      everything: true,
    });
  });

  it('of rules that share a flowbit with one that is confirmed are made of all of them', () => {
    const { rules } = parseRules(
      'alert tcp any any -> any any (http.uri; content:"abc"; flowbits:set,x; sid:1;)\n' +
        'alert tcp any any -> any any (content:"def"; flowbits:isset,x; sid:2;)\n' +
        'alert tcp any any -> any any (content:"ghi"; sid:3;)\n',
      'test.rules',
    );
    expect(judgeRules(rules).map(({ answer: one }) => one)).toEqual(['confirm', 'confirm', 'kernel']);
  });

  it('match whatever the rule matches, in random requests', () => {
    const pieces = [
      'ab',
      'abc',
      'c',
      '/',
      '.',
      '..',
      '%61',
      '%2f',
      '%u0062',
      '//',
      '\\',
      '?',
      '=',
      ' ',
      'x',
      'B',
      '%41',
      '\t',
      '#',
      '\0',
      ',',
      ':',
      '\r',
    ];
    const buffers = [
      'http.uri',
      'http.uri.raw',
      'http.header',
      'http.user_agent',
      'http.request_line',
      'http.cookie',
      '',
    ];
    let matched = 0;
    const seeds = process.env['PLINTH_LONG'] === '1' ? 100_000 : 4000;
    for (let seed = 1; seed <= seeds; seed++) {
      const random = generator(seed);
      const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
      const text = (most: number): string => Array.from({ length: 1 + random(most) }, () => pick(pieces)).join('');
      const contents = Array.from({ length: 1 + random(2) }, (_, n) => {
        const content = pick(['ab', 'abc', '/ab', 'bc', 'cab', 'b c', 'a/b', 'AB']);
        return `content:"${content}"; ${random(3) === 0 ? 'nocase; ' : ''}${n > 0 && random(2) === 0 ? 'distance:0; ' : ''}`;
      }).join('');
      const buffer = pick(buffers);
      const one = judge(`alert tcp any any -> any any (${buffer === '' ? '' : `${buffer}; `}${contents}sid:1;)`);
      if (one.answer !== 'confirm') continue;
      const request = `GET /${text(6)} HTTP/1.1\r\nUser-Agent: ${text(4)}\r\n ${text(2)}\r\nCookie: ${text(3)}\r\nX: ${text(3)}\r\n\r\n`;
      const frame = testFrame({ payload: request });
      const facts = { direction: 'to_server', established: true, midstream: false, position: 0 } as const;
      if (confirmPacket(one.compiled, frame, facts) !== 'match') continue;
      matched++;
      const flagged = new PlainInspector(one.candidates).inspect(frame).matches;
      expect(flagged.length, `seed ${seed}: ${buffer} ${contents} in ${JSON.stringify(request)}`).toBeGreaterThan(0);
    }
    expect(matched).toBeGreaterThan(200);
  });

  it('are confirmed, or said to be more than a packet shows', () => {
    const one = judge(
      'alert http any any -> any any (http.uri; content:"/attack"; http.header; content:"X|3a| y"; sid:1;)',
    );
    if (one.answer !== 'confirm') throw new Error(one.answer);
    const facts = { direction: 'to_server', established: true, midstream: false, position: 0 } as const;
    const of = (payload: string): string => confirmPacket(one.compiled, testFrame({ payload }), facts);
    expect(of('GET /attack HTTP/1.1\r\nX: y\r\n\r\n')).toBe('match');
    expect(of('GET /a%74tack HTTP/1.1\r\nX:  y\r\n\r\n')).toBe('match');
    expect(of('GET /other HTTP/1.1\r\nX: /attack y\r\n\r\n')).toBe('none');
    expect(of('GET /attack HTTP/1.1\r\nX')).toBe('unknown');
    expect(of('tack HTTP/1.1\r\nX: y\r\n\r\n')).toBe('unknown');
  });
});

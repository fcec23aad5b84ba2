// SPDX-License-Identifier: Apache-2.0
import { PlinthError } from '@plinth/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRules } from './parse-rules.js';
import type { Rule } from './rule.js';
import { hasAddress, hasPort, parseAddresses, parsePorts } from './rule-sets.js';

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

function one(text: string): Rule {
  const { rules, errors } = parseRules(text, 'a.rules');
  expect(errors).toEqual([]);
  expect(rules).toHaveLength(1);
  return rules[0]!;
}

/** What is wrong with options or with a whole line. */
function complaint(text: string): string {
  const whole = text.includes('(') ? text : `alert tcp any any -> any any (${text} sid:1;)`;
  const { rules, errors } = parseRules(`\n${whole}`, 'a.rules');
  expect(rules).toEqual([]);
  expect(errors).toHaveLength(1);
  expect(errors[0]!.kind).toBe('input');
  return errors[0]!.message;
}

describe('a rule', () => {
  it('is read with all that it says', () => {
    const text = String.raw`# a comment
drop tcp [10.0.0.0/8,!10.1.0.0/16] 1024: -> any [80,!8080,443] ( \
  msg:"an \"attack\"\; really"; flow:established,to_server; content:"|41 42|c|3b|"; nocase; offset:4; depth:20; \
  content:!"safe"; distance:-2; within:10; fast_pattern; http.uri; content:"/x"; startswith; dsize:100<>200; \
  flowbits:isset,a|b; threshold:type limit, track by_src, count 1, seconds 60; classtype:web-attack; priority:1; \
  reference:url,example.org; metadata:a b, c d; sid:7; rev:3;)`;
    const rule = one(text);
    expect(rule).toMatchObject({
      line: 2,
      sid: 7,
      gid: 1,
      rev: 3,
      message: 'an "attack"; really',
      classtype: 'web-attack',
      priority: 1,
      references: ['url,example.org'],
      metadata: ['a b', 'c d'],
      threshold: { type: 'limit', track: 'by_src', count: 1, seconds: 60 },
      noalert: false,
      undecided: [],
      header: { action: 'drop', protocol: 'tcp', bothWays: false, destination: undefined },
    });
    expect(rule.conditions).toEqual([
      { kind: 'flow', direction: 'to_server', state: 'established' },
      {
        kind: 'content',
        buffer: 'payload',
        bytes: bytes('ABc;'),
        negated: false,
        nocase: true,
        offset: 4,
        depth: 20,
        startswith: false,
        endswith: false,
        fastPattern: false,
      },
      {
        kind: 'content',
        buffer: 'payload',
        bytes: bytes('safe'),
        negated: true,
        nocase: false,
        distance: -2,
        within: 10,
        startswith: false,
        endswith: false,
        fastPattern: true,
      },
      {
        kind: 'content',
        buffer: 'http.uri',
        bytes: bytes('/x'),
        negated: false,
        nocase: false,
        startswith: true,
        endswith: false,
        fastPattern: false,
      },
      { kind: 'number', name: 'dsize', buffer: 'http.uri', test: { op: '<>', value: 100, upper: 200 } },
      { kind: 'flowbits', command: 'isset', names: ['a', 'b'] },
    ]);
  });

  it('may look in buffers by old names and by flags of an expression', () => {
    const rule = one(
      'alert http any any <> any any (content:"a"; http_header; uricontent:"b"; pcre:"/c/Ri"; pcre:!"/d/P"; file_data; content:"e"; sid:1;)',
    );
    expect(rule.conditions.map((condition) => 'buffer' in condition && condition.buffer)).toEqual([
      'http.header',
      'http.uri',
      'payload',
      'http.request_body',
      'file.data',
    ]);
    expect(rule.header.bothWays).toBe(true);
  });

  it('keeps the names of what is not decided', () => {
    expect(
      one(
        'alert tcp any any -> any any (byte_extract:1,0,length,dce; byte_test:1,>,1,0,dce; content:"a"; geoip:DE; sid:1;)',
      ).undecided,
    ).toEqual(['byte_extract of DCE', 'byte_test of DCE', 'geoip']);
  });

  it('that is wrong is told with its line, what is wrong, and what would be right', () => {
    expect([
      complaint('content:"abc;'),
      complaint('content:"|4|";'),
      complaint('content:"";'),
      complaint('nocase;'),
      complaint('content:"abcd"; depth:3;'),
      complaint('content:"abcd"; depth:30; within:9;'),
      complaint('flow:sideways;'),
      complaint('dsize:many;'),
      complaint('dsize:20<>10;'),
      complaint('threshold:type limit, track by_src, count 1;'),
      complaint('msg:no quotes;'),
      complaint('allow tcp any any -> any any (sid:1;)'),
      complaint('alert tcp any any any (sid:1;)'),
      complaint('alert tcp any 80:20 -> any any (sid:1;)'),
      complaint('alert tcp 300.1.1.1 any -> any any (sid:1;)'),
      complaint('alert tcp $NOWHERE any -> any any (sid:1;)'),
      complaint('alert tcp any any -> any any (msg:"x";)'),
    ]).toMatchSnapshot();
  });

  it('with the sid of another is told', () => {
    const rule = 'alert ip any any -> any any (sid:5;)';
    const { rules, errors } = parseRules(`${rule}\n${rule}\n`, 'a.rules');
    expect(rules).toHaveLength(1);
    expect(errors.map(({ message }) => message)).toEqual(['a.rules:2: sid 5 is that of the rule in line 1 too']);
  });

  it('of any text is rules and errors', () => {
    const piece = fc.constantFrom(
      'alert tcp any any -> any any (',
      'sid:1;',
      'content:"',
      '|41|',
      '"',
      ';',
      ')',
      '\\',
      '\n',
      'pcre:"/',
      '/i";',
      '[!10.0.0.0/8,',
      '$HOME_NET',
      ':::',
      'depth:',
      '9999999999;',
      'flowbits:set,a;',
    );
    const text = fc
      .array(fc.oneof(piece, fc.string({ maxLength: 6 })), { maxLength: 30 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (rules) => {
        for (const error of parseRules(rules, 'a.rules').errors) expect(error).toBeInstanceOf(PlinthError);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('sets of addresses and ports', () => {
  const address = (text: string): [4 | 6, bigint] => {
    const { version, first } = parseAddresses(text, {}).set![0]!;
    return [version, first];
  };

  it('have what their ranges have, but for what is taken away', () => {
    const { set } = parseAddresses('[10.0.0.0/8,!10.1.0.0/16,192.168.1.5-192.168.1.9,fe80::/10]', {});
    const of = (text: string): boolean => hasAddress(set, ...address(text));
    expect(['10.2.3.4', '192.168.1.9', 'fe80::1'].map(of)).toEqual([true, true, true]);
    expect(['10.1.3.4', '192.168.1.10', '2001:db8::1', '0.0.0.1'].map(of)).toEqual([false, false, false, false]);
    // As Suricata has it: `!` before a list is one before each part, and of another version nothing was given.
    const others = parseAddresses('!$HOME', { HOME: '[10.0.0.0/255.0.0.0,::2]' });
    expect(['10.2.3.4', '8.8.8.8', '::1', '::2'].map((text) => hasAddress(others.set, ...address(text)))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect([others.negated, parseAddresses('10.0.0.0/8', {}).negated]).toEqual([true, false]);
    const { set: inner } = parseAddresses('![10.9.0.0/16,!10.0.0.0/8]', {});
    expect(['10.9.1.1', '10.1.1.1', '11.0.0.1', '::1'].map((text) => hasAddress(inner, ...address(text)))).toEqual([
      false,
      true,
      false,
      false,
    ]);
    expect(() => parseAddresses('[10.0.0.1,!10.0.0.0/8]', {})).toThrow('is nothing');
    expect(hasAddress(undefined, 4, 1n)).toBe(true);
    expect(address('::ffff:1.2.3.4')).toEqual([6, 0xffff_0102_0304n]);
  });

  it('of ports', () => {
    const set = parsePorts('[80,!$HIGH,1000:2000]', { HIGH: '1500:' });
    expect([80, 1000, 1499, 1500, 2000, 81].map((port) => hasPort(set, port))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
    expect([0, 79, 80].map((port) => hasPort(parsePorts('!80', {}), port))).toEqual([true, true, false]);
  });

  it('that lead to themselves are told', () => {
    expect(() => parsePorts('$A', { A: '$B', B: '[$A]' })).toThrow('leads to itself');
  });
});

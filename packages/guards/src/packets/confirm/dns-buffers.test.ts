// SPDX-License-Identifier: Apache-2.0
// Names and numbers of messages of DNS, as rules look at them.
import { describe, expect, it } from 'vitest';
import { parseRules } from '../parse-rules.js';
import { compileRule } from './compiled-rule.js';
import { readDnsMessage } from './dns-message.js';
import { DnsTransaction, matchesTransaction } from './transaction.js';

const name = (...labels: string[]): number[] => [
  ...labels.flatMap((label) => [label.length, ...[...label].map((char) => char.charCodeAt(0))]),
  0,
];
const u16 = (value: number): number[] => [value >> 8, value & 0xff];
const record = (type: number): number[] => [0xc0, 12, ...u16(type), 0, 1, 0, 0, 0, 9, 0, 1, 7];

function message(
  flags: number,
  questions: readonly number[][],
  records: readonly [number, number, number],
): Uint8Array {
  const counts = [questions.length, ...records].flatMap(u16);
  const body = [
    ...questions.flatMap((one) => [...one, 0, 28, 0, 1]),
    ...records.flatMap((n) => Array(n).fill(record(5)).flat()),
  ];
  return Uint8Array.from([0, 1, ...u16(flags), ...counts, ...body] as number[]);
}

const REQUEST = message(0x0800, [name('www', 'one', 'org'), name('two', 'net')], [0, 0, 0]);
const ROOT_FIRST = message(0, [name(), name('two', 'net')], [0, 0, 0]);
const RESPONSE = message(0x8003, [name('one', 'org')], [1, 0, 1]);

function matches(options: string, bytes: Uint8Array): boolean {
  const { rules, errors } = parseRules(`alert dns any any -> any any (${options} sid:1;)`, 'test.rules');
  if (errors[0] !== undefined) throw errors[0];
  const compiled = compileRule(rules[0]!);
  if (typeof compiled === 'string') throw new Error(compiled);
  const transaction = new DnsTransaction(readDnsMessage(bytes)!);
  return compiled.sides
    .filter((side) => transaction.hasSide(side))
    .some((side) => matchesTransaction(compiled, transaction, side) === 'match');
}

describe('a message of DNS', () => {
  it.each<[string, Uint8Array, boolean]>([
    ['dns.query; content:"two"; startswith;', REQUEST, true],
    ['dns.query; content:"two"; startswith;', ROOT_FIRST, false],
    ['dns.query; content:"one";', RESPONSE, false],
    ['dns.queries.rrname; content:"one";', RESPONSE, true],
    ['dns.answers.rrname; content:"one.org"; bsize:7;', RESPONSE, true],
    ['dns.authorities.rrname; content:"one";', RESPONSE, false],
    ['dns.additionals.rrname; content:"one";', RESPONSE, true],
    // Both in one name, or each in one.
    ['dns.query; content:"one"; content:"two";', REQUEST, false],
    ['dns.query; content:"one"; dns.query; content:"two";', REQUEST, true],
    ['dns.query; content:"one"; dns.query; dotprefix; content:".two.";', REQUEST, true],
    ['dns.opcode:1;', REQUEST, true],
    ['dns.opcode:!1;', REQUEST, false],
    ['dns.rcode:3;', RESPONSE, true],
    ['dns.rcode:nxdomain;', RESPONSE, true],
    ['dns.rcode:refused;', RESPONSE, false],
    ['dns.rrtype:AAAA;', REQUEST, true],
    ['dns.rrtype:5; dns.query; content:"one";', REQUEST, false],
    ['dns.rrtype:5; dns.answers.rrname; content:"one";', RESPONSE, true],
  ])('%s', (options, bytes, expected) => {
    expect(matches(options, bytes)).toBe(expected);
  });
});

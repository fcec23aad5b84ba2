// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { queriedNames } from './dns-names.js';
import { readSocketAddress } from './socket-address.js';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
/** Numbers, the same in each run. */
function* numbers(seed: number): Generator<number> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    yield state >>> 8;
  }
}

describe('an address of a socket', () => {
  it.each([
    ['02 00 01 bb c0 00 02 07 0000000000000000', { kind: 'ip', address: '192.0.2.7', port: 443 }],
    [
      '0a 00 00 35 00000000 20010db8000000000000000000000001 00000000',
      { kind: 'ip', address: '2001:db8::1', port: 53 },
    ],
    ['0a 00 00 35 00000000 00000000000000000000000000000001 00000000', { kind: 'ip', address: '::1', port: 53 }],
    ['0a 00 00 35 00000000 00000000000000000000ffffc0000201 00000000', { kind: 'ip', address: '192.0.2.1', port: 53 }],
    [
      '0a 00 00 35 00000000 20010db8000100000001000000010001 00000000',
      { kind: 'ip', address: '2001:db8:1:0:1:0:1:1', port: 53 },
    ],
    ['01 00 2f746d702f7800 41', { kind: 'unix', address: '/tmp/x' }],
    ['01 00 00 6162', { kind: 'unix', address: '@ab' }],
    ['10 00 00 00', { kind: 'other', address: 'family 16' }],
    ['02', { kind: 'other', address: 'family 0' }],
    ['', { kind: 'other', address: 'family 0' }],
  ])('%s', (bytes, expected) => {
    expect(readSocketAddress(hex(bytes))).toEqual(expected);
  });
});

describe('a query of names', () => {
  const question = '0377777707 6578616d706c65 03 636f6d 00 0001 0001';
  it('has the names of its questions', () => {
    expect(queriedNames(hex(`1234 0100 0001 0000 0000 0000 ${question}`))).toEqual(['www.example.com']);
    expect(queriedNames(hex(`1234 0100 0002 0000 0000 0000 ${question} 0161 00 001c 0001`))).toEqual([
      'www.example.com',
      'a',
    ]);
  });

  it('is no answer, and is cut anywhere', () => {
    expect(queriedNames(hex(`1234 8180 0001 0000 0000 0000 ${question}`))).toEqual([]);
    const whole = hex(`1234 0100 0001 0000 0000 0000 ${question}`);
    for (let length = 0; length < whole.length; length++) expect(queriedNames(whole.subarray(0, length))).toEqual([]);
  });

  it('may be any bytes', () => {
    const random = numbers(7);
    for (let n = 0; n < 2000; n++) {
      const bytes = Uint8Array.from({ length: random.next().value! % 80 }, () => random.next().value! & 0xff);
      for (const name of queriedNames(bytes)) expect(name).toMatch(/^[\x21-\x7e]{1,255}$/);
      expect(typeof readSocketAddress(bytes).address).toBe('string');
    }
  });
});

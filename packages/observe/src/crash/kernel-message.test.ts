// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { kernelMessage, type MessageSource } from './kernel-message.js';

const STRINGS = 0x1000;

/** Strings by address from STRINGS on, a hundred apart, and the arguments as they are. */
function source(strings: readonly string[], ...values: readonly number[]): MessageSource {
  return {
    text: (address, most) => strings[(address - STRINGS) / 100]?.slice(0, most),
    argument: (n) => values[n],
  };
}

it.each([
  ['sysrq triggered crash', [], 'sysrq triggered crash'],
  ['Attempted to kill init! exitcode=0x%08x\n', [0x7f00], 'Attempted to kill init! exitcode=0x00007f00'],
  [
    '%s: %d of %u, %-4d|%5i|%x|%#X|%c|%o|%%',
    [STRINGS + 100, -3, 0xffff_ffff, 7, 8, 255, 255, 65, 8],
    'init: -3 of 4294967295, 7   |    8|ff|0xFF|A|10|%',
  ],
  ['%.3s and %*d and %p', [STRINGS + 100, 4, 2, 0xc000_0000], 'ini and    2 and c0000000'],
  // The pair of a 64-bit value begins at an even parameter.
  ['%lld and %llx', [0, 0xffff_ffff, 0xffff_ffff, 1, 2], '-1 and 200000001'],
  ['no such string: %s', [5], 'no such string: (?)'],
  ['%q stays', [1], '%q stays'],
])('puts %j together', (format, values, text) => {
  expect(kernelMessage(source([format, 'init'], STRINGS, ...values), 0)).toBe(text);
});

it('is nothing where there is no text', () => {
  expect(kernelMessage(source([]), 0)).toBeUndefined();
  expect(kernelMessage(source([], 4), 0)).toBeUndefined();
  expect(kernelMessage(source([''], STRINGS), 0)).toBeUndefined();
});

it('is a bounded line whatever the guest has there', () => {
  const part = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('%s', '%*d', '%999999999d', '%.*s', '%lld', '%', '%%', '%-08x'),
  );
  const words = fc.array(
    fc.oneof(fc.nat(0xffff_ffff), fc.constantFrom(STRINGS, STRINGS + 100, 0x7fff_ffff, 0x8000_0000)),
  );
  fc.assert(
    fc.property(fc.array(part), words, (parts, values) => {
      const text = kernelMessage(source([parts.join(''), 'a\nb\x1b[2J'], STRINGS, ...values), 0);
      expect(text === undefined || (text.length <= 512 && !/\p{Cc}/u.test(text))).toBe(true);
    }),
  );
});

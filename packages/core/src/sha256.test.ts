// SPDX-License-Identifier: Apache-2.0
// Against Node's own, at every length around the block borders.

import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { concatenate, fromHex } from './bytes.js';
import { sha256 } from './sha256.js';

it('is what Node computes, at every length', () => {
  for (let length = 0; length < 300; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 7 + length) & 0xff);
    expect(Buffer.from(sha256(bytes)).toString('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
  }
});

it('joins and reads hexadecimal', () => {
  expect(concatenate([fromHex('00ff'), fromHex(''), fromHex('7f')])).toEqual(Uint8Array.of(0, 255, 127));
});

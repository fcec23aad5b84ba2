// SPDX-License-Identifier: Apache-2.0
// Tables as the kernel's own build writes them, found again. A real kernel's is read in tests/observe/.

import { concatenate, utf8 } from '@plinth/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findKallsyms, type Kallsyms } from './kallsyms.js';

const BASE = 0xc000_8000;
type Order = Kallsyms['layout'] | '6.2';

function words(values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array((bytes.length + 3) & ~3);
  whole.set(bytes);
  return whole;
}

/** Single characters stand for themselves, as in a kernel; two tokens are longer. */
const TOKENS: readonly string[] = Array.from({ length: 256 }, (_, code) => {
  if (code === 1) return 'vfs_';
  if (code === 2) return 'sys';
  return code > 0x20 && code < 0x7f ? String.fromCharCode(code) : '';
});

function kallsyms(names: readonly string[], order: Order, spacing = 0x40): Uint8Array {
  const encoded = names.map((name) => {
    const text = name.replaceAll('vfs_', '\x01').replaceAll('sys', '\x02');
    const length = text.length < 0x80 ? [text.length] : [0x80 | (text.length & 0x7f), text.length >> 7];
    return concatenate([Uint8Array.from(length), utf8(text)]);
  });
  const markers: number[] = [];
  let at = 0;
  for (const [n, name] of encoded.entries()) {
    if (n % 256 === 0) markers.push(at);
    at += name.length;
  }
  let place = 0;
  const index = TOKENS.map((token) => (place += token.length + 1) - token.length - 1);
  const list = [words([names.length]), padded(concatenate(encoded)), words(markers)];
  const tokens = [padded(utf8(TOKENS.join('\0') + '\0')), new Uint8Array(Uint16Array.from(index).buffer)];
  const addresses = [words(names.map((_, n) => n * spacing)), words([BASE])];
  const sequence = padded(new Uint8Array(3 * names.length).map((_, n) => (n % 3 === 2 ? (n / 3) % 256 : 0)));
  switch (order) {
    case '6.1':
      return concatenate([...addresses, ...list, ...tokens]);
    case '6.2':
      return concatenate([...addresses, ...list, sequence, ...tokens]);
    default:
      return concatenate([...list, ...tokens, ...addresses, sequence]);
  }
}

const NAMES = Array.from({ length: 700 }, (_, n) => `${n % 3 === 0 ? 'T' : 't'}vfs_sys_${n}`);

function inRam(table: Uint8Array): Uint8Array {
  // Something that only looks like tokens comes first.
  const decoy = utf8('0\x001\x002\x003\x004\x005\x006\x007\x008\x009\0');
  return concatenate([new Uint8Array(4096).fill(0xaa), padded(decoy), words([7, 9]), table, new Uint8Array(4096)]);
}

describe('kallsyms in memory', () => {
  it.each(['6.1', '6.2', '6.4'] as const)('is found in the order of %s', (order) => {
    const found = findKallsyms(inRam(kallsyms(NAMES, order)))!;
    expect(found.layout).toBe(order === '6.4' ? '6.4' : '6.1');
    expect(found.relativeBase).toBe(BASE);
    expect(found.table.size).toBe(NAMES.length);
    expect(found.table.symbols[3]).toMatchObject({ name: 'vfs_sys_3', address: BASE + 3 * 0x40, global: true });
    expect(found.table.address('vfs_sys_699')).toBe(BASE + 699 * 0x40);
  });

  it('has names of more than 127 tokens', () => {
    const long = `T${'x'.repeat(300)}`;
    const found = findKallsyms(inRam(kallsyms([...NAMES, long], '6.1')))!;
    expect(found.table.address(long.slice(1))).toBe(BASE + 700 * 0x40);
  });

  it('is found behind whatever stands in front of it', () => {
    const table = kallsyms(NAMES, '6.2');
    const piece = fc.oneof(
      fc.constantFrom(...'0123456789').map((digit) => utf8(`${digit}\0`)),
      fc.constant(Uint8Array.of(0)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 80 }), (pieces) => {
        // The table itself lies at whole words.
        const front = padded(concatenate(pieces));
        expect(findKallsyms(concatenate([front, table]))?.table.size).toBe(NAMES.length);
      }),
      { numRuns: 50 },
    );
  });

  it('is not found where there is none', () => {
    expect(findKallsyms(new Uint8Array(0))).toBeUndefined();
    expect(findKallsyms(inRam(new Uint8Array(1 << 16)))).toBeUndefined();
  });

  it('is found or not in damaged bytes, never more than it says', () => {
    const whole = kallsyms(NAMES.slice(0, 300), '6.2');
    const change = fc.record({ at: fc.nat(whole.length - 1), value: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), fc.nat(whole.length), (changes, length) => {
        const bytes = Uint8Array.from(whole);
        for (const { at, value } of changes) bytes[at] = value;
        const found = findKallsyms(bytes.subarray(0, changes.length % 2 === 0 ? length : undefined));
        for (const { address, name } of found?.table.symbols ?? []) {
          expect(address <= 0xffff_ffff && name.length <= 512).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});

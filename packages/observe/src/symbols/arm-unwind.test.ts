// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UnwindTable } from './arm-unwind.js';

const TABLE = 0x2000;
const STACK = 0x8000;
const registers = (lr: number): number[] =>
  Array.from({ length: 16 }, (_, n) => (n === 13 ? STACK : n === 14 ? lr : n));

/** A table with one function at 0x1000, whose entry is `entry`. */
function tableOf(entry: number): UnwindTable {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, (0x1000 - TABLE) & 0x7fff_ffff, true);
  view.setUint32(4, entry, true);
  return UnwindTable.of(bytes, TABLE);
}

describe('unwinding', () => {
  const memory =
    (entry: number, extra: Readonly<Record<number, number>> = {}) =>
    (address: number) =>
      address === TABLE + 4 ? entry : (extra[address] ?? (address >= STACK ? address : undefined));

  it.each<[string, number, { pc: number; sp: number; exact: boolean } | undefined]>([
    ['pop {r4, r14}', 0x80a8_b0b0, { pc: STACK + 4, sp: STACK + 8, exact: false }],
    ['vsp += 16, pop {r4-r6, r14}', 0x8003_aab0, { pc: STACK + 16 + 12, sp: STACK + 32, exact: false }],
    ['pop {r4, pc} by its mask', 0x8088_01b0, { pc: STACK + 4, sp: STACK + 8, exact: false }],
    ['pop {d8, d9}, a leaf', 0x80d1_b0b0, { pc: 0x500, sp: STACK + 16, exact: false }],
    ['an instruction that is cut short', 0x80b1_0f88, undefined],
    ['cannot unwind', 1, undefined],
    ['refuse to unwind', 0x8080_00b0, undefined],
    ['a reserved instruction', 0x80cf_b0b0, undefined],
  ])('does %s', (_, entry, expected) => {
    const frame = tableOf(entry).unwind(0x1010, registers(0x500), memory(entry));
    const seen = frame && { pc: frame.pc, sp: frame.registers[13]!, exact: frame.exact };
    expect(seen).toEqual(expected);
  });

  it('takes the link register at the first instruction, and nothing before the first function', () => {
    const table = tableOf(0x80a8_b0b0);
    expect(table.unwind(0x1000, registers(0x501), memory(0))?.pc).toBe(0x500);
    expect(table.unwind(0xfff, registers(0x500), memory(0))).toBe(undefined);
  });

  it('gives a frame or nothing for any table and any memory', () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.integer(), { minLength: 1, maxLength: 64 }), (entry, words) => {
        const read = (address: number): number | undefined =>
          address === TABLE + 4
            ? entry >>> 0
            : (address & 0x40) === 0
              ? words[(address >>> 2) % words.length]! >>> 0
              : undefined;
        const frame = tableOf(entry >>> 0).unwind(0x1010, registers(0x500), read);
        for (const value of frame === undefined ? [] : [frame.pc, ...frame.registers]) {
          expect(value === value >>> 0).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('finds no table where none is', () => {
    expect(UnwindTable.find(new Uint8Array(1 << 16), 0xc000_0000, 0xc000_0000, 0xc001_0000)).toBe(undefined);
    expect(UnwindTable.find(new Uint8Array(1 << 16).fill(0x7f), 0xc000_0000, 0xc000_0000, 0xc001_0000)).toBe(undefined);
  });
});

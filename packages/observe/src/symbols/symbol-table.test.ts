// SPDX-License-Identifier: Apache-2.0
import { PlinthError } from '@plinth/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GuestSymbol, matchesGlob, SymbolTable } from './symbol-table.js';
import { readSystemMap } from './system-map.js';

function symbol(name: string, address: number, size?: number): GuestSymbol {
  return { name, address, size, kind: 'function', global: true, thumb: undefined };
}

describe('a table of symbols', () => {
  const table = new SymbolTable([
    symbol('vfs_write', 0x300, 0x20),
    symbol('outer', 0x100, 0x100),
    symbol('inner', 0x140, 0x10),
    symbol('__alias', 0x300, 0x20),
    symbol('vfs_read', 0x400),
    symbol('_vfs_read', 0x400),
  ]);

  it('names the innermost symbol that covers an address, and none in a gap', () => {
    expect([0x13ff, 0x1400].map((address) => table.describe(address))).toEqual(['vfs_read+0xfff', undefined]);
    const names = [0xff, 0x100, 0x13f, 0x144, 0x150, 0x1ff, 0x200, 0x31f, 0x320, 0x404];
    expect(names.map((address) => table.describe(address))).toEqual([
      undefined,
      'outer',
      'outer+0x3f',
      'inner+0x4',
      'outer+0x50',
      'outer+0xff',
      undefined,
      'vfs_write+0x1f',
      undefined,
      'vfs_read+0x4',
    ]);
  });

  it('finds names, whole and by pattern', () => {
    expect(table.address('inner')).toBe(0x140);
    expect(table.address('none')).toBeUndefined();
    expect(table.matching('vfs_*').map(({ name }) => name)).toEqual(['vfs_write', 'vfs_read']);
    expect(table.matching('?nner').map(({ name }) => name)).toEqual(['inner']);
  });

  it('finds what a search through all finds', () => {
    const entry = fc.record({ address: fc.nat(200), size: fc.nat(40) });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 20 }), fc.nat(260), (entries, address) => {
        const symbols = entries.map(({ address: at, size }, n) => symbol(`s${n}`, at, size + 1));
        const found = new SymbolTable(symbols).nearest(address)?.symbol;
        const covering = symbols.filter((one) => one.address <= address && address < one.address + one.size!);
        const innermost = Math.max(...covering.map((one) => one.address));
        expect(found?.address).toBe(covering.length === 0 ? undefined : innermost);
      }),
    );
  });

  it('matches patterns as regular expressions do', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 12 });
    fc.assert(
      fc.property(text, text, (name, glob) => {
        const regular = glob.replaceAll('*', '[^]*').replaceAll('?', '[^]');
        expect(matchesGlob(name, glob)).toBe(new RegExp(`^${regular}$`).test(name));
      }),
      { numRuns: 500 },
    );
  });
});

describe('System.map', () => {
  it('is read, with the mapping symbols left out', () => {
    const table = readSystemMap(
      'c0008000 T _stext\nc0008000 t $a\nc0009000 d data\nc000a000 t f [mod]\n',
      'System.map',
    );
    expect(table.symbols.map(({ name, kind, global }) => [name, kind, global])).toEqual([
      ['_stext', 'function', true],
      ['data', 'object', false],
      ['f', 'function', false],
    ]);
  });

  it.each([
    ['c0008000 T', 'line 1'],
    ['ffffffffffffffff B The real System.map is elsewhere', 'line 1'],
    ['', 'no symbol'],
    ['00000000 T _stext', 'root'],
  ])('refuses %j by saying so', (text, why) => {
    expect(() => readSystemMap(text, 'm')).toThrow(why);
  });

  it('gives a table or one typed error for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('0', 'f', ' ', 'T', '\n', 'é', '['), maxLength: 60 }), (text) => {
        try {
          expect(readSystemMap(text, 'm').size).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(PlinthError);
        }
      }),
    );
  });
});

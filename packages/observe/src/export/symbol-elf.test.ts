// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { readElfUnwindTable } from '../symbols/arm-unwind.js';
import { readElfSections } from '../symbols/elf-sections.js';
import { readElfSymbols } from '../symbols/elf-symbols.js';
import { type GuestSymbol, SymbolTable } from '../symbols/symbol-table.js';
import { symbolElf } from './symbol-elf.js';

const symbol = (name: string, address: number, more: Partial<GuestSymbol> = {}): GuestSymbol => ({
  name,
  address,
  size: undefined,
  kind: 'function',
  global: true,
  thumb: false,
  ...more,
});

const SYMBOLS = new SymbolTable([
  symbol('start', 0xc000_8000),
  symbol('in_thumb', 0xc000_8100, { thumb: true, global: false }),
  symbol('table', 0xc000_8200, { kind: 'object' }),
  symbol('last', 0xc000_8300, { size: 64 }),
]);

it('holds symbols that are read back as they were, each up to the next', () => {
  const { table } = readElfSymbols(symbolElf({ symbols: SYMBOLS }), 'kernel');
  const plain = ({ symbols }: SymbolTable): unknown[] =>
    symbols.map(({ name, address, kind, global, thumb }) => [name, address, kind, global, thumb === true]);
  expect(plain(table)).toEqual(plain(SYMBOLS));
  expect(table.describe(0xc000_80fc)).toBe('start+0xfc');
  expect(table.describe(0xc000_8340)).toBeUndefined();
});

it('holds the unwind tables at their addresses', () => {
  // Functions at 0xc0008000 and 0xc0008300: "pop {r4, lr}" and "cannot be unwound".
  const address = 0xc001_0000;
  const words = [0x7fff_8000, 0x8000_84b0 | 0, 0x7fff_82f8, 1];
  const bytes = new Uint8Array(Int32Array.from(words).buffer);
  const tables = { address: 0xc002_0000, bytes: Uint8Array.of(1, 2, 3, 4) };
  const elf = symbolElf({ symbols: SYMBOLS, index: { address, bytes }, tables });
  expect(readElfUnwindTable(elf, 'kernel')?.size).toBe(2);
  const { sections } = readElfSections(elf, 'kernel');
  const placed = sections.map(({ name, address: at, bytes: content }) => [name, at, content.length]);
  expect(placed).toContainEqual(['.text', 0xc000_8000, 0]);
  expect(placed).toContainEqual(['.ARM.exidx', address, 16]);
  expect(placed).toContainEqual(['.ARM.extab', 0xc002_0000, 4]);
});

// SPDX-License-Identifier: Apache-2.0
// Symbols and unwind tables as an ELF file without code (System V ABI, chapter 4; ELF for the Arm Architecture), so that GDB
// has names and backtraces for a kernel of which no file is at hand.

import type { SymbolTable } from '../symbols/symbol-table.js';

/** Bytes that a guest has at a virtual address. */
export interface PlacedBytes {
  readonly address: number;
  readonly bytes: Uint8Array;
}

export interface SymbolElfOptions {
  readonly symbols: SymbolTable;
  /** The index table (.ARM.exidx), and what it refers to (.ARM.extab). */
  readonly index?: PlacedBytes | undefined;
  readonly tables?: PlacedBytes | undefined;
}

const HEADER_SIZE = 52;
const SECTION_HEADER_SIZE = 40;
const SYMBOL_SIZE = 16;
const [ET_EXEC, EM_ARM, EF_ARM_EABI5] = [2, 40, 0x0500_0000];
const [SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_NOBITS, SHT_ARM_EXIDX] = [1, 2, 3, 8, 0x7000_0001];
const [SHF_ALLOC, SHF_EXECINSTR, SHF_LINK_ORDER] = [2, 4, 0x80];
const [STB_GLOBAL, STT_OBJECT, STT_FUNC] = [1, 1, 2];
const TEXT = 1;

interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags?: number;
  readonly address?: number;
  readonly bytes?: Uint8Array;
  /** Of a section without bytes. */
  readonly size?: number;
  readonly link?: number;
  readonly info?: number;
  readonly entrySize?: number;
}

/** A table of strings, with the place of each. */
class Strings {
  #text = '\0';

  add(text: string): number {
    const at = this.#text.length;
    this.#text += `${text}\0`;
    return at;
  }

  get bytes(): Uint8Array {
    return Uint8Array.from(this.#text, (character) => character.charCodeAt(0));
  }
}

/** The file. */
export function symbolElf({ symbols, index, tables }: SymbolElfOptions): Uint8Array {
  const names = new Strings();
  const table = symbolTable(symbols, names);
  const first = symbols.symbols[0]!.address;
  const last = symbols.symbols.at(-1)!;
  const sections: Section[] = [
    { name: '', type: 0 },
    {
      name: '.text',
      type: SHT_NOBITS,
      flags: SHF_ALLOC | SHF_EXECINSTR,
      address: first,
      size: Math.max(symbols.end(last), last.address + 4) - first,
    },
    ...(index === undefined
      ? []
      : [{ name: '.ARM.exidx', type: SHT_ARM_EXIDX, flags: SHF_ALLOC | SHF_LINK_ORDER, link: TEXT, ...index }]),
    ...(tables === undefined ? [] : [{ name: '.ARM.extab', type: SHT_PROGBITS, flags: SHF_ALLOC, ...tables }]),
  ];
  const strings = sections.length + 1;
  sections.push(
    {
      name: '.symtab',
      type: SHT_SYMTAB,
      link: strings,
      info: table.locals,
      entrySize: SYMBOL_SIZE,
      bytes: table.bytes,
    },
    { name: '.strtab', type: SHT_STRTAB, bytes: names.bytes },
  );
  return file(sections);
}

/** Local symbols come first. */
function symbolTable(table: SymbolTable, names: Strings): { bytes: Uint8Array; locals: number } {
  const sorted = table.symbols.toSorted((a, b) => Number(a.global) - Number(b.global));
  const bytes = new Uint8Array((sorted.length + 1) * SYMBOL_SIZE);
  const view = new DataView(bytes.buffer);
  sorted.forEach((symbol, n) => {
    const at = (n + 1) * SYMBOL_SIZE;
    const type = symbol.kind === 'function' ? STT_FUNC : symbol.kind === 'object' ? STT_OBJECT : 0;
    view.setUint32(at, names.add(symbol.name), true);
    view.setUint32(at + 4, symbol.address | (symbol.thumb === true ? 1 : 0), true);
    view.setUint32(at + 8, table.end(symbol) - symbol.address, true);
    bytes[at + 12] = ((symbol.global ? STB_GLOBAL : 0) << 4) | type;
    view.setUint16(at + 14, TEXT, true);
  });
  return { bytes, locals: 1 + sorted.filter(({ global }) => !global).length };
}

function file(sections: readonly Section[]): Uint8Array {
  const names = new Strings();
  const nameAt = sections.map(({ name }) => (name === '' ? 0 : names.add(name)));
  const own = names.add('.shstrtab');
  const all: Section[] = [...sections, { name: '.shstrtab', type: SHT_STRTAB, bytes: names.bytes }];
  const aligned = (size: number): number => (size + 7) & ~7;
  const headersAt = all.reduce((at, { bytes }) => aligned(at + (bytes?.length ?? 0)), aligned(HEADER_SIZE));
  const out = new Uint8Array(headersAt + all.length * SECTION_HEADER_SIZE);
  const view = new DataView(out.buffer);
  out.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  view.setUint16(16, ET_EXEC, true);
  view.setUint16(18, EM_ARM, true);
  view.setUint32(20, 1, true);
  view.setUint32(32, headersAt, true);
  view.setUint32(36, EF_ARM_EABI5, true);
  view.setUint16(40, HEADER_SIZE, true);
  view.setUint16(46, SECTION_HEADER_SIZE, true);
  view.setUint16(48, all.length, true);
  view.setUint16(50, all.length - 1, true);
  let at = aligned(HEADER_SIZE);
  all.forEach(({ type, flags = 0, address = 0, bytes, size, link = 0, info = 0, entrySize = 0 }, n) => {
    const header = headersAt + n * SECTION_HEADER_SIZE;
    const length = bytes?.length ?? size ?? 0;
    const words = [nameAt[n] ?? own, type, flags, address, type === 0 ? 0 : at, length, link, info, 4, entrySize];
    words.forEach((word, i) => view.setUint32(header + 4 * i, type === 0 ? 0 : word, true));
    if (bytes === undefined) return;
    out.set(bytes, at);
    at = aligned(at + bytes.length);
  });
  return out;
}

// SPDX-License-Identifier: Apache-2.0
// Symbols of an ELF file: .symtab, and .dynsym for what is not there (System V ABI chapter 4; ELF for the Arm Architecture
// 5.5). Mapping symbols ($a, $t, $d) say what the bytes are; bit 0 of a function's value says T32 and is no part of its address.

import { toHex, stringAt } from '@plinth/core';
import { type ElfSection, type ElfSections, readElfSections, SHT } from './elf-sections.js';
import { type GuestSymbol, type SymbolKind, SymbolTable } from './symbol-table.js';

const ENTRY_SIZE = 16;
const SHN_UNDEFINED = 0;
const SHN_ABSOLUTE = 0xfff1;
const SHN_RESERVED = 0xff00;
const KINDS: readonly (SymbolKind | undefined)[] = ['other', 'object', 'function', undefined, undefined];

/** What the bytes from an address on are, up to the next of these. */
export interface MappingSymbol {
  readonly address: number;
  readonly content: 'A32' | 'T32' | 'data';
}

export interface ElfSymbols {
  readonly table: SymbolTable;
  /** By address. */
  readonly mapping: readonly MappingSymbol[];
  /** Of the note that the linker leaves (NT_GNU_BUILD_ID), in hexadecimal. */
  readonly buildId: string | undefined;
}

/**
 * The symbols of an executable or a shared library, at the addresses that it was linked to.
 *
 * @throws PlinthError for bytes that are no 32-bit ARM ELF file, or a damaged one
 */
export function readElfSymbols(bytes: Uint8Array, what: string): ElfSymbols {
  const elf = readElfSections(bytes, what);
  const symbols: GuestSymbol[] = [];
  const mapping: MappingSymbol[] = [];
  const seen = new Set<string>();
  for (const type of [SHT.symbolTable, SHT.dynamicSymbols]) {
    for (const section of elf.sections) {
      if (section.type === type) readTable(elf, section, { symbols, mapping, seen });
    }
  }
  mapping.sort((a, b) => a.address - b.address);
  return { table: new SymbolTable(symbols), mapping, buildId: buildIdOf(elf) };
}

interface Found {
  readonly symbols: GuestSymbol[];
  readonly mapping: MappingSymbol[];
  /** Name and address of what has been seen: a symbol stands in both tables. */
  readonly seen: Set<string>;
}

function readTable(elf: ElfSections, { bytes, link }: ElfSection, { symbols, mapping, seen }: Found): void {
  const strings = elf.sections[link]?.bytes ?? new Uint8Array(0);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + ENTRY_SIZE <= bytes.length; at += ENTRY_SIZE) {
    const section = view.getUint16(at + 14, true);
    const kind = KINDS[view.getUint8(at + 12) & 15];
    if (section === SHN_UNDEFINED || (section >= SHN_RESERVED && section !== SHN_ABSOLUTE) || kind === undefined)
      continue;
    const name = stringAt(strings, view.getUint32(at, true));
    const value = view.getUint32(at + 4, true);
    if (name.startsWith('$')) {
      const content = contentOf(name);
      if (content !== undefined) mapping.push({ address: value, content });
      continue;
    }
    const thumb = kind === 'function' && (value & 1) !== 0;
    const address = thumb ? value - 1 : value;
    const key = `${name} ${address}`;
    if (name === '' || seen.has(key)) continue;
    seen.add(key);
    symbols.push({
      name,
      address,
      size: view.getUint32(at + 8, true),
      kind,
      global: view.getUint8(at + 12) >>> 4 !== 0,
      thumb: kind === 'function' ? thumb : undefined,
    });
  }
}

/** `$a`, `$t` and `$d`, with or without `.` and any text behind. */
function contentOf(name: string): MappingSymbol['content'] | undefined {
  if (name.length > 2 && name[2] !== '.') return undefined;
  return name[1] === 'a' ? 'A32' : name[1] === 't' ? 'T32' : name[1] === 'd' ? 'data' : undefined;
}

/** What the bytes at an address are, as the mapping symbols say; undefined below the first. */
export function contentAt(mapping: readonly MappingSymbol[], address: number): MappingSymbol['content'] | undefined {
  let low = 0;
  let high = mapping.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (mapping[middle]!.address <= address) low = middle + 1;
    else high = middle;
  }
  return mapping[low - 1]?.content;
}

function buildIdOf(elf: ElfSections): string | undefined {
  for (const { type, bytes } of elf.sections) {
    const id = type === SHT.note ? findBuildId(bytes) : undefined;
    if (id !== undefined) return id;
  }
  return undefined;
}

/** NT_GNU_BUILD_ID with the owner `GNU`: sizes of owner and description, type 3, both padded to 4 bytes. */
export function findBuildId(notes: Uint8Array): string | undefined {
  const view = new DataView(notes.buffer, notes.byteOffset, notes.byteLength);
  for (let at = 0; at + 16 <= notes.length;) {
    const ownerSize = view.getUint32(at, true);
    const size = view.getUint32(at + 4, true);
    const description = at + 12 + ((ownerSize + 3) & ~3);
    if (view.getUint32(at + 8, true) === 3 && ownerSize === 4 && view.getUint32(at + 12, true) === 0x0055_4e47) {
      return size > 64 || description + size > notes.length
        ? undefined
        : toHex(notes.subarray(description, description + size));
    }
    if (ownerSize > notes.length || size > notes.length) return undefined;
    at = description + ((size + 3) & ~3);
  }
  return undefined;
}

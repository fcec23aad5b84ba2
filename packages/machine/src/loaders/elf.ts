// SPDX-License-Identifier: Apache-2.0
// Executables in 32-bit little-endian ARM ELF (System V ABI chapters 4 and 5; IHI 0044 for ARM): loadable segments,
// entry and symbols, from any bytes: a file, or one typed error. No relocation, no dynamic linking.

import { ByteReader, latin1, PlinthError } from '@plinth/core';
import { checkPlacement, type LoadPlan, type RamRange } from './plan.js';

const EM_ARM = 40;
const ET_EXEC = 2;
const ET_DYN = 3;
const PT_LOAD = 1;
const SHT_SYMTAB = 2;
const PROGRAM_HEADER_SIZE = 32;
const SECTION_HEADER_SIZE = 40;
const SYMBOL_SIZE = 16;
/** Longer names are cut: a hostile table could make each of its symbols as long as the file. */
const MAX_NAME = 4096;

export interface ElfSegment {
  readonly virtualAddress: number;
  /** Where it is loaded. */
  readonly physicalAddress: number;
  /** A view of the file. */
  readonly bytes: Uint8Array;
  /** At least `bytes.length`; the rest is zeros. */
  readonly memorySize: number;
}

export interface ElfSymbol {
  readonly name: string;
  /** With bit 0 clear: `thumb` has it. */
  readonly address: number;
  readonly size: number;
  readonly kind: 'function' | 'object' | 'none';
  readonly thumb: boolean;
}

export interface ElfFile {
  readonly entry: number;
  readonly thumb: boolean;
  readonly segments: readonly ElfSegment[];
  /** Empty when the file is stripped. Mapping symbols, files and sections are left out. */
  readonly symbols: readonly ElfSymbol[];
}

export function isElf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

function refuse(code: string, message: string): PlinthError {
  return new PlinthError('input', code, message);
}

/** `what` names the file in messages. */
export function readElf(bytes: Uint8Array, what: string): ElfFile {
  if (!isElf(bytes)) throw refuse('elf-magic', `${what}: not an ELF file (it does not start with 7f 45 4c 46)`);
  const reader = new ByteReader(bytes, what).seek(4);
  if (reader.u8() !== 1) throw refuse('elf-class', `${what}: a 64-bit ELF file; only 32-bit ARM runs here`);
  if (reader.u8() !== 1) throw refuse('elf-endian', `${what}: a big-endian ELF file; build it for little-endian ARM`);
  const type = reader.seek(16).u16();
  const machine = reader.u16();
  if (machine !== EM_ARM) {
    throw refuse('elf-machine', `${what}: an ELF file for machine ${machine}, not ARM (40): build it for ARM`);
  }
  if (type !== ET_EXEC && type !== ET_DYN) {
    throw refuse('elf-type', `${what}: an ELF file of type ${type}, not an executable: link it first`);
  }
  const entry = reader.seek(24).u32();
  const programHeaders = reader.u32();
  const sectionHeaders = reader.u32();
  const programEntry = reader.seek(42).u16();
  const programCount = reader.u16();
  const sectionEntry = reader.u16();
  const sectionCount = reader.u16();
  if (programCount > 0 && programEntry < PROGRAM_HEADER_SIZE) {
    throw refuse('elf-malformed', `${what}: program headers of ${programEntry} bytes: the file is damaged`);
  }
  const segments: ElfSegment[] = [];
  for (let index = 0; index < programCount; index++) {
    reader.seek(programHeaders + index * programEntry);
    if (reader.u32() !== PT_LOAD) continue;
    const offset = reader.u32();
    const virtualAddress = reader.u32();
    const physicalAddress = reader.u32();
    const fileSize = reader.u32();
    const memorySize = reader.u32();
    if (memorySize < fileSize) {
      throw refuse('elf-malformed', `${what}: segment ${index} is larger in the file than in memory: it is damaged`);
    }
    if (memorySize === 0) continue;
    segments.push({ virtualAddress, physicalAddress, bytes: reader.seek(offset).take(fileSize), memorySize });
  }
  const sections = sectionEntry < SECTION_HEADER_SIZE ? 0 : sectionCount;
  return {
    entry: (entry & ~1) >>> 0,
    thumb: (entry & 1) !== 0,
    segments,
    symbols: readSymbols(reader, sectionHeaders, sectionEntry, sections),
  };
}

function readSymbols(reader: ByteReader, headers: number, entrySize: number, count: number): ElfSymbol[] {
  const symbols: ElfSymbol[] = [];
  for (let index = 0; index < count; index++) {
    reader.seek(headers + index * entrySize + 4);
    if (reader.u32() !== SHT_SYMTAB) continue;
    reader.seek(headers + index * entrySize + 16);
    const offset = reader.u32();
    const size = reader.u32();
    const link = reader.u32();
    if (link >= count) continue;
    reader.seek(headers + link * entrySize + 16);
    const stringsOffset = reader.u32();
    const stringsSize = reader.u32();
    const strings = reader.seek(stringsOffset).take(stringsSize);
    const table = reader.seek(offset).take(size);
    const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
    for (let at = 0; at + SYMBOL_SIZE <= size; at += SYMBOL_SIZE) {
      const type = view.getUint8(at + 12) & 15;
      const section = view.getUint16(at + 14, true);
      const nameAt = view.getUint32(at, true);
      if (type > 2 || section === 0 || nameAt === 0 || nameAt >= strings.length) continue;
      const rest = strings.subarray(nameAt, nameAt + MAX_NAME);
      const end = rest.indexOf(0);
      const name = latin1(end < 0 ? rest : rest.subarray(0, end));
      if (name.startsWith('$')) continue;
      const value = view.getUint32(at + 4, true);
      const thumb = type === 2 && (value & 1) !== 0;
      symbols.push({
        name,
        address: thumb ? value - 1 : value,
        size: view.getUint32(at + 8, true),
        kind: type === 2 ? 'function' : type === 1 ? 'object' : 'none',
        thumb,
      });
    }
    break; // There is at most one symbol table.
  }
  return symbols;
}

/** Places the segments at their physical addresses and starts at the entry, translated the same way. */
export function planElf(elf: ElfFile, what: string, ram: RamRange): LoadPlan {
  if (elf.segments.length === 0)
    throw refuse('elf-empty', `${what}: nothing to load: the ELF file has no PT_LOAD segment`);
  checkPlacement(
    what,
    elf.segments.map((segment) => ({ address: segment.physicalAddress, size: segment.memorySize })),
    ram,
  );
  const home = elf.segments.find(
    ({ virtualAddress, memorySize }) => elf.entry >= virtualAddress && elf.entry < virtualAddress + memorySize,
  );
  return {
    segments: elf.segments.map(({ physicalAddress, bytes, memorySize }) => {
      const whole = new Uint8Array(memorySize);
      whole.set(bytes);
      return { address: physicalAddress, bytes: whole };
    }),
    entry: home === undefined ? elf.entry : elf.entry - home.virtualAddress + home.physicalAddress,
    thumb: elf.thumb,
    registers: { r0: 0, r1: 0, r2: 0 },
  };
}

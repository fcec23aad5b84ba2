// SPDX-License-Identifier: Apache-2.0
// The sections of a 32-bit little-endian ARM ELF file (System V ABI chapter 4), of whatever type: programs, objects,
// kernel modules, vmlinux. Own code, since no npm library of ELF or DWARF is both bounds-checked and free of Node.

import { ByteReader, PlinthError, stringAt } from '@plinth/core';

const EM_ARM = 40;
const HEADER_SIZE = 40;
const SHT_NOBITS = 8;
const SHF_COMPRESSED = 0x800;
/** e_shnum is 0 then, and the real number in the size of section 0. */
const SHN_XINDEX = 0xffff;

export const SHT = { symbolTable: 2, note: 7, dynamicSymbols: 11 } as const;

export interface ElfSection {
  readonly name: string;
  readonly type: number;
  readonly address: number;
  /** A view of the file; empty for .bss. */
  readonly bytes: Uint8Array;
  /** Number of the section that goes with it: of a symbol table its strings. */
  readonly link: number;
  /** Packed (SHF_COMPRESSED), which is not unpacked here. */
  readonly compressed: boolean;
}

export interface ElfSections {
  /** In what executes: ET_EXEC or ET_DYN; in an object, addresses count from the section. */
  readonly linked: boolean;
  /** By number. */
  readonly sections: readonly ElfSection[];
}

function refuse(code: string, message: string): PlinthError {
  return new PlinthError('input', code, message);
}

/** `what` names the file in messages. Throws `PlinthError` for what is no such file, or is damaged. */
export function readElfSections(bytes: Uint8Array, what: string): ElfSections {
  const reader = new ByteReader(bytes, what);
  if (reader.u32() !== 0x464c_457f)
    throw refuse('elf-magic', `${what}: not an ELF file (it does not start with 7f 45 4c 46)`);
  if (reader.u8() !== 1) throw refuse('elf-class', `${what}: a 64-bit ELF file; only 32-bit ARM runs here`);
  if (reader.u8() !== 1) throw refuse('elf-endian', `${what}: a big-endian ELF file; build it for little-endian ARM`);
  const type = reader.seek(16).u16();
  const machine = reader.u16();
  if (machine !== EM_ARM) throw refuse('elf-machine', `${what}: an ELF file for machine ${machine}, not ARM (40)`);
  const headers = reader.seek(32).u32();
  const entrySize = reader.seek(46).u16();
  let count = reader.u16();
  let names = reader.u16();
  if (headers === 0) return { linked: type !== 1, sections: [] };
  if (entrySize < HEADER_SIZE)
    throw refuse('elf-malformed', `${what}: section headers of ${entrySize} bytes: the file is damaged`);
  if (count === 0) count = reader.seek(headers + 20).u32();
  if (names === SHN_XINDEX) names = reader.seek(headers + 24).u32();
  if (count * entrySize > bytes.length)
    throw refuse('elf-malformed', `${what}: ${count} sections do not fit in the file`);
  const raw = Array.from({ length: count }, (_, n) => readHeader(reader.seek(headers + n * entrySize)));
  const strings = raw[names]?.bytes ?? new Uint8Array(0);
  return {
    linked: type !== 1,
    sections: raw.map(({ nameAt, ...section }) => ({ ...section, name: stringAt(strings, nameAt) })),
  };
}

function readHeader(reader: ByteReader): Omit<ElfSection, 'name'> & { readonly nameAt: number } {
  const nameAt = reader.u32();
  const type = reader.u32();
  const flags = reader.u32();
  const address = reader.u32();
  const offset = reader.u32();
  const size = reader.u32();
  const link = reader.u32();
  const bytes = type === SHT_NOBITS || type === 0 ? new Uint8Array(0) : reader.seek(offset).take(size);
  return { nameAt, type, address, bytes, link, compressed: (flags & SHF_COMPRESSED) !== 0 };
}

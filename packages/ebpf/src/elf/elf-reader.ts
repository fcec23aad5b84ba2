// SPDX-License-Identifier: Apache-2.0
// Reads programs from object files as clang, bpftool and `writeProgramObject` make them. Total: a value, or one typed error
// that says what is not there or not known.

import { ByteReader, PlinthError, stringAt } from '@plinth/core';
import { basicBlocks } from '../blocks.js';
import { decode, type Instruction, INSTRUCTION_SIZE, LOAD_IMMEDIATE_64 } from '../instruction.js';
import { MAP_FLAG, MAP_TYPE, type MapDefinition, type MapReference, type MapType, type Program } from '../program.js';
import { BTF_KIND, type BtfTypes, readBtf } from './btf.js';
import {
  DATA_SECTIONS,
  EM_BPF,
  PROGRAM_SECTIONS,
  R_BPF_64_64,
  RELOCATION_SIZE,
  SECTION_FLAG,
  SECTION_HEADER_SIZE,
  SECTION_TYPE,
  SYMBOL_SIZE,
} from './elf-format.js';
import type { ProgramObject } from './elf-writer.js';

interface Section {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly size: number;
  readonly bytes: Uint8Array;
  readonly info: number;
}

interface Symbol {
  readonly name: string;
  readonly kind: number;
  readonly section: number;
  readonly value: number;
  readonly size: number;
}

/** `what` names the file in messages. */
export function readProgramObject(bytes: Uint8Array, what: string): ProgramObject {
  // A name of a damaged file may have any bytes; what is said is one line.
  const refuse = (code: string, why: string): PlinthError =>
    new PlinthError('input', code, `${what}: ${why}`.replace(/\p{Cc}/gu, '?'));
  const sections = readSections(bytes, what, refuse);
  const symbols = readSymbols(sections, what);
  const btfBytes = sections.find(({ name }) => name === '.BTF')?.bytes;
  const mapSection = sections.find(({ name }) => name === '.maps');
  const maps = new Map<string, MapDefinition>();
  const contents = new Map<string, Uint8Array>();
  if (mapSection !== undefined) {
    if (btfBytes === undefined) throw refuse('ebpf-elf-maps', 'maps without their types (.BTF): compile it with -g');
    for (const map of definitions(readBtf(btfBytes, `${what}: .BTF`), refuse)) maps.set(map.name, map);
  }
  const dataName = (section: Section): string | undefined => {
    if (!/^\.(rodata|data|bss)(\..*)?$/.test(section.name)) return undefined;
    const named = Object.values(DATA_SECTIONS).find((start) => section.name.startsWith(start));
    return named === undefined ? section.name : section.name.slice(named.length);
  };
  for (const section of sections) {
    const name = dataName(section);
    if (name === undefined || section.size === 0) continue;
    const flags = section.name.startsWith('.rodata') ? MAP_FLAG.readOnlyProgram : 0;
    maps.set(name, { name, type: 'array', keySize: 4, valueSize: section.size, maxEntries: 1, flags });
    if (section.type !== SECTION_TYPE.noBits) contents.set(name, section.bytes);
  }
  const programs = sections.flatMap((section) => {
    if ((section.flags & SECTION_FLAG.execute) === 0 || section.bytes.length === 0) return [];
    const type = PROGRAM_SECTIONS.find(([start]) => section.name.startsWith(start))?.[1];
    if (type === undefined) {
      throw refuse('ebpf-elf-program', `section ${section.name} is of no known kind: tc and xdp programs are read`);
    }
    const functions = symbols.filter(({ kind, section: at }) => kind === 2 && at === section.index);
    const relocations = relocationsOf(section, sections, symbols, what);
    return functions.map((symbol): Program => {
      const end = symbol.value + (symbol.size === 0 ? section.bytes.length - symbol.value : symbol.size);
      if (symbol.value % INSTRUCTION_SIZE !== 0 || end > section.bytes.length || end <= symbol.value) {
        throw refuse('ebpf-elf-program', `program ${symbol.name} does not lie in its section: the file is damaged`);
      }
      const instructions = decode(section.bytes.subarray(symbol.value, end));
      const references = relocations
        .filter(({ offset }) => offset >= symbol.value && offset < end)
        .map(({ offset, symbol: to }) =>
          reference(instructions, (offset - symbol.value) / INSTRUCTION_SIZE, to, { sections, dataName, maps, refuse }),
        );
      basicBlocks(symbol.name, instructions);
      const used = new Set(references.map(({ map }) => map));
      return {
        name: symbol.name,
        type,
        instructions,
        references,
        maps: [...maps.values()].filter(({ name }) => used.has(name)),
      };
    });
  });
  if (programs.length === 0) throw refuse('ebpf-elf-program', 'there is no program in it');
  return { programs, contents };
}

interface Context {
  readonly sections: readonly Section[];
  readonly dataName: (section: Section) => string | undefined;
  readonly maps: ReadonlyMap<string, MapDefinition>;
  readonly refuse: (code: string, why: string) => PlinthError;
}

function reference(instructions: Instruction[], at: number, to: Symbol, context: Context): MapReference {
  const { sections, dataName, maps, refuse } = context;
  const instruction = instructions[at];
  const section = sections[to.section];
  if (instruction?.opcode !== LOAD_IMMEDIATE_64 || section === undefined) {
    throw refuse('ebpf-elf-relocation', `a reference to ${to.name} that is no load of an address`);
  }
  const data = dataName(section);
  if (data !== undefined) {
    const valueOffset = to.value + instruction.immediate;
    if (valueOffset < 0 || valueOffset >= section.size) {
      throw refuse(
        'ebpf-elf-relocation',
        `a reference to byte ${valueOffset} of ${section.name}, which has ${section.size}`,
      );
    }
    instructions[at] = { ...instruction, immediate: 0 };
    return { instruction: at, map: data, valueOffset };
  }
  if (!maps.has(to.name)) throw refuse('ebpf-elf-relocation', `a reference to ${to.name}, which is no map`);
  return { instruction: at, map: to.name };
}

function readSections(bytes: Uint8Array, what: string, refuse: Context['refuse']): Section[] {
  const reader = new ByteReader(bytes, what);
  if (reader.u32() !== 0x464c_457f) throw refuse('elf-magic', 'not an ELF file (it does not start with 7f 45 4c 46)');
  if (reader.u8() !== 2 || reader.u8() !== 1) throw refuse('elf-class', 'not a 64-bit little-endian ELF file');
  const machine = reader.seek(18).u16();
  if (machine !== EM_BPF) throw refuse('elf-machine', `an ELF file for machine ${machine}, not BPF (${EM_BPF})`);
  const headers = Number(reader.seek(40).u64());
  const entrySize = reader.seek(58).u16();
  const count = reader.u16();
  const names = reader.u16();
  if (entrySize < SECTION_HEADER_SIZE)
    throw refuse('elf-malformed', `section headers of ${entrySize} bytes: the file is damaged`);
  const raw = Array.from({ length: count }, (_, index) => {
    reader.seek(headers + index * entrySize);
    const nameAt = reader.u32();
    const type = reader.u32();
    const flags = Number(reader.u64() & 0xffffn);
    reader.u64();
    const offset = Number(reader.u64());
    const size = Number(reader.u64());
    reader.u32();
    const info = reader.u32();
    const empty = type === SECTION_TYPE.noBits || type === 0;
    if (empty && size > 0x4000_0000) throw refuse('elf-malformed', `a section of ${size} bytes`);
    return {
      index,
      nameAt,
      type,
      flags,
      size,
      info,
      bytes: empty ? new Uint8Array(0) : reader.seek(offset).take(size),
    };
  });
  const strings = raw[names]?.bytes ?? new Uint8Array(0);
  return raw.map(({ nameAt, ...section }) => ({ ...section, name: stringAt(strings, nameAt) }));
}

function readSymbols(sections: readonly Section[], what: string): Symbol[] {
  const table = sections.find(({ type }) => type === SECTION_TYPE.symbols);
  if (table === undefined) return [];
  // The strings of the one symbol table; that of section names may be another.
  const strings = sections.filter(({ type }) => type === SECTION_TYPE.strings);
  const reader = new ByteReader(table.bytes, `${what}: .symtab`);
  return Array.from({ length: Math.floor(table.bytes.length / SYMBOL_SIZE) }, (_, n) => {
    reader.seek(n * SYMBOL_SIZE);
    const nameAt = reader.u32();
    const kind = reader.u8() & 15;
    reader.u8();
    const section = reader.u16();
    const value = Number(reader.u64());
    const size = Number(reader.u64());
    const name =
      strings.length === 0
        ? ''
        : stringAt(strings.find(({ name }) => name === '.strtab')?.bytes ?? strings[0]!.bytes, nameAt);
    // The symbol of a section has its name.
    return { name: kind === 3 ? (sections[section]?.name ?? '') : name, kind, section, value, size };
  });
}

function relocationsOf(
  { index }: Section,
  sections: readonly Section[],
  symbols: readonly Symbol[],
  what: string,
): { offset: number; symbol: Symbol }[] {
  return sections
    .filter(({ type, info }) => type === SECTION_TYPE.relocations && info === index)
    .flatMap(({ bytes, name }) => {
      const reader = new ByteReader(bytes, `${what}: ${name}`);
      return Array.from({ length: Math.floor(bytes.length / RELOCATION_SIZE) }, (_, n) => {
        const offset = Number(reader.seek(n * RELOCATION_SIZE).u64());
        const kind = reader.u32();
        const symbol = symbols[reader.u32()];
        if (kind !== R_BPF_64_64 || symbol === undefined || offset % INSTRUCTION_SIZE !== 0) {
          throw new PlinthError(
            'input',
            'ebpf-elf-relocation',
            `${what}: ${name}: relocation ${n} is of kind ${kind}, which is not read`.replace(/\p{Cc}/gu, '?'),
          );
        }
        return { offset, symbol };
      });
    });
}

const MAP_TYPES = new Map(Object.entries(MAP_TYPE).map(([name, number]) => [number as number, name as MapType]));

/** Maps are the variables of the data section `.maps`. */
function definitions({ types, strings, reader }: BtfTypes, refuse: Context['refuse']): MapDefinition[] {
  const section = types.find(({ kind, name }) => kind === BTF_KIND.dataSection && stringAt(strings, name) === '.maps');
  if (section === undefined) throw refuse('ebpf-elf-maps', 'its types do not describe .maps');
  return Array.from({ length: section.count }, (_, n) => {
    const variable = types[reader.seek(section.at + 12 * n).u32()];
    const name = variable === undefined ? '' : stringAt(strings, variable.name);
    let type = variable?.kind === BTF_KIND.variable ? types[variable.value] : undefined;
    for (let depth = 0; depth < 8 && type !== undefined && QUALIFIERS.has(type.kind); depth++) type = types[type.value];
    if (type?.kind !== BTF_KIND.struct) throw refuse('ebpf-elf-maps', `map ${name} is not defined by a structure`);
    const values = new Map<string, number>();
    for (let member = 0; member < type.count; member++) {
      const memberName = stringAt(strings, reader.seek(type.at + 12 * member).u32());
      values.set(memberName, memberValue(types, reader, reader.u32(), memberName));
    }
    const mapType = MAP_TYPES.get(values.get('type') ?? 0);
    if (mapType === undefined)
      throw refuse('ebpf-elf-maps', `map ${name} is of type ${values.get('type') ?? 0}, which is not known`);
    return {
      name,
      type: mapType,
      keySize: values.get('key_size') ?? values.get('key') ?? 0,
      valueSize: values.get('value_size') ?? values.get('value') ?? 0,
      maxEntries: values.get('max_entries') ?? 0,
      flags: values.get('map_flags') ?? 0,
    };
  });
}

const QUALIFIERS: ReadonlySet<number> = new Set([
  BTF_KIND.typedef,
  BTF_KIND.const,
  BTF_KIND.volatile,
  BTF_KIND.restrict,
]);

/** The number that a member says: elements of the array that it points to; of `key` and `value` the size of their type. */
function memberValue(types: BtfTypes['types'], reader: ByteReader, number: number, name: string): number {
  let type = types[number];
  if (type?.kind === BTF_KIND.pointer) type = types[type.value];
  if (name === 'key' || name === 'value') {
    for (let depth = 0; depth < 8 && type !== undefined && QUALIFIERS.has(type.kind); depth++) type = types[type.value];
    return type?.kind === BTF_KIND.int || type?.kind === BTF_KIND.struct || type?.kind === BTF_KIND.union
      ? type.value
      : 0;
  }
  return type?.kind === BTF_KIND.array ? reader.seek(type.at + 8).u32() : 0;
}

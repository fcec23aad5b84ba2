// SPDX-License-Identifier: Apache-2.0
// Programs as an object file that bpftool, libbpf and iproute2 load: maps defined by their types in `.maps`, arrays whose
// value programs use by its address as data sections with their content.

import { assert, utf8 } from '@plinth/core';
import { encode, type Instruction, INSTRUCTION_SIZE, PSEUDO } from '../instruction.js';
import { MAP_FLAG, MAP_TYPE, type MapDefinition, type Program } from '../program.js';
import { BtfWriter } from './btf.js';
import {
  DATA_SECTIONS,
  ELF_HEADER_SIZE,
  EM_BPF,
  R_BPF_64_64,
  RELOCATION_SIZE,
  SECTION_FLAG,
  SECTION_HEADER_SIZE,
  SECTION_TYPE,
  SYMBOL,
  SYMBOL_SIZE,
} from './elf-format.js';

export interface ProgramObject {
  readonly programs: readonly Program[];
  /** What the value of an array holds from the start, by the array's name; others are zero. */
  readonly contents: ReadonlyMap<string, Uint8Array>;
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly bytes: Uint8Array;
  readonly link?: number;
  readonly info?: number;
  readonly entrySize?: number;
}

/** Bytes of a pointer in the types of map definitions, which are never in memory. */
const POINTER = 8;

export function writeProgramObject({ programs, contents }: ProgramObject): Uint8Array {
  const maps = new Map<string, MapDefinition>();
  for (const program of programs) {
    for (const map of program.maps) {
      assert((maps.get(map.name) ?? map) === map, `two maps are called ${map.name}`);
      maps.set(map.name, map);
    }
  }
  const byValue = new Set(
    programs.flatMap(({ references }) =>
      references.flatMap(({ map, valueOffset }) => (valueOffset === undefined ? [] : [map])),
    ),
  );
  const asData = [...maps.values()].filter(({ name }) => byValue.has(name));
  const asMaps = [...maps.values()].filter(({ name }) => !byValue.has(name));

  const sections: Section[] = [{ name: '', type: 0, flags: 0, bytes: new Uint8Array(0) }];
  const strings = new Strings();
  const symbols: { name: string; info: number; section: number; value: number; size: number }[] = [];
  const symbolOf = new Map<string, number>();
  const symbol = (name: string, info: number, section: number, value: number, size: number): void => {
    symbolOf.set(name, symbols.push({ name, info, section, value, size }));
  };
  // libbpf knows a program's kind by the name of its section, which is for all of that kind.
  const groups = Object.entries({ tc: 'schedCls', xdp: 'xdp' }).flatMap(([name, type]) => {
    const members = programs.filter((program) => program.type === type);
    if (members.length === 0) return [];
    const bytes = encode(members.flatMap(unresolved));
    const flags = SECTION_FLAG.allocate | SECTION_FLAG.execute;
    const section = add(sections, { name, type: SECTION_TYPE.program, flags, bytes });
    let first = 0;
    const placed = members.map((program) => {
      const at = first;
      const size = program.instructions.length * INSTRUCTION_SIZE;
      symbol(program.name, SYMBOL.globalFunction, section, at, size);
      first += size;
      return { program, at };
    });
    return [{ name, section, placed }];
  });
  for (const map of asData) {
    assert(map.type === 'array' && map.maxEntries === 1, `${map.name}: data is an array of one value`);
    const readOnly = ((map.flags ?? 0) & MAP_FLAG.readOnlyProgram) !== 0;
    const bytes = new Uint8Array(map.valueSize);
    bytes.set(contents.get(map.name) ?? []);
    const section = add(sections, {
      name: `${readOnly ? DATA_SECTIONS.readOnly : DATA_SECTIONS.writable}${map.name}`,
      type: SECTION_TYPE.program,
      flags: SECTION_FLAG.allocate | (readOnly ? 0 : SECTION_FLAG.write),
      bytes,
    });
    symbol(map.name, SYMBOL.globalObject, section, 0, bytes.length);
  }
  if (asMaps.length > 0) {
    const { btf, bytes, offsets } = definitions(asMaps);
    const section = add(sections, {
      name: '.maps',
      type: SECTION_TYPE.program,
      flags: SECTION_FLAG.allocate | SECTION_FLAG.write,
      bytes,
    });
    asMaps.forEach(({ name }, n) =>
      symbol(name, SYMBOL.globalObject, section, offsets[n]!, bytes.length / asMaps.length),
    );
    add(sections, { name: '.BTF', type: SECTION_TYPE.program, flags: 0, bytes: btf });
  }
  add(sections, {
    name: 'license',
    type: SECTION_TYPE.program,
    flags: SECTION_FLAG.allocate | SECTION_FLAG.write,
    bytes: utf8('Apache-2.0\0'),
  });
  const relocations = groups.map(({ name, section, placed }) => ({
    name: `.rel${name}`,
    section,
    entries: placed.flatMap(({ program, at }) =>
      program.references.map(({ instruction, map }) => ({ offset: at + instruction * INSTRUCTION_SIZE, map })),
    ),
  }));
  const needed = relocations.filter(({ entries }) => entries.length > 0);
  const symbolTable = sections.length + needed.length;
  for (const { name, section, entries } of needed) {
    const bytes = new Uint8Array(entries.length * RELOCATION_SIZE);
    const view = new DataView(bytes.buffer);
    entries.forEach(({ offset, map }, n) => {
      view.setBigUint64(n * RELOCATION_SIZE, BigInt(offset), true);
      view.setUint32(n * RELOCATION_SIZE + 8, R_BPF_64_64, true);
      view.setUint32(n * RELOCATION_SIZE + 12, symbolOf.get(map)!, true);
    });
    const type = SECTION_TYPE.relocations;
    add(sections, { name, type, flags: 0, bytes, link: symbolTable, info: section, entrySize: RELOCATION_SIZE });
  }
  const table = new Uint8Array((symbols.length + 1) * SYMBOL_SIZE);
  const view = new DataView(table.buffer);
  symbols.forEach(({ name, info, section, value, size }, n) => {
    const at = (n + 1) * SYMBOL_SIZE;
    view.setUint32(at, strings.place(name), true);
    view.setUint8(at + 4, info);
    view.setUint16(at + 6, section, true);
    view.setBigUint64(at + 8, BigInt(value), true);
    view.setBigUint64(at + 16, BigInt(size), true);
  });
  add(sections, {
    name: '.symtab',
    type: SECTION_TYPE.symbols,
    flags: 0,
    bytes: table,
    link: symbolTable + 1,
    // The first global symbol.
    info: 1,
    entrySize: SYMBOL_SIZE,
  });
  return assemble(sections, strings);
}

function add(sections: Section[], section: Section): number {
  return sections.push(section) - 1;
}

/** With what libbpf expects before it puts addresses in: the offset into a value. */
function unresolved(program: Program): Instruction[] {
  const instructions = [...program.instructions];
  for (const { instruction, valueOffset } of program.references) {
    instructions[instruction] = { ...instructions[instruction]!, source: PSEUDO.none, immediate: valueOffset ?? 0 };
    instructions[instruction + 1] = { ...instructions[instruction + 1]!, immediate: 0 };
  }
  return instructions;
}

/** A map is a structure whose members are pointers to arrays, with as many elements as the number that they say. */
function definitions(maps: readonly MapDefinition[]): { btf: Uint8Array; bytes: Uint8Array; offsets: number[] } {
  const writer = new BtfWriter();
  const int = writer.int('int', 4, 1);
  const number = (value: number): number => writer.pointer(writer.array(int, int, value));
  const variables = maps.map((map) => {
    const values: [string, number][] = [
      ['type', MAP_TYPE[map.type]],
      ['key_size', map.keySize],
      ['value_size', map.valueSize],
      ['max_entries', map.maxEntries],
      ['map_flags', map.flags ?? 0],
    ];
    const members = values
      .filter(([, value]) => value !== 0)
      .map(([name, value], n) => ({ name, type: number(value), offset: n * POINTER }));
    const size = members.length * POINTER;
    return { type: writer.variable(map.name, writer.struct('', size, members)), size };
  });
  let size = 0;
  const places = variables.map((variable) => {
    const place = { ...variable, offset: size };
    size += variable.size;
    return place;
  });
  writer.dataSection('.maps', size, places);
  return { btf: writer.finish(), bytes: new Uint8Array(size), offsets: places.map(({ offset }) => offset) };
}

class Strings {
  readonly bytes: number[] = [0];

  place(text: string): number {
    const at = this.bytes.length;
    this.bytes.push(...utf8(text), 0);
    return at;
  }
}

function assemble(sections: Section[], strings: Strings): Uint8Array {
  const named = sections.map((section) => ({ section, nameAt: section.name === '' ? 0 : strings.place(section.name) }));
  const tableName = strings.place('.strtab');
  named.push({
    section: { name: '.strtab', type: SECTION_TYPE.strings, flags: 0, bytes: Uint8Array.from(strings.bytes) },
    nameAt: tableName,
  });
  let offset = ELF_HEADER_SIZE;
  const offsets = named.map(({ section }) => {
    const at = offset;
    offset = (at + section.bytes.length + 7) & ~7;
    return at;
  });
  const file = new Uint8Array(offset + named.length * SECTION_HEADER_SIZE);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 1, true); // an object to be linked
  view.setUint16(18, EM_BPF, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(40, BigInt(offset), true);
  view.setUint16(52, ELF_HEADER_SIZE, true);
  view.setUint16(58, SECTION_HEADER_SIZE, true);
  view.setUint16(60, named.length, true);
  view.setUint16(62, named.length - 1, true);
  named.forEach(({ section, nameAt }, n) => {
    file.set(section.bytes, offsets[n]!);
    const at = offset + n * SECTION_HEADER_SIZE;
    view.setUint32(at, nameAt, true);
    view.setUint32(at + 4, section.type, true);
    view.setBigUint64(at + 8, BigInt(section.flags), true);
    view.setBigUint64(at + 24, BigInt(n === 0 ? 0 : offsets[n]!), true);
    view.setBigUint64(at + 32, BigInt(section.bytes.length), true);
    view.setUint32(at + 40, section.link ?? 0, true);
    view.setUint32(at + 44, section.info ?? 0, true);
    view.setBigUint64(at + 48, 8n, true);
    view.setBigUint64(at + 56, BigInt(section.entrySize ?? 0), true);
  });
  return file;
}

// SPDX-License-Identifier: Apache-2.0
// Source lines of addresses, from .debug_line (DWARF 2 to 5, section 6.2) of a linked file. Inlined functions and the
// directory of compilation of DWARF 4, which are in .debug_info, are not looked at: before version 5 a file in that
// directory has a relative name.

import { PlinthError } from '@plinth/core';
import { type DwarfStrings, DwarfReader } from './dwarf-reader.js';
import { readElfSections } from './elf-sections.js';

export interface SourceLine {
  /** With its directory, if the table tells it. */
  readonly file: string;
  /** From 1; 0 where the compiler names no line. */
  readonly line: number;
  /** From 1; 0 where the compiler names none. */
  readonly column: number;
}

interface Row extends SourceLine {
  readonly address: number;
  readonly isStatement: boolean;
}

/** Rows of rising addresses; the code of the last one ends at `end`. */
interface Sequence {
  readonly start: number;
  readonly end: number;
  readonly rows: readonly Row[];
}

const EMPTY = new Uint8Array(0);
const LNCT = { path: 1, directory: 2 } as const;

export class LineTable {
  readonly #sequences: readonly Sequence[];
  /** For each place the furthest end up to there. */
  readonly #reach: readonly number[];
  readonly #byFile: ReadonlyMap<string, readonly Row[]>;

  constructor(sequences: readonly Sequence[]) {
    this.#sequences = [...sequences].sort((a, b) => a.start - b.start);
    let reach = 0;
    this.#reach = this.#sequences.map(({ end }) => (reach = Math.max(reach, end)));
    const byFile = new Map<string, Row[]>();
    for (const { rows, end } of this.#sequences) {
      for (const [n, row] of rows.entries()) {
        // A row that another one follows at the same address has no code.
        if (row.address === (rows[n + 1]?.address ?? end)) continue;
        const known = byFile.get(row.file);
        if (known === undefined) byFile.set(row.file, [row]);
        else known.push(row);
      }
    }
    this.#byFile = byFile;
  }

  /** Names of all files that have code. */
  get files(): readonly string[] {
    return [...this.#byFile.keys()];
  }

  /** The line that an instruction belongs to. */
  at(address: number): SourceLine | undefined {
    for (let n = last(this.#sequences, ({ start }) => start <= address); n >= 0; n--) {
      if (this.#reach[n]! <= address) return undefined;
      const { end, rows } = this.#sequences[n]!;
      if (address >= end) continue;
      const row = rows[last(rows, (one) => one.address <= address)];
      if (row !== undefined) return { file: row.file, line: row.line, column: row.column };
    }
    return undefined;
  }

  /**
   * Where the code of a line begins, in ascending order: of the next line that has code if it has none. `file` is a whole
   * name or the end of one, from a `/` on.
   */
  addresses(file: string, line: number): readonly number[] {
    const rows = [...this.#byFile]
      .filter(([name]) => name === file || name.endsWith(`/${file}`))
      .flatMap(([, list]) => list);
    let nearest = Infinity;
    for (const row of rows) if (row.line >= line) nearest = Math.min(nearest, row.line);
    const there = rows.filter((row) => row.line === nearest);
    const statements = there.filter(({ isStatement }) => isStatement);
    const found = new Set((statements.length > 0 ? statements : there).map(({ address }) => address));
    return [...found].sort((a, b) => a - b);
  }
}

/** Place of the last element that holds, of a list in which those that hold come first. */
function last<T>(list: readonly T[], holds: (element: T) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(list[middle]!)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * The lines of an executable or a shared library; a file without .debug_line has none. `what` names it in messages.
 *
 * @throws PlinthError for bytes that are no 32-bit ARM ELF file, an object that is not linked, packed sections, damage
 */
export function readDwarfLines(bytes: Uint8Array, what: string): LineTable {
  const { linked, sections } = readElfSections(bytes, what);
  const section = (name: string): Uint8Array => {
    const found = sections.find((one) => one.name === name);
    if (found?.compressed !== true) return found?.bytes ?? EMPTY;
    const how = 'unpack it by objcopy --decompress-debug-sections';
    throw new PlinthError('input', 'dwarf-compressed', `${what}: ${name} is compressed: ${how}`);
  };
  const lines = section('.debug_line');
  if (lines.length > 0 && !linked) {
    throw new PlinthError('input', 'dwarf-object', `${what}: an object has no addresses yet: link it first`);
  }
  const strings = { debugStr: section('.debug_str'), debugLineStr: section('.debug_line_str') };
  const reader = new DwarfReader(lines, `${what}: .debug_line`);
  const sequences: Sequence[] = [];
  while (reader.remaining > 0) {
    const length = reader.unitLength();
    const end = reader.offset + length;
    const program = readHeader(reader, strings, end);
    if (program !== undefined) runProgram(reader, program, end, sequences);
    reader.seek(end);
  }
  return new LineTable(sequences);
}

interface Program {
  readonly minimumInstructionLength: number;
  readonly defaultIsStatement: boolean;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  /** Number of operands by opcode. */
  readonly operands: readonly number[];
  readonly files: string[];
  readonly directories: readonly string[];
}

/** Undefined for a version that is unknown, which is passed over. */
function readHeader(reader: DwarfReader, strings: DwarfStrings, end: number): Program | undefined {
  const version = reader.u16();
  if (version < 2 || version > 5) return undefined;
  // Sizes of an address and of a segment selector.
  if (version >= 5 && (reader.u8() !== 4 || reader.u8() !== 0)) reader.fail('addresses that are not of 4 bytes');
  const headerLength = reader.u32();
  const begin = reader.offset + headerLength;
  if (begin > end) reader.fail(`a header of ${headerLength} bytes in a shorter unit`);
  const minimumInstructionLength = reader.u8();
  if (version >= 4) reader.u8(); // operations per instruction: 1, but for VLIW
  const defaultIsStatement = reader.u8() !== 0;
  const lineBase = (reader.u8() << 24) >> 24;
  const lineRange = reader.u8();
  const opcodeBase = reader.u8();
  const operands = [0];
  for (let opcode = 1; opcode < opcodeBase; opcode++) operands.push(reader.u8());
  const tables = version >= 5 ? readTables(reader, strings) : readOldTables(reader);
  reader.seek(begin);
  return { minimumInstructionLength, defaultIsStatement, lineBase, lineRange, opcodeBase, operands, ...tables };
}

type Tables = Pick<Program, 'files' | 'directories'>;

function join(directory: string | undefined, name: string): string {
  return directory === undefined || directory === '' || name.startsWith('/') ? name : `${directory}/${name}`;
}

/** Up to DWARF 4 directories and files count from 1, and directory 0 is the one of compilation (6.2.4 there). */
function readOldTables(reader: DwarfReader): Tables {
  const directories = [''];
  for (let name = reader.text(); name !== ''; name = reader.text()) directories.push(name);
  const files = [''];
  for (let name = reader.text(); name !== ''; name = reader.text()) files.push(readOldFile(reader, name, directories));
  return { files, directories };
}

function readOldFile(reader: DwarfReader, name: string, directories: readonly string[]): string {
  const directory = directories[reader.uleb()];
  reader.uleb(); // time of the last change
  reader.uleb(); // size
  return join(directory, name);
}

function readTables(reader: DwarfReader, strings: DwarfStrings): Tables {
  const directories: string[] = [];
  for (const { path } of readEntries(reader, strings)) directories.push(join(directories[0], path));
  const files = Array.from(readEntries(reader, strings), ({ path, directory }) => join(directories[directory], path));
  return { files, directories };
}

function* readEntries(
  reader: DwarfReader,
  strings: DwarfStrings,
): Generator<{ readonly path: string; readonly directory: number }> {
  const format = Array.from({ length: reader.u8() }, () => [reader.uleb(), reader.uleb()] as const);
  const count = reader.uleb();
  if (count > 0 && format.length === 0) reader.fail('a table of entries of no bytes');
  for (let n = 0; n < count; n++) {
    let path = '';
    let directory = 0;
    for (const [content, form] of format) {
      const value = reader.entry(form, strings);
      if (content === LNCT.path && typeof value === 'string') path = value;
      else if (content === LNCT.directory && typeof value === 'number') directory = value;
    }
    yield { path, directory };
  }
}

/** Runs one line-number program (6.2.5); what it says of basic blocks and prologues is not kept. */
function runProgram(reader: DwarfReader, program: Program, end: number, sequences: Sequence[]): void {
  const { minimumInstructionLength, defaultIsStatement, lineBase, lineRange, opcodeBase, operands } = program;
  const files = program.files;
  let rows: Row[] = [];
  let address = 0;
  let file = 1;
  let line = 1;
  let column = 0;
  let isStatement = defaultIsStatement;
  const addRow = (): void => {
    rows.push({ address, file: files[file] ?? '', line, column, isStatement });
  };
  const advance = (count: number): void => {
    address = (address + count * minimumInstructionLength) % 0x1_0000_0000;
  };
  const special = (opcode: number): number => {
    if (lineRange === 0) reader.fail('a line range of 0');
    return Math.floor((opcode - opcodeBase) / lineRange);
  };
  while (reader.offset < end) {
    const opcode = reader.u8();
    if (opcode >= opcodeBase) {
      advance(special(opcode));
      line = Math.max(0, line + lineBase + ((opcode - opcodeBase) % lineRange));
      addRow();
      continue;
    }
    switch (opcode) {
      case 0: {
        const next = reader.uleb() + reader.offset;
        if (next > end || next === reader.offset) reader.fail('an extended opcode that leaves its unit');
        const extended = reader.u8();
        if (extended === 1) {
          // A sequence that goes back is of no use, and no linker makes one.
          const rising = rows.every((row, n) => n === 0 || rows[n - 1]!.address <= row.address);
          if (rows.length > 0 && rising && rows.at(-1)!.address <= address) {
            sequences.push({ start: rows[0]!.address, end: address, rows });
          }
          rows = [];
          address = 0;
          file = 1;
          line = 1;
          column = 0;
          isStatement = defaultIsStatement;
        } else if (extended === 2) address = reader.u32();
        else if (extended === 3) files.push(readOldFile(reader, reader.text(), program.directories));
        reader.seek(next);
        break;
      }
      case 1:
        addRow();
        break;
      case 2:
        advance(reader.uleb());
        break;
      case 3:
        line = Math.max(0, line + reader.sleb());
        break;
      case 4:
        file = reader.uleb();
        break;
      case 5:
        column = reader.uleb();
        break;
      case 6:
        isStatement = !isStatement;
        break;
      case 8:
        advance(special(255));
        break;
      case 9:
        address = (address + reader.u16()) % 0x1_0000_0000;
        break;
      default:
        for (let n = operands[opcode] ?? 0; n > 0; n--) reader.uleb();
    }
  }
}

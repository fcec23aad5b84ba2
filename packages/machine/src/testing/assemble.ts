// SPDX-License-Identifier: Apache-2.0
// Instruction words from the instruction table, so that tests read as assembly: a row's name and its fields. Only for
// tests; no part of the package.

import { ROWS, type Row, type RowIsa } from '@plinth/arm';

/** One instruction as its bytes lie in memory. */
export interface Instruction {
  readonly bytes: Uint8Array;
}

export type InstructionFields = Readonly<Record<string, number>>;

function findRow(name: string, isa: RowIsa): Row {
  const row = ROWS.find((r) => r.name === name && r.isa === isa);
  if (row === undefined) {
    const near = ROWS.filter((r) => r.isa === isa && r.name.startsWith(name.split(' ')[0]!)).map((r) => r.name);
    throw new RangeError(`no ${isa} row is called "${name}"; there are: ${near.join(', ')}`);
  }
  return row;
}

/** The bits that a pattern wants as ones: literal and should-be alike. */
function ones(row: Row): number {
  let at = row.isa === 'T16' ? 16 : 32;
  let word = 0;
  for (const token of row.pattern.split(' ')) {
    const field = /^\w+:(\d+)$/.exec(token);
    if (field !== null) at -= Number(field[1]);
    else for (const bit of token.replace(/[()]/g, '')) word |= Number(bit) << --at;
  }
  return word;
}

/** The word of a row with these fields; fields left out are zero, the condition is "always". */
export function wordOf(name: string, fields: InstructionFields = {}, isa: RowIsa = 'A32'): number {
  const row = findRow(name, isa);
  let word = ones(row);
  for (const field of Object.keys(fields)) {
    if (!row.fields.some((place) => place.name === field)) {
      throw new RangeError(`${isa} ${name} has no field ${field}, but ${row.fields.map((f) => f.name).join(', ')}`);
    }
  }
  for (const { name: field, shift, width } of row.fields) {
    const value = fields[field] ?? (field === 'cond' ? 14 : 0);
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** width) {
      throw new RangeError(`${isa} ${name}: ${field} has ${width} bits, ${value} does not fit`);
    }
    word |= value << shift;
  }
  return word >>> 0;
}

/** An instruction by its row's name; rows of one name are told apart by `isa`. */
export function assemble(name: string, fields: InstructionFields = {}, isa: RowIsa = 'A32'): Instruction {
  const word = wordOf(name, fields, isa);
  const halves = isa === 'T16' ? [word] : isa === 'T32' ? [word >>> 16, word & 0xffff] : [word & 0xffff, word >>> 16];
  return { bytes: Uint8Array.from(halves.flatMap((half) => [half & 0xff, half >>> 8])) };
}

/** A word of data, or an instruction that no row has. */
export function data32(word: number): Instruction {
  return { bytes: Uint8Array.of(word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24) };
}

/** All instructions, one after the other. */
export function bytesOf(code: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(code.reduce((sum, { bytes: { length } }) => sum + length, 0));
  let at = 0;
  for (const instruction of code) {
    bytes.set(instruction.bytes, at);
    at += instruction.bytes.length;
  }
  return bytes;
}

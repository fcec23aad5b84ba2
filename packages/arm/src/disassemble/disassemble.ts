// SPDX-License-Identifier: Apache-2.0
// Assembly text (UAL, as GNU objdump writes it with standard register names) of an instruction word, from the rows'
// `syntax`. Branches show their absolute target. It names the encoding, also where the encoding is UNPREDICTABLE; it
// does not follow IT blocks: the caller says what condition an instruction stands under.

import { Decoder } from '../decode/decoder.js';
import { modifiedText } from '../isa/a32/addressing.js';
import { registerName, shiftName, shiftText } from '../isa/operands.js';
import type { Row } from '../isa/row.js';
import { ROWS } from '../isa/table.js';

export interface DisassembleOptions {
  readonly isa: 'A32' | 'T32';
  /** Where the instruction lies: the base of its branch target. */
  readonly address: number;
  /** The condition (0 to 14) that the IT block around a T32 instruction puts it under; absent outside of IT blocks. */
  readonly inIt?: number;
}

export interface Disassembly {
  readonly text: string;
  /** Bytes. */
  readonly size: 2 | 4;
  /** The instruction's row of the table; absent for undefined instructions, which read as data. */
  readonly row: Row | undefined;
  /** The encoding is UNPREDICTABLE; Plinth executes it as undefined. */
  readonly unpredictable: boolean;
}

const CONDITIONS = 'eq ne cs cc mi pl vs vc hi ls ge lt gt le'.split(' ');

const DECODERS = {
  A32: new Decoder(ROWS, 'A32'),
  T32: new Decoder(ROWS, 'T32'),
  T16: new Decoder(ROWS, 'T16'),
} as const;

/** Bytes of the T32 instruction that begins with this halfword. */
export function thumbSize(firstHalfword: number): 2 | 4 {
  return firstHalfword >>> 11 >= 0b11101 ? 4 : 2;
}

/**
 * The text of one instruction. A T32 instruction of 32 bits has its first halfword on top; one of 16 bits stands alone,
 * and so may the first half of a longer one, which reads as data.
 */
export function disassemble(word: number, options: DisassembleOptions): Disassembly {
  const wide = options.isa === 'A32' || word > 0xffff;
  const isa = options.isa === 'A32' ? 'A32' : wide ? 'T32' : 'T16';
  const size = wide ? 4 : 2;
  const decoded = DECODERS[isa].decode(word);
  if (decoded === undefined) return { text: dataText(word, isa), size, row: undefined, unpredictable: false };
  const { row, fields, unpredictable } = decoded;
  const syntax = typeof row.syntax === 'string' ? row.syntax : row.syntax(fields);
  const text = syntax.replace(/\{([A-Za-z]\w*(?::\w+)?)\}/g, (whole, name: string) => {
    return placeholder(name, row, fields, options) ?? whole;
  });
  return { text, size, row, unpredictable };
}

function dataText(word: number, isa: 'A32' | 'T32' | 'T16'): string {
  const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;
  if (isa === 'A32') return `.word ${hex(word >>> 0, 8)}`;
  if (isa === 'T16') return `.short ${hex(word, 4)}`;
  return `.short ${hex(word >>> 16, 4)}, ${hex(word & 0xffff, 4)}`;
}

/** What a name in braces stands for; nothing if it is none of these (a register list has braces too). */
function placeholder(
  name: string,
  row: Row,
  f: Readonly<Record<string, number>>,
  { address, inIt }: DisassembleOptions,
): string | undefined {
  switch (name) {
    case 'c': {
      const condition = row.isa === 'A32' ? f['cond'] : inIt;
      return condition === undefined ? '' : (CONDITIONS[condition] ?? '');
    }
    case 'S':
      return f['S'] === 1 ? 's' : '';
    case 's':
      return inIt === undefined ? 's' : '';
    case 'target':
      return `0x${branchTarget(row, f, address).toString(16)}`;
    case 'imm12:modified':
      return modifiedText(f['imm12']!);
    case 'imm16':
      return `#${(f['imm4']! << 12) | f['imm12']!}`;
    case 'type:shift':
      return shiftText(f['type']!, f['imm5']!);
    case 'type:shiftname':
      return shiftName(f['type']!);
    default:
      return /^R[a-z]/.test(name) && f[name] !== undefined ? registerName(f[name]) : undefined;
  }
}

function branchTarget(row: Row, fields: Readonly<Record<string, number>>, address: number): number {
  const pc = address + (row.isa === 'A32' ? 8 : 4);
  // BLX from T32 goes to A32 code and counts from the aligned PC.
  const base = row.isa === 'T32' && row.name.startsWith('BLX') ? pc & ~3 : pc;
  return (base + row.target!(fields)) >>> 0;
}

// SPDX-License-Identifier: Apache-2.0
// Instruction patterns as rows of text, most significant bit first: literal bits, should-be bits in parentheses, and
// fields `name:width`. A T32 pattern's first halfword is its high half; a T16 pattern has 16 bits.

type FieldTest = (fields: Readonly<Record<string, number>>) => boolean;

/** A row of an instruction table; @plinth/arm's rows are such. */
export interface Row {
  readonly name: string;
  readonly isa: 'A32' | 'T16' | 'T32';
  readonly pattern: string;
  /** False where the bits are another row's instruction. */
  readonly where?: FieldTest | undefined;
  /** True for field values that the manual calls UNPREDICTABLE. */
  readonly unpredictable?: FieldTest | undefined;
  /** Where in an IT block the instruction may stand; anywhere unless given. */
  readonly it?: 'any' | 'never' | 'last';
}

export interface Field {
  readonly name: string;
  readonly width: number;
  /** Bit number of its least significant bit. */
  readonly shift: number;
}

export interface Pattern {
  readonly row: Row;
  readonly bits: 16 | 32;
  readonly fields: readonly Field[];
  /** Literal and should-be bits: where they are, and what they are. */
  readonly fixedMask: number;
  readonly fixedValue: number;
  readonly shouldBeMask: number;
}

/** Reads a row's pattern; throws a RangeError that names the row if it does not add up. */
export function parsePattern(row: Row): Pattern {
  const bits = row.isa === 'T16' ? 16 : 32;
  let position = bits;
  let [fixedMask, fixedValue, shouldBeMask] = [0, 0, 0];
  const fields: Field[] = [];
  const literal = (bit: string): void => {
    position--;
    fixedMask |= 1 << position;
    if (bit === '1') fixedValue |= 1 << position;
  };
  for (const token of row.pattern.trim().split(/\s+/)) {
    const field = /^([A-Za-z_]\w*):(\d+)$/.exec(token);
    if (field) {
      position -= Number(field[2]);
      fields.push({ name: field[1]!, width: Number(field[2]), shift: position });
      continue;
    }
    if (!/^(?:[01]|\([01]+\))+$/.test(token)) throw new RangeError(`row ${row.name}: cannot read "${token}"`);
    let shouldBe = false;
    for (const character of token) {
      if (character === '(' || character === ')') shouldBe = character === '(';
      else {
        literal(character);
        if (shouldBe) shouldBeMask |= 1 << position;
      }
    }
  }
  if (position !== 0) throw new RangeError(`row ${row.name}: ${bits - position} bits instead of ${bits}`);
  return {
    row,
    bits,
    fields,
    fixedMask: fixedMask >>> 0,
    fixedValue: fixedValue >>> 0,
    shouldBeMask: shouldBeMask >>> 0,
  };
}

/** An instruction of the pattern with these field values, in field order. */
export function encode(pattern: Pattern, values: readonly number[]): number {
  let word = pattern.fixedValue;
  pattern.fields.forEach(({ width, shift }, index) => {
    word |= (values[index]! & (width === 32 ? -1 : (1 << width) - 1)) << shift;
  });
  return word >>> 0;
}

/** The instruction's bytes as they lie in memory. */
export function instructionBytes(pattern: Pattern, word: number): number[] {
  if (pattern.row.isa === 'T16') return [word & 255, (word >>> 8) & 255];
  if (pattern.row.isa === 'T32') return [(word >>> 16) & 255, word >>> 24, word & 255, (word >>> 8) & 255];
  return [word & 255, (word >>> 8) & 255, (word >>> 16) & 255, word >>> 24];
}

// SPDX-License-Identifier: Apache-2.0
// Instruction words for the comparison of disassemblers: every row in turn with random fields, taken where the word is
// that row's own instruction and not UNPREDICTABLE.

import { Decoder, ROWS, type Row, type RowIsa } from '@plinth/arm';
import { encode, parsePattern } from '../fuzz/pattern.js';
import { Random } from '../fuzz/random.js';

export interface DrawnWord {
  readonly row: Row;
  readonly word: number;
  /** Condition of the IT block that it stands in. */
  readonly inIt?: number;
}

const ATTEMPTS = 400;

export function drawWords(isas: readonly RowIsa[], perRow: number, seed: number): DrawnWord[] {
  const random = new Random(seed);
  const drawn: DrawnWord[] = [];
  for (const isa of isas) {
    const decoder = new Decoder(ROWS, isa);
    for (const row of decoder.rows.filter((candidate) => candidate.isa === isa)) {
      const pattern = parsePattern(row);
      let kept = 0;
      for (let attempt = 0; attempt < ATTEMPTS && kept < perRow; attempt++) {
        const word = encode(
          pattern,
          pattern.fields.map(({ name, width }) =>
            name === 'cond' && isa === 'A32' && random.chance(0.5) ? 14 : drawField(width, random),
          ),
        );
        const decoded = decoder.decode(word);
        if (decoded?.row !== row || decoded.unpredictable) continue;
        kept++;
        const inIt = isa !== 'A32' && row.it !== 'never' && random.chance(0.25) ? random.below(14) : undefined;
        drawn.push(inIt === undefined ? { row, word } : { row, word, inIt });
      }
    }
  }
  return drawn;
}

function drawField(width: number, random: Random): number {
  const limit = 2 ** width;
  return random.chance(0.2) ? random.pick([0, 1, limit - 1, limit / 2].filter((x) => x < limit)) : random.below(limit);
}

/** The words as code, and where each begins. An instruction after an IT is padded so that it ends the block. */
export function layOut(words: readonly DrawnWord[]): { bytes: Uint8Array; addresses: number[] } {
  const bytes: number[] = [];
  const addresses: number[] = [];
  const half = (value: number): void => void bytes.push(value & 255, (value >>> 8) & 255);
  for (const { row, word, inIt } of words) {
    if (inIt !== undefined) half(0xbf08 | (inIt << 4));
    addresses.push(bytes.length);
    if (row.isa === 'T16') half(word);
    else if (row.isa === 'T32') {
      half(word >>> 16);
      half(word);
    } else {
      half(word);
      half(word >>> 16);
    }
    if (row.name === 'IT') for (let i = 0; i < 4; i++) half(0xbf00);
  }
  return { bytes: Uint8Array.from(bytes), addresses };
}

// SPDX-License-Identifier: Apache-2.0
// The disassembler against GNU objdump: instructions of every row with random fields, inside and outside of IT blocks.
// Texts must agree but for what quirks.ts explains.

import { disassemble } from '@plinth/arm';
import { describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { missingObjdump, normalise, objdump } from './objdump.js';
import { QUIRKS, type Comparison } from './quirks.js';
import { drawWords, layOut } from './words.js';

const SEED = 0xd15a;
const PER_ROW = process.env['PLINTH_LONG'] === '1' ? 500 : 20;

const missing = missingObjdump();
if (missing !== undefined) console.log(`skipped: disassembler against objdump: ${missing}`);

describe('the disassembler writes what objdump writes', unless(missing), () => {
  it.each([
    ['A32', ['A32']],
    ['T32', ['T16', 'T32']],
  ] as const)('%s', (isa, rowIsas) => {
    const words = drawWords(rowIsas, PER_ROW, SEED);
    const { bytes, addresses } = layOut(words);
    const texts = objdump(bytes, isa);
    const differences: (Comparison & { readonly word: number })[] = [];
    words.forEach(({ row, word, inIt }, i) => {
      const address = addresses[i]!;
      const place = inIt === undefined ? { isa, address } : { isa, address, inIt };
      const [ours, theirs] = [normalise(disassemble(word, place).text), normalise(texts.get(address) ?? 'nothing')];
      if (ours !== theirs) differences.push({ row, word, ours, theirs });
    });
    const unexplained = differences.filter((difference) => !QUIRKS.some(({ explains }) => explains(difference)));
    expect(
      unexplained.map(({ row, word, ours, theirs }) => `${row.name} ${word.toString(16)}: "${ours}", not "${theirs}"`),
    ).toEqual([]);
    expect(words.length).toBeGreaterThan(10_000);
    expect(differences.length / words.length).toBeLessThan(0.02);
  });
});

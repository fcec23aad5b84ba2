// SPDX-License-Identifier: Apache-2.0
// Proves of the whole instruction table that the decoder's choice never depends on the order of rows, and that every
// row can be lifted, for one word at a time and for all words of a form.

import { describe, expect, it } from 'vitest';
import { forEachVariant, planHandlers } from '../interpreter/handlers.js';
import { Builder } from '../ir/builder.js';
import type { Node } from '../ir/node.js';
import { extractFields, type Row } from './row.js';
import { ROWS } from './table.js';

/** A small generator (xorshift), so that a failure comes again. */
function randomWords(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

function bitCount(word: number): number {
  let count = 0;
  for (let rest = word >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count++;
  return count;
}

function matches(row: Row, word: number): boolean {
  if (((word ^ row.value) & row.mask) !== 0 || (row.conditional && word >>> 28 === 15)) return false;
  return row.where?.(extractFields(row, word)) ?? true;
}

const describeRow = (row: Row): string => `${row.isa} ${row.name}: ${row.pattern}`;

function builderFor(row: Row, inIt: boolean): Builder {
  return new Builder({ isa: row.isa === 'A32' ? 'A32' : 'T32', inIt, size: row.isa === 'T16' ? 2 : 4 });
}

describe('the instruction table', () => {
  it('has a name for each row that no other row of its instruction set has', () => {
    const names = ROWS.map((row) => `${row.isa} ${row.name}`);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  it('has no two rows of equal weight that take the same word', () => {
    const random = randomWords(0x504c);
    const ambiguous: string[] = [];
    ROWS.forEach((a, i) => {
      for (const b of ROWS.slice(i + 1)) {
        if (a.isa !== b.isa || bitCount(a.mask) !== bitCount(b.mask)) continue;
        if (((a.value ^ b.value) & a.mask & b.mask) !== 0) continue;
        const mask = a.mask | b.mask;
        const value = a.value | b.value;
        for (let n = 0; n < 400; n++) {
          const word = ((random() & ~mask) | value) >>> 0;
          if (!matches(a, word) || !matches(b, word)) continue;
          ambiguous.push(`${word.toString(16)} is ${describeRow(a)} and ${describeRow(b)}`);
          break;
        }
      }
    });
    expect(ambiguous).toEqual([]);
  });

  it('has a meaning for every word of every row', () => {
    const random = randomWords(0x4c49);
    const never: string[] = [];
    for (const row of ROWS) {
      let lifted = 0;
      for (let n = 0; n < 2000 && lifted < 40; n++) {
        const word = ((random() & ~row.mask) | row.value) >>> 0;
        if (!matches(row, word)) continue;
        const numbers = extractFields(row, word);
        if (row.unpredictable?.(numbers) === true) continue;
        const b = builderFor(row, false);
        const fields = Object.entries(numbers).map(([name, value]) => [name, b.const(value)] as const);
        row.lift(b, Object.fromEntries(fields));
        lifted++;
      }
      if (lifted === 0) never.push(describeRow(row));
    }
    expect(never).toEqual([]);
  });

  it('has a meaning for all words of a form at once', () => {
    for (const handlers of planHandlers(ROWS).plan) {
      const { row } = handlers;
      for (const inIt of row.variesInIt ? [false, true] : [false]) {
        forEachVariant(handlers, (_index, fixed) => {
          const b = builderFor(row, inIt);
          const fields: Record<string, Node> = {};
          for (const { name, shift, width } of row.fields) {
            const known = fixed.get(name);
            fields[name] = typeof known === 'number' ? b.const(known) : b.field(shift, width, known === 'not15');
          }
          expect(() => row.lift(b, fields), describeRow(row)).not.toThrow();
        });
      }
    }
  });

  it('writes every row in assembly syntax', () => {
    const random = randomWords(0x5359);
    for (const row of ROWS) {
      for (let n = 0; n < 20; n++) {
        const word = ((random() & ~row.mask) | row.value) >>> 0;
        const numbers = extractFields(row, word);
        if (!matches(row, word) || row.unpredictable?.(numbers) === true) continue;
        const text = typeof row.syntax === 'string' ? row.syntax : row.syntax(numbers);
        expect(text, describeRow(row)).not.toMatch(/undefined|NaN/);
      }
    }
  });
});

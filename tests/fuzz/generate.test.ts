// SPDX-License-Identifier: Apache-2.0
// The generator's promises, and the whole chain by itself: two CPUs of QEMU that implement the same architecture must
// agree on every case of the sample rows.

import { describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { compare } from './cpu-under-test.js';
import { generate } from './generate.js';
import { MODE, WINDOW, WINDOW_END } from './layout.js';
import { unknownAfterAbort } from './masks.js';
import { encode, instructionBytes, parsePattern, type Row } from './pattern.js';
import { QemuOracle, missingForOracle } from './qemu-oracle.js';
import { SAMPLE_ROWS } from './sample-rows.js';
import { blankState, type TestResult } from './test-case.js';

const SEED = 0x50a7;

describe('parsePattern', () => {
  it('places literals, should-be bits and fields', () => {
    const pattern = parsePattern({
      name: 'MUL',
      isa: 'A32',
      pattern: 'cond:4 0000000 S:1 Rd:4 (0)(0)(00) Rm:4 1001 Rn:4',
    });
    expect(pattern.fields.map(({ name, shift }) => [name, shift])).toEqual([
      ['cond', 28],
      ['S', 20],
      ['Rd', 16],
      ['Rm', 8],
      ['Rn', 0],
    ]);
    expect(pattern).toMatchObject({ fixedMask: 0x0fe0f0f0, fixedValue: 0x90, shouldBeMask: 0xf000 });
    expect(encode(pattern, [14, 1, 3, 2, 1])).toBe(0xe0130291); // muls r3, r1, r2
  });

  it('puts the high half of a T32 instruction first in memory', () => {
    const pattern = parsePattern({ name: 'NOP.W', isa: 'T32', pattern: '1111001110101111 10000000 hint:8' });
    expect(instructionBytes(pattern, encode(pattern, [0]))).toEqual([0xaf, 0xf3, 0x00, 0x80]);
  });

  it('refuses a pattern that does not add up, by name', () => {
    const parse = (pattern: string) => () => parsePattern({ name: 'XYZ', isa: 'T16', pattern });
    expect(parse('0000 Rd:3')).toThrow('row XYZ: 7 bits instead of 16');
    expect(parse('0000 Rd')).toThrow('row XYZ: cannot read "Rd"');
  });
});

describe('generate', () => {
  it('draws the same cases from the same seed, and others from another', () => {
    const draw = (seed: number) => generate(SAMPLE_ROWS, { seed, count: 200 });
    expect(draw(SEED)).toEqual(draw(SEED));
    expect(draw(SEED)).not.toEqual(draw(SEED + 1));
  });

  it('keeps literal and should-be bits, and varies every field', () => {
    for (const row of SAMPLE_ROWS) {
      const pattern = parsePattern(row);
      const seen = pattern.fields.map(() => new Set<number>());
      const keep = ({ word }: { word: number }): boolean => {
        expect((word & pattern.fixedMask) >>> 0).toBe(pattern.fixedValue);
        pattern.fields.forEach(({ shift, width }, index) => seen[index]!.add((word >>> shift) & (2 ** width - 1)));
        return true;
      };
      generate([row], { seed: SEED, count: 150, keep });
      expect(Math.min(...seen.map((values) => values.size)), row.name).toBeGreaterThan(1);
    }
  });

  it('points the base of most memory instructions into the window', () => {
    const row = SAMPLE_ROWS.find(({ name }) => name === 'LDM')!;
    const bases: number[] = [];
    const cases = generate([row], { seed: SEED, count: 500, modes: [MODE.usr] });
    for (const { code, state } of cases) if ((code[2]! & 15) < 15) bases.push(state.registers[code[2]! & 15]!);
    const inside = bases.filter((base) => base >= WINDOW && base < WINDOW_END).length;
    expect(inside / bases.length).toBeGreaterThan(0.85);
  });

  it('heeds what a row says of other instructions, UNPREDICTABLE ones and IT blocks', () => {
    const row: Row = {
      name: 'ADD',
      isa: 'T16',
      pattern: '0001100 Rm:3 Rn:3 Rd:3',
      it: 'never',
      where: ({ Rd }) => Rd !== 3,
      unpredictable: ({ Rn, Rm }) => Rn === Rm,
    };
    const cases = generate([row], { seed: SEED, count: 300 });
    for (const { code, state } of cases) {
      const word = code[0]! | (code[1]! << 8);
      expect(word & 7).not.toBe(3);
      expect((word >> 3) & 7).not.toBe((word >> 6) & 7);
      expect(word >> 9).toBe(0b0001100);
      expect(state.cpsr & 0x0600fc00).toBe(0);
    }
  });

  it('says so when a row is never kept', () => {
    expect(() => generate(SAMPLE_ROWS.slice(0, 1), { seed: 1, count: 1, keep: () => false })).toThrow(
      'no instruction kept',
    );
  });
});

describe('unknownAfterAbort', () => {
  const aborted = { outcome: 'data-abort', faultAddress: WINDOW_END } as TestResult;
  const mask = (row: string, isa: 'A32' | 'T32', code: number[]) =>
    unknownAfterAbort({ row, isa, code: Uint8Array.from(code), state: blankState(isa) }, aborted);

  it('leaves out the listed registers but not the base', () => {
    expect(mask('LDM', 'A32', [0x0e, 0x40, 0xb1, 0xe8])?.registers).toEqual([2, 3, 14]); // ldm r1!, {r1-r3, lr}
    expect(mask('LDM (T32)', 'T32', [0x91, 0xe8, 0x0c, 0x40])?.registers).toEqual([2, 3, 14]); // ldm.w r1, {r2, r3, lr}
    expect(mask('LDM (T16)', 'T32', [0x08, 0xbf, 0x0c, 0xc9])?.registers).toEqual([2, 3]); // it eq; ldmeq r1!, {r2, r3}
    expect(mask('LDRD', 'T32', [0xd1, 0xe9, 0x00, 0x2c])?.registers).toEqual([2, 12]); // ldrd r2, r12, [r1]
    expect(mask('STM', 'A32', [0x0c, 0x00, 0x81, 0xe8])?.memory).toBe(true);
    expect(mask('ADD', 'A32', [0x0c, 0x00, 0x81, 0xe0])).toBeUndefined();
  });
});

const missing = missingForOracle();
if (missing !== undefined) console.log(`skipped: fuzz chain on QEMU: ${missing}`);

describe('generator - QEMU - comparison', unless(missing), () => {
  const cases = generate(SAMPLE_ROWS, { seed: SEED, count: Number(process.env['PLINTH_FUZZ_COUNT'] ?? 5000) });
  const runOn = (cpu: string): TestResult[] => {
    using oracle = new QemuOracle({ cpu });
    return oracle.run(cases);
  };

  it('cortex-a15 and cortex-a7 agree, and every kind of outcome occurs', () => {
    const first = runOn('cortex-a15');
    expect(compare(cases, first, runOn('cortex-a7')).map(({ report }) => report)).toEqual([]);
    const outcomes = new Set(first.map(({ outcome }) => outcome));
    expect([...outcomes].sort()).toEqual(
      expect.arrayContaining(['completed', 'data-abort', 'supervisor-call', 'undefined']),
    );
    expect(outcomes.has('lost')).toBe(false);
  });

  it('reports a wrong result in one line, and masks what it is told to', () => {
    const row = SAMPLE_ROWS.find(({ name }) => name === 'QADD')!;
    const sample = generate([row], { seed: SEED, count: 20, modes: [MODE.usr] });
    using oracle = new QemuOracle();
    const expected = oracle.run(sample);
    const broken = expected.map((result) => ({ ...result, cpsr: result.cpsr ^ 0x08000000 }));
    const differences = compare(sample, expected, broken);
    expect(differences).toHaveLength(20);
    for (const { report } of differences)
      expect(report).toMatch(/^QADD: A32 [0-9a-f]{8} @.* \| in .*cpsr=.* \| outcome .*cpsr \w+->\w+$/);
    expect(compare(sample, expected, broken, { mask: () => ({ why: 'a test', cpsr: 0x08000000 }) })).toEqual([]);
  });
});

// SPDX-License-Identifier: Apache-2.0
// Every floating-point and Advanced SIMD instruction of the table, drawn at random, against QEMU. Results are compared
// bit for bit, cumulative exceptions included. Left out are the identification registers, which are another CPU's.

import { ROWS, type Row } from '@plinth/arm';
import { Machine } from '@plinth/machine';
import { describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { compare } from './cpu-under-test.js';
import { hostArithmetic, shortVectors } from './float-states.js';
import { generate, type GenerateOptions } from './generate.js';
import { MachineUnderTest } from './machine-under-test.js';
import { oracleMask } from './oracle-masks.js';
import { QemuOracle, missingForOracle } from './qemu-oracle.js';
import type { TestCase } from './test-case.js';

const missing = missingForOracle();
if (missing !== undefined) console.log(`skipped: floating-point and vector instructions against QEMU: ${missing}`);

const LONG = process.env['PLINTH_LONG'] === '1';
const CASES_PER_ROW = LONG ? 1000 : 15;
const FORCED_CASES_PER_ROW = 3;
const SEED = 30;
const ENGINES = ['interpreter', 'translator-forced'] as const;

const EXTENSION = /^V/;
const IDENTIFICATION = /\((FPSID|MVFR[01])\)/;

function rowsOf(isa: Row['isa'], which: RegExp): Row[] {
  return ROWS.filter((row) => row.isa === isa && EXTENSION.test(row.name) && !IDENTIFICATION.test(row.name)).filter(
    (row) => which.test(row.name),
  );
}

function differences(
  rows: readonly Row[],
  options: Partial<GenerateOptions>,
  change?: (c: TestCase) => void,
): string[] {
  const cases = generate(rows, { seed: SEED, count: rows.length * CASES_PER_ROW, ...options });
  if (change !== undefined) cases.forEach(change);
  using oracle = new QemuOracle();
  const expected = oracle.run(cases);
  expect(expected.filter(({ outcome }) => outcome === 'completed').length).toBeGreaterThan(cases.length / 2);
  return ENGINES.flatMap((engine) => {
    // A region for each case takes its time.
    const some = engine === 'interpreter' ? cases : cases.slice(0, rows.length * FORCED_CASES_PER_ROW);
    const got = new MachineUnderTest(engine, new Machine({ ramSize: 4 << 20, engine })).run(some);
    const found = compare(some, expected.slice(0, some.length), got, { mask: oracleMask });
    return found.map(({ report }) => `${engine}: ${report}`);
  });
}

const ARITHMETIC = /floating-point|VCMP|precision|^VCVT|^VREC|^VRSQ/;

describe('floating-point and vector instructions do as in QEMU', unless(missing), () => {
  it.each(['A32', 'T32'] as const)('%s', (isa) => {
    expect(differences(rowsOf(isa, EXTENSION), {})).toEqual([]);
  });

  it('where the host computes', () => {
    expect(differences(rowsOf('A32', ARITHMETIC), { seed: SEED + 1 }, hostArithmetic(SEED))).toEqual([]);
  });

  it('when short vectors are asked for', () => {
    const rows = rowsOf('A32', /floating-point|^VCMP|^VCVT|^VM[RS]/);
    expect(differences(rows, { seed: SEED + 2 }, shortVectors(SEED))).toEqual([]);
  });
});

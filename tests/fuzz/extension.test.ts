// SPDX-License-Identifier: Apache-2.0
// Every floating-point and Advanced SIMD instruction of the table, drawn at random, against QEMU. Results are compared
// bit for bit, cumulative exceptions included. Left out are the identification registers, which are another CPU's.

import { ROWS, type Row } from '@plinth/arm';
import { Machine } from '@plinth/machine';
import { describe, expect, it } from 'vitest';
import { compare, type Mask, type MaskOf } from './cpu-under-test.js';
import { generate, type GenerateOptions } from './generate.js';
import { MachineUnderTest } from './machine-under-test.js';
import { firstOf, unknownAfterAbort } from './masks.js';
import { QemuOracle, missingForOracle } from './qemu-oracle.js';
import { Random } from './random.js';
import type { TestCase, TestResult } from './test-case.js';

const missing = missingForOracle();
if (missing !== undefined) console.log(`skipped: floating-point and vector instructions against QEMU: ${missing}`);

const LONG = process.env['PLINTH_LONG'] === '1';
const CASES_PER_ROW = LONG ? 1000 : 15;
const FORCED_CASES_PER_ROW = 3;
const SEED = 30;
const ENGINES = ['interpreter', 'translator-forced'] as const;
const IXC = 0x10;
/** Rounding mode and flush-to-zero. */
const MODES_OF_ARITHMETIC = 0x01c0_0000;
const SHORT_VECTORS = [0x1_0000, 0x4_0000, 0x10_0000, 0x37_0000] as const;

const EXTENSION = /^V/;
const IDENTIFICATION = /\((FPSID|MVFR[01])\)/;

function rowsOf(isa: Row['isa'], which: RegExp): Row[] {
  return ROWS.filter((row) => row.isa === isa && EXTENSION.test(row.name) && !IDENTIFICATION.test(row.name)).filter(
    (row) => which.test(row.name),
  );
}

/** The instruction word, past an IT instruction. */
function wordOf({ isa, code }: TestCase): number {
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  if (isa === 'A32') return view.getUint32(0, true);
  const at = code[1] === 0xbf && (code[0]! & 15) !== 0 ? 2 : 0;
  return ((view.getUint16(at, true) << 16) | view.getUint16(at + 2, true)) >>> 0;
}

const everything = (why: string): Mask => ({ why, everything: true });

function oracleDiffers(testCase: TestCase, expected: TestResult): Mask | undefined {
  const { row = '', state } = testCase;
  const word = wordOf(testCase);
  if (row.includes('multiple')) {
    if ((word & 0x30) === 0x30) return everything('QEMU checks 256-bit alignment as 128-bit');
    if ((word & 0xc0) === 0xc0 && state.sctlrToggle !== 0) return everything('alignment of 64-bit elements');
  }
  const same = ((word >>> 12) & 15) === (word & 15) && ((word >>> 22) & 1) === ((word >>> 5) & 1);
  if (/^V(TRN|ZIP|UZP)/.test(row) && same && expected.outcome === 'completed')
    return everything('an exchange with itself is UNKNOWN');
  return undefined;
}

const mask: MaskOf = firstOf(oracleDiffers, unknownAfterAbort);

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
    const found = compare(some, expected.slice(0, some.length), got, { mask });
    return found.map(({ report }) => `${engine}: ${report}`);
  });
}

/** Doubles and pairs of singles near the places where the host's arithmetic is told from the architecture's. */
function setNumbers(random: Random): (testCase: TestCase) => void {
  const view = new DataView(new ArrayBuffer(8));
  const fraction = (): number => random.word() / 2 ** 32;
  const number = (smallest: number): number => {
    const sign = random.chance(0.5) ? 1 : -1;
    const significand = random.chance(0.3) ? 1 + random.below(16) / 2 ** 23 : 1 + fraction();
    switch (random.below(6)) {
      case 0:
        return sign * random.below(20);
      case 1:
        return sign * Math.floor(fraction() * 2 ** (20 + random.below(14)));
      case 2:
        return sign * significand * 2 ** (smallest / 2 + random.below(6) - 3);
      case 3:
        return sign * significand * 2 ** (smallest + random.below(3));
      case 4:
        return sign * significand * 2 ** (random.below(26) - 1);
      default:
        return sign * significand * 2 ** Math.floor(smallest * (2 * fraction() - 1));
    }
  };
  return ({ state }) => {
    if (random.chance(0.95)) state.fpscr = ((state.fpscr & ~MODES_OF_ARITHMETIC) | IXC) >>> 0;
    const double = random.chance(0.5);
    for (let n = 0; n < 64; n += 2) {
      if (double) view.setFloat64(0, number(-1022), true);
      else for (const at of [0, 4]) view.setFloat32(at, number(-126), true);
      state.d[n] = view.getUint32(0, true);
      state.d[n + 1] = view.getUint32(4, true);
    }
  };
}

const ARITHMETIC = /floating-point|VCMP|precision|^VCVT|^VREC|^VRSQ/;

describe.skipIf(missing !== undefined)('floating-point and vector instructions do as in QEMU', () => {
  it.each(['A32', 'T32'] as const)('%s', (isa) => {
    expect(differences(rowsOf(isa, EXTENSION), {})).toEqual([]);
  });

  it('where the host computes', () => {
    expect(differences(rowsOf('A32', ARITHMETIC), { seed: SEED + 1 }, setNumbers(new Random(SEED)))).toEqual([]);
  });

  it('when short vectors are asked for', () => {
    const random = new Random(SEED);
    const ask = ({ state }: TestCase): void => {
      if (random.chance(0.5)) state.fpscr = (state.fpscr | random.pick(SHORT_VECTORS)) >>> 0;
    };
    expect(differences(rowsOf('A32', /floating-point|^VCMP|^VCVT|^VM[RS]/), { seed: SEED + 2 }, ask)).toEqual([]);
  });
});

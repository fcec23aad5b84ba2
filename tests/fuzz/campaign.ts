// SPDX-License-Identifier: Apache-2.0
// The slices of the long comparison with QEMU. A slice is named by its number alone, which chooses kind and seed, so a
// campaign may be run in any pieces.

import { Decoder, ROWS, type Row } from '@plinth/arm';
import { Machine, type EngineKind } from '@plinth/machine';
import { compare, type CpuUnderTest, type Difference, type MaskOf } from './cpu-under-test.js';
import { hostArithmetic, shortVectors } from './float-states.js';
import { drawModes, finishCase, generate, isHarmless, isPredictable, type Draw } from './generate.js';
import { MachineUnderTest } from './machine-under-test.js';
import { NO_INSTRUCTION, oracleMask } from './oracle-masks.js';
import { parsePattern } from './pattern.js';
import { Random } from './random.js';
import { generateSequences, sequenceMask } from './sequence.js';
import type { TestCase } from './test-case.js';

export const SLICE_CASES = 20_000;
/** A slice of each kind in turn, until there are a million cases. */
export const SLICES = 52;
/** Single instructions that are also run by a region of their own: a module for each takes its time. */
const FORCED_SINGLES = 2000;

const VECTOR = /^V/;
const SYSTEM =
  /^(MCR|MRC|MCRR|MRRC|CDP|LDC|STC|MRS|MSR|CPS|SETEND|SRS|RFE|SVC|BKPT|HVC|SMC|SEV|YIELD|DBG|DSB|DMB|ISB|CLREX)|unallocated hint|User registers|exception return/;
/** Identification registers are another CPU's; waiting has tests of its own. */
const LEFT_OUT = /\((FPSID|MVFR[01])\)|^WF[EI]/;
const ARITHMETIC = /floating-point|VCMP|precision|^VCVT|^VREC|^VRSQ/;

interface Kind {
  readonly name: string;
  cases(seed: number, count: number): readonly TestCase[];
  readonly mask: MaskOf;
  /** Cases run with the translator forced to make regions. */
  readonly forced: number;
}

const DECODERS = { A32: new Decoder(ROWS, 'A32'), T32: new Decoder(ROWS, 'T32'), T16: new Decoder(ROWS, 'T16') };

/** The word is not another row's, with more fixed bits. */
function isItself({ row, word }: Draw): boolean {
  return DECODERS[row.isa].decode(word)?.row === row;
}

function rowsOf(isas: readonly Row['isa'][], which: (row: Row) => boolean): Row[] {
  return ROWS.filter((row) => isas.includes(row.isa) && !LEFT_OUT.test(row.name) && which(row));
}
const isVector = ({ name }: Row): boolean => VECTOR.test(name);
const isInteger = (row: Row): boolean => !isVector(row) && !SYSTEM.test(row.name);

function singles(name: string, rows: readonly Row[], change?: (seed: number) => (testCase: TestCase) => void): Kind {
  return {
    name,
    cases: (seed, count) => {
      const keep = (draw: Draw, mode: number): boolean =>
        isPredictable(draw) && isHarmless(draw, mode) && isItself(draw);
      const cases = generate(rows, { seed, count, keep });
      if (change !== undefined) cases.forEach(change(seed));
      return cases;
    },
    mask: oracleMask,
    forced: FORCED_SINGLES,
  };
}

/** Drawn from one of the lists of rows, by the seed. */
function sequences(name: string, ...rows: readonly (readonly Row[])[]): Kind {
  const cases = (seed: number, count: number): readonly TestCase[] =>
    generateSequences(rows[seed % rows.length]!, { seed, count, isItself });
  return { name, cases, mask: sequenceMask(oracleMask), forced: SLICE_CASES };
}

/** Any word that the table does not call UNPREDICTABLE: instructions, and what must be undefined. */
function words(isa: 'A32' | 'T32'): Kind {
  return {
    name: `${isa} words`,
    cases: (seed, count) => {
      const random = new Random(seed);
      return Array.from({ length: count }, () => drawWord(isa, random));
    },
    mask: oracleMask,
    forced: FORCED_SINGLES,
  };
}

/** What no row takes, as a row. */
const NO_ROW = { name: NO_INSTRUCTION, pattern: '', it: 'any' } as const;

const shouldBe = new Map(
  ROWS.map((row) => {
    const { shouldBeMask, fixedValue } = parsePattern(row);
    return [row, { mask: shouldBeMask, value: fixedValue }];
  }),
);

/** UNPREDICTABLE: these bits are not looked at here, and QEMU finds some of such words undefined. */
function violatesShouldBe(row: Row, word: number): boolean {
  const { mask, value } = shouldBe.get(row)!;
  return ((word ^ value) & mask) !== 0;
}

function drawWord(isa: 'A32' | 'T32', random: Random): TestCase {
  for (;;) {
    let word = random.word();
    if (isa === 'A32' && random.chance(0.7)) word = ((word & 0x0fff_ffff) | 0xe000_0000) >>> 0;
    if (isa === 'T32') word = (word | 0xe000_0000 | ((random.below(3) + 1) * 0x0800_0000)) >>> 0;
    const decoded = DECODERS[isa].decode(word);
    const mode = random.pick(drawModes(random));
    const draw: Draw = { row: decoded?.row ?? { ...NO_ROW, isa }, word, fields: decoded?.fields ?? {} };
    if (decoded?.unpredictable || !isHarmless(draw, mode) || LEFT_OUT.test(draw.row.name)) continue;
    if (decoded !== undefined && violatesShouldBe(decoded.row, word)) continue;
    const bytes = [0, 8, 16, 24].map((shift) => (word >>> shift) & 0xff);
    const code = isa === 'A32' ? bytes : [bytes[2]!, bytes[3]!, bytes[0]!, bytes[1]!];
    return finishCase(code, draw, mode, random);
  }
}

const KINDS: readonly Kind[] = [
  singles('A32 integer', rowsOf(['A32'], isInteger)),
  singles(
    'T16',
    rowsOf(['T16'], () => true),
  ),
  singles('T32 integer', rowsOf(['T32'], isInteger)),
  singles('A32 vector', rowsOf(['A32'], isVector)),
  singles('T32 vector', rowsOf(['T32'], isVector)),
  singles(
    'host arithmetic',
    rowsOf(['A32'], ({ name }) => ARITHMETIC.test(name)),
    hostArithmetic,
  ),
  singles(
    'short vectors',
    rowsOf(['A32'], ({ name }) => /floating-point|^VCMP|^VCVT|^VM[RS]/.test(name)),
    shortVectors,
  ),
  singles(
    'system',
    rowsOf(['A32', 'T32'], ({ name }) => SYSTEM.test(name)),
  ),
  words('A32'),
  words('T32'),
  sequences('A32 sequences', rowsOf(['A32'], isInteger)),
  sequences('T32 sequences', rowsOf(['T16', 'T32'], isInteger)),
  // Each instruction set in every other round.
  sequences(
    'sequences with vectors',
    rowsOf(['A32'], ({ name }) => !SYSTEM.test(name)),
    rowsOf(['T16', 'T32'], ({ name }) => !SYSTEM.test(name)),
  ),
];

export interface SliceResult {
  readonly kind: string;
  readonly cases: number;
  /** Cases by what became of them on QEMU. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** Cases that were not compared in full, by reason. */
  readonly masked: ReadonlyMap<string, number>;
  /** Cases compared for each engine. */
  readonly engines: ReadonlyMap<string, number>;
  /** Regions that the translator made of them. */
  readonly regions: number;
  readonly differences: readonly { readonly engine: string; readonly difference: Difference }[];
}

/** Runs a slice on the oracle and on the engines. */
export function runSlice(slice: number, oracle: CpuUnderTest): SliceResult {
  const kind = KINDS[slice % KINDS.length]!;
  const cases = kind.cases(0x10000 + slice, SLICE_CASES);
  const expected = oracle.run(cases);
  const [outcomes, masked, engines] = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()];
  const count = (of: Map<string, number>, name: string, more = 1): void =>
    void of.set(name, (of.get(name) ?? 0) + more);
  cases.forEach((testCase, index) => {
    count(outcomes, expected[index]!.outcome);
    const mask = kind.mask(testCase, expected[index]!);
    if (mask !== undefined) count(masked, mask.why);
  });
  const differences: { engine: string; difference: Difference }[] = [];
  let regions = 0;
  const run = (engine: EngineKind, some: readonly TestCase[]): void => {
    const machine = new Machine({ ramSize: 4 << 20, engine });
    const got = new MachineUnderTest(engine, machine).run(some);
    regions += machine.engine.translator?.regions ?? 0;
    const found = compare(some, expected.slice(0, some.length), got, { mask: kind.mask });
    count(engines, engine, some.length);
    differences.push(...found.map((difference) => ({ engine, difference })));
  };
  run('interpreter', cases);
  run('translator-forced', cases.slice(0, kind.forced));
  return { kind: kind.name, cases: cases.length, outcomes, masked, engines, regions, differences };
}

/** A table of counts. */
export function formatCounts(title: string, counts: ReadonlyMap<string, number>): string {
  const lines = [...counts].sort(([, a], [, b]) => b - a).map(([name, n]) => `${String(n).padStart(9)}  ${name}`);
  return [title, ...lines].join('\n');
}

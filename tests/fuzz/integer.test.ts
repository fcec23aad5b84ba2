// SPDX-License-Identifier: Apache-2.0
// Every integer instruction of the table, drawn at random, against QEMU. Left out are the system registers, which are
// not the same CPU's, and what calls the firmware.

import { ROWS, type Row } from '@plinth/arm';
import { Machine } from '@plinth/machine';
import { describe, expect, it } from 'vitest';
import { compare, type Mask, type MaskOf } from './cpu-under-test.js';
import { generate } from './generate.js';
import { MODE, bankedLr } from './layout.js';
import { MachineUnderTest } from './machine-under-test.js';
import { firstOf, unknownAfterAbort } from './masks.js';
import { QemuOracle, missingForOracle } from './qemu-oracle.js';
import type { TestCase, TestResult } from './test-case.js';

const missing = missingForOracle();
if (missing !== undefined) console.log(`skipped: integer instructions against QEMU: ${missing}`);

const LONG = process.env['PLINTH_LONG'] === '1';
const CASES_PER_ROW = LONG ? 1000 : 30;
const SEED = 20;
const ENGINES = ['interpreter', 'translator', 'translator-forced'] as const;

const LEFT_OUT = /^(V|MCR|MRC|MCRR|MRRC|CDP|LDC|STC|HVC|SMC|WFI|WFE)|unallocated hint/;

function rowsOf(isa: Row['isa']): Row[] {
  return ROWS.filter((row) => row.isa === isa && !LEFT_OUT.test(row.name));
}

const everything = (why: string): Mask => ({ why, everything: true });

/** What the manual calls UNPREDICTABLE by the state that an instruction finds, not by its encoding. */
function unpredictable(testCase: TestCase, expected: TestResult): Mask | undefined {
  const row = testCase.row ?? '';
  const mode = testCase.state.cpsr & 0x1f;
  if (mode === MODE.usr || mode === MODE.sys) {
    if (/SPSR|User registers|exception return|^SUBS PC|^SRS/.test(row)) return everything('there is no SPSR');
  }
  if (expected.outcome === 'completed' && (expected.cpsr & 0x20) === 0 && (expected.pc & 2) !== 0)
    return everything('an A32 target that is not a word');
  return undefined;
}

/** The register Rn of an exclusive store. */
function base({ isa, code, state }: TestCase): number {
  const isIt = isa === 'T32' && code[1] === 0xbf;
  return state.registers[code[isa === 'A32' ? 2 : isIt ? 2 : 0]! & 15] ?? 0;
}

/** Where QEMU takes another of the choices that the manual leaves, or falls short of it. */
function oracleDiffers(testCase: TestCase, { outcome, banked }: TestResult): Mask | undefined {
  const { isa, code, row = '', state } = testCase;
  if (outcome === 'endless')
    return { why: 'ended by an interrupt in one, by a count in the other', registers: [14, 16] };
  if (row.startsWith('RFE')) return { why: 'QEMU keeps bits of CPSR that ARMv7 does not have', cpsr: 0x00f0_0000 };
  if (row.startsWith('MSR') && (banked[bankedLr(state.cpsr & 0x1f) + 1]! & 0x00f0_0000) !== 0)
    return { why: 'the same bits of SPSR', registers: [16] };
  if (row.startsWith('STREX') && (base(testCase) & 7) !== 0)
    return everything('QEMU asks the monitor before the alignment');
  const writesPcAndFlags = isa === 'A32' && (code[2]! & 0x10) !== 0 && (code[1]! & 0xf0) === 0xf0;
  if (writesPcAndFlags && /^(AND|EOR|SUB|RSB|ADD|ADC|SBC|RSC|ORR|MOV|BIC|MVN) /.test(row))
    return everything('QEMU returns from exceptions by SUBS and MOVS alone, and not in User mode');
  if (isa === 'A32' && row === 'BLX (immediate)' && code[0] === 0xfe) return everything('into its own second half');
  return undefined;
}

const mask: MaskOf = firstOf(unpredictable, oracleDiffers, unknownAfterAbort);

describe.skipIf(missing !== undefined)('integer instructions do as in QEMU', () => {
  it.each(['A32', 'T16', 'T32'] as const)('%s', (isa) => {
    const rows = rowsOf(isa);
    const cases = generate(rows, { seed: SEED, count: rows.length * CASES_PER_ROW });
    using oracle = new QemuOracle();
    const expected = oracle.run(cases);
    expect(expected.filter(({ outcome }) => outcome === 'completed').length).toBeGreaterThan(cases.length / 2);
    for (const engine of ENGINES) {
      const got = new MachineUnderTest(engine, new Machine({ ramSize: 4 << 20, engine })).run(cases);
      expect(
        compare(cases, expected, got, { mask }).map(({ report }) => report),
        engine,
      ).toEqual([]);
    }
  });
});

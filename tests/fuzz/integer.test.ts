// SPDX-License-Identifier: Apache-2.0
// Every integer instruction of the table, drawn at random, against QEMU. Left out are the system registers, which are
// not the same CPU's, and what calls the firmware.

import { ROWS, type Row } from '@plinth/arm';
import { Machine } from '@plinth/machine';
import { describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { compare } from './cpu-under-test.js';
import { generate } from './generate.js';
import { MachineUnderTest } from './machine-under-test.js';
import { oracleMask } from './oracle-masks.js';
import { QemuOracle, missingForOracle } from './qemu-oracle.js';

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

describe('integer instructions do as in QEMU', unless(missing), () => {
  it.each(['A32', 'T16', 'T32'] as const)('%s', (isa) => {
    const rows = rowsOf(isa);
    const cases = generate(rows, { seed: SEED, count: rows.length * CASES_PER_ROW });
    using oracle = new QemuOracle();
    const expected = oracle.run(cases);
    expect(expected.filter(({ outcome }) => outcome === 'completed').length).toBeGreaterThan(cases.length / 2);
    for (const engine of ENGINES) {
      const got = new MachineUnderTest(engine, new Machine({ ramSize: 4 << 20, engine })).run(cases);
      expect(
        compare(cases, expected, got, { mask: oracleMask }).map(({ report }) => report),
        engine,
      ).toEqual([]);
    }
  });
});

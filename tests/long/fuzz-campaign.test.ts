// SPDX-License-Identifier: Apache-2.0
// A million random instructions and sequences, in both instruction sets, against QEMU: no difference that is not masked
// under a reason. PLINTH_FUZZ_SLICES=FROM-TO runs some slices only (each takes half a minute and needs no other).

import { afterAll, describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { SLICES, formatCounts, runSlice } from '../fuzz/campaign.js';
import { QemuOracle, missingForOracle } from '../fuzz/qemu-oracle.js';

const missing = missingForOracle();
if (missing !== undefined) console.log(`skipped: the long comparison with QEMU: ${missing}`);

const [from = 0, to = SLICES - 1] = (process.env['PLINTH_FUZZ_SLICES'] ?? '').split('-').filter(Boolean).map(Number);
const slices = Array.from({ length: to - from + 1 }, (_, n) => from + n);

describe('random instructions do as in QEMU', unless(missing), () => {
  const totals = { cases: 0, regions: 0, differences: 0 };
  const tables = {
    'cases by kind': new Map<string, number>(),
    'cases by engine': new Map<string, number>(),
    'cases by outcome on QEMU': new Map<string, number>(),
    'cases with a mask, by reason': new Map<string, number>(),
  };
  const add = (to: Map<string, number>, from: ReadonlyMap<string, number>): void => {
    for (const [name, count] of from) to.set(name, (to.get(name) ?? 0) + count);
  };

  afterAll(() => {
    console.log(
      Object.entries(tables)
        .map(([title, counts]) => formatCounts(title, counts))
        .join('\n'),
    );
    const { cases, regions, differences } = totals;
    console.log(`slices ${from} to ${to}: ${cases} cases, ${regions} regions, ${differences} differences`);
  });

  it.each(slices)('slice %i', (slice) => {
    using oracle = new QemuOracle({ timeoutSeconds: 30 });
    const result = runSlice(slice, oracle);
    totals.cases += result.cases;
    totals.regions += result.regions;
    totals.differences += result.differences.length;
    add(tables['cases by kind'], new Map([[result.kind, result.cases]]));
    add(tables['cases by engine'], result.engines);
    add(tables['cases by outcome on QEMU'], result.outcomes);
    add(tables['cases with a mask, by reason'], result.masked);
    expect(result.regions).toBeGreaterThan(100);
    const reports = result.differences.map(({ engine, difference }) => `${engine}: ${difference.report}`);
    expect(reports.slice(0, 50), `${result.kind}: ${reports.length} differences`).toEqual([]);
  });
});

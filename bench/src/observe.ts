// SPDX-License-Identifier: Apache-2.0
// Benchmark `observe`: what it costs to look. The peer is the same work without being looked at. Each part is a file of
// its own that gives rows; a new one is a name and a line here.

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { benchDirectory } from './cache.js';
import type { Options } from './options.js';
import { probes } from './probes.js';
import { record } from './record.js';
import { formatTable, type Row, show } from './report.js';

type Part = (folder: string, options: Options, progress: (text: string) => void) => Promise<Row[]>;

const PARTS: ReadonlyMap<string, Part> = new Map([
  ['probes', probes],
  ['record', record],
]);

export async function observe(options: Options, progress: (text: string) => void): Promise<Row[]> {
  const unknown = options.only.filter((name) => !PARTS.has(name));
  if (unknown.length > 0) {
    const known = [...PARTS.keys()].join(', ');
    throw new PlinthError('input', 'bench-only', `--only: there is no ${unknown.join(', ')}; there is ${known}`);
  }
  const folder = join(benchDirectory(), `observe-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    const rows: Row[] = [];
    for (const [name, part] of PARTS) {
      if (options.only.length === 0 || options.only.includes(name))
        rows.push(...(await part(folder, options, progress)));
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function observeTable(rows: readonly Row[]): string {
  const lines = rows.map((row) => [row.name, show(row.ours), show(row.peer), show(row.ratio), row.unit]);
  return formatTable([['observe', 'with it', 'without', 'ratio', 'unit'], ...lines]);
}

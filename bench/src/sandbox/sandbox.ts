// SPDX-License-Identifier: Apache-2.0
// Benchmark `sandbox`: what it costs to run programs in a workspace, beside others who isolate and beside nobody who does. A part is a
// file with its rows and a line here.

import { PlinthError } from '@plinth/core';
import type { Options } from '../options.js';
import { formatTable, type Row, show } from '../report.js';
import { bundle } from './bundle.js';
import { files } from './files.js';
import { memory } from './memory.js';
import { registry } from './registry.js';
import { start } from './start.js';
import { work } from './work.js';

export type Part = (options: Options, progress: (text: string) => void) => Promise<Row[]>;

const PARTS: ReadonlyMap<string, Part> = new Map([
  ['start', start],
  ['memory', memory],
  ['work', work],
  ['registry', registry],
  ['bundle', bundle],
  ['files', files],
]);

export async function sandbox(options: Options, progress: (text: string) => void): Promise<Row[]> {
  const unknown = options.only.filter((name) => !PARTS.has(name));
  if (unknown.length > 0) {
    const known = [...PARTS.keys()].join(', ');
    throw new PlinthError('input', 'bench-only', `--only: there is no ${unknown.join(', ')}; there is ${known}`);
  }
  const rows: Row[] = [];
  for (const [name, part] of PARTS) {
    if (options.only.length === 0 || options.only.includes(name)) rows.push(...(await part(options, progress)));
  }
  return rows;
}

export function sandboxTable(rows: readonly Row[]): string {
  const lines = rows.map((row) => [row.name, show(row.ours), show(row.peer), show(row.ratio), row.unit, row.peerName]);
  const missing = [...new Set(rows.flatMap(({ reason }) => (reason === undefined ? [] : [reason])))];
  return [formatTable([['sandbox', 'ours', 'peer', 'ratio', 'unit', 'peer is'], ...lines]), ...missing].join('\n');
}

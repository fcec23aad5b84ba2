// SPDX-License-Identifier: Apache-2.0
// Benchmark `packets`: what it costs to look into every packet, beside others who do and beside nobody who does. Two network
// namespaces are joined by a cable; all ways take turns in one run. A part is a file with its rows and a line here.

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { benchDirectory } from '../cache.js';
import { missingNamespace, Namespace } from '../namespace.js';
import type { Options } from '../options.js';
import { formatTable, type Row, show } from '../report.js';
import { Inspector } from './inspector.js';
import { http } from './http.js';
import { owaspPhrases } from './owasp-phrases.js';
import { program } from './program.js';
import type { Setting } from './setting.js';
import { throughput } from './throughput.js';

const PARTS: ReadonlyMap<string, (setting: Setting) => Promise<Row[]>> = new Map([
  ['program', program],
  ['tcp', throughput],
  ['http', http],
]);

export async function packets(options: Options, progress: (text: string) => void): Promise<Row[]> {
  const unknown = options.only.filter((name) => !PARTS.has(name));
  if (unknown.length > 0) {
    const known = [...PARTS.keys()].join(', ');
    throw new PlinthError('input', 'bench-only', `--only: there is no ${unknown.join(', ')}; there is ${known}`);
  }
  const missing = missingNamespace();
  if (missing !== undefined) throw new PlinthError('host', 'bench-packets', missing);
  const folder = join(benchDirectory(), `packets-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    const phrases = await owaspPhrases();
    const [client, server] = await Namespace.pair();
    using left = client;
    using right = server;
    using inspector = new Inspector(right, 'right');
    const setting = {
      client: left,
      server: right,
      inspector,
      folder,
      phrases,
      repetitions: options.repetitions,
      progress,
    };
    const rows: Row[] = [];
    for (const [name, part] of PARTS) {
      if (options.only.length === 0 || options.only.includes(name)) rows.push(...(await part(setting)));
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function packetsTable(rows: readonly Row[]): string {
  const lines = rows.map((row) => [row.name, show(row.ours), show(row.peer), show(row.ratio), row.unit, row.peerName]);
  const missing = [...new Set(rows.flatMap(({ reason }) => (reason === undefined ? [] : [reason])))];
  return [formatTable([['packets', 'ours', 'peer', 'ratio', 'unit', 'peer is'], ...lines]), ...missing].join('\n');
}

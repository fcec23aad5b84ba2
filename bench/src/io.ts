// SPDX-License-Identifier: Apache-2.0
// Benchmark `io`: what a guest gets of disks and of a network, and what it costs while it waits. Each part is a file of its own that
// gives rows; a new one is a name and a line here.

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { benchDirectory } from './cache.js';
import { disk, DISK_WAYS } from './disk.js';
import { idle } from './idle.js';
import { network } from './network.js';
import type { Options } from './options.js';
import { findPeer, PEER_NAME } from './peer.js';
import { formatTable, type Row, show } from './report.js';

const PARTS = [...DISK_WAYS, 'network', 'idle'] as const;

export async function io(options: Options, progress: (text: string) => void): Promise<Row[]> {
  const { only } = options;
  const unknown = only.filter((name) => !PARTS.some((part) => part === name));
  if (unknown.length > 0) {
    throw new PlinthError(
      'input',
      'bench-only',
      `--only: there is no ${unknown.join(', ')}; there is ${PARTS.join(', ')}`,
    );
  }
  const wanted = (part: (typeof PARTS)[number]): boolean => only.length === 0 || only.includes(part);
  const found = findPeer();
  const noPeer = 'reason' in found ? found.reason : undefined;
  const folder = join(benchDirectory(), `io-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    return [
      ...(await disk(DISK_WAYS.filter(wanted), folder, options, noPeer, progress)),
      ...(wanted('network') ? await network(folder, options, noPeer, progress) : []),
      ...(wanted('idle') ? await idle(options, noPeer, progress) : []),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function ioTable(rows: readonly Row[]): string {
  const lines = rows.map((row) => [row.name, show(row.ours), show(row.peer), show(row.ratio), row.unit]);
  const missing = rows.find((row) => row.reason !== undefined)?.reason;
  return [
    formatTable([['io', 'ours', PEER_NAME, 'ratio', 'unit'], ...lines]),
    ...(missing === undefined ? [] : [missing]),
  ].join('\n');
}

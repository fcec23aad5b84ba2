// SPDX-License-Identifier: Apache-2.0
// `npm run bench`: runs one benchmark and prints a table or JSON. Exit status: 0 measured, 1 some row of ours could not
// be measured, 2 wrong use, 3 this host lacks something.

import { loadavg } from 'node:os';
import { PlinthError } from '@plinth/core';
import { boot, bootTable } from './boot.js';
import { compute, computeTable } from './compute.js';
import { io, ioTable } from './io.js';
import { match, matchTable } from './match.js';
import { observe, observeTable } from './observe.js';
import { type Options, parseOptions, USAGE } from './options.js';
import { packets, packetsTable } from './packets/packets.js';
import { findPeer } from './peer.js';
import { describeHost, geometricMean, type Report, type Row, show, toJson } from './report.js';
import { sandbox, sandboxTable } from './sandbox/sandbox.js';
import { start, startTable } from './start.js';

const terminal = process.stderr.isTTY;

function progress(text: string): void {
  process.stderr.write(terminal ? `\r\u001b[K${text}` : `${text}\n`);
}

interface Measured {
  readonly rows: readonly Row[];
  readonly table: string;
}

const MEASURES: Readonly<Record<Options['bench'], (options: Options) => Promise<Measured>>> = {
  boot: (options) => boot(options, progress).then((rows) => ({ rows, table: bootTable(rows) })),
  compute: (options) => compute(options, progress).then((rows) => ({ rows, table: computeTable(rows) })),
  io: (options) => io(options, progress).then((rows) => ({ rows, table: ioTable(rows) })),
  match: (options) => match(options, progress).then((rows) => ({ rows, table: matchTable(rows) })),
  observe: (options) => observe(options, progress).then((rows) => ({ rows, table: observeTable(rows) })),
  packets: (options) => packets(options, progress).then((rows) => ({ rows, table: packetsTable(rows) })),
  sandbox: (options) => sandbox(options, progress).then((rows) => ({ rows, table: sandboxTable(rows) })),
  start: (options) => start(options, progress).then((rows) => ({ rows, table: startTable(rows) })),
};

async function measure(options: Options): Promise<{ report: Report; table: string }> {
  const loadBefore = loadavg()[0]!;
  const { rows, table } = await MEASURES[options.bench](options);
  if (terminal) progress('');
  const peer = findPeer();
  const { bench, json: _, ...settings } = options;
  const host = describeHost('version' in peer ? peer.version : null, loadBefore);
  return { report: { bench, host, settings, rows, geomean: geometricMean(rows) }, table };
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(USAGE);
  else {
    const { report, table } = await measure(options);
    const { host } = report;
    if (options.json) process.stdout.write(`${toJson(report)}\n`);
    else {
      process.stdout.write(`${table}\n\ngeometric mean ${show(report.geomean)} (above 1: ours is better)\n`);
      process.stdout.write(
        `${options.engine}; ${host.cpu}, ${host.cores} cores; Node ${host.node}; ${host.peer ?? 'no peer'}; ` +
          `load ${host.load.map(show).join(' -> ')}; median of ${options.repetitions}\n`,
      );
    }
    process.exitCode = report.rows.some((row) => row.ours === null) ? 1 : 0;
  }
} catch (error) {
  if (!(error instanceof PlinthError) || error.kind === 'internal') throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.kind === 'input' ? 2 : 3;
}

// SPDX-License-Identifier: Apache-2.0
// Files that runs open, as findings: root's alone.

import { statSync } from 'node:fs';
import { PlinthError } from '@plinth/core';
import { OpenTracer, type SystemCalls } from '@plinth/linux';
import { type Connection, note, type WatchedRun } from './connection.js';
import { judgeOpen } from './judge-open.js';

/** Only root may look at what processes open. */
export function beginTracer(calls: SystemCalls): OpenTracer | undefined {
  if (process.getuid?.() !== 0) return undefined;
  try {
    return OpenTracer.begin(calls);
  } catch (error) {
    if (error instanceof PlinthError && error.kind === 'host') return undefined;
    throw error;
  }
}

export function traceOpens(tracer: OpenTracer, { group }: WatchedRun): bigint | undefined {
  const entry = group === undefined ? undefined : statSync(group, { bigint: true, throwIfNoEntry: false });
  if (entry === undefined) return undefined;
  tracer.trace(entry.ino);
  return entry.ino;
}

export function tellOpens(tracer: OpenTracer, connections: Set<Connection>): void {
  const byGroup = new Map([...connections].map((connection) => [connection.group, connection]));
  tracer.drain((open) => {
    const connection = byGroup.get(open.group);
    if (connection?.run === undefined) return;
    const found = judgeOpen(open, connection.run.home);
    if (found === undefined || connection.opened.has(`${found.rule} ${found.path}`)) return;
    connection.opened.add(`${found.rule} ${found.path}`);
    const secret = found.rule === 'secret';
    note(connection, {
      rule: found.rule,
      severity: secret ? 'high' : 'info',
      message: `${open.program} ${secret ? 'asks for' : 'opens for writing'} ${found.path}`,
      subject: { process: open.process, program: open.program },
      evidence: { path: found.path },
    });
  });
}

/** What is opened from here on is by ours. */
export function stopOpens(connection: Connection, connections: Set<Connection>, tracer: OpenTracer | undefined): void {
  if (tracer === undefined || connection.group === undefined) return;
  tellOpens(tracer, connections);
  const lost = tracer.stop(connection.group);
  connection.group = undefined;
  if (lost === 0n) return;
  const evidence = { count: Number(lost) };
  note(connection, { rule: 'lost-opens', severity: 'medium', message: `${lost} opened files were not seen`, evidence });
}

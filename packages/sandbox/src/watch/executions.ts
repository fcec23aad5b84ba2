// SPDX-License-Identifier: Apache-2.0
// Programs that may not be executed: where a scanner of what executes will stand.

import { type AskedExecution, ExecutionGate, type SystemCalls } from '@plinth/linux';
import { type Connection, note, type WatchedRun } from './connection.js';
import { threadIdentity } from './told-call.js';

/** By its name here, which may lead elsewhere: whoever is root asks once more when the file is open. */
export function isDenied({ run }: Connection, path: string): boolean {
  return run?.deniedPrograms.includes(path) === true;
}

/** Nothing unless some program is denied and we are root. */
export function openGate(
  calls: SystemCalls,
  { deniedPrograms, parts }: WatchedRun,
  thread: number,
): ExecutionGate | undefined {
  if (deniedPrograms.length === 0 || process.getuid?.() !== 0) return undefined;
  const gate = ExecutionGate.open(calls);
  for (const part of parts) gate.guard(`/proc/${thread}/root${part}`);
  return gate;
}

export function judge(connection: Connection, { process, path }: AskedExecution): 'allow' | 'deny' {
  if (!isDenied(connection, path)) return 'allow';
  noteDenied(connection, threadIdentity(process), { path });
  return 'deny';
}

export function noteDenied(
  connection: Connection,
  { process, program }: ReturnType<typeof threadIdentity>,
  evidence: { readonly path: string; readonly args?: readonly string[] },
): void {
  note(connection, {
    rule: 'denied-program',
    severity: 'medium',
    message: `${program} may not execute ${evidence.path}`,
    subject: { process, program },
    evidence,
    verdict: 'deny',
  });
}

// SPDX-License-Identifier: Apache-2.0
// Calls that the watcher was told of, as findings.

import { lstatSync } from 'node:fs';
import { type Connection, note } from './connection.js';
import { isDenied, noteDenied } from './executions.js';
import { threadIdentity, type ToldCall } from './told-call.js';

/** As far as we may look: the program chose the path. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

export function tellCall(connection: Connection, thread: number, event: ToldCall): void {
  if (event.kind === 'process' || (event.kind === 'dns' && event.names.length === 0)) return;
  const who = threadIdentity(thread);
  const subject = { process: who.process, program: who.program };
  switch (event.kind) {
    case 'exec':
      if (isDenied(connection, event.path)) {
        noteDenied(connection, who, { path: event.path, args: event.args });
        return;
      }
      // Along a search path most tries are for nothing.
      if (!isThere(`/proc/${thread}/root${event.path}`)) return;
      note(connection, {
        rule: 'exec',
        severity: 'info',
        message: `${who.program} executes ${event.path}`,
        subject,
        evidence: { path: event.path, args: event.args },
      });
      return;
    case 'connect': {
      const { kind, address, port } = event.to;
      const where = port === undefined ? address : `${address} port ${port}`;
      note(connection, {
        rule: 'connect',
        severity: kind === 'unix' ? 'info' : 'low',
        message: `${who.program} connects to ${where}`,
        subject,
        evidence: { ...event.to },
      });
      return;
    }
    case 'dns':
      note(connection, {
        rule: 'dns',
        severity: 'low',
        message: `${who.program} asks for ${event.names.join(', ')}`,
        subject,
        evidence: { names: event.names },
      });
      return;
    case 'refused':
      note(connection, {
        rule: 'refused-call',
        severity: 'medium',
        message: `${who.program} tries ${event.call}${event.about === '' ? '' : `: ${event.about}`}`,
        subject,
        evidence: { call: event.call, about: event.about },
        verdict: 'deny',
      });
      return;
  }
}

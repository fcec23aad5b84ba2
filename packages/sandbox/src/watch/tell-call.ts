// SPDX-License-Identifier: Apache-2.0
// Calls that the watcher was told of, as findings.

import { lstatSync } from 'node:fs';
import { type Connection, note } from './connection.js';
import { isDenied, noteDenied } from './executions.js';
import { judgeContact } from '../network/reachable.js';
import type { SocketAddress } from './socket-address.js';
import { threadIdentity, type ThreadIdentity, type ToldCall } from './told-call.js';

/** As far as we may look: the program chose the path. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

export function tellCall(connection: Connection, thread: number, event: ToldCall): void {
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
    case 'connect':
      noteContact(connection, who, event.to);
      return;
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

/** With a list of hosts, the packet filter decides, and this says what it does. */
function noteContact(connection: Connection, { process, program }: ThreadIdentity, to: SocketAddress): void {
  const { kind, address, port } = to;
  const list = kind === 'ip' ? connection.run?.reachable : undefined;
  const { allowed, names } = list === undefined ? { allowed: true, names: [] } : judgeContact(list, address, port);
  const where = port === undefined ? address : `${address} port ${port}`;
  const whom = names.length === 0 ? where : `${where} (${names.join(', ')})`;
  note(connection, {
    rule: allowed ? 'connect' : 'denied-connect',
    severity: !allowed ? 'medium' : kind === 'unix' ? 'info' : 'low',
    message: `${program} ${allowed ? 'connects' : 'may not connect'} to ${whom}`,
    subject: { process, program },
    evidence: { ...to, ...(names.length === 0 ? {} : { names }) },
    verdict: allowed ? 'report' : 'deny',
  });
}

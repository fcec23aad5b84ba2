// SPDX-License-Identifier: Apache-2.0
// What there is to say when the command of a run has ended: what it has left running, and what it was not given.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type Connection, note } from './connection.js';
import { threadIdentity } from './told-call.js';

/** Those that end with the run that has started them. */
export function leftProcesses(connection: Connection): void {
  const { space } = connection;
  if (space === undefined) return;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || processSpace(Number(name)) !== space) continue;
    const { process, program } = threadIdentity(Number(name));
    // Process 1 is ours.
    if (innermostNumber(process) === 1) continue;
    note(connection, {
      rule: 'left-process',
      severity: 'medium',
      message: `${program} was left running, and is ended`,
      subject: { process, program },
      evidence: {},
      verdict: 'stop',
    });
  }
}

/** Once there are as many as there may be, no more are made: a fork bomb, or a limit too low. */
export function refusedProcesses(connection: Connection): void {
  const file = connection.run?.processEvents;
  if (file === undefined) return;
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return; // the group is gone, and what it counted
  }
  const count = Number(/^max (\d+)$/m.exec(text)?.[1] ?? 0);
  if (count === 0) return;
  note(connection, {
    rule: 'process-limit',
    severity: 'high',
    message: `more processes than it may have: ${count} were not made`,
    evidence: { count },
    verdict: 'deny',
  });
}

export function processSpace(process: number): string | undefined {
  try {
    return readlinkSync(`/proc/${process}/ns/pid`);
  } catch {
    return undefined;
  }
}

/** Its number in the namespace that is its own. */
function innermostNumber(process: number): number | undefined {
  try {
    const numbers = /^NSpid:(.*)$/m.exec(readFileSync(`/proc/${process}/status`, 'utf8'))?.[1] ?? '';
    return Number(numbers.trim().split(/\s+/).at(-1));
  } catch {
    return undefined;
  }
}

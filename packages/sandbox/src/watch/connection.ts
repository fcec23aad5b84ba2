// SPDX-License-Identifier: Apache-2.0
// A run that is watched, and what is noted of it.

import { appendFileSync } from 'node:fs';
import type { Finding } from '@plinth/core';
import type { ExecutionGate } from '@plinth/linux';
import type { Reachable } from '../network/reachable.js';

/** Of equal refusals of one process, as many are findings; the others are counted. */
export const MOST_ALIKE = 3;

/** What a run says of itself when it begins. */
export interface WatchedRun {
  readonly workspace: string;
  /** Where its events are written. */
  readonly events: string;
  /** Programs that may not be executed there. */
  readonly deniedPrograms: readonly string[];
  /** Directories that have a layer, each a file system of its own. */
  readonly parts: readonly string[];
  /** Of its user, by whose secrets it is told. */
  readonly home: string;
  /** Which other hosts it reaches, if there is a list of them. */
  readonly reachable?: readonly Reachable[];
  /** The directory of a control group of version 2 that all of it is in. */
  readonly group?: string;
  /** A file of its control group that counts processes that were not made (cgroup-v2.rst, pids.events). */
  readonly processEvents?: string;
}

export interface Connection {
  readonly fd: number;
  /** Asks before programs are executed: root's alone. */
  gate: ExecutionGate | undefined;
  /** The number of its control group, if what it opens is told. */
  group: bigint | undefined;
  /** What was told of opened files already. */
  readonly opened: Set<string>;
  run: WatchedRun | undefined;
  listener: number | undefined;
  /** Of one of its processes, while there was one. */
  space: string | undefined;
  readonly alike: Map<string, number>;
}

export interface Noted {
  readonly rule: string;
  readonly severity: Finding['severity'];
  readonly message: string;
  readonly subject?: Finding['subject'];
  readonly evidence: Finding['evidence'];
  readonly verdict?: Finding['verdict'];
}

export function note(
  { run, alike }: Connection,
  { rule, severity, message, subject = {}, evidence, verdict = 'report' }: Noted,
): void {
  if (run === undefined) return;
  const count = (alike.get(message) ?? 0) + 1;
  alike.set(message, count);
  if (count > MOST_ALIKE && verdict === 'deny') return;
  const finding: Finding = {
    time: { wall: new Date().toISOString() },
    guest: { kind: 'workspace', id: run.workspace, name: run.workspace },
    guard: 'workspace',
    rule,
    severity,
    message,
    subject,
    evidence,
    verdict,
  };
  appendFileSync(run.events, `${JSON.stringify(finding)}\n`, { mode: 0o600 });
}

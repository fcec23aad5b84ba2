// SPDX-License-Identifier: Apache-2.0
// An interface at which nothing is inspected, though its container is: told as events are, and in words.

import type { Finding } from '@plinth/core';
import { Coverage, type Uninspected } from '@plinth/host';
import type { SystemCalls } from '@plinth/linux';
import { timeText } from './eve-event.js';
import { nameOf } from './host-event.js';

/** Milliseconds between two looks: events may come far more often. */
const PAUSE = 1000;

/** Tells each such interface once, until it is inspected. */
export class UninspectedTeller implements Disposable {
  readonly #coverage: Coverage;
  #told = new Set<string>();
  #looked = Number.NEGATIVE_INFINITY;

  constructor(calls: SystemCalls) {
    this.#coverage = new Coverage(calls);
  }

  /** Where a look is due once one of them can be read. */
  get descriptors(): readonly number[] {
    return this.#coverage.descriptors;
  }

  /** Those of these inspections that were not told yet. */
  async fresh(ids: readonly string[]): Promise<Uninspected[]> {
    if (performance.now() - this.#looked < PAUSE && !this.#coverage.changed) return [];
    const holes = (await this.#coverage.look()).filter(({ id }) => ids.includes(id));
    this.#looked = performance.now();
    const before = this.#told;
    this.#told = new Set(holes.map(keyOf));
    return holes.filter((hole) => !before.has(keyOf(hole)));
  }

  [Symbol.dispose](): void {
    this.#coverage[Symbol.dispose]();
  }
}

function keyOf({ id, point }: Uninspected): string {
  return `${id} ${point.inside} ${point.index}`;
}

/** What it is, and how to mend it. */
export function uninspectedText({ subject, point }: Uninspected): string {
  const where = point.inside ? 'in its namespace' : `(its ${point.innerName})`;
  const named = subject.kind === 'process' ? `--pid ${subject.name}` : `--container ${subject.name}`;
  return (
    `${point.name} ${where} is not inspected: it came after "plinth inspect attach": ` +
    `do that again with ${named}, and with --follow for what comes later`
  );
}

/** As a line of `inspect events`. */
export function uninspectedLine(hole: Uninspected): string {
  const { kind, name } = hole.subject;
  return `${timeText(now())}  ${kind} ${name}  [**] ${uninspectedText(hole)}`;
}

/** As EVE has what is remarkable. */
export function uninspectedEvent(hole: Uninspected): Record<string, unknown> {
  const anomaly = { type: 'interface', event: 'uninspected', action: 'allowed' };
  return {
    timestamp: timeText(now()),
    in_iface: hole.point.name,
    ...nameOf(hole),
    event_type: 'anomaly',
    anomaly,
  };
}

export function uninspectedFinding(hole: Uninspected): Finding {
  const { id, subject, point } = hole;
  return {
    time: { wall: timeText(now()) },
    guest: { kind: 'container', id, name: subject.name },
    guard: 'packets',
    rule: 'interface-not-inspected',
    severity: 'high',
    message: uninspectedText(hole),
    subject: { interface: point.name, inside: point.innerName ?? null },
    evidence: {},
    verdict: 'report',
  };
}

/** Nanoseconds since 1970. */
function now(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

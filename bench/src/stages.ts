// SPDX-License-Identifier: Apache-2.0
// What the guests of benchmark `io` say of their work, `@begin KEY` and `@end KEY SECONDS`, made into rows: by the host's
// clock, its CPU time and the guest's own clock.

import type { LineMark } from './child.js';
import { PEER_NAME } from './peer.js';
import { median, ratioOf, type Row } from './report.js';

export interface Stage {
  /** As the guest's program calls it. */
  readonly key: string;
  readonly name: string;
  readonly unit: string;
  /** In `unit`, per second that the stage takes. */
  readonly amount: number;
}

/** How long a stage took, in seconds. */
interface Taken {
  readonly wall: number;
  /** Of all threads of the process. */
  readonly cpu: number;
  /** By the guest's clock. */
  readonly guest: number;
}

/** One run of the guest: its stages by key. */
export type Run = ReadonlyMap<string, Taken>;

export function stagesOf(marks: readonly LineMark[], stages: readonly Stage[]): Run {
  return new Map(stages.map(({ key }) => [key, taken(marks, key)]));
}

function taken(marks: readonly LineMark[], key: string): Taken {
  const from = marks.find(({ text }) => text === `@begin ${key}`)!;
  const to = marks.find(({ text }) => text.startsWith(`@end ${key} `))!;
  return { wall: to.wall - from.wall, cpu: to.cpu - from.cpu, guest: Number(to.text.split(' ')[2]) };
}

export function summarize(
  what: string,
  stage: Stage,
  ours: readonly Run[],
  peer: readonly Run[],
  noPeer: string | undefined,
): Row {
  const rates = (runs: readonly Run[], time: keyof Taken): number[] =>
    runs.map((run) => stage.amount / Math.max(run.get(stage.key)![time], 0.001));
  const pair = (time: keyof Taken): { ours: number; peer: number | null; ratio: number | null } => {
    const own = median(rates(ours, time));
    const other = peer.length === 0 ? null : median(rates(peer, time));
    // These are rates: more is better.
    return { ours: own, peer: other, ratio: ratioOf(other, own) };
  };
  return {
    name: `${what}: ${stage.name}, host wall time`,
    unit: stage.unit,
    ...pair('wall'),
    peerName: PEER_NAME,
    inGeomean: true,
    ...(noPeer === undefined ? {} : { reason: noPeer }),
    perCpuSecond: pair('cpu'),
    byGuestClock: pair('guest'),
    spread: { ours: rates(ours, 'wall'), peer: rates(peer, 'wall') },
  };
}

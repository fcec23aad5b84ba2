// SPDX-License-Identifier: Apache-2.0
// Two answers to the same rules and packets, event by event.

import { type EveEvent, runOurs, runSuricata, type SuricataCase } from './run-suricata.js';

export interface Difference {
  readonly rule: string;
  readonly theirs: string;
  readonly ours: string;
}

/** What an event is counted by: the packet, what is said of it, and where it was found. */
function keyOf(event: EveEvent): { sid: number; key: string } {
  const alert = event['alert'] as Record<string, unknown> | undefined;
  const packet = typeof event['pcap_cnt'] === 'number' ? String(event['pcap_cnt']) : 'rest';
  if (event['event_type'] === 'drop') {
    const { reason } = event['drop'] as Record<string, unknown>;
    return { sid: 0, key: `${packet} drop ${String(reason)}` };
  }
  const where = event['stream'] === 1 ? ' stream' : '';
  const action = alert?.['action'] === 'blocked' ? ' blocked' : '';
  return { sid: Number(alert?.['signature_id']), key: `${packet}${where}${action}` };
}

function bySid(events: readonly EveEvent[]): Map<number, string[]> {
  const all = new Map<number, string[]>();
  for (const event of events) {
    const { sid, key } = keyOf(event);
    all.set(sid, [...(all.get(sid) ?? []), key]);
  }
  return all;
}

/** Rules that one of both refuses are left out; there are `compared` others, of which `told` have alerts. */
export function compare(
  one: SuricataCase,
  isCompared: (event: EveEvent) => boolean = () => true,
): { differences: Difference[]; compared: number; told: number } {
  const theirs = runSuricata(one);
  const ours = runOurs(one);
  const lines = one.rules.split('\n');
  const sidOf = (line: string): number => Number(/sid:(\d+);/.exec(line)?.[1] ?? 0);
  const refused = new Set([
    ...theirs.refused.map(sidOf),
    ...ours.refused.keys(),
    ...ours.errors.map((error) => sidOf(lines[Number(/:(\d+):/.exec(error)?.[1]) - 1] ?? '')),
  ]);
  const [a, b] = [theirs.events, ours.events].map((events) => bySid(events.filter(isCompared)));
  const sids = [0, ...lines.map(sidOf)].filter((sid, n, all) => all.indexOf(sid) === n && !refused.has(sid));
  const text = (keys: readonly string[] | undefined): string => (keys ?? []).toSorted().join(', ');
  const differences = sids
    .map((sid) => ({
      rule: lines.find((line) => sidOf(line) === sid && sid !== 0) ?? 'drops',
      theirs: text(a!.get(sid)),
      ours: text(b!.get(sid)),
    }))
    .filter((difference) => difference.theirs !== difference.ours);
  return { differences, compared: sids.length - 1, told: sids.filter((sid) => a!.has(sid)).length };
}

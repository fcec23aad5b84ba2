// SPDX-License-Identifier: Apache-2.0
// Where benchmark `packets` takes place, and its rows: rates, more of which is better.

import type { Namespace } from '../namespace.js';
import { median, ratioOf, type Row } from '../report.js';
import type { Inspector } from './inspector.js';
import type { Phrase } from './owasp-phrases.js';

/** Our end of the cable is that of the server, `right`. */
export interface Setting {
  readonly client: Namespace;
  readonly server: Namespace;
  readonly inspector: Inspector;
  readonly folder: string;
  readonly phrases: readonly Phrase[];
  readonly repetitions: number;
  readonly progress: (text: string) => void;
}

/** A way of treating packets, by turns with others. */
export interface Way {
  readonly name: string;
  begin(): Promise<void>;
  end(): Promise<void>;
}

/** Takes turns: each way once in each round; gives what was measured of each, by its name. */
export async function takeTurns<T>(
  ways: readonly Way[],
  { repetitions, progress }: Pick<Setting, 'repetitions' | 'progress'>,
  measure: (way: Way) => T | Promise<T>,
): Promise<ReadonlyMap<string, readonly T[]>> {
  const all = new Map<string, T[]>(ways.map(({ name }) => [name, []]));
  for (let round = 1; round <= repetitions; round++) {
    for (const way of ways) {
      progress(`${way.name} ${round}/${repetitions}`);
      await way.begin();
      try {
        all.get(way.name)!.push(await measure(way));
      } finally {
        await way.end();
      }
    }
  }
  return all;
}

export interface RateRow {
  readonly name: string;
  readonly unit: string;
  readonly ours: readonly number[];
  readonly peer: readonly number[];
  readonly peerName: string;
  readonly inGeomean?: boolean;
  /** Why there is no peer. */
  readonly reason?: string | undefined;
}

export function rateRow({ name, unit, ours, peer, peerName, inGeomean = false, reason }: RateRow): Row {
  const own = median(ours);
  const other = peer.length === 0 ? null : median(peer);
  return {
    name,
    unit,
    ours: own,
    peer: other,
    peerName,
    ratio: ratioOf(other, own),
    inGeomean,
    ...(reason === undefined ? {} : { reason }),
    spread: { ours, peer },
  };
}

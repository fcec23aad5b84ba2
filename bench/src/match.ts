// SPDX-License-Identifier: Apache-2.0
// Benchmark `match`: how fast each executor of a matcher goes over a text, beside Hyperscan with the same patterns and the same text.

import { PlinthError } from '@plinth/core';
import { buildMatcher, CompiledMatcher, Scanner, type StreamScanner } from '@plinth/match';
import { Hyperscan } from './hyperscan.js';
import type { Options } from './options.js';
import { owaspPhrases } from './packets/owasp-phrases.js';
import { LEAST_LENGTH, patternSet, SIZES } from './packets/pattern-sets.js';
import { trafficText } from './packets/traffic-text.js';
import { formatTable, median, ratioOf, type Row, show } from './report.js';

const SEED = 5;
const TEXT_BYTES = 4 * 1024 * 1024;
/** Of CPU time, for each measurement: all of it is one thread, and others may be busy. A text is searched as a whole. */
const SECONDS = 0.3;
const PEER = 'Hyperscan, whole text';

export async function match(options: Options, progress: (text: string) => void): Promise<Row[]> {
  const phrases = await owaspPhrases();
  let hyperscan: Hyperscan | undefined;
  let reason: string | undefined;
  try {
    hyperscan = new Hyperscan();
  } catch (error) {
    if (!(error instanceof PlinthError) || error.kind !== 'host') throw error;
    reason = error.message;
  }
  const rows: Row[] = [];
  try {
    for (const kind of ['owasp', 'long'] as const) {
      for (const size of SIZES) {
        const patterns = patternSet(phrases, kind, size, SEED);
        // As it is met: nearly all of it is no pattern, and with short ones some of it is.
        const text = trafficText(
          patterns.filter(({ bytes }) => bytes.length > 3),
          TEXT_BYTES,
          SEED,
        );
        const matcher = buildMatcher(patterns);
        const compiled = new CompiledMatcher(buildMatcher(patterns, { form: 'compressed' }));
        const executors = {
          JavaScript: () => new Scanner(matcher),
          WebAssembly: () => compiled.scanner(),
        };
        const own = { JavaScript: [] as number[], WebAssembly: [] as number[] };
        const theirs: number[] = [];
        const matches = new Set<number>();
        for (let round = 1; round <= options.repetitions; round++) {
          progress(`${size} patterns, ${kind} ${round}/${options.repetitions}`);
          for (const name of ['JavaScript', 'WebAssembly'] as const) {
            const speed = speedOf(executors[name], text);
            own[name].push(speed.rate);
            matches.add(speed.matches);
          }
          if (hyperscan === undefined) continue;
          const speed = hyperscan.speed(patterns, text, SECONDS);
          theirs.push(speed.rate / 1e9);
          matches.add(speed.matches);
        }
        if (matches.size !== 1) {
          const found = [...matches].join(', ');
          throw new PlinthError('internal', 'bench-match', `${size} patterns: the executors find ${found} matches`);
        }
        const set = kind === 'owasp' ? 'OWASP' : `${LEAST_LENGTH.long} bytes and more`;
        for (const name of ['JavaScript', 'WebAssembly'] as const) {
          const [ours, peer] = [median(own[name]), theirs.length === 0 ? null : median(theirs)];
          rows.push({
            name: `${name}, ${size.toLocaleString('en')} patterns (${set})`,
            unit: 'GB per CPU-second',
            ours,
            peer,
            peerName: PEER,
            ratio: ratioOf(peer, ours),
            inGeomean: name === 'WebAssembly',
            matches: [...matches][0],
            ...(reason === undefined ? {} : { reason }),
            spread: { ours: own[name], peer: theirs },
          });
        }
      }
    }
    return rows;
  } finally {
    hyperscan?.[Symbol.dispose]();
  }
}

/** GB in a second of CPU time, and the matches of one time. */
function speedOf(open: () => StreamScanner, text: Uint8Array): { rate: number; matches: number } {
  let [bytes, matches] = [0, 0];
  const begin = process.cpuUsage();
  let seconds: number;
  do {
    matches = 0;
    open().feed(text, () => matches++);
    bytes += text.length;
    const { user, system } = process.cpuUsage(begin);
    seconds = (user + system) / 1e6;
  } while (seconds < SECONDS);
  return { rate: bytes / seconds / 1e9, matches };
}

export function matchTable(rows: readonly Row[]): string {
  const lines = rows.map((row) => [row.name, show(row.ours), show(row.peer), show(row.ratio), row.unit]);
  const missing = rows.find(({ reason }) => reason !== undefined)?.reason;
  const table = formatTable([['match', 'ours', PEER, 'ratio', 'unit'], ...lines]);
  return [table, ...(missing === undefined ? [] : [missing])].join('\n');
}

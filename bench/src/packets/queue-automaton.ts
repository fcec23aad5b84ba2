// SPDX-License-Identifier: Apache-2.0
// A matcher's automaton as the file that queue-inspector.c reads.

import { buildMatcher, type Pattern } from '@plinth/match';

/** The patterns are all with or all without regard to case. */
export function queueAutomaton(patterns: readonly Pattern[]): Uint8Array {
  const [automaton] = buildMatcher(patterns, { search: 'automaton', form: 'dense' }).automata;
  const { classes, classCount, stateCount, own, suffix, table } = automaton!;
  if (table.form !== 'dense') throw new RangeError('a dense automaton has a dense table');
  const header = Uint32Array.of(classCount, stateCount);
  const ends = Uint8Array.from({ length: stateCount }, (_, state) => (own[state] === 0 && suffix[state] === 0 ? 0 : 1));
  const parts = [header, classes, table.next, ends].map(
    (part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength),
  );
  return Buffer.concat(parts);
}

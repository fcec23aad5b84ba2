// SPDX-License-Identifier: Apache-2.0
// Where a match is: the one that PCRE would give, the first to begin and of those the one that its repetitions and choices prefer. All ways
// are followed at once, in the order of preference (Pike's machine), so the time is bounded by text times program.

import { holdsAt } from './lazy-automaton.js';
import type { Instruction } from './nfa.js';

export interface RegexMatch {
  readonly begin: number;
  /** Of the first byte behind it. */
  readonly end: number;
}

/** Ways, by falling preference; a place is there once. */
interface Ways {
  readonly places: number[];
  readonly begins: number[];
}

export function findMatch(
  code: readonly Instruction[],
  anchored: boolean,
  text: Uint8Array,
  from: number,
): RegexMatch | undefined {
  const seen = new Int32Array(code.length).fill(-1);
  let ways: Ways = { places: [], begins: [] };
  let best: RegexMatch | undefined;
  for (let at = from; at <= text.length; at++) {
    const next: Ways = { places: [], begins: [] };
    const follow = (start: number, begin: number): boolean => {
      const open = [start];
      while (open.length > 0) {
        const place = open.pop()!;
        if (seen[place] === at) continue;
        seen[place] = at;
        const instruction = code[place]!;
        switch (instruction.op) {
          case 'match':
            best = { begin, end: at };
            return true;
          case 'jump':
            open.push(instruction.to);
            break;
          case 'split':
            // What is preferred is taken first.
            open.push(instruction.second, instruction.first);
            break;
          case 'assert':
            if (holdsAt(instruction.what, text, at)) open.push(place + 1);
            break;
          case 'set':
            if (at < text.length && instruction.set.has(text[at]!)) {
              next.places.push(place + 1);
              next.begins.push(begin);
            }
            break;
        }
      }
      return false;
    };
    // Ways behind one that has matched are worse than it.
    let matched = ways.places.some((place, n) => follow(place, ways.begins[n]!));
    if (!matched && best === undefined && (!anchored || at === from)) matched = follow(0, at);
    ways = next;
    if (ways.places.length === 0 && (best !== undefined || anchored)) break;
  }
  return best;
}

// SPDX-License-Identifier: Apache-2.0
// A matcher's tables as one row of bytes, in which code knows every table's place: the memory of a WebAssembly module, or the
// value of an array map of eBPF.
//
//   of the filter: bitmaps of windows and of heads, what begins where | for each automaton: 256 classes of 16 bits, cells of 32 bytes
//
// A cell of the double array has its fields in 32 bits each, little-endian; `out` is what the automaton calls `own`, with a number
// that is the caller's instead of a place in its lists.

import { assert } from '@plinth/core';
import type { Automaton } from './automaton.js';
import type { Matcher } from './matcher.js';

export const CELL = { size: 32, base: 0, check: 4, fail: 8, out: 12, suffix: 16, depth: 20 } as const;

export interface AutomatonPlace {
  readonly classes: number;
  readonly cells: number;
  readonly cellCount: number;
}

export interface FilterPlace {
  /** The bitmaps. */
  readonly windows: number;
  readonly heads: number;
  /** Numbers of 32 bits. */
  readonly begins: number;
}

export interface ScanTables {
  readonly bytes: Uint8Array;
  readonly filter: FilterPlace | undefined;
  readonly automata: readonly AutomatonPlace[];
}

/** `out(automaton, state)` is the number for a state in which patterns end; of one, and not 0. */
export function scanTables(matcher: Matcher, out: (automaton: Automaton, state: number) => number): ScanTables {
  let size = 0;
  const reserve = (bytes: number): number => {
    const at = size;
    size = (size + bytes + 63) & ~63;
    return at;
  };
  const filter = matcher.filter && {
    windows: reserve(matcher.filter.windows.bitmap.length),
    heads: reserve(matcher.filter.heads.bitmap.length),
    begins: reserve(matcher.filter.begins.byteLength),
  };
  const automata = matcher.automata.map(({ stateCount }) => ({
    classes: reserve(512),
    cells: reserve(stateCount * CELL.size),
    cellCount: stateCount,
  }));
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  if (filter !== undefined) {
    const { windows, heads, begins } = matcher.filter!;
    bytes.set(windows.bitmap, filter.windows);
    bytes.set(heads.bitmap, filter.heads);
    begins.forEach((distances, n) => view.setUint32(filter.begins + 4 * n, distances, true));
  }
  matcher.automata.forEach((automaton, n) => {
    const { table, classes, own, suffix, depth, stateCount } = automaton;
    assert(table.form === 'compressed', 'programs walk compressed automata');
    const place = automata[n]!;
    classes.forEach((byClass, byte) => view.setUint16(place.classes + 2 * byte, byClass, true));
    for (let state = 0; state < stateCount; state++) {
      const at = place.cells + state * CELL.size;
      view.setUint32(at + CELL.base, table.base[state]!, true);
      view.setUint32(at + CELL.check, table.check[state]!, true);
      view.setUint32(at + CELL.fail, table.fail[state]!, true);
      view.setUint32(at + CELL.suffix, suffix[state]!, true);
      view.setUint32(at + CELL.depth, depth[state]!, true);
      if (own[state] !== 0) view.setUint32(at + CELL.out, out(automaton, state), true);
    }
  });
  return { bytes, filter, automata };
}

// SPDX-License-Identifier: Apache-2.0
// A matcher's tables as one row of bytes, in which code knows every table's place: the memory of a WebAssembly module, or the
// value of an array map of eBPF.
//
//   for each table of the filter: bitmaps of windows and of heads | for each automaton: 256 classes of 16 bits, cells of 32 bytes
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

export interface ScanTables {
  readonly bytes: Uint8Array;
  /** Where the bitmaps of each of the filter's tables lie. */
  readonly bitmaps: readonly { readonly windows: number; readonly heads: number }[];
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
  const bitmaps = (matcher.filter?.tables ?? []).map(({ windows, heads }) => ({
    windows: reserve(windows.bitmap.length),
    heads: reserve(heads.bitmap.length),
  }));
  const automata = matcher.automata.map(({ stateCount }) => ({
    classes: reserve(512),
    cells: reserve(stateCount * CELL.size),
    cellCount: stateCount,
  }));
  const bytes = new Uint8Array(size);
  matcher.filter?.tables.forEach(({ windows, heads }, n) => {
    bytes.set(windows.bitmap, bitmaps[n]!.windows);
    bytes.set(heads.bitmap, bitmaps[n]!.heads);
  });
  const view = new DataView(bytes.buffer);
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
  return { bytes, bitmaps, automata };
}

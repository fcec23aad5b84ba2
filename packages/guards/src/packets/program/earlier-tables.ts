// SPDX-License-Identifier: Apache-2.0
// What tables have to know of those before them. Rules are changed while connections go on, and what a flow remembers are states
// of the automata of its day. So new tables say for each state of earlier ones which state of their own stands for the
// same bytes: a pattern of both sets that began before the change is found behind it.

import { type Automaton, CELL, step } from '@plinth/match';

/** Places in a set of tables, for those that come after it. A plain value, which is kept beside the tables. */
export interface TablesShape {
  /** Which tables of an interface these are, counted from 1; 0 for tables that nothing comes after. */
  readonly generation: number;
  /** In the order of a flow's states. */
  readonly automata: readonly AutomatonShape[];
  /** Names of the bits of connections: later tables keep them, so that connections keep theirs. */
  readonly flowbits: readonly string[];
  /** Generations whose states they know, the latest first. */
  readonly earlier: readonly EarlierShape[];
}

interface AutomatonShape {
  readonly nocase: boolean;
  /** Where the classes of bytes and the cells of the double array begin. */
  readonly classes: number;
  readonly cells: number;
  readonly cellCount: number;
}

interface EarlierShape {
  readonly generation: number;
  /** Of each kind of automaton that it had: the states of now, 4 bytes for each one of then. */
  readonly automata: readonly { readonly nocase: boolean; readonly slot: number; readonly states: StatesPlace }[];
}

interface StatesPlace {
  readonly at: number;
  readonly count: number;
}

/** Tables with their bytes, as they were made or as a kernel has them. */
export interface PlacedTables {
  readonly shape: TablesShape;
  readonly bytes: Uint8Array;
}

export interface Lineage {
  /** From 1 on: of each interface every set of tables that was tried has its own. */
  readonly generation: number;
  /** What the interface was inspected with up to now. */
  readonly before?: PlacedTables;
}

export const NO_LINEAGE: Lineage = { generation: 0 };

/** States of now for those of an earlier generation. */
export interface Translation {
  readonly generation: number;
  readonly automata: readonly {
    readonly nocase: boolean;
    /** Index of the automaton among those of its generation. */
    readonly slot: number;
    readonly states: Uint32Array;
  }[];
}

/** Generations that are known, the one before included: a directory has a row for each. */
export const MOST_EARLIER = 16;
/** States of all earlier generations together: 4 MiB. */
const MOST_STATES = 1 << 20;

/** A row of the directory of earlier generations, at their age; 16 bytes for each automaton of now, 4 each. */
export const EARLIER = { size: 32, automaton: 16, known: 0, at: 4, count: 8, slot: 12 } as const;

/**
 * For each generation that `before` knows, and `before` itself, what its states are in `automata`; the latest first. What does not
 * fit any more is left out.
 *
 * @param automata of the tables that are made, with what kind each is
 */
export function translations(
  before: PlacedTables,
  automata: readonly { readonly nocase: boolean; readonly automaton: Automaton }[],
): Translation[] {
  const view = new DataView(before.bytes.buffer, before.bytes.byteOffset, before.bytes.byteLength);
  // By kind, from the states of `before`.
  const onward = new Map<boolean, Uint32Array>();
  for (const shape of before.shape.automata) {
    const now = automata.find(({ nocase }) => nocase === shape.nocase);
    if (now !== undefined) onward.set(shape.nocase, translate(view, shape, now.automaton));
  }
  const last: Translation = {
    generation: before.shape.generation,
    automata: before.shape.automata.flatMap(({ nocase }, slot) => {
      const states = onward.get(nocase);
      return states === undefined ? [] : [{ nocase, slot, states }];
    }),
  };
  const older = before.shape.earlier.map(({ generation, automata: then }): Translation => ({
    generation,
    automata: then.flatMap(({ nocase, slot, states: { at, count } }) => {
      const on = onward.get(nocase);
      if (on === undefined) return [];
      // The longest suffix of a suffix: what only the set in between did not have is lost, and nothing else.
      const states = Uint32Array.from({ length: count }, (_, state) => on[view.getUint32(at + 4 * state, true)] ?? 0);
      return [{ nocase, slot, states }];
    }),
  }));
  let room = MOST_STATES;
  return [last, ...older].filter(({ automata: then }) => {
    room -= then.reduce((sum, { states }) => sum + states.length, 0);
    return room >= 0;
  });
}

/** For each cell the state of `automaton` that has read the bytes which lead to it. */
function translate(view: DataView, { classes, cells, cellCount }: AutomatonShape, automaton: Automaton): Uint32Array {
  const field = (cell: number, name: number): number => view.getUint32(cells + cell * CELL.size + name, true);
  // Any byte of a class, since a kind of automaton has the same bytes in one class or none.
  const byteOf = new Map<number, number>();
  for (let byte = 0; byte < 256; byte++) byteOf.set(view.getUint16(classes + 2 * byte, true), byte);
  // A cell with a check is a child of the cell that it names, less 1; parents are nearer to the root.
  const used = Array.from({ length: cellCount }, (_, cell) => cell).filter((cell) => field(cell, CELL.check) !== 0);
  used.sort((a, b) => field(a, CELL.depth) - field(b, CELL.depth));
  const states = new Uint32Array(cellCount);
  for (const cell of used) {
    const parent = field(cell, CELL.check) - 1;
    const byte = byteOf.get(cell - field(parent, CELL.base)) ?? 0;
    states[cell] = step(automaton, states[parent]!, automaton.classes[byte]!);
  }
  return states;
}

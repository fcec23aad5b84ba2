// SPDX-License-Identifier: Apache-2.0
// A program that scans whole frames and notes which patterns they have: what the scanning code alone does, and costs. Frames are
// texts of their own, or chunks of one stream.

import {
  Assembler,
  BUFFER_ROOM,
  emitScan,
  emitStream,
  type MapDefinition,
  type Program,
  R0,
  R1,
  R2,
  R3,
  R4,
  R6,
  R7,
  R8,
  R9,
  SCRATCH_SIZE,
} from '@plinth/ebpf';
import { buildMatcher, type Matcher, type Pattern, scanTables, type ScanTables } from '@plinth/match';

/** Bytes of a frame that are scanned. */
export const BUFFER = 8192;

export interface ScanProgram {
  readonly program: Program;
  readonly matcher: Matcher;
  readonly tables: ScanTables;
  readonly tablesMap: MapDefinition;
  /** A byte for each pattern. */
  readonly hits: MapDefinition;
  /** Patterns of each number that is noted. */
  readonly lists: readonly (readonly number[])[];
}

export function scanProgram(patterns: readonly Pattern[], stream = false): ScanProgram {
  const matcher = buildMatcher(patterns, { search: 'filter', form: 'compressed' });
  const lists: number[][] = [[]];
  const tables = scanTables(matcher, ({ own, lists: all }, state) => {
    const at = own[state]! - 1;
    lists.push([...all.subarray(at + 1, at + 1 + all[at]!)]);
    return lists.length - 1;
  });
  const tablesMap: MapDefinition = {
    name: 'tables',
    type: 'array',
    keySize: 4,
    valueSize: tables.bytes.length,
    maxEntries: 1,
  };
  const buffer: MapDefinition = {
    name: 'buffer',
    type: 'array',
    keySize: 4,
    // The states of the stream are at its end, and stay from frame to frame.
    valueSize: BUFFER + BUFFER_ROOM + 16 + SCRATCH_SIZE,
    maxEntries: 1,
  };
  const hits: MapDefinition = { name: 'hits', type: 'array', keySize: 4, valueSize: lists.length, maxEntries: 1 };
  const a = new Assembler('scan', 'schedCls');
  const over = a.label();
  a.mov(R6, R1).load(4, R9, R6, 0).loadMapValue(R7, buffer);
  a.jumpIf('gt', R9, BUFFER, over).jumpIf('eq', R9, 0, over);
  a.mov(R1, R6).mov(R2, 0).mov(R3, R7).mov(R4, R9).call('skbLoadBytes').jumpIf('ne', R0, 0, over);
  const found = (): void => {
    const outside = a.label();
    a.jumpIf('ge', R0, lists.length, outside).loadMapValue(R1, hits).add(R1, R0).store(1, R1, 0, 1);
    a.here(outside);
  };
  const code = { matcher, tables, map: tablesMap, bufferSize: BUFFER, scratch: BUFFER + BUFFER_ROOM + 16, found };
  if (stream) {
    emitStream(a, { ...code, states: BUFFER + BUFFER_ROOM, foundAtSeam: found });
  } else {
    // Zero, but not to the verifier: nobody writes behind the text.
    a.load(8, R8, R7, BUFFER + 32);
    emitScan(a, code);
  }
  a.here(over);
  a.mov(R0, 0).exit();

  return { program: a.finish(), matcher, tables, tablesMap, hits, lists };
}

/** Patterns that are noted in the value of `hits`, by number. */
export function noted({ lists }: ScanProgram, value: Uint8Array): number[] {
  const all = lists.flatMap((patterns, n) => (value[n] === 1 ? patterns : []));
  return all.sort((a, b) => a - b);
}

// SPDX-License-Identifier: Apache-2.0
// Coverage in the format of DynamoRIO's drcov, version 2 with the module columns of Unix, as Lighthouse and other readers
// of coverage take it: a text header with a table of modules, then 8 bytes for each block (DynamoRIO, clients/drcov/drcov.h).

import { concatenate, utf8 } from '@plinth/core';

export interface CoverageModule {
  /** Path or another name. */
  readonly name: string;
  /** First address and the first behind it, virtual. */
  readonly base: number;
  readonly end: number;
  readonly entry: number;
}

export interface CoveredBlock {
  /** Virtual. */
  readonly address: number;
  /** Bytes. */
  readonly size: number;
}

/** Of the entries in the table: start, counted from the module's base; size; number of the module. */
const ENTRY_SIZE = 8;
const MAX_SIZE = 0xffff;

/** The bytes of a file. A block is of the first module that holds it; one that none holds is left out. */
export function writeDrcov(modules: readonly CoverageModule[], blocks: Iterable<CoveredBlock>): Uint8Array {
  const entries: [start: number, size: number, module: number][] = [];
  for (const { address, size } of blocks) {
    const module = modules.findIndex(({ base, end }) => address >= base && address < end);
    if (module >= 0) entries.push([address - modules[module]!.base, Math.min(size, MAX_SIZE), module]);
  }
  const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;
  const lines = [
    'DRCOV VERSION: 2',
    'DRCOV FLAVOR: drcov',
    `Module Table: version 2, count ${modules.length}`,
    'Columns: id, base, end, entry, path',
    ...modules.map(({ name, base, end, entry }, id) => {
      const path = name.replace(/\p{Cc}/gu, '?');
      return `${String(id).padStart(3)}, ${hex(base)}, ${hex(end)}, ${hex(entry)}, ${path}`;
    }),
    `BB Table: ${entries.length} bbs`,
    '',
  ];
  const table = new Uint8Array(entries.length * ENTRY_SIZE);
  const view = new DataView(table.buffer);
  for (const [n, [start, size, module]] of entries.entries()) {
    view.setUint32(n * ENTRY_SIZE, start, true);
    view.setUint16(n * ENTRY_SIZE + 4, size, true);
    view.setUint16(n * ENTRY_SIZE + 6, module, true);
  }
  return concatenate([utf8(lines.join('\n')), table]);
}

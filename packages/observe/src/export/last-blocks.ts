// SPDX-License-Identifier: Apache-2.0
// The last blocks that a machine has executed, with names, as text for people and as JSON lines for tools.

import { hex32 } from '@plinth/core';
import type { ExecutedBlock } from '@plinth/machine';
import type { GuestSymbols } from '../symbols/guest-symbols.js';

/** Blocks that are kept unless another number is asked for. */
export const LAST_BLOCKS = 10_000;

type Names = Pick<GuestSymbols, 'describe'>;

/** `{"instruction":…,"cpu":0,"address":"0xc0101234","thumb":false,"symbol":"function+0x10"}`, the latest last. */
export function* lastBlockLines(blocks: readonly ExecutedBlock[], names: Names): Generator<string> {
  for (const { count, cpu, address, thumb } of blocks) {
    const symbol = names.describe(address);
    const named = symbol === undefined ? {} : { symbol };
    yield JSON.stringify({ instruction: count, cpu, address: hex32(address), thumb, ...named });
  }
}

/** A line for each, the latest last: instructions before it, CPU, address, symbol. */
export function lastBlockText(blocks: readonly ExecutedBlock[], describe: Names['describe']): string {
  const width = String(blocks.at(-1)?.count ?? 0).length;
  return blocks
    .map(({ count, cpu, address, thumb }) => {
      const symbol = describe(address);
      const name = symbol === undefined ? '' : ` <${symbol}>`;
      return `${String(count).padStart(width)} cpu ${cpu} ${thumb ? 'T32' : 'A32'} ${hex32(address)}${name}\n`;
    })
    .join('');
}

// SPDX-License-Identifier: Apache-2.0
// The blocks that a machine has counted, with their sizes: from a block's first instruction to the one that ends it, or to
// the end of its page, behind which the next page of its program may lie anywhere.

import { Decoder, decodedEndsBlock, ROWS, thumbSize } from '@plinth/arm';
import type { BlockCount, Machine } from '@plinth/machine';
import type { CoveredBlock } from './drcov.js';

const PAGE = 4096;

/** A block as the machine counts it, but for the count. */
export type BlockStart = Omit<BlockCount, 'count'>;

/** The block in which counting begins, which is not entered after that. Undefined if its code is not mapped. */
export function currentBlock({ currentCpu, memory }: Machine): BlockStart | undefined {
  const address = currentCpu.state.reg(15) >>> 0;
  const physical = currentCpu.mappedTo(address);
  const offset = physical === undefined ? -1 : (physical >>> 0) - memory.ramBase;
  return offset < 0 || offset >= memory.ram.length ? undefined : { offset, address, thumb: currentCpu.state.thumb };
}

/** @param first the block in which counting began */
export function coveredBlocks({ blocks, memory }: Machine, first: BlockStart | undefined): CoveredBlock[] {
  const { ram } = memory;
  const view = new DataView(ram.buffer, ram.byteOffset, ram.byteLength);
  const decoders = { arm: new Decoder(ROWS, 'A32'), thumb: new Decoder(ROWS, 'T32') };
  const sizeOf = (start: number, thumb: boolean): number => {
    const end = (Math.floor(start / PAGE) + 1) * PAGE;
    let at = start;
    while (at < end) {
      const half = view.getUint16(at, true);
      const size = thumb ? thumbSize(half) : 4;
      // A T32 instruction may go on behind the page.
      if (at + size > end) return at + size - start;
      const word =
        size === 2 ? half : thumb ? half * 0x1_0000 + view.getUint16(at + 2, true) : view.getUint32(at, true);
      const decoded = (thumb ? decoders.thumb : decoders.arm).decode(word);
      at += size;
      // What is no instruction raises an exception.
      if (decoded === undefined || decodedEndsBlock(decoded, thumb, size)) break;
    }
    return at - start;
  };
  const all: BlockStart[] = blocks.counts();
  if (first !== undefined && !all.some(({ address }) => address === first.address)) all.push(first);
  return all
    .map(({ offset, address, thumb }) => ({ address, size: sizeOf(offset, thumb) }))
    .sort((one, other) => one.address - other.address);
}

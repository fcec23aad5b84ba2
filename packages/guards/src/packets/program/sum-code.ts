// SPDX-License-Identifier: Apache-2.0
// A running sum of a direction's bytes, by which a second copy of some of them is told from the first. It is keyed by a number that nobody
// but the connection knows: blocks of the stream are summed up by multiplication with keys (multilinear hashing, Carter and Wegman
// 1979), so it does not matter how segments cut a block, and two blocks that differ have the same sum about once in 2^33. Behind a
// block the sum is mixed, so the order of blocks counts. It costs about 0.11 ns a byte, so only short segments are summed.

import { type Assembler, FP, R0, R1, R2, R3, R4, R5, R7, R8 } from '@plinth/ebpf';
import { FLOW_AT, FLOW_VALUE } from './connection-code.js';
import { BLOCK, MOST_SUMMED, SLOT, SUM_KEYS, SUM_KEYS_AT } from './slots.js';

/** Odd numbers without a pattern. */
const FACTOR = 0x9e6c_63d0_876a_3f6bn;
const STEP = 0x5bd1_e995;

/**
 * Adds the first SLOT.summed bytes of the piece, of which the first has number SLOT.sumAt, to SLOT.sum; then SLOT.summed is 0. The
 * beginning of what lies behind them is overwritten. Uses R0 to R5 and R8.
 */
export function emitSum(a: Assembler): void {
  const [over, none] = [a.label(), a.label()];
  a.load(8, R1, R7, SLOT.summed).jumpIf('eq', R1, 0, none).jumpIf('gt', R1, MOST_SUMMED, none);
  a.load(8, R0, FP, FLOW_AT).jumpIf('eq', R0, 0, none);
  emitKeys(a);
  // The rest of the first and of the last block is of other segments, and zero here.
  for (let at = 0; at < BLOCK; at += 8) a.store(8, R7, at - BLOCK, 0);
  a.load(8, R1, R7, SLOT.summed).jumpIf('gt', R1, MOST_SUMMED, none).add(R1, R7);
  for (let at = 0; at < BLOCK; at += 8) a.store(8, R1, at, 0);
  // R8 is where the next block begins, R5 where the bytes end, both BLOCK farther than in the piece.
  a.load(8, R5, R7, SLOT.summed)
    .add(R5, BLOCK)
    .load(8, R1, R7, SLOT.sumAt)
    .and(R1, BLOCK - 1);
  a.mov(R2, BLOCK).alu('sub', R2, R1).store(8, R7, SLOT.summed, R2).load(8, R8, R7, SLOT.summed);
  a.load(8, R3, R7, SLOT.sum);
  const loop = a.here();
  a.jumpIf('ge', R8, R5, over)
    .jumpIf('gt', R8, MOST_SUMMED + BLOCK, over)
    .mov(R1, R7)
    .add(R1, R8);
  for (let lane = 0; lane < SUM_KEYS; lane++) {
    a.load(4, R0, R1, 4 * lane - BLOCK).load(8, R4, R7, SUM_KEYS_AT + 8 * lane);
    a.alu('mul', R0, R4).add(R3, R0);
  }
  a.add(R8, BLOCK).jumpIf('gt', R8, R5, over);
  emitMix(a);
  a.mayGoto(none).jump(loop);
  a.here(over);
  a.store(8, R7, SLOT.sum, R3).store(8, R7, SLOT.summed, 0);
  a.here(none);
}

/** R3 behind a block. Uses R1 and R2. */
function emitMix(a: Assembler): void {
  a.loadImmediate64(R2, FACTOR).mov(R1, R3).alu('rsh', R1, 32).alu('xor', R3, R1).alu('mul', R3, R2);
}

/** The keys of the connection at R0. Uses R1 to R4. */
function emitKeys(a: Assembler): void {
  a.load(8, R3, R0, FLOW_VALUE.secret).loadImmediate64(R4, FACTOR);
  for (let lane = 0; lane < SUM_KEYS; lane++) {
    a.add(R3, STEP).mov(R1, R3);
    for (const shift of [32, 29]) a.mov(R2, R1).alu('rsh', R2, shift).alu('xor', R1, R2).alu('mul', R1, R4);
    a.store(8, R7, SUM_KEYS_AT + 8 * lane, R1);
  }
}

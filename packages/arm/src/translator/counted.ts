// SPDX-License-Identifier: Apache-2.0
// What regions count inline besides blocks: instructions and edges that somebody has asked for. A counter is a 64-bit word of
// the machine's memory. Places are virtual and a region serves every mapping of its page, so each is compared when it is passed.

import type { Code } from '@plinth/wasmgen';

/** Virtual addresses. */
export interface AddressRange {
  readonly first: number;
  readonly last: number;
}

/** Counts attempts to execute instructions that begin in the range, whether their condition holds or not. */
export interface CountedInstruction extends AddressRange {
  /** Address of the counter in the machine's memory. */
  readonly counter: number;
}

/** Counts ways from an instruction that ends its block to one that begins a block. */
export interface CountedEdge {
  readonly from: AddressRange;
  readonly to: AddressRange;
  readonly counter: number;
}

/** Whether the range has an address with this offset from the start of some page. */
export function reachesOffset({ first, last }: AddressRange, offset: number): boolean {
  return ((offset - first) & 0xfff) <= last - first;
}

/** 1 on the stack if the address that `address` writes is in the range, else 0. */
export function writeInRange(code: Code, { first, last }: AddressRange, address: () => void): void {
  address();
  code
    .i32(first | 0)
    .op('i32.sub')
    .i32((last - first) | 0)
    .op('i32.le_u');
}

/** Adds the 64 bits that `amount` writes to a counter, or takes them off. */
export function writeCount(
  code: Code,
  counter: number,
  amount: () => void,
  op: 'i64.add' | 'i64.sub' = 'i64.add',
): void {
  code.i32(counter).i32(counter).memory('i64.load', 0);
  amount();
  code.op(op).memory('i64.store', 0);
}

// SPDX-License-Identifier: Apache-2.0
// Operands in the forms that T32 encodings have them: immediates in several fields, modified immediates (A6.3.2).

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import type { Shifted } from '../semantics/alu.js';

interface SplitImmediate<T> {
  readonly i: T;
  readonly imm3: T;
  readonly imm8: T;
}

/** i:imm3:imm8. */
export function imm12(b: Builder, f: SplitImmediate<Node>): Node {
  return b.or(b.or(b.shl(f.i, 11), b.shl(f.imm3, 8)), f.imm8);
}

/** The same from numbers. */
export function imm12Number(f: SplitImmediate<number>): number {
  return (f.i << 11) | (f.imm3 << 8) | f.imm8;
}

/** imm3:imm2, the amount of a shift. */
export function imm5(b: Builder, f: { readonly imm3: Node; readonly imm2: Node }): Node {
  return b.or(b.shl(f.imm3, 2), f.imm2);
}

/** The same from numbers. */
export function imm5Number(f: { readonly imm3: number; readonly imm2: number }): number {
  return (f.imm3 << 2) | f.imm2;
}

/**
 * ThumbExpandImm_C: below 4, i:imm3 names a pattern of the byte (0000 00XY, 00XY 00XY, XY00 XY00, XYXY XYXY); else
 * i:imm3:a rotates 1bcdefgh to the right, and carry-out is the sign.
 */
export function thumbExpandImm(b: Builder, f: SplitImmediate<Node>): Shifted {
  const code = b.or(b.shl(f.i, 3), f.imm3);
  const isPattern = b.ltU(code, 4);
  const known = b.known(isPattern);
  const pattern = (): Node => {
    const odd = b.mul(b.and(code, 1), 0x0001_0001);
    const even = b.mul(b.and(b.shrU(code, 1), 1), 0x0100_0100);
    return b.mul(f.imm8, b.or(b.or(odd, even), b.eqz(code)));
  };
  const rotated = (): Node => b.rotr(b.or(b.and(f.imm8, 0x7f), 0x80), b.or(b.shl(code, 1), b.shrU(f.imm8, 7)));
  if (known === 1) return { value: pattern(), carry: undefined };
  const value = known === 0 ? rotated() : b.select(isPattern, pattern(), rotated());
  return { value, carry: b.select(isPattern, b.carry(), b.shrU(value, 31)) };
}

/** The same from numbers, for the disassembler. */
export function thumbExpandImmNumber(f: SplitImmediate<number>): number {
  const code = (f.i << 3) | f.imm3;
  const { imm8 } = f;
  switch (code) {
    case 0:
      return imm8;
    case 1:
      return (imm8 << 16) | imm8;
    case 2:
      return ((imm8 << 24) | (imm8 << 8)) >>> 0;
    case 3:
      return (imm8 * 0x0101_0101) >>> 0;
    default: {
      const rotation = (code << 1) | (imm8 >> 7);
      const value = 0x80 | (imm8 & 0x7f);
      return ((value >>> rotation) | (value << (32 - rotation))) >>> 0;
    }
  }
}

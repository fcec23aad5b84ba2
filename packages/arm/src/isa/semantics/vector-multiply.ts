// SPDX-License-Identifier: Apache-2.0
// The doubling multiplications of Advanced SIMD (VQDMULH, VQRDMULH, VQDMULL, VQDMLAL, VQDMLSL). Doubling overflows for
// one pair of operands only: both the most negative number.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import {
  and,
  bitsOf,
  lanes,
  multiplyHigh,
  multiplyLow,
  narrowPair,
  signBit,
  splat64,
  xor,
  type Saturated,
} from './vector.js';

/** The high half of `2 * x * y`, rounded if asked; `size` 1 or 2. */
export function doublingMultiplyHigh(b: Builder, size: number, rounding: boolean, x: Node, y: Node): Saturated {
  const least = signBit(b, size);
  const lost = and(b, lanes(b, size, 'eq', x, least), lanes(b, size, 'eq', y, least));
  const bits = bitsOf(size);
  const half = splat64(b, size === 1 ? 0x0000_4000_0000_4000n : 0x4000_0000n);
  const part = (product: Node): Node => {
    const rounded = rounding ? lanes(b, size + 1, 'add', product, half) : product;
    return lanes(b, size + 1, 'shr_s', rounded, bits - 1);
  };
  const high = narrowPair(b, size, part(multiplyLow(b, size, false, x, y)), part(multiplyHigh(b, size, false, x, y)));
  // The overflowing product comes out as the most negative number, one bit pattern away from the most positive.
  return { value: xor(b, high, lost), lost };
}

/** `2 * x * y` of the low elements, twice as wide; `size` (1 or 2) is that of the operands. */
export function doublingMultiplyLong(b: Builder, size: number, x: Node, y: Node): Saturated {
  const product = multiplyLow(b, size, false, x, y);
  const doubled = lanes(b, size + 1, 'shl', product, 1);
  const lost = lanes(b, size + 1, 'eq', doubled, signBit(b, size + 1));
  return { value: xor(b, doubled, lost), lost };
}

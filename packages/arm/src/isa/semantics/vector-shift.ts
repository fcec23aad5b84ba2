// SPDX-License-Identifier: Apache-2.0
// Shifts whose amount differs by element (VSHL, VQSHL, VRSHL, VQRSHL by register; A8.8.396 and others). The host shifts
// all elements alike, so an amount is applied bit by bit: shift by 1, 2, 4 … and keep it where that bit is set.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { and, bitsOf, choose, extreme, lanes, or, splat, xor, zeroVector, type Saturated } from './vector.js';

/** Shifts each element of `x` by the low bits of the same element of `amount`. */
function byEach(b: Builder, size: number, name: 'shl' | 'shr_s' | 'shr_u', x: Node, amount: Node): Node {
  const top = bitsOf(size) - 1;
  let value = x;
  for (let bit = 0; 1 << bit < bitsOf(size); bit++) {
    const mask = lanes(b, size, 'shr_s', lanes(b, size, 'shl', amount, top - bit), top);
    value = choose(b, mask, lanes(b, size, name, value, 1 << bit), value);
  }
  return value;
}

/** All ones where 0 <= amount < element's width. */
function inRange(b: Builder, size: number, amount: Node): Node {
  return lanes(b, size, 'eq', and(b, amount, splat(b, size, -bitsOf(size))), zeroVector(b));
}

export interface RegisterShift {
  readonly size: number;
  readonly unsigned: boolean;
  readonly rounding: boolean;
  readonly saturating: boolean;
}

/** `x` shifted left by the signed low byte of each element of `by`; negative amounts shift right. */
export function shiftByRegister(b: Builder, how: RegisterShift, x: Node, by: Node): Saturated {
  const { size, unsigned, rounding, saturating } = how;
  const bits = bitsOf(size);
  const right = unsigned ? 'shr_u' : 'shr_s';
  const amount = size === 0 ? by : lanes(b, size, 'shr_s', lanes(b, size, 'shl', by, bits - 8), bits - 8);
  const negative = lanes(b, size, 'shr_s', amount, bits - 1);

  // To the right: all but one place first, for rounding and so that a full width needs no special case.
  const less = b.op('v128.not', amount); // -amount - 1
  const most = byEach(b, size, right, x, less);
  const one = splat(b, size, 1);
  let shifted = lanes(b, size, right, most, 1);
  if (rounding) shifted = lanes(b, size, 'add', shifted, and(b, most, one));
  const beyond = rounding || unsigned ? zeroVector(b) : lanes(b, size, 'shr_s', x, bits - 1);
  const rightResult = choose(b, inRange(b, size, less), shifted, beyond);

  const leftValue = byEach(b, size, 'shl', x, amount);
  const fits = inRange(b, size, amount);
  let left = and(b, leftValue, fits);
  let lost = zeroVector(b);
  if (saturating) {
    const back = and(b, byEach(b, size, right, leftValue, amount), fits);
    lost = b.op('v128.andnot', lanes(b, size, 'ne', back, x), negative);
    left = unsigned ? or(b, left, lost) : choose(b, lost, extreme(b, size, x), left);
  }
  return { value: choose(b, negative, rightResult, left), lost };
}

/** VQSHL by immediate: `x << n`, saturated; n below the element's width. */
export function saturatingShiftLeft(b: Builder, size: number, unsigned: boolean, x: Node, n: Node): Saturated {
  const value = lanes(b, size, 'shl', x, n);
  const lost = lanes(b, size, 'ne', lanes(b, size, unsigned ? 'shr_u' : 'shr_s', value, n), x);
  return { value: unsigned ? or(b, value, lost) : choose(b, lost, extreme(b, size, x), value), lost };
}

/** VQSHLU: a signed `x << n`, saturated to an unsigned number. */
export function saturatingShiftLeftUnsigned(b: Builder, size: number, x: Node, n: Node): Saturated {
  const value = lanes(b, size, 'shl', x, n);
  const negative = lanes(b, size, 'shr_s', x, bitsOf(size) - 1);
  const lost = or(b, negative, lanes(b, size, 'ne', lanes(b, size, 'shr_u', value, n), x));
  return { value: xor(b, or(b, value, lost), negative), lost };
}

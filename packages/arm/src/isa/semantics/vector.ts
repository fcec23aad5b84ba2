// SPDX-License-Identifier: Apache-2.0
// Vectors of integers as Advanced SIMD has them (A2.6), on the host's 128-bit vectors: registers, saturation, widening
// and narrowing, halving, polynomials, counting. A doubleword is the low half of a vector; its high half means nothing.
// `size` is the base-2 logarithm of an element's bytes, as in the instructions' size fields.

import type { Builder, Operand } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { CPU } from '../../state/layout.js';

const SHAPES = ['i8x16', 'i16x8', 'i32x4', 'i64x2'] as const;
export const shapeOf = (size: number): string => SHAPES[size]!;
export const bitsOf = (size: number): number => 8 << size;

// ---- registers --------------------------------------------------------------------------------------------------

/** Reads D[index], or with `q` that and the next one. */
export function readVector(b: Builder, q: Operand, index: Node): Node {
  return b.d(index, b.known(q) === 0 ? 'v128.load64_zero' : 'v128.load');
}

export function writeVector(b: Builder, q: Operand, index: Node, value: Node): void {
  b.if(
    q,
    () => b.setD(index, value, 'v128.store'),
    () => b.setD(index, b.lane('i64x2.extract_lane', 0, value)),
  );
}

/** A constant with the same value in every element; of 64-bit elements `value` is sign-extended. */
export function splat(b: Builder, size: number, value: number): Node {
  const lanes = Array.from({ length: 16 }, (_, i) => {
    const shift = (i % (1 << size)) * 8;
    return shift > 24 ? (value < 0 ? 0xff : 0) : (value >> shift) & 0xff;
  });
  return b.constV128(lanes);
}

/** A constant of 64-bit elements. */
export function splat64(b: Builder, value: bigint): Node {
  return b.constV128(Array.from({ length: 16 }, (_, i) => Number((value >> BigInt((i % 8) * 8)) & 0xffn)));
}

/** The most negative element. */
export function signBit(b: Builder, size: number): Node {
  return splat64(b, [0x8080_8080_8080_8080n, 0x8000_8000_8000_8000n, 0x8000_0000_8000_0000n, 1n << 63n][size]!);
}

/** The most positive element. */
export function mostPositive(b: Builder, size: number): Node {
  return b.op('v128.not', signBit(b, size));
}

export const zeroVector = (b: Builder): Node => b.constV128(Array<number>(16).fill(0));

/** Sets FPSCR.QC if any bit of `lost` is set in the vector's used part. */
export function noteSaturation(b: Builder, q: Operand, lost: Node): void {
  const known = b.known(q);
  const low = (): Node => b.op('i64.ne', b.lane('i64x2.extract_lane', 0, lost), b.const64(0n));
  const any = (): Node => b.op('v128.any_true', lost);
  const bit = known === 1 ? any() : known === 0 ? low() : b.select(q, any(), low());
  b.setState(CPU.fpscr, b.or(b.state(CPU.fpscr), b.shl(bit, 27)));
}

/** A result and a vector that has bits set where it saturated. */
export interface Saturated {
  readonly value: Node;
  readonly lost: Node;
}

// ---- plain operations -------------------------------------------------------------------------------------------

/** `shape.name` on two vectors. */
export function lanes(b: Builder, size: number, name: string, x: Node, y: Operand): Node {
  return b.op(`${shapeOf(size)}.${name}`, x, y);
}

const sign = (unsigned: boolean): string => (unsigned ? 'u' : 's');

export function and(b: Builder, x: Node, y: Node): Node {
  return b.op('v128.and', x, y);
}
export function or(b: Builder, x: Node, y: Node): Node {
  return b.op('v128.or', x, y);
}
export function xor(b: Builder, x: Node, y: Node): Node {
  return b.op('v128.xor', x, y);
}
/** Bits of `a` where `mask` is set, of `c` elsewhere. */
export function choose(b: Builder, mask: Node, a: Node, c: Node): Node {
  return b.op('v128.bitselect', a, c, mask);
}

/** `x >> n` for n from 1 to the element's width. */
export function shiftRight(b: Builder, size: number, unsigned: boolean, x: Node, n: Node): Node {
  const bits = bitsOf(size);
  const known = b.known(n);
  if (known !== undefined && known < bits) return lanes(b, size, `shr_${sign(unsigned)}`, x, n);
  if (unsigned) return lanes(b, size, 'shr_u', lanes(b, size, 'shr_u', x, b.sub(n, 1)), 1);
  return lanes(b, size, 'shr_s', x, b.sub(n, b.shrU(n, 3 + size)));
}

/** Half of `x`, rounded up. */
function halfUp(b: Builder, size: number, unsigned: boolean, x: Node): Node {
  const one = splat(b, size, 1);
  return lanes(b, size, 'add', lanes(b, size, `shr_${sign(unsigned)}`, x, 1), and(b, x, one));
}

/** `(x + 2^(n-1)) >> n` without overflow, for n from 1 to the element's width. */
export function shiftRightRounding(b: Builder, size: number, unsigned: boolean, x: Node, n: Node): Node {
  return halfUp(b, size, unsigned, lanes(b, size, `shr_${sign(unsigned)}`, x, b.sub(n, 1)));
}

/** Multiplication that keeps the low half; there is none for bytes in the host. */
export function multiply(b: Builder, size: number, x: Node, y: Node): Node {
  if (size !== 0) return lanes(b, size, 'mul', x, y);
  const low = b.op('i16x8.extmul_low_i8x16_u', x, y);
  const high = b.op('i16x8.extmul_high_i8x16_u', x, y);
  return b.shuffle(low, high, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30]);
}

/** Product of polynomials over {0, 1} in elements of `size`; bits that do not fit are lost. */
export function polynomialMultiply(b: Builder, size: number, x: Node, y: Node): Node {
  const top = bitsOf(size) - 1;
  let sum: Node | undefined;
  for (let i = 0; i < 8; i++) {
    const mask = lanes(b, size, 'shr_s', lanes(b, size, 'shl', y, top - i), top);
    const term = and(b, lanes(b, size, 'shl', x, i), mask);
    sum = sum === undefined ? term : xor(b, sum, term);
  }
  return sum!;
}

export function absoluteDifference(b: Builder, size: number, unsigned: boolean, x: Node, y: Node): Node {
  const s = sign(unsigned);
  return lanes(b, size, 'sub', lanes(b, size, `max_${s}`, x, y), lanes(b, size, `min_${s}`, x, y));
}

/** `(x + y) >> 1`, `(x + y + 1) >> 1` and `(x - y) >> 1`, with the carry or borrow in the result. */
export function halvingAdd(b: Builder, size: number, unsigned: boolean, x: Node, y: Node): Node {
  return lanes(b, size, 'add', and(b, x, y), lanes(b, size, `shr_${sign(unsigned)}`, xor(b, x, y), 1));
}
export function roundingHalvingAdd(b: Builder, size: number, unsigned: boolean, x: Node, y: Node): Node {
  if (unsigned && size < 2) return lanes(b, size, 'avgr_u', x, y);
  return lanes(b, size, 'sub', or(b, x, y), lanes(b, size, `shr_${sign(unsigned)}`, xor(b, x, y), 1));
}
export function halvingSubtract(b: Builder, size: number, unsigned: boolean, x: Node, y: Node): Node {
  const borrow = b.op('v128.andnot', y, x);
  return lanes(b, size, 'sub', lanes(b, size, `shr_${sign(unsigned)}`, xor(b, x, y), 1), borrow);
}

// ---- saturation -------------------------------------------------------------------------------------------------

/** What a signed overflow of `x` saturates to. */
export function extreme(b: Builder, size: number, x: Node): Node {
  return xor(b, lanes(b, size, 'shr_s', x, bitsOf(size) - 1), mostPositive(b, size));
}

function lessUnsigned(b: Builder, size: number, x: Node, y: Node): Node {
  if (size < 3) return lanes(b, size, 'lt_u', x, y);
  return lanes(b, size, 'lt_s', xor(b, x, signBit(b, 3)), xor(b, y, signBit(b, 3)));
}

export function saturatingAdd(b: Builder, size: number, unsigned: boolean, x: Node, y: Node): Saturated {
  const sum = lanes(b, size, 'add', x, y);
  if (size < 2) {
    const value = lanes(b, size, `add_sat_${sign(unsigned)}`, x, y);
    return { value, lost: xor(b, value, sum) };
  }
  if (unsigned) {
    const lost = lessUnsigned(b, size, sum, x);
    return { value: or(b, sum, lost), lost };
  }
  const lost = lanes(b, size, 'shr_s', and(b, xor(b, x, sum), xor(b, y, sum)), bitsOf(size) - 1);
  return { value: choose(b, lost, extreme(b, size, x), sum), lost };
}

export function saturatingSubtract(b: Builder, size: number, unsigned: boolean, x: Node, y: Node): Saturated {
  const difference = lanes(b, size, 'sub', x, y);
  if (size < 2) {
    const value = lanes(b, size, `sub_sat_${sign(unsigned)}`, x, y);
    return { value, lost: xor(b, value, difference) };
  }
  if (unsigned) {
    const lost = lessUnsigned(b, size, x, y);
    return { value: b.op('v128.andnot', difference, lost), lost };
  }
  const lost = lanes(b, size, 'shr_s', and(b, xor(b, x, y), xor(b, x, difference)), bitsOf(size) - 1);
  return { value: choose(b, lost, extreme(b, size, x), difference), lost };
}

/** Absolute value or negation; only the most negative number saturates. */
export function saturatingUnary(b: Builder, size: number, name: 'abs' | 'neg', x: Node): Saturated {
  const lost = lanes(b, size, 'eq', x, signBit(b, size));
  return { value: xor(b, b.op(`${shapeOf(size)}.${name}`, x), lost), lost };
}

// ---- widening and narrowing -------------------------------------------------------------------------------------

/** The low elements of `x`, twice as wide; `size` is that of the narrow ones. */
export function extendLow(b: Builder, size: number, unsigned: boolean, x: Node): Node {
  return b.op(`${shapeOf(size + 1)}.extend_low_${shapeOf(size)}_${sign(unsigned)}`, x);
}

export function multiplyLow(b: Builder, size: number, unsigned: boolean, x: Node, y: Node): Node {
  return b.op(`${shapeOf(size + 1)}.extmul_low_${shapeOf(size)}_${sign(unsigned)}`, x, y);
}

export function multiplyHigh(b: Builder, size: number, unsigned: boolean, x: Node, y: Node): Node {
  return b.op(`${shapeOf(size + 1)}.extmul_high_${shapeOf(size)}_${sign(unsigned)}`, x, y);
}

/** The low halves (or the high ones) of the elements of `x`, then of `y`; `size` is that of the narrow elements. */
export function narrowPair(b: Builder, size: number, x: Node, y: Node, high = false): Node {
  const bytes = 1 << size;
  const picked = Array.from({ length: 16 }, (_, i) => {
    return Math.floor(i / bytes) * 2 * bytes + (i % bytes) + (high ? bytes : 0);
  });
  return b.shuffle(x, y, picked);
}

export function narrow(b: Builder, size: number, x: Node, high = false): Node {
  return narrowPair(b, size, x, x, high);
}

export type NarrowKind = 'signed' | 'unsigned' | 'signed-to-unsigned';

/** Elements of `x` saturated to half their width, which is `size`. */
export function saturatingNarrow(b: Builder, size: number, kind: NarrowKind, x: Node): Saturated {
  const wide = size + 1;
  let value: Node;
  if (kind === 'unsigned') {
    const limit = splat64(b, [0x00ff_00ff_00ff_00ffn, 0x0000_ffff_0000_ffffn, 0xffff_ffffn][size]!);
    const overflow = lanes(b, wide, 'ne', b.op('v128.andnot', x, limit), zeroVector(b));
    value = narrow(b, size, or(b, x, overflow));
  } else if (size < 2) {
    const s = kind === 'signed' ? 's' : 'u';
    value = b.op(`${shapeOf(size)}.narrow_${shapeOf(wide)}_${s}`, x, x);
  } else {
    const most = splat64(b, kind === 'signed' ? 0x7fff_ffffn : 0xffff_ffffn);
    const least = splat64(b, kind === 'signed' ? -0x8000_0000n : 0n);
    const capped = choose(b, b.op('i64x2.gt_s', x, most), most, x);
    value = narrow(b, size, choose(b, b.op('i64x2.lt_s', x, least), least, capped));
  }
  return { value, lost: xor(b, extendLow(b, size, kind !== 'signed', value), x) };
}

// ---- counting ---------------------------------------------------------------------------------------------------

function populationCount(b: Builder, size: number, x: Node): Node {
  const bytes = b.op('i8x16.popcnt', x);
  if (size === 0) return bytes;
  const halves = b.op('i16x8.extadd_pairwise_i8x16_u', bytes);
  return size === 1 ? halves : b.op('i32x4.extadd_pairwise_i16x8_u', halves);
}

export function countLeadingZeros(b: Builder, size: number, x: Node): Node {
  let smeared = x;
  for (let n = 1; n < bitsOf(size); n *= 2) smeared = or(b, smeared, lanes(b, size, 'shr_u', smeared, n));
  return populationCount(b, size, b.op('v128.not', smeared));
}

/** Bits after the sign that are equal to it. */
export function countLeadingSigns(b: Builder, size: number, x: Node): Node {
  const changes = xor(b, x, lanes(b, size, 'shr_s', x, 1));
  return lanes(b, size, 'sub', countLeadingZeros(b, size, changes), splat(b, size, 1));
}

// ---- pairs ------------------------------------------------------------------------------------------------------

/** The even and the odd elements of the doublewords x and y, in one doubleword each. */
export function unzipDoubles(b: Builder, size: number, x: Node, y: Node): { even: Node; odd: Node } {
  const bytes = 1 << size;
  const pick = (odd: number): Node => {
    const list = Array.from({ length: 16 }, (_, i) => {
      const at = (Math.floor((i % 8) / bytes) * 2 + odd) * bytes + (i % bytes);
      return at < 8 ? at : at + 8;
    });
    return b.shuffle(x, y, list);
  };
  return { even: pick(0), odd: pick(1) };
}

/** Sums of neighbouring elements, twice as wide. */
export function addLongPairs(b: Builder, size: number, unsigned: boolean, x: Node): Node {
  const s = sign(unsigned);
  if (size < 2) return b.op(`${shapeOf(size + 1)}.extadd_pairwise_${shapeOf(size)}_${s}`, x);
  const upper = lanes(b, 3, `shr_${s}`, x, 32);
  const lower = lanes(b, 3, `shr_${s}`, lanes(b, 3, 'shl', x, 32), 32);
  return lanes(b, 3, 'add', upper, lower);
}

// SPDX-License-Identifier: Apache-2.0
// Single-precision vectors of Advanced SIMD with the standard FPSCR value (A2.7.1): round to nearest, flush denormals
// to zero, default NaN. As in semantics/float, the host computes all lanes when none can differ, that is when Inexact
// is recorded and nothing is denormal, infinite or NaN; else the exact library does them one by one.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { CPU } from '../../state/layout.js';
import { FPSCR } from './float.js';
import { and, lanes, or, splat, splat64, zeroVector } from './vector.js';

const op = (b: Builder, name: string, ...x: Node[]): Node => b.op(`f32x4.${name}`, ...x);
const both = (pattern: bigint): bigint => (pattern << 32n) | pattern;
const smallest = (b: Builder): Node => splat64(b, both(0x0080_0000n));
const infinity = (b: Builder): Node => splat64(b, both(0x7f80_0000n));
const isZero = (b: Builder, x: Node): Node => op(b, 'eq', x, zeroVector(b));

function isDenormal(b: Builder, x: Node): Node {
  return b.op('v128.andnot', op(b, 'lt', op(b, 'abs', x), smallest(b)), isZero(b, x));
}
function isSpecial(b: Builder, x: Node): Node {
  return b.op('v128.not', op(b, 'lt', op(b, 'abs', x), infinity(b)));
}
const isNan = (b: Builder, x: Node): Node => op(b, 'ne', x, x);
const any = (b: Builder, ...masks: Node[]): Node => masks.reduce((x, y) => or(b, x, y));

const inexactNoted = (b: Builder): Node => b.and(b.state(CPU.fpscr), FPSCR.ixc);

/** A value for each used lane of i32; `q` tells whether there are four. */
export function eachLane(b: Builder, q: Node | number, compute: (lane: number) => Node): Node {
  const result = b.temp('v128');
  b.setTemp(result, b.lane('i32x4.replace_lane', 1, b.op('i32x4.splat', compute(0)), compute(1)));
  b.if(q, () => {
    const third = b.lane('i32x4.replace_lane', 2, b.getTemp(result), compute(2));
    b.setTemp(result, b.lane('i32x4.replace_lane', 3, third, compute(3)));
  });
  return b.getTemp(result);
}

const laneOf = (b: Builder, x: Node, lane: number): Node => b.lane('i32x4.extract_lane', lane, x);

/** `fast` unless a lane of `doubtful` is set or `sure` is zero; then helper `name` on each lane of `operands`. */
function decide(
  b: Builder,
  q: Node | number,
  doubtful: Node,
  sure: Node | undefined,
  fast: Node,
  slow: (lane: number) => Node,
): Node {
  const result = b.temp('v128');
  const fine = b.eqz(b.op('v128.any_true', doubtful));
  b.if(
    sure === undefined ? fine : b.select(sure, fine, 0),
    () => b.setTemp(result, fast),
    () => b.setTemp(result, eachLane(b, q, slow)),
  );
  return b.getTemp(result);
}

const perLane =
  (b: Builder, name: string, ...operands: Node[]) =>
  (lane: number): Node =>
    b.call(name, ...operands.map((x) => laneOf(b, x, lane)));

/** Lanes in which a product could be wrong. */
function doubtfulProduct(b: Builder, x: Node, y: Node, product: Node): Node {
  const tiny = b.op('v128.not', op(b, 'gt', op(b, 'abs', product), smallest(b)));
  const fromZero = or(b, isZero(b, x), isZero(b, y));
  return any(b, isDenormal(b, x), isDenormal(b, y), isSpecial(b, product), b.op('v128.andnot', tiny, fromZero));
}

export type VectorOperation = 'add' | 'sub' | 'mul';
const EXACT: Readonly<Record<VectorOperation, string>> = { add: 'simdAdd', sub: 'simdSub', mul: 'simdMul' };

export function vectorBinary(b: Builder, q: Node | number, name: VectorOperation, x: Node, y: Node): Node {
  const value = op(b, name, x, y);
  const doubtful =
    name === 'mul'
      ? doubtfulProduct(b, x, y, value)
      : any(b, isDenormal(b, x), isDenormal(b, y), isDenormal(b, value), isSpecial(b, value));
  return decide(b, q, doubtful, inexactNoted(b), value, perLane(b, EXACT[name], x, y));
}

/** `d ± x * y`, both roundings done. */
export function vectorMultiplyAccumulate(
  b: Builder,
  q: Node | number,
  subtract: boolean,
  d: Node,
  x: Node,
  y: Node,
): Node {
  const product = op(b, 'mul', x, y);
  const value = op(b, subtract ? 'sub' : 'add', d, product);
  const doubtful = any(
    b,
    doubtfulProduct(b, x, y, product),
    isDenormal(b, d),
    isDenormal(b, value),
    isSpecial(b, value),
  );
  return decide(b, q, doubtful, inexactNoted(b), value, (lane) => {
    const slow = b.call('simdMul', laneOf(b, x, lane), laneOf(b, y, lane));
    return b.call('simdAdd', laneOf(b, d, lane), subtract ? b.xor(slow, 0x8000_0000 | 0) : slow);
  });
}

/** `d ± x * y` rounded once. */
export function vectorFused(b: Builder, q: Node | number, subtract: boolean, d: Node, x: Node, y: Node): Node {
  return eachLane(b, q, (lane) => {
    const factor = laneOf(b, x, lane);
    const signed = subtract ? b.xor(factor, 0x8000_0000 | 0) : factor;
    return b.call('simdMulAdd', laneOf(b, d, lane), signed, laneOf(b, y, lane));
  });
}

/** Maximum, minimum and comparisons: exact, so that only NaNs and denormals need care. */
export function vectorOrder(
  b: Builder,
  q: Node | number,
  name: 'max' | 'min' | 'eq' | 'ge' | 'gt',
  x: Node,
  y: Node,
): Node {
  const exact = {
    max: 'simdMax',
    min: 'simdMin',
    eq: 'simdCompareEqual',
    ge: 'simdCompareGreaterEqual',
    gt: 'simdCompareGreater',
  }[name];
  const doubtful = any(b, isDenormal(b, x), isDenormal(b, y), isNan(b, x), isNan(b, y));
  return decide(b, q, doubtful, undefined, op(b, name, x, y), perLane(b, exact, x, y));
}

export const vectorAbsolute = (b: Builder, x: Node): Node => and(b, x, splat64(b, both(0x7fff_ffffn)));
export const vectorNegate = (b: Builder, x: Node): Node => b.op('v128.xor', x, splat64(b, both(0x8000_0000n)));

/** Estimates, steps and the like have no counterpart in the host. */
export function vectorExact(b: Builder, q: Node | number, name: string, ...operands: Node[]): Node {
  return eachLane(b, q, perLane(b, name, ...operands));
}

/** FPToFixed, towards zero. The host converts integers, when there are no fraction bits. */
export function toFixed(b: Builder, q: Node | number, x: Node, fraction: Node, unsigned: boolean): Node {
  const rest = [fraction, b.const(unsigned ? 1 : 0)];
  const slow = (lane: number): Node => b.call('simdToFixed', laneOf(b, x, lane), ...rest);
  if (b.known(fraction) !== 0) return eachLane(b, q, slow);
  const value = b.op(`i32x4.trunc_sat_f32x4_${unsigned ? 'u' : 's'}`, x);
  const limit = splat64(b, both(unsigned ? 0x4f80_0000n : 0x4f00_0000n));
  const inRange = unsigned
    ? and(b, op(b, 'lt', x, limit), op(b, 'ge', x, zeroVector(b)))
    : op(b, 'lt', op(b, 'abs', x), limit);
  const doubtful = or(b, isDenormal(b, x), b.op('v128.not', inRange));
  return decide(b, q, doubtful, inexactNoted(b), value, slow);
}

/** FixedToFP, to nearest. */
export function fromFixed(b: Builder, q: Node | number, x: Node, fraction: Node, unsigned: boolean): Node {
  const rest = [fraction, b.const(unsigned ? 1 : 0)];
  const slow = (lane: number): Node => b.call('simdFromFixed', laneOf(b, x, lane), ...rest);
  if (b.known(fraction) !== 0) return eachLane(b, q, slow);
  const value = op(b, `convert_i32x4_${unsigned ? 'u' : 's'}`, x);
  // Up to 24 bits are exact.
  const offset = unsigned ? x : lanes(b, 2, 'add', x, splat(b, 2, 0x100_0000));
  const large = lanes(b, 2, 'ge_u', offset, splat(b, 2, unsigned ? 0x100_0000 : 0x200_0000));
  const noted = b.op('i32x4.splat', b.select(inexactNoted(b), 0, -1));
  return decide(b, q, and(b, large, noted), undefined, value, slow);
}

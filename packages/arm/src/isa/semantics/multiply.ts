// SPDX-License-Identifier: Apache-2.0
// Multiplication and division (A4.4.3, A4.4.9), shared by A32 and T32. Each function is a whole instruction; the
// parameter names the fields of both encodings. C and V stay as they are (ARMv7).

import type { Builder, Operand } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { setSaturated } from './saturate.js';

export interface Product {
  readonly Rd: Node;
  readonly Rn: Node;
  readonly Rm: Node;
}
export interface Accumulation extends Product {
  readonly Ra: Node;
}
export interface LongProduct {
  readonly RdHi: Node;
  readonly RdLo: Node;
  readonly Rn: Node;
  readonly Rm: Node;
}
/** `M` takes the upper half of Rm, or exchanges its halves in the dual multiplications. */
interface HalfOfRm {
  readonly M: Node;
}
/** `N` takes the upper half of Rn. */
interface HalfOfRn {
  readonly N: Node;
}
interface Rounding {
  readonly R: Node;
}

const sum64 = (b: Builder, x: Node, y: Node): Node => b.op('i64.add', x, y);

function writeLong(b: Builder, f: LongProduct, result: Node, setFlags = false): void {
  b.setReg(f.RdLo, b.low(result));
  b.setReg(f.RdHi, b.high(result));
  if (setFlags) b.setNZ64(result);
}

function accumulator64(b: Builder, f: LongProduct): Node {
  return b.join(b.reg(f.RdHi), b.reg(f.RdLo));
}

// ---- whole words --------------------------------------------------------------------------------------------------

export function multiply(b: Builder, f: Product, setFlags: boolean): void {
  const result = b.mul(b.reg(f.Rn), b.reg(f.Rm));
  b.setReg(f.Rd, result);
  if (setFlags) b.setNZ(result);
}

export function multiplyAccumulate(b: Builder, f: Accumulation, setFlags: boolean): void {
  const result = b.add(b.mul(b.reg(f.Rn), b.reg(f.Rm)), b.reg(f.Ra));
  b.setReg(f.Rd, result);
  if (setFlags) b.setNZ(result);
}

export function multiplySubtract(b: Builder, f: Accumulation): void {
  b.setReg(f.Rd, b.sub(b.reg(f.Ra), b.mul(b.reg(f.Rn), b.reg(f.Rm))));
}

/** UMULL, SMULL, and with `accumulate` UMLAL and SMLAL. */
export function multiplyLong(
  b: Builder,
  f: LongProduct,
  options: { signed: boolean; accumulate: boolean; setFlags: boolean },
): void {
  const extend = options.signed ? 'i64.extend_i32_s' : 'i64.extend_i32_u';
  const product = b.op('i64.mul', b.op(extend, b.reg(f.Rn)), b.op(extend, b.reg(f.Rm)));
  writeLong(b, f, options.accumulate ? sum64(b, product, accumulator64(b, f)) : product, options.setFlags);
}

/** UMAAL: the product and both halves of the accumulator; it cannot overflow 64 bits. */
export function multiplyAccumulateAccumulateLong(b: Builder, f: LongProduct): void {
  const product = b.op('i64.mul', b.extendU64(b.reg(f.Rn)), b.extendU64(b.reg(f.Rm)));
  const addends = sum64(b, b.extendU64(b.reg(f.RdHi)), b.extendU64(b.reg(f.RdLo)));
  writeLong(b, f, sum64(b, product, addends));
}

/** SMMUL, SMMLA, SMMLS: the upper word, rounded if R is 1. `Ra` is left out by SMMUL. */
export function multiplyMostSignificant(
  b: Builder,
  f: Product & Rounding & { readonly Ra?: Node },
  subtract = false,
): void {
  const product = b.op('i64.mul', b.extendS64(b.reg(f.Rn)), b.extendS64(b.reg(f.Rm)));
  const addend = f.Ra === undefined ? b.const64(0n) : b.join(b.reg(f.Ra), 0);
  const total = b.op(subtract ? 'i64.sub' : 'i64.add', addend, product);
  b.setReg(f.Rd, b.high(sum64(b, total, b.extendU64(b.shl(f.R, 31)))));
}

// ---- halfwords ----------------------------------------------------------------------------------------------------

/** The half of `value` that `top` chooses, sign-extended. */
function half(b: Builder, value: Node, top: Operand): Node {
  return b.extend16S(b.shrU(value, b.shl(top, 4)));
}

const bottom = (b: Builder, value: Node): Node => b.extend16S(value);
const upper = (b: Builder, value: Node): Node => b.shrS(value, 16);

/** x + y into Rd; an overflow sets Q, the result wraps. */
function accumulate(b: Builder, rd: Node, x: Node, y: Node): void {
  const result = b.add(x, y);
  setSaturated(b, b.ltS(b.and(b.xor(x, result), b.xor(y, result)), 0));
  b.setReg(rd, result);
}

function halfProduct(b: Builder, f: Product & HalfOfRm & HalfOfRn): Node {
  return b.mul(half(b, b.reg(f.Rn), f.N), half(b, b.reg(f.Rm), f.M));
}

/** SMULBB and its kin. */
export function multiplyHalves(b: Builder, f: Product & HalfOfRm & HalfOfRn): void {
  b.setReg(f.Rd, halfProduct(b, f));
}

/** SMLABB and its kin. */
export function multiplyAccumulateHalves(b: Builder, f: Accumulation & HalfOfRm & HalfOfRn): void {
  accumulate(b, f.Rd, halfProduct(b, f), b.reg(f.Ra));
}

/** SMLALBB and its kin. */
export function multiplyAccumulateLongHalves(b: Builder, f: LongProduct & HalfOfRm & HalfOfRn): void {
  const product = b.mul(half(b, b.reg(f.Rn), f.N), half(b, b.reg(f.Rm), f.M));
  writeLong(b, f, sum64(b, b.extendS64(product), accumulator64(b, f)));
}

/** Bits 47:16 of a word times a halfword. */
function wordHalfProduct(b: Builder, f: Product & HalfOfRm): Node {
  const product = b.op('i64.mul', b.extendS64(b.reg(f.Rn)), b.extendS64(half(b, b.reg(f.Rm), f.M)));
  return b.low(b.op('i64.shr_s', product, b.const64(16n)));
}

/** SMULWB, SMULWT. */
export function multiplyWordHalf(b: Builder, f: Product & HalfOfRm): void {
  b.setReg(f.Rd, wordHalfProduct(b, f));
}

/** SMLAWB, SMLAWT. */
export function multiplyAccumulateWordHalf(b: Builder, f: Accumulation & HalfOfRm): void {
  accumulate(b, f.Rd, wordHalfProduct(b, f), b.reg(f.Ra));
}

// ---- dual halfwords -----------------------------------------------------------------------------------------------

/** Sum or difference of the two halfword products, as 64 bits: two products of -32768 squared do not fit a word. */
function dualProduct(b: Builder, f: { Rn: Node; Rm: Node; M: Node }, subtract: boolean): Node {
  const x = b.reg(f.Rn);
  const y = b.rotr(b.reg(f.Rm), b.shl(f.M, 4));
  const low = b.extendS64(b.mul(bottom(b, x), bottom(b, y)));
  const high = b.extendS64(b.mul(upper(b, x), upper(b, y)));
  return b.op(subtract ? 'i64.sub' : 'i64.add', low, high);
}

/** SMUAD, SMUSD, and with `Ra` SMLAD and SMLSD; Q tells that the result did not fit. */
export function multiplyDual(b: Builder, f: Product & HalfOfRm & { readonly Ra?: Node }, subtract: boolean): void {
  const product = dualProduct(b, f, subtract);
  const total = f.Ra === undefined ? product : sum64(b, product, b.extendS64(b.reg(f.Ra)));
  const result = b.low(total);
  setSaturated(b, b.op('i64.ne', total, b.extendS64(result)));
  b.setReg(f.Rd, result);
}

/** SMLALD, SMLSLD. */
export function multiplyDualLong(b: Builder, f: LongProduct & HalfOfRm, subtract: boolean): void {
  writeLong(b, f, sum64(b, dualProduct(b, f, subtract), accumulator64(b, f)));
}

// ---- division -----------------------------------------------------------------------------------------------------

/** SDIV, UDIV: rounds towards zero, division by zero gives zero, the most negative number by -1 gives itself. */
export function divide(b: Builder, f: Product, signed: boolean): void {
  const dividend = b.reg(f.Rn);
  const divisor = b.reg(f.Rm);
  if (!signed) {
    const zero = b.eqz(divisor);
    const quotient = b.op('i32.div_u', dividend, b.select(zero, 1, divisor));
    b.setReg(f.Rd, b.select(zero, 0, quotient));
    return;
  }
  // WebAssembly traps on 0 and on the overflow by -1: keep both away from its division.
  const special = b.ltU(b.add(divisor, 1), 2);
  const quotient = b.op('i32.div_s', dividend, b.select(special, 1, divisor));
  b.setReg(f.Rd, b.select(special, b.and(b.sub(0, dividend), divisor), quotient));
}

// SPDX-License-Identifier: Apache-2.0
// Floating-point arithmetic of the VFP instructions (A2.7). The host's own operation is used where it cannot differ:
// rounding to nearest, no flushing to zero, Inexact already recorded, and a result that is neither special nor tiny.
// Everything else goes to the exact library in float/, which also records exceptions in FPSCR.

import type { Builder, Operand } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { CPU } from '../../state/layout.js';
import { EXCEPTION } from '../../system/exception.js';

export type FloatSize = 32 | 64;

/** FPSCR fields at their places. */
export const FPSCR = {
  ixc: 0x10,
  len: 0x7_0000,
  stride: 0x30_0000,
  rmode: 0xc0_0000,
  fz: 0x100_0000,
  qc: 0x800_0000,
} as const;

/** A floating-point number as the host's type, from its bits (i32 or i64). */
export function toFloat(b: Builder, size: FloatSize, bits: Operand): Node {
  return b.op(size === 32 ? 'f32.reinterpret_i32' : 'f64.reinterpret_i64', bits);
}

export function toBits(b: Builder, size: FloatSize, value: Node): Node {
  return b.op(size === 32 ? 'i32.reinterpret_f32' : 'i64.reinterpret_f64', value);
}

function constant(b: Builder, size: FloatSize, bits32: number, bits64: bigint): Node {
  return toFloat(b, size, size === 32 ? b.const(bits32) : b.const64(bits64));
}
const zero = (b: Builder, size: FloatSize): Node => constant(b, size, 0, 0n);

/** Whether `value` is neither infinite nor NaN. */
export function isFinite(b: Builder, size: FloatSize, value: Node): Node {
  const infinity = constant(b, size, 0x7f80_0000, 0x7ff0_0000_0000_0000n);
  return b.op(`f${size}.lt`, b.op(`f${size}.abs`, value), infinity);
}

/** Whether the magnitude is above the smallest normal number: rounding cannot have hidden an underflow then. */
export function isLarge(b: Builder, size: FloatSize, value: Node): Node {
  const smallest = constant(b, size, 0x0080_0000, 0x0010_0000_0000_0000n);
  return b.op(`f${size}.gt`, b.op(`f${size}.abs`, value), smallest);
}

export function isZero(b: Builder, size: FloatSize, value: Node): Node {
  return b.op(`f${size}.eq`, value, zero(b, size));
}

/** Whether FPSCR asks for nothing but what the host does, Inexact is recorded and short vectors are off. */
export function hostArithmetic(b: Builder): Node {
  const watched = FPSCR.rmode | FPSCR.fz | FPSCR.ixc | FPSCR.len | FPSCR.stride;
  return b.eq(b.and(b.state(CPU.fpscr), watched), FPSCR.ixc);
}

/** Short vectors (FPSCR.LEN, STRIDE) are not in VFPv3: arithmetic is undefined while they are asked for. */
export function refuseShortVectors(b: Builder): void {
  b.if(b.and(b.state(CPU.fpscr), FPSCR.len | FPSCR.stride), () => b.exception(EXCEPTION.undefined));
}

/** Calls the exact operation `name` + size on bits; a doubleword's halves go apart, its high word comes by `result0`. */
export function exact(b: Builder, name: string, size: FloatSize, ...operands: Node[]): Node {
  if (size === 32) return b.call(`${name}32`, ...operands);
  const low = b.call(`${name}64`, ...operands.flatMap((x) => [b.low(x), b.high(x)]));
  return b.join(b.state(CPU.result0), low);
}

/** FPNeg on bits. */
export function negateBits(b: Builder, size: FloatSize, bits: Node): Node {
  return size === 32 ? b.xor(bits, 0x8000_0000 | 0) : b.op('i64.xor', bits, b.const64(1n << 63n));
}

/** FPAbs on bits. */
export function absoluteBits(b: Builder, size: FloatSize, bits: Node): Node {
  return size === 32 ? b.and(bits, 0x7fff_ffff) : b.op('i64.and', bits, b.const64((1n << 63n) - 1n));
}

export type FloatOperation = 'add' | 'sub' | 'mul' | 'div';
const EXACT: Readonly<Record<FloatOperation, string>> = { add: 'fpAdd', sub: 'fpSub', mul: 'fpMul', div: 'fpDiv' };

/** The host's result and whether it is right, given `hostArithmetic`. */
export interface HostResult {
  readonly value: Node;
  readonly valid: Node;
}

/** An operation on host numbers. Sums never lose a tiny result; products and quotients may, unless zero went in. */
export function hostBinary(b: Builder, operation: FloatOperation, size: FloatSize, x: Node, y: Node): HostResult {
  const value = b.op(`f${size}.${operation}`, x, y);
  const finite = isFinite(b, size, value);
  if (operation === 'add' || operation === 'sub') return { value, valid: finite };
  const large = b.or(isLarge(b, size, value), isZero(b, size, x));
  const sure = operation === 'div' ? large : b.or(large, isZero(b, size, y));
  return { value, valid: b.and(finite, sure) };
}

/** Writes the host's result if `valid`, else what the exact library makes of it. Ends in UNDEFINED for short vectors. */
export function choose(
  b: Builder,
  size: FloatSize,
  valid: Node,
  value: Node,
  slow: () => Node,
  write: (bits: Node) => void,
): void {
  b.if(
    valid,
    () => write(toBits(b, size, value)),
    () => {
      refuseShortVectors(b);
      write(slow());
    },
  );
}

/** `x operation y`, all as bits; the result's sign is inverted if `negate`. */
export function floatBinary(
  b: Builder,
  operation: FloatOperation,
  size: FloatSize,
  x: Node,
  y: Node,
  write: (bits: Node) => void,
  negate = false,
): void {
  const host = hostBinary(b, operation, size, toFloat(b, size, x), toFloat(b, size, y));
  choose(
    b,
    size,
    b.and(hostArithmetic(b), host.valid),
    negate ? b.op(`f${size}.neg`, host.value) : host.value,
    () => {
      const result = exact(b, EXACT[operation], size, x, y);
      return negate ? negateBits(b, size, result) : result;
    },
    write,
  );
}

/** `±addend + ±(x * y)` with two roundings (VMLA and its kin), all as bits. */
export function floatMultiplyAccumulate(
  b: Builder,
  size: FloatSize,
  operands: { addend: Node; x: Node; y: Node },
  negate: { addend: boolean; product: boolean },
  write: (bits: Node) => void,
): void {
  const { addend, x, y } = operands;
  const product = hostBinary(b, 'mul', size, toFloat(b, size, x), toFloat(b, size, y));
  const flip = (value: Node, yes: boolean): Node => (yes ? b.op(`f${size}.neg`, value) : value);
  const sum = hostBinary(
    b,
    'add',
    size,
    flip(toFloat(b, size, addend), negate.addend),
    flip(product.value, negate.product),
  );
  choose(
    b,
    size,
    b.and(b.and(hostArithmetic(b), product.valid), sum.valid),
    sum.value,
    () => {
      const slowProduct = exact(b, 'fpMul', size, x, y);
      return exact(
        b,
        'fpAdd',
        size,
        negate.addend ? negateBits(b, size, addend) : addend,
        negate.product ? negateBits(b, size, slowProduct) : slowProduct,
      );
    },
    write,
  );
}

/**
 * `±addend + ±(x * y)` rounded once (VFMA and its kin). Single precision is done in double: the product is exact there
 * and the sum's second rounding is harmless unless it starts half way between two singles.
 */
export function floatFused(
  b: Builder,
  size: FloatSize,
  operands: { addend: Node; x: Node; y: Node },
  negate: { addend: boolean; product: boolean },
  write: (bits: Node) => void,
): void {
  const addend = negate.addend ? negateBits(b, size, operands.addend) : operands.addend;
  const x = negate.product ? negateBits(b, size, operands.x) : operands.x;
  const slow = (): Node => exact(b, 'fpMulAdd', size, addend, x, operands.y);
  if (size === 64) {
    refuseShortVectors(b);
    write(slow());
    return;
  }
  const wide = (bits: Node): Node => b.op('f64.promote_f32', toFloat(b, 32, bits));
  const sum = b.op('f64.add', wide(addend), b.op('f64.mul', wide(x), wide(operands.y)));
  const value = b.op('f32.demote_f64', sum);
  const below = b.and(b.low(toBits(b, 64, sum)), 0x1fff_ffff);
  const valid = b.and(b.and(isFinite(b, 32, value), isLarge(b, 32, value)), b.ne(below, 0x1000_0000));
  choose(b, 32, b.and(hostArithmetic(b), valid), value, slow, write);
}

export function floatSquareRoot(b: Builder, size: FloatSize, x: Node, write: (bits: Node) => void): void {
  const value = b.op(`f${size}.sqrt`, toFloat(b, size, x));
  const valid = b.and(hostArithmetic(b), isFinite(b, size, value));
  choose(b, size, valid, value, () => exact(b, 'fpSqrt', size, x), write);
}

/** FPCompare (A2.7.9) into FPSCR.NZCV; `quietTraps` as VCMPE has it. */
export function floatCompare(b: Builder, size: FloatSize, x: Node, y: Node, quietTraps: boolean): void {
  const a = toFloat(b, size, x);
  const c = toFloat(b, size, y);
  const ordered = b.and(b.op(`f${size}.eq`, a, a), b.op(`f${size}.eq`, c, c));
  const plain = b.eqz(b.and(b.state(CPU.fpscr), FPSCR.fz));
  b.if(
    b.and(ordered, plain),
    () => {
      const other = b.select(b.op(`f${size}.lt`, a, c), 0x8000_0000 | 0, 0x2000_0000);
      b.setState(CPU.fpscrFlags, b.select(b.op(`f${size}.eq`, a, c), 0x6000_0000, other));
    },
    () => {
      const quiet = b.const(quietTraps ? 1 : 0);
      const flags =
        size === 32
          ? b.call('fpCompare32', x, y, quiet)
          : b.call('fpCompare64', b.low(x), b.high(x), b.low(y), b.high(y), quiet);
      b.setState(CPU.fpscrFlags, flags);
    },
  );
}

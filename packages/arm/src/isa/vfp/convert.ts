// SPDX-License-Identifier: Apache-2.0
// Floating-point conversions (A8.8.305 to A8.8.312): integer, fixed point, between the precisions, half precision. The
// host converts where the result cannot differ, as in semantics/float.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { CPU } from '../../state/layout.js';
import type { Row } from '../row.js';
import {
  hostArithmetic,
  isFinite,
  isLarge,
  isZero,
  toBits,
  toFloat,
  FPSCR,
  type FloatSize,
} from '../semantics/float.js';
import { readFloat, sizeOf, suffix, writeFloat } from './arithmetic.js';
import { dName, floatName, sName, singleIndex, vfp } from './encoding.js';

/** FPToFixed: (bits, size, fraction bits, unsigned, round towards zero). */
function toFixed(
  b: Builder,
  size: FloatSize,
  x: Node,
  width: number,
  fraction: Node,
  unsigned: boolean,
  truncate: boolean,
): Node {
  const rest = [b.const(width), fraction, b.const(unsigned ? 1 : 0), b.const(truncate ? 1 : 0)];
  return size === 32 ? b.call('fpToFixed32', x, ...rest) : b.call('fpToFixed64', b.low(x), b.high(x), ...rest);
}

/** FixedToFP as bits: (integer, size, fraction bits, unsigned, round to nearest). */
function fromFixed(
  b: Builder,
  size: FloatSize,
  x: Node,
  width: number,
  fraction: Node,
  unsigned: boolean,
  nearest: boolean,
): Node {
  const rest = [b.const(width), fraction, b.const(unsigned ? 1 : 0)];
  if (size === 32) return b.call('fixedToFp32', x, ...rest, b.const(nearest ? 1 : 0));
  const low = b.call('fixedToFp64', x, ...rest);
  return b.join(b.state(CPU.result0), low);
}

/** VCVT to an integer, rounding towards zero; inexactness matters only if it is not yet recorded. */
function truncate(b: Builder, size: FloatSize, x: Node, unsigned: boolean, write: (value: Node) => void): void {
  const sign = unsigned ? 'u' : 's';
  const value = toFloat(b, size, x);
  const integer = b.op(`i32.trunc_sat_f${size}_${sign}`, value);
  const bound = unsigned
    ? { single: 0x4f80_0000, double: 0x41f0_0000_0000_0000n }
    : { single: 0x4f00_0000, double: 0x41e0_0000_0000_0000n };
  const limit = toFloat(b, size, size === 32 ? b.const(bound.single) : b.const64(bound.double));
  const inRange = unsigned
    ? b.and(
        b.op(`f${size}.lt`, value, limit),
        b.op(`f${size}.ge`, value, toFloat(b, size, size === 32 ? b.const(0) : b.const64(0n))),
      )
    : b.op(`f${size}.lt`, b.op(`f${size}.abs`, value), limit);
  const unchanged = b.op(`f${size}.eq`, b.op(`f${size}.convert_i32_${sign}`, integer), value);
  const plain = b.eq(b.and(b.state(CPU.fpscr), FPSCR.fz | FPSCR.ixc), FPSCR.ixc);
  b.if(
    b.and(inRange, b.or(plain, unchanged)),
    () => write(integer),
    () => write(toFixed(b, size, x, 32, b.const(0), unsigned, true)),
  );
}

/** VCVT from an integer; every integer is exact in double precision. */
function fromInteger(b: Builder, size: FloatSize, x: Node, unsigned: boolean, write: (bits: Node) => void): void {
  const sign = unsigned ? 'u' : 's';
  const value = toBits(b, size, b.op(`f${size}.convert_i32_${sign}`, x));
  if (size === 64) {
    write(value);
    return;
  }
  const small = unsigned ? b.ltU(x, 0x100_0000) : b.ltU(b.add(x, 0x100_0000), 0x200_0000);
  const plain = b.eq(b.and(b.state(CPU.fpscr), FPSCR.rmode | FPSCR.ixc), FPSCR.ixc);
  b.if(
    b.or(small, plain),
    () => write(value),
    () => write(fromFixed(b, size, x, 32, b.const(0), unsigned, false)),
  );
}

const integerRows: readonly Row[] = [
  ...vfp(
    'VCVT (integer to floating-point)',
    '1110 1 D:1 11 1000 Vd:4 101 sz:1 op:1 1 M:1 0 Vm:4',
    {
      specialize: ['sz', 'op'],
      syntax: (f) =>
        `vcvt{c}${suffix(f.sz)}.${f.op === 1 ? 's' : 'u'}32 ${floatName(f.sz, f.D, f.Vd)}, ${sName(f.Vm, f.M)}`,
    },
    (b, f) => {
      b.requireFloatingPoint();
      const size = sizeOf(b, f.sz);
      const x = b.s(singleIndex(b, f.Vm, f.M));
      fromInteger(b, size, x, b.known(f.op) === 0, (bits) => writeFloat(b, size, f.D, f.Vd, bits));
    },
  ),
  ...vfp(
    'VCVT, VCVTR (floating-point to integer)',
    '1110 1 D:1 11 110 s:1 Vd:4 101 sz:1 op:1 1 M:1 0 Vm:4',
    {
      specialize: ['s', 'sz', 'op'],
      syntax: (f) =>
        `vcvt${f.op === 1 ? '' : 'r'}{c}.${f.s === 1 ? 's' : 'u'}32${suffix(f.sz)} ${sName(f.Vd, f.D)}, ${floatName(f.sz, f.M, f.Vm)}`,
    },
    (b, f) => {
      b.requireFloatingPoint();
      const size = sizeOf(b, f.sz);
      const unsigned = b.known(f.s) === 0;
      const x = readFloat(b, size, f.M, f.Vm);
      const write = (value: Node): void => b.setS(singleIndex(b, f.Vd, f.D), value);
      if (b.known(f.op) === 1) truncate(b, size, x, unsigned, write);
      else write(toFixed(b, size, x, 32, b.const(0), unsigned, false));
    },
  ),
];

/** 16 or 32 less the five-bit immediate. */
const fractionBits = (sx: number, imm4: number, i: number): number => (sx === 1 ? 32 : 16) - ((imm4 << 1) | i);

const fixedRows: readonly Row[] = (['0', '1'] as const).flatMap((op) =>
  vfp(
    `VCVT (${op === '1' ? 'floating-point to fixed-point' : 'fixed-point to floating-point'})`,
    `1110 1 D:1 11 1 ${op} 1 U:1 Vd:4 101 sf:1 sx:1 1 i:1 0 imm4:4` as const,
    {
      specialize: ['U', 'sf', 'sx'],
      unpredictable: (f) => fractionBits(f.sx, f.imm4, f.i) < 0,
      syntax: (f) => {
        const fixed = `.${f.U === 1 ? 'u' : 's'}${f.sx === 1 ? 32 : 16}`;
        const types = op === '1' ? `${fixed}${suffix(f.sf)}` : `${suffix(f.sf)}${fixed}`;
        const register = floatName(f.sf, f.D, f.Vd);
        return `vcvt{c}${types} ${register}, ${register}, #${fractionBits(f.sx, f.imm4, f.i)}`;
      },
    },
    (b, f) => {
      b.requireFloatingPoint();
      const size = sizeOf(b, f.sf);
      const width = b.known(f.sx) === 1 ? 32 : 16;
      const unsigned = b.known(f.U) === 1;
      const fraction = b.sub(width, b.or(b.shl(f.imm4, 1), f.i));
      const x = readFloat(b, size, f.D, f.Vd);
      const write = (bits: Node): void => writeFloat(b, size, f.D, f.Vd, bits);
      if (op === '1') {
        // The result is extended to the whole register.
        const value = toFixed(b, size, x, width, fraction, unsigned, true);
        write(size === 32 ? value : unsigned ? b.extendU64(value) : b.extendS64(value));
      } else {
        write(fromFixed(b, size, size === 32 ? x : b.low(x), width, fraction, unsigned, true));
      }
    },
  ),
);

const precisionRows: readonly Row[] = [
  ...vfp(
    'VCVT (single to double precision)',
    '1110 1 D:1 11 0111 Vd:4 1010 11 M:1 0 Vm:4',
    { syntax: (f) => `vcvt{c}.f64.f32 ${dName(f.D, f.Vd)}, ${sName(f.Vm, f.M)}` },
    (b, f) => {
      b.requireFloatingPoint();
      const x = readFloat(b, 32, f.M, f.Vm);
      const value = toFloat(b, 32, x);
      const plain = b.eqz(b.and(b.state(CPU.fpscr), FPSCR.fz));
      const write = (bits: Node): void => writeFloat(b, 64, f.D, f.Vd, bits);
      b.if(
        b.and(plain, b.op('f32.eq', value, value)),
        () => write(toBits(b, 64, b.op('f64.promote_f32', value))),
        () => {
          const low = b.call('fpSingleToDouble', x);
          write(b.join(b.state(CPU.result0), low));
        },
      );
    },
  ),
  ...vfp(
    'VCVT (double to single precision)',
    '1110 1 D:1 11 0111 Vd:4 1011 11 M:1 0 Vm:4',
    { syntax: (f) => `vcvt{c}.f32.f64 ${sName(f.Vd, f.D)}, ${dName(f.M, f.Vm)}` },
    (b, f) => {
      b.requireFloatingPoint();
      const x = readFloat(b, 64, f.M, f.Vm);
      const value = b.op('f32.demote_f64', toFloat(b, 64, x));
      const sure = b.or(isLarge(b, 32, value), isZero(b, 64, toFloat(b, 64, x)));
      const valid = b.and(b.and(hostArithmetic(b), isFinite(b, 32, value)), sure);
      const write = (bits: Node): void => writeFloat(b, 32, f.D, f.Vd, bits);
      b.if(
        valid,
        () => write(toBits(b, 32, value)),
        () => write(b.call('fpDoubleToSingle', b.low(x), b.high(x))),
      );
    },
  ),
];

/** VCVTB and VCVTT: the half lies in the bottom or top of a singleword register. */
const halfRows: readonly Row[] = [
  ...vfp(
    'VCVTB, VCVTT (half to single precision)',
    '1110 1 D:1 11 0010 Vd:4 101 0 T:1 1 M:1 0 Vm:4',
    {
      specialize: ['T'],
      syntax: (f) => `vcvt${f.T === 1 ? 't' : 'b'}{c}.f32.f16 ${sName(f.Vd, f.D)}, ${sName(f.Vm, f.M)}`,
    },
    (b, f) => {
      b.requireFloatingPoint();
      const x = b.s(singleIndex(b, f.Vm, f.M));
      const half = b.known(f.T) === 1 ? b.shrU(x, 16) : b.and(x, 0xffff);
      b.setS(singleIndex(b, f.Vd, f.D), b.call('fpHalfToSingle', half));
    },
  ),
  ...vfp(
    'VCVTB, VCVTT (single to half precision)',
    '1110 1 D:1 11 0011 Vd:4 101 0 T:1 1 M:1 0 Vm:4',
    {
      specialize: ['T'],
      syntax: (f) => `vcvt${f.T === 1 ? 't' : 'b'}{c}.f16.f32 ${sName(f.Vd, f.D)}, ${sName(f.Vm, f.M)}`,
    },
    (b, f) => {
      b.requireFloatingPoint();
      const d = singleIndex(b, f.Vd, f.D);
      const half = b.call('fpSingleToHalf', b.s(singleIndex(b, f.Vm, f.M)));
      const old = b.s(d);
      if (b.known(f.T) === 1) b.setS(d, b.or(b.and(old, 0xffff), b.shl(half, 16)));
      else b.setS(d, b.or(b.and(old, 0xffff_0000 | 0), half));
    },
  ),
];

export const vfpConvert: readonly Row[] = [...integerRows, ...fixedRows, ...precisionRows, ...halfRows];

// SPDX-License-Identifier: Apache-2.0
// Floating-point data processing (A7.5) but for conversions: arithmetic of VFPv3 and the fused forms of VFPv4, moves,
// comparisons. Single and double precision are the two values of `sz`.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import type { Row } from '../row.js';
import {
  absoluteBits,
  floatBinary,
  floatCompare,
  floatFused,
  floatMultiplyAccumulate,
  floatSquareRoot,
  negateBits,
  refuseShortVectors,
  type FloatSize,
} from '../semantics/float.js';
import { doubleIndex, floatName, singleIndex, vfp } from './encoding.js';

export function sizeOf(b: Builder, sz: Node): FloatSize {
  return b.known(sz) === 1 ? 64 : 32;
}

/** A register's bits (i32 or i64) by its one-bit and four-bit fields. */
export function readFloat(b: Builder, size: FloatSize, bit: Node, four: Node): Node {
  return size === 64 ? b.d(doubleIndex(b, bit, four)) : b.s(singleIndex(b, four, bit));
}

export function writeFloat(b: Builder, size: FloatSize, bit: Node, four: Node, bits: Node): void {
  if (size === 64) b.setD(doubleIndex(b, bit, four), bits);
  else b.setS(singleIndex(b, four, bit), bits);
}

export const suffix = (sz: number): string => (sz === 1 ? '.f64' : '.f32');

type Compute = (
  b: Builder,
  size: FloatSize,
  operands: { d: Node; n: Node; m: Node },
  write: (bits: Node) => void,
) => void;

/** A three-operand row: opc1 is bits 23 and 21:20, opc3 bit 6. */
function three(name: string, opc1: string, opc3: string, accumulates: boolean, compute: Compute): Row[] {
  const [high, low] = [opc1.slice(0, 1), opc1.slice(1)];
  return vfp(
    `${name} (floating-point)`,
    `1110 ${high} D:1 ${low} Vn:4 Vd:4 101 sz:1 N:1 ${opc3} M:1 0 Vm:4` as const,
    {
      specialize: ['sz'],
      syntax: (f) =>
        `${name.toLowerCase()}{c}${suffix(f.sz)} ${floatName(f.sz, f.D, f.Vd)}, ${floatName(f.sz, f.N, f.Vn)}, ${floatName(f.sz, f.M, f.Vm)}`,
    },
    (b, f) => {
      b.requireFloatingPoint();
      const size = sizeOf(b, f.sz);
      const n = readFloat(b, size, f.N, f.Vn);
      const m = readFloat(b, size, f.M, f.Vm);
      const d = accumulates ? readFloat(b, size, f.D, f.Vd) : n;
      compute(b, size, { d, n, m }, (bits) => writeFloat(b, size, f.D, f.Vd, bits));
    },
  );
}

const accumulate =
  (addend: boolean, product: boolean): Compute =>
  (b, size, { d, n, m }, write) =>
    floatMultiplyAccumulate(b, size, { addend: d, x: n, y: m }, { addend, product }, write);

const fused =
  (addend: boolean, product: boolean): Compute =>
  (b, size, { d, n, m }, write) =>
    floatFused(b, size, { addend: d, x: n, y: m }, { addend, product }, write);

const binary =
  (operation: 'add' | 'sub' | 'mul' | 'div', negate = false): Compute =>
  (b, size, { n, m }, write) =>
    floatBinary(b, operation, size, n, m, write, negate);

/** A two-operand row: opc2 is bits 19:16, opc3 bits 7:6. */
function two(
  name: string,
  opc2: string,
  opc3: string,
  compute: (b: Builder, size: FloatSize, m: Node, write: (bits: Node) => void) => void,
): Row[] {
  return vfp(
    `${name} (floating-point)`,
    `1110 1 D:1 11 ${opc2} Vd:4 101 sz:1 ${opc3} M:1 0 Vm:4` as const,
    {
      specialize: ['sz'],
      syntax: (f) => {
        const mnemonic = name.startsWith('VMOV') ? 'vmov' : name.toLowerCase();
        return `${mnemonic}{c}${suffix(f.sz)} ${floatName(f.sz, f.D, f.Vd)}, ${floatName(f.sz, f.M, f.Vm)}`;
      },
    },
    (b, f) => {
      b.requireFloatingPoint();
      const size = sizeOf(b, f.sz);
      compute(b, size, readFloat(b, size, f.M, f.Vm), (bits) => writeFloat(b, size, f.D, f.Vd, bits));
    },
  );
}

/** Moves and sign changes do not look at what they move, but obey the ban on short vectors. */
const bitwise =
  (change: (b: Builder, size: FloatSize, m: Node) => Node) =>
  (b: Builder, size: FloatSize, m: Node, write: (bits: Node) => void): void => {
    refuseShortVectors(b);
    write(change(b, size, m));
  };

/** VFPExpandImm (A7.5.1), the bits above the lowest word's end; `imm8` may be a value. */
export function expandFloatImmediate(b: Builder, imm8: Node): { single: Node; doubleHigh: Node } {
  const sign = b.shl(b.shrU(imm8, 7), 31);
  const bit6 = b.and(b.shrU(imm8, 6), 1);
  const repeated = b.sub(0, bit6);
  const low6 = b.and(imm8, 0x3f);
  // exponent: NOT(b6) : b6 repeated : two bits
  const exponent = b.or(b.and(repeated, 0x3e00_0000), b.shl(b.xor(bit6, 1), 30));
  const exponent64 = b.or(b.and(repeated, 0x3fc0_0000), b.shl(b.xor(bit6, 1), 30));
  return {
    single: b.or(sign, b.or(exponent, b.shl(low6, 19))),
    doubleHigh: b.or(sign, b.or(exponent64, b.shl(low6, 16))),
  };
}

/** The value of an immediate, for assembly text. */
export function floatImmediateValue(imm8: number): number {
  const exponent = ((imm8 >> 4) & 7) ^ 4;
  const value = (1 + (imm8 & 15) / 16) * 2 ** (exponent - 3);
  return imm8 >> 7 === 1 ? -value : value;
}

const immediateRows: readonly Row[] = vfp(
  'VMOV (immediate, floating-point)',
  '1110 1 D:1 11 imm4H:4 Vd:4 101 sz:1 (0) 0 (0) 0 imm4L:4',
  {
    specialize: ['sz'],
    // objdump prints the encoded byte, not the number.
    syntax: (f) => `vmov{c}${suffix(f.sz)} ${floatName(f.sz, f.D, f.Vd)}, #${(f.imm4H << 4) | f.imm4L}`,
  },
  (b, f) => {
    b.requireFloatingPoint();
    refuseShortVectors(b);
    const size = sizeOf(b, f.sz);
    const { single, doubleHigh } = expandFloatImmediate(b, b.or(b.shl(f.imm4H, 4), f.imm4L));
    writeFloat(b, size, f.D, f.Vd, size === 64 ? b.join(doubleHigh, 0) : single);
  },
);

const compareRows: readonly Row[] = [
  ...vfp(
    'VCMP, VCMPE',
    '1110 1 D:1 11 0100 Vd:4 101 sz:1 E:1 1 M:1 0 Vm:4',
    {
      specialize: ['sz', 'E'],
      syntax: (f) =>
        `vcmp${f.E === 1 ? 'e' : ''}{c}${suffix(f.sz)} ${floatName(f.sz, f.D, f.Vd)}, ${floatName(f.sz, f.M, f.Vm)}`,
    },
    (b, f) => {
      b.requireFloatingPoint();
      const size = sizeOf(b, f.sz);
      const x = readFloat(b, size, f.D, f.Vd);
      floatCompare(b, size, x, readFloat(b, size, f.M, f.Vm), b.known(f.E) === 1);
    },
  ),
  ...vfp(
    'VCMP, VCMPE (with zero)',
    '1110 1 D:1 11 0101 Vd:4 101 sz:1 E:1 1 (0) 0 (0)(0)(0)(0)',
    {
      specialize: ['sz', 'E'],
      syntax: (f) => `vcmp${f.E === 1 ? 'e' : ''}{c}${suffix(f.sz)} ${floatName(f.sz, f.D, f.Vd)}, #0.0`,
    },
    (b, f) => {
      b.requireFloatingPoint();
      const size = sizeOf(b, f.sz);
      const zero = size === 64 ? b.const64(0n) : b.const(0);
      floatCompare(b, size, readFloat(b, size, f.D, f.Vd), zero, b.known(f.E) === 1);
    },
  ),
];

export const vfpArithmetic: readonly Row[] = [
  ...three('VMLA', '000', '0', true, accumulate(false, false)),
  ...three('VMLS', '000', '1', true, accumulate(false, true)),
  ...three('VNMLS', '001', '0', true, accumulate(true, false)),
  ...three('VNMLA', '001', '1', true, accumulate(true, true)),
  ...three('VMUL', '010', '0', false, binary('mul')),
  ...three('VNMUL', '010', '1', false, binary('mul', true)),
  ...three('VADD', '011', '0', false, binary('add')),
  ...three('VSUB', '011', '1', false, binary('sub')),
  ...three('VDIV', '100', '0', false, binary('div')),
  ...three('VFNMS', '101', '0', true, fused(true, false)),
  ...three('VFNMA', '101', '1', true, fused(true, true)),
  ...three('VFMA', '110', '0', true, fused(false, false)),
  ...three('VFMS', '110', '1', true, fused(false, true)),
  ...immediateRows,
  ...two(
    'VMOV (register)',
    '0000',
    '01',
    bitwise((_, __, m) => m),
  ),
  ...two('VABS', '0000', '11', bitwise(absoluteBits)),
  ...two('VNEG', '0001', '01', bitwise(negateBits)),
  ...two('VSQRT', '0001', '11', floatSquareRoot),
  ...compareRows,
];

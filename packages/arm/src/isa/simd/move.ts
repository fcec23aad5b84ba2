// SPDX-License-Identifier: Apache-2.0
// Advanced SIMD moves: one register and a modified immediate (A7.4.6), VDUP of a scalar, VEXT, VTBL and VTBX.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { CPU } from '../../state/layout.js';
import { EXCEPTION } from '../../system/exception.js';
import type { Row } from '../row.js';
import { and, choose, lanes, or, readVector, splat, writeVector, zeroVector } from '../semantics/vector.js';
import { expandFloatImmediate, floatImmediateValue } from '../vfp/arithmetic.js';
import { dName, doubleIndex, simd, vectorName } from '../vfp/encoding.js';

/** AdvSIMDExpandImm (A7.4.6) with known `cmode` and `op`, as a whole vector. */
function expandImmediate(b: Builder, cmode: number, op: number, imm8: Node): Node {
  switch (cmode >> 1) {
    case 0:
    case 1:
    case 2:
    case 3:
      return b.op('i32x4.splat', b.shl(imm8, (cmode >> 1) * 8));
    case 4:
      return b.op('i16x8.splat', imm8);
    case 5:
      return b.op('i16x8.splat', b.shl(imm8, 8));
    case 6:
      return b.op('i32x4.splat', (cmode & 1) === 0 ? b.or(b.shl(imm8, 8), 0xff) : b.or(b.shl(imm8, 16), 0xffff));
    default: {
      if ((cmode & 1) === 1) return b.op('i32x4.splat', expandFloatImmediate(b, imm8).single);
      const bytes = b.op('i8x16.splat', imm8);
      if (op === 0) return bytes;
      // Each bit becomes a byte.
      const bit = b.constV128(Array.from({ length: 16 }, (_, i) => 1 << (i % 8)));
      return lanes(b, 0, 'ne', and(b, bytes, bit), zeroVector(b));
    }
  }
}

type ImmediateKind = 'vmov' | 'vmvn' | 'vorr' | 'vbic' | 'undefined';

function immediateKind(cmode: number, op: number): ImmediateKind {
  if (cmode < 12 && (cmode & 1) === 1) return op === 0 ? 'vorr' : 'vbic';
  if (cmode < 14) return op === 0 ? 'vmov' : 'vmvn';
  return cmode === 15 && op === 1 ? 'undefined' : 'vmov';
}

function immediateText(cmode: number, op: number, imm8: number): string {
  const hex = (value: number): string => `#${value >>> 0}\t@ 0x${(value >>> 0).toString(16).padStart(8, '0')}`;
  const short = (value: number): string => `#${value}\t@ 0x${value.toString(16).padStart(4, '0')}`;
  switch (cmode >> 1) {
    case 4:
      return `.i16 @, ${short(imm8)}`;
    case 5:
      return `.i16 @, ${short(imm8 << 8)}`;
    case 6:
      return `.i32 @, ${hex((cmode & 1) === 0 ? (imm8 << 8) | 0xff : (imm8 << 16) | 0xffff)}`;
    case 7: {
      if (cmode === 15) return `.f32 @, #${floatImmediateValue(imm8)}`;
      if (op === 0) return `.i8 @, #${imm8}\t@ 0x${imm8.toString(16).padStart(2, '0')}`;
      let digits = '';
      for (let bit = 7; bit >= 0; bit--) digits += ((imm8 >> bit) & 1) === 1 ? 'ff' : '00';
      return `.i64 @, #0x${digits}`;
    }
    default:
      return `.i32 @, ${hex(imm8 << ((cmode >> 1) * 8))}`;
  }
}

const immediateRows: readonly Row[] = simd(
  'VMOV, VMVN, VORR, VBIC (immediate)',
  'i:1 1 D:1 000 imm3:3 Vd:4 cmode:4 0 Q:1 op:1 1 imm4:4',
  {
    specialize: ['cmode', 'op'],
    unpredictable: (f) => immediateKind(f.cmode, f.op) === 'undefined' || (f.Q === 1 && (f.Vd & 1) === 1),
    syntax: (f) => {
      const imm8 = (f.i << 7) | (f.imm3 << 4) | f.imm4;
      const text = immediateText(f.cmode, f.op, imm8).replace('@', vectorName(f.Q, f.D, f.Vd));
      return `${immediateKind(f.cmode, f.op)}{c}${text}`;
    },
  },
  (b, f) => {
    const cmode = b.known(f.cmode)!;
    const op = b.known(f.op)!;
    const kind = immediateKind(cmode, op);
    if (kind === 'undefined') {
      b.exception(EXCEPTION.undefined);
      return;
    }
    b.requireFloatingPoint();
    const index = doubleIndex(b, f.D, f.Vd);
    const value = expandImmediate(b, cmode, op, b.or(b.or(b.shl(f.i, 7), b.shl(f.imm3, 4)), f.imm4));
    const results: Record<Exclude<ImmediateKind, 'undefined'>, () => Node> = {
      vmov: () => value,
      vmvn: () => b.op('v128.not', value),
      vorr: () => or(b, readVector(b, f.Q, index), value),
      vbic: () => b.op('v128.andnot', readVector(b, f.Q, index), value),
    };
    writeVector(b, f.Q, index, results[kind]());
  },
);

const SCALARS = [
  { bits: 8, imm4: 'index:3 1', log2: 0 },
  { bits: 16, imm4: 'index:2 10', log2: 1 },
  { bits: 32, imm4: 'index:1 100', log2: 2 },
] as const;

const duplicateRows: readonly Row[] = SCALARS.flatMap(({ bits, imm4, log2 }) =>
  simd(
    `VDUP (scalar, ${bits} bits)`,
    `1 1 D:1 11 ${imm4} Vd:4 11000 Q:1 M:1 0 Vm:4` as const,
    {
      unpredictable: (f) => f.Q === 1 && (f.Vd & 1) === 1,
      syntax: (f) => `vdup{c}.${bits} ${vectorName(f.Q, f.D, f.Vd)}, ${dName(f.M, f.Vm)}[${f.index}]`,
    },
    (b, f) => {
      b.requireFloatingPoint();
      const place = b.add(b.shl(doubleIndex(b, f.M, f.Vm), 3), b.shl(f.index, log2));
      const value = b.loadState(`v128.load${bits}_splat`, CPU.vectors, place);
      writeVector(b, f.Q, doubleIndex(b, f.D, f.Vd), value);
    },
  ),
);

const extractRows: readonly Row[] = simd(
  'VEXT',
  '0 1 D:1 11 Vn:4 Vd:4 imm4:4 N:1 Q:1 M:1 0 Vm:4',
  {
    specialize: ['Q'],
    unpredictable: (f) => (f.Q === 1 ? ((f.Vd | f.Vn | f.Vm) & 1) === 1 : f.imm4 > 7),
    syntax: (f) =>
      `vext{c}.8 ${vectorName(f.Q, f.D, f.Vd)}, ${vectorName(f.Q, f.N, f.Vn)}, ${vectorName(f.Q, f.M, f.Vm)}, #${f.imm4}`,
  },
  (b, f) => {
    b.requireFloatingPoint();
    const q = b.known(f.Q)!;
    const n = readVector(b, q, doubleIndex(b, f.N, f.Vn));
    const m = readVector(b, q, doubleIndex(b, f.M, f.Vm));
    const known = b.known(f.imm4);
    const half = q === 1 ? 16 : 8;
    let value: Node;
    if (known !== undefined) {
      const from = (i: number): number => {
        const at = (i % half) + (known % half);
        return at < half ? at : 16 + at - half;
      };
      value = b.shuffle(
        n,
        m,
        Array.from({ length: 16 }, (_, i) => from(i)),
      );
    } else {
      const places = b.constV128(Array.from({ length: 16 }, (_, i) => i));
      const at = lanes(b, 0, 'add', places, b.op('i8x16.splat', f.imm4));
      // Out of range gives zero; a doubleword operand has zeros in its upper half.
      const low = b.op('i8x16.swizzle', n, at);
      value = or(b, low, b.op('i8x16.swizzle', m, lanes(b, 0, 'sub', at, splat(b, 0, half))));
    }
    writeVector(b, q, doubleIndex(b, f.D, f.Vd), value);
  },
);

const tableRows: readonly Row[] = simd(
  'VTBL, VTBX',
  '1 1 D:1 11 Vn:4 Vd:4 10 len:2 N:1 op:1 M:1 0 Vm:4',
  {
    specialize: ['len', 'op'],
    unpredictable: (f) => ((f.N << 4) | f.Vn) + f.len + 1 > 32,
    syntax: (f) => {
      const first = (f.N << 4) | f.Vn;
      const list = f.len === 0 ? `d${first}` : `d${first}-d${first + f.len}`;
      return `vtb${f.op === 1 ? 'x' : 'l'}{c}.8 ${dName(f.D, f.Vd)}, {${list}}, ${dName(f.M, f.Vm)}`;
    },
  },
  (b, f) => {
    b.requireFloatingPoint();
    const registers = b.known(f.len)! + 1;
    const n = doubleIndex(b, f.N, f.Vn);
    const index = readVector(b, 0, doubleIndex(b, f.M, f.Vm));
    // An index out of range picks zero from the host's table as well.
    let value = b.op('i8x16.swizzle', readVector(b, registers > 1 ? 1 : 0, n), index);
    if (registers > 2) {
      const rest = readVector(b, registers > 3 ? 1 : 0, b.add(n, 2));
      value = or(b, value, b.op('i8x16.swizzle', rest, lanes(b, 0, 'sub', index, splat(b, 0, 16))));
    }
    const d = doubleIndex(b, f.D, f.Vd);
    if (b.known(f.op) === 1) {
      const inside = lanes(b, 0, 'lt_u', index, splat(b, 0, 8 * registers));
      value = choose(b, inside, value, readVector(b, 0, d));
    }
    writeVector(b, 0, d, value);
  },
);

export const simdMove: readonly Row[] = [...immediateRows, ...duplicateRows, ...extractRows, ...tableRows];

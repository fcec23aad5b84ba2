// SPDX-License-Identifier: Apache-2.0
// Advanced SIMD data processing on single-precision numbers: three registers (A7.4.1) and two registers and a scalar
// (A7.4.3).

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import type { Row } from '../row.js';
import {
  vectorAbsolute,
  vectorBinary,
  vectorExact,
  vectorFused,
  vectorMultiplyAccumulate,
  vectorOrder,
} from '../semantics/vector-float.js';
import { readVector, unzipDoubles, writeVector } from '../semantics/vector.js';
import { doubleIndex, simd, vectorName } from '../vfp/encoding.js';
import { readScalar, scalarName } from './three-different.js';

interface Operands {
  readonly q: Node;
  readonly n: Node;
  readonly m: Node;
  readonly d: () => Node;
}
type Compute = (b: Builder, x: Operands) => Node;

/** U, bit 21, bits 11:8, bit 4; bit 20 set would be another precision, which is undefined. */
function three(
  name: string,
  code: readonly [string, string, string, string],
  compute: Compute,
  doubleOnly = false,
): Row[] {
  const [u, op, a, bit4] = code;
  return simd(
    `${name} (floating-point, Advanced SIMD)`,
    `${u} 0 D:1 ${op} 0 Vn:4 Vd:4 ${a} N:1 ${doubleOnly ? '0' : 'Q:1'} M:1 ${bit4} Vm:4` as string,
    {
      unpredictable: (f) => f['Q'] === 1 && ((f['Vd']! | f['Vn']! | f['Vm']!) & 1) === 1,
      syntax: (f) => {
        const q = f['Q'] ?? 0;
        const d = vectorName(q, f['D']!, f['Vd']!);
        return `${name.toLowerCase()}{c}.f32 ${d}, ${vectorName(q, f['N']!, f['Vn']!)}, ${vectorName(q, f['M']!, f['Vm']!)}`;
      },
    },
    (b, f) => {
      b.requireFloatingPoint();
      const q = f['Q'] ?? b.const(0);
      const n = readVector(b, q, doubleIndex(b, f['N']!, f['Vn']!));
      const m = readVector(b, q, doubleIndex(b, f['M']!, f['Vm']!));
      const index = doubleIndex(b, f['D']!, f['Vd']!);
      writeVector(b, q, index, compute(b, { q, n, m, d: () => readVector(b, q, index) }));
    },
  );
}

const binary =
  (name: 'add' | 'sub' | 'mul'): Compute =>
  (b, { q, n, m }) =>
    vectorBinary(b, q, name, n, m);
const order =
  (name: 'max' | 'min' | 'eq' | 'ge' | 'gt'): Compute =>
  (b, { q, n, m }) =>
    vectorOrder(b, q, name, n, m);
const absoluteOrder =
  (name: 'ge' | 'gt'): Compute =>
  (b, { q, n, m }) =>
    vectorOrder(b, q, name, vectorAbsolute(b, n), vectorAbsolute(b, m));
const accumulate =
  (subtract: boolean): Compute =>
  (b, { q, n, m, d }) =>
    vectorMultiplyAccumulate(b, q, subtract, d(), n, m);
const fused =
  (subtract: boolean): Compute =>
  (b, { q, n, m, d }) =>
    vectorFused(b, q, subtract, d(), n, m);
const exact =
  (name: string): Compute =>
  (b, { q, n, m }) =>
    vectorExact(b, q, name, n, m);
const pairwise =
  (compute: Compute): Compute =>
  (b, x) => {
    const { even, odd } = unzipDoubles(b, 2, x.n, x.m);
    return compute(b, { ...x, n: even, m: odd });
  };

const threeRows: readonly Row[] = [
  ...three('VFMA', ['0', '0', '1100', '1'], fused(false)),
  ...three('VFMS', ['0', '1', '1100', '1'], fused(true)),
  ...three('VADD', ['0', '0', '1101', '0'], binary('add')),
  ...three('VSUB', ['0', '1', '1101', '0'], binary('sub')),
  ...three('VPADD', ['1', '0', '1101', '0'], pairwise(binary('add')), true),
  ...three('VABD', ['1', '1', '1101', '0'], (b, x) => vectorAbsolute(b, binary('sub')(b, x))),
  ...three('VMLA', ['0', '0', '1101', '1'], accumulate(false)),
  ...three('VMLS', ['0', '1', '1101', '1'], accumulate(true)),
  ...three('VMUL', ['1', '0', '1101', '1'], binary('mul')),
  ...three('VCEQ', ['0', '0', '1110', '0'], order('eq')),
  ...three('VCGE', ['1', '0', '1110', '0'], order('ge')),
  ...three('VCGT', ['1', '1', '1110', '0'], order('gt')),
  ...three('VACGE', ['1', '0', '1110', '1'], absoluteOrder('ge')),
  ...three('VACGT', ['1', '1', '1110', '1'], absoluteOrder('gt')),
  ...three('VMAX', ['0', '0', '1111', '0'], order('max')),
  ...three('VMIN', ['0', '1', '1111', '0'], order('min')),
  ...three('VPMAX', ['1', '0', '1111', '0'], pairwise(order('max')), true),
  ...three('VPMIN', ['1', '1', '1111', '0'], pairwise(order('min')), true),
  ...three('VRECPS', ['0', '0', '1111', '1'], exact('simdRecipStep')),
  ...three('VRSQRTS', ['0', '1', '1111', '1'], exact('simdRSqrtStep')),
];

/** The top bit, elsewhere U, is Q; the size must say word. */
function byScalar(name: string, a: string, compute: Compute): Row[] {
  return simd(
    `${name} (by scalar, floating-point)`,
    `Q:1 1 D:1 10 Vn:4 Vd:4 ${a} N:1 1 M:1 0 Vm:4` as const,
    {
      unpredictable: (f) => f.Q === 1 && ((f.Vd | f.Vn) & 1) === 1,
      syntax: (f) =>
        `${name.toLowerCase()}{c}.f32 ${vectorName(f.Q, f.D, f.Vd)}, ${vectorName(f.Q, f.N, f.Vn)}, ${scalarName(2, f.M, f.Vm)}`,
    },
    (b, f) => {
      b.requireFloatingPoint();
      const n = readVector(b, f.Q, doubleIndex(b, f.N, f.Vn));
      const m = readScalar(b, 2, f.M, f.Vm);
      const index = doubleIndex(b, f.D, f.Vd);
      writeVector(b, f.Q, index, compute(b, { q: f.Q, n, m, d: () => readVector(b, f.Q, index) }));
    },
  );
}

const scalarRows: readonly Row[] = [
  ...byScalar('VMLA', '0001', accumulate(false)),
  ...byScalar('VMLS', '0101', accumulate(true)),
  ...byScalar('VMUL', '1001', binary('mul')),
];

export const simdFloat: readonly Row[] = [...threeRows, ...scalarRows];

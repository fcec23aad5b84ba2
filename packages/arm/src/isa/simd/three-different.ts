// SPDX-License-Identifier: Apache-2.0
// Advanced SIMD data processing, three registers of different lengths (A7.4.2), and two registers and a scalar, integer
// forms (A7.4.3). The long operations take doublewords; a scalar is spread over a vector and then treated like one.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { CPU } from '../../state/layout.js';
import { EXCEPTION } from '../../system/exception.js';
import type { Row } from '../row.js';
import {
  absoluteDifference,
  bitsOf,
  extendLow,
  lanes,
  multiply,
  multiplyLow,
  narrow,
  noteSaturation,
  polynomialMultiply,
  readVector,
  saturatingAdd,
  saturatingSubtract,
  splat64,
  writeVector,
} from '../semantics/vector.js';
import { doublingMultiplyHigh, doublingMultiplyLong } from '../semantics/vector-multiply.js';
import { dName, doubleIndex, qName, simd, vectorName } from '../vfp/encoding.js';

const ONE = 1;

/** Operands of a long operation: n and m in their low halves, the quadword destination when asked. */
interface Long {
  readonly size: number;
  readonly unsigned: boolean;
  readonly n: Node;
  readonly m: Node;
  readonly d: () => Node;
}
type Compute = (b: Builder, x: Long) => Node;

interface Form {
  readonly name: string;
  readonly u: '0' | '1' | 'U';
  /** Bits 11:8. */
  readonly a: string;
  readonly sizes: readonly number[];
  readonly type?: string;
  /** The wide forms have a quadword first operand, the narrowing ones two, and a doubleword result. */
  readonly shape: 'long' | 'wide' | 'narrow';
}

function different(form: Form, compute: Compute): Row[] {
  const { name, u, a, shape } = form;
  const allowed = new Set(form.sizes);
  const odd = (f: Readonly<Record<string, number>>): boolean => {
    if (shape === 'narrow') return ((f['Vn']! | f['Vm']!) & 1) === 1;
    return ((f['Vd']! | (shape === 'wide' ? f['Vn']! : 0)) & 1) === 1;
  };
  return simd(
    `${name} (different lengths)`,
    `${u === 'U' ? 'U:1' : u} 1 D:1 size:2 Vn:4 Vd:4 ${a} N:1 0 M:1 0 Vm:4` as string,
    {
      specialize: u === 'U' ? ['U', 'size'] : ['size'],
      // size 11 is another group of instructions
      where: (f) => f['size'] !== 3,
      unpredictable: (f) => !allowed.has(f['size']!) || odd(f),
      syntax: (f) => {
        const letter = form.type ?? (f['U'] === 1 ? 'u' : 's');
        const bits = bitsOf(f['size']!) * (shape === 'narrow' ? 2 : 1);
        const d = (shape === 'narrow' ? dName : qName)(f['D']!, f['Vd']!);
        const n = (shape === 'long' ? dName : qName)(f['N']!, f['Vn']!);
        const m = (shape === 'narrow' ? qName : dName)(f['M']!, f['Vm']!);
        return `${name.toLowerCase().split(' ')[0]}{c}.${letter}${bits} ${d}, ${n}, ${m}`;
      },
    },
    (b, f) => {
      const size = b.known(f['size']!)!;
      if (!allowed.has(size)) {
        b.exception(EXCEPTION.undefined);
        return;
      }
      b.requireFloatingPoint();
      const unsigned = u === 'U' ? b.known(f['U']!) === 1 : u === '1';
      const n = readVector(b, shape === 'long' ? 0 : ONE, doubleIndex(b, f['N']!, f['Vn']!));
      const m = readVector(b, shape === 'narrow' ? ONE : 0, doubleIndex(b, f['M']!, f['Vm']!));
      const index = doubleIndex(b, f['D']!, f['Vd']!);
      const result = compute(b, { size, unsigned, n, m, d: () => readVector(b, ONE, index) });
      writeVector(b, shape === 'narrow' ? 0 : ONE, index, result);
    },
  );
}

const BHW = [0, 1, 2];

const long =
  (name: 'add' | 'sub'): Compute =>
  (b, { size, unsigned, n, m }) =>
    lanes(b, size + 1, name, extendLow(b, size, unsigned, n), extendLow(b, size, unsigned, m));
const wide =
  (name: 'add' | 'sub'): Compute =>
  (b, { size, unsigned, n, m }) =>
    lanes(b, size + 1, name, n, extendLow(b, size, unsigned, m));

/** The high halves of sums or differences. */
const highHalf =
  (name: 'add' | 'sub', rounding: boolean): Compute =>
  (b, { size, n, m }) => {
    const value = lanes(b, size + 1, name, n, m);
    const half = splat64(b, [0x0080_0080_0080_0080n, 0x0000_8000_0000_8000n, 0x8000_0000n][size]!);
    return narrow(b, size, rounding ? lanes(b, size + 1, 'add', value, half) : value, true);
  };

const difference: Compute = (b, { size, unsigned, n, m }) =>
  extendLow(b, size, true, absoluteDifference(b, size, unsigned, n, m));
const product: Compute = (b, { size, unsigned, n, m }) => multiplyLow(b, size, unsigned, n, m);
const accumulate =
  (name: 'add' | 'sub', compute: Compute): Compute =>
  (b, x) =>
    lanes(b, x.size + 1, name, x.d(), compute(b, x));

const doubling: Compute = (b, { size, n, m }) => {
  const { value, lost } = doublingMultiplyLong(b, size, n, m);
  noteSaturation(b, ONE, lost);
  return value;
};
const doublingAccumulate =
  (combine: typeof saturatingAdd): Compute =>
  (b, x) => {
    const doubled = doublingMultiplyLong(b, x.size, x.n, x.m);
    const { value, lost } = combine(b, x.size + 1, false, x.d(), doubled.value);
    noteSaturation(b, ONE, b.op('v128.or', lost, doubled.lost));
    return value;
  };

const differentRows: readonly Row[] = [
  ...different({ name: 'VADDL', u: 'U', a: '0000', sizes: BHW, shape: 'long' }, long('add')),
  ...different({ name: 'VADDW', u: 'U', a: '0001', sizes: BHW, shape: 'wide' }, wide('add')),
  ...different({ name: 'VSUBL', u: 'U', a: '0010', sizes: BHW, shape: 'long' }, long('sub')),
  ...different({ name: 'VSUBW', u: 'U', a: '0011', sizes: BHW, shape: 'wide' }, wide('sub')),
  ...different({ name: 'VADDHN', u: '0', a: '0100', sizes: BHW, type: 'i', shape: 'narrow' }, highHalf('add', false)),
  ...different({ name: 'VRADDHN', u: '1', a: '0100', sizes: BHW, type: 'i', shape: 'narrow' }, highHalf('add', true)),
  ...different({ name: 'VABAL', u: 'U', a: '0101', sizes: BHW, shape: 'long' }, accumulate('add', difference)),
  ...different({ name: 'VSUBHN', u: '0', a: '0110', sizes: BHW, type: 'i', shape: 'narrow' }, highHalf('sub', false)),
  ...different({ name: 'VRSUBHN', u: '1', a: '0110', sizes: BHW, type: 'i', shape: 'narrow' }, highHalf('sub', true)),
  ...different({ name: 'VABDL', u: 'U', a: '0111', sizes: BHW, shape: 'long' }, difference),
  ...different({ name: 'VMLAL', u: 'U', a: '1000', sizes: BHW, shape: 'long' }, accumulate('add', product)),
  ...different({ name: 'VMLSL', u: 'U', a: '1010', sizes: BHW, shape: 'long' }, accumulate('sub', product)),
  ...different(
    { name: 'VQDMLAL', u: '0', a: '1001', sizes: [1, 2], type: 's', shape: 'long' },
    doublingAccumulate(saturatingAdd),
  ),
  ...different(
    { name: 'VQDMLSL', u: '0', a: '1011', sizes: [1, 2], type: 's', shape: 'long' },
    doublingAccumulate(saturatingSubtract),
  ),
  ...different({ name: 'VMULL', u: 'U', a: '1100', sizes: BHW, shape: 'long' }, product),
  ...different({ name: 'VQDMULL', u: '0', a: '1101', sizes: [1, 2], type: 's', shape: 'long' }, doubling),
  ...different({ name: 'VMULL (polynomial)', u: '0', a: '1110', sizes: [0], type: 'p', shape: 'long' }, (b, { n, m }) =>
    polynomialMultiply(b, 1, extendLow(b, 0, true, n), extendLow(b, 0, true, m)),
  ),
];

/** The scalar named by M:Vm spread over a vector: Vm<2:0> and M:Vm<3> for halfwords, Vm and M for words. */
export function readScalar(b: Builder, size: number, m: Node, vm: Node): Node {
  if (size === 1) {
    const lane = b.or(b.shl(m, 1), b.shrU(vm, 3));
    return b.loadState('v128.load16_splat', CPU.vectors, b.add(b.shl(b.and(vm, 7), 3), b.shl(lane, 1)));
  }
  return b.loadState('v128.load32_splat', CPU.vectors, b.add(b.shl(vm, 3), b.shl(m, 2)));
}

export function scalarName(size: number, m: number, vm: number): string {
  return size === 1 ? `d${vm & 7}[${(m << 1) | (vm >> 3)}]` : `d${vm}[${m}]`;
}

/** Long forms: U is signedness or fixed. */
function longByScalar(name: string, u: '0' | 'U', a: string, compute: Compute): Row[] {
  return simd(
    `${name} (by scalar)`,
    `${u === 'U' ? 'U:1' : u} 1 D:1 size:2 Vn:4 Vd:4 ${a} N:1 1 M:1 0 Vm:4` as string,
    {
      specialize: u === 'U' ? ['U', 'size'] : ['size'],
      where: (f) => f['size'] !== 3,
      unpredictable: (f) => f['size'] === 0 || (f['Vd']! & 1) === 1,
      syntax: (f) => {
        const size = f['size']!;
        const letter = f['U'] === 1 ? 'u' : 's';
        const m = scalarName(size, f['M']!, f['Vm']!);
        return `${name.toLowerCase()}{c}.${letter}${bitsOf(size)} ${qName(f['D']!, f['Vd']!)}, ${dName(f['N']!, f['Vn']!)}, ${m}`;
      },
    },
    (b, f) => {
      const size = b.known(f['size']!)!;
      if (size !== 1 && size !== 2) {
        b.exception(EXCEPTION.undefined);
        return;
      }
      b.requireFloatingPoint();
      const unsigned = u === 'U' && b.known(f['U']!) === 1;
      const n = readVector(b, 0, doubleIndex(b, f['N']!, f['Vn']!));
      const m = readScalar(b, size, f['M']!, f['Vm']!);
      const index = doubleIndex(b, f['D']!, f['Vd']!);
      writeVector(b, ONE, index, compute(b, { size, unsigned, n, m, d: () => readVector(b, ONE, index) }));
    },
  );
}

/** Forms of one length: the top bit, elsewhere U, is Q. */
function sameByScalar(name: string, letter: string, a: string, compute: (b: Builder, q: Node, x: Long) => Node): Row[] {
  return simd(
    `${name} (by scalar, integer)`,
    `Q:1 1 D:1 size:2 Vn:4 Vd:4 ${a} N:1 1 M:1 0 Vm:4` as const,
    {
      specialize: ['size'],
      where: (f) => f.size !== 3,
      unpredictable: (f) => f.size === 0 || (f.Q === 1 && ((f.Vd | f.Vn) & 1) === 1),
      syntax: (f) =>
        `${name.toLowerCase()}{c}.${letter}${bitsOf(f.size)} ${vectorName(f.Q, f.D, f.Vd)}, ${vectorName(f.Q, f.N, f.Vn)}, ${scalarName(f.size, f.M, f.Vm)}`,
    },
    (b, f) => {
      const size = b.known(f.size)!;
      if (size !== 1 && size !== 2) {
        b.exception(EXCEPTION.undefined);
        return;
      }
      b.requireFloatingPoint();
      const n = readVector(b, f.Q, doubleIndex(b, f.N, f.Vn));
      const m = readScalar(b, size, f.M, f.Vm);
      const index = doubleIndex(b, f.D, f.Vd);
      const d = (): Node => readVector(b, f.Q, index);
      writeVector(b, f.Q, index, compute(b, f.Q, { size, unsigned: false, n, m, d }));
    },
  );
}

const highProduct =
  (rounding: boolean) =>
  (b: Builder, q: Node, { size, n, m }: Long): Node => {
    const { value, lost } = doublingMultiplyHigh(b, size, rounding, n, m);
    noteSaturation(b, q, lost);
    return value;
  };

const scalarRows: readonly Row[] = [
  ...sameByScalar('VMLA', 'i', '0000', (b, _, x) => lanes(b, x.size, 'add', x.d(), multiply(b, x.size, x.n, x.m))),
  ...sameByScalar('VMLS', 'i', '0100', (b, _, x) => lanes(b, x.size, 'sub', x.d(), multiply(b, x.size, x.n, x.m))),
  ...sameByScalar('VMUL', 'i', '1000', (b, _, x) => multiply(b, x.size, x.n, x.m)),
  ...sameByScalar('VQDMULH', 's', '1100', highProduct(false)),
  ...sameByScalar('VQRDMULH', 's', '1101', highProduct(true)),
  ...longByScalar('VMLAL', 'U', '0010', accumulate('add', product)),
  ...longByScalar('VMLSL', 'U', '0110', accumulate('sub', product)),
  ...longByScalar('VMULL', 'U', '1010', product),
  ...longByScalar('VQDMLAL', '0', '0011', doublingAccumulate(saturatingAdd)),
  ...longByScalar('VQDMLSL', '0', '0111', doublingAccumulate(saturatingSubtract)),
  ...longByScalar('VQDMULL', '0', '1011', doubling),
];

export const simdThreeDifferent: readonly Row[] = [...differentRows, ...scalarRows];

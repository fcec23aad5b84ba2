// SPDX-License-Identifier: Apache-2.0
// Advanced SIMD data processing, three registers of the same length, on integers and bits (A7.4.1).

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { EXCEPTION } from '../../system/exception.js';
import type { Row } from '../row.js';
import {
  absoluteDifference,
  and,
  choose,
  halvingAdd,
  halvingSubtract,
  lanes,
  multiply,
  noteSaturation,
  or,
  polynomialMultiply,
  readVector,
  roundingHalvingAdd,
  saturatingAdd,
  saturatingSubtract,
  unzipDoubles,
  writeVector,
  xor,
  zeroVector,
  type Saturated,
} from '../semantics/vector.js';
import { doublingMultiplyHigh } from '../semantics/vector-multiply.js';
import { shiftByRegister } from '../semantics/vector-shift.js';
import { doubleIndex, simd, vectorName } from '../vfp/encoding.js';

/** What a computation is told: known size and signedness, the operands, the destination's old value when asked. */
export interface ThreeSame {
  readonly size: number;
  readonly unsigned: boolean;
  readonly q: Node;
  readonly n: Node;
  readonly m: Node;
  readonly d: () => Node;
}
type Compute = (b: Builder, x: ThreeSame) => Node;

interface Form {
  readonly name: string;
  /** U: a literal, or `U` for signedness. */
  readonly u: '0' | '1' | 'U';
  /** Bits 11:8 and bit 4. */
  readonly a: string;
  readonly b: '0' | '1';
  /** Allowed values of `size`; one of them only as a literal when `fixed`. */
  readonly sizes: readonly number[];
  /** Letter of the data type; by U when it is missing. */
  readonly type?: 'i' | 'p' | 's' | '';
  /** The shifts name the shifted register first. */
  readonly swapped?: boolean;
  /** Pairwise operations exist on doublewords only. */
  readonly doubleOnly?: boolean;
}

function three(form: Form, compute: Compute): Row[] {
  const { name, u, a, sizes, doubleOnly } = form;
  const uBit = u === 'U' ? 'U:1' : u;
  const allowed = new Set(sizes);
  return simd(
    `${name} (${form.type === 'p' ? 'polynomial' : 'integer'})`,
    `${uBit} 0 D:1 size:2 Vn:4 Vd:4 ${a} N:1 ${doubleOnly === true ? '0' : 'Q:1'} M:1 ${form.b} Vm:4` as string,
    {
      specialize: u === 'U' ? ['U', 'size'] : ['size'],
      unpredictable: (f) => !allowed.has(f['size']!) || (f['Q'] === 1 && ((f['Vd']! | f['Vn']! | f['Vm']!) & 1) === 1),
      syntax: (f) => {
        const letter = form.type ?? (f['U'] === 1 ? 'u' : 's');
        const q = f['Q'] ?? 0;
        const d = vectorName(q, f['D']!, f['Vd']!);
        const n = vectorName(q, f['N']!, f['Vn']!);
        const m = vectorName(q, f['M']!, f['Vm']!);
        const operands = form.swapped === true ? `${m}, ${n}` : `${n}, ${m}`;
        return `${name.toLowerCase()}{c}.${letter}${8 << f['size']!} ${d}, ${operands}`;
      },
    },
    (b, f) => {
      const size = b.known(f['size']!)!;
      if (!allowed.has(size)) {
        b.exception(EXCEPTION.undefined);
        return;
      }
      b.requireFloatingPoint();
      const q = f['Q'] ?? b.const(0);
      const unsigned = u === 'U' ? b.known(f['U']!) === 1 : u === '1';
      const n = readVector(b, q, doubleIndex(b, f['N']!, f['Vn']!));
      const m = readVector(b, q, doubleIndex(b, f['M']!, f['Vm']!));
      const d = (): Node => readVector(b, q, doubleIndex(b, f['D']!, f['Vd']!));
      const result = compute(b, { size, unsigned, q, n, m, d });
      writeVector(b, q, doubleIndex(b, f['D']!, f['Vd']!), result);
    },
  );
}

/** Notes saturation, gives the value. */
function saturated(compute: (b: Builder, x: ThreeSame) => Saturated): Compute {
  return (b, x) => {
    const { value, lost } = compute(b, x);
    noteSaturation(b, x.q, lost);
    return value;
  };
}

const ALL = [0, 1, 2, 3];
const BHW = [0, 1, 2];

const plain =
  (name: string): Compute =>
  (b, { size, n, m }) =>
    lanes(b, size, name, n, m);
const bySign =
  (name: string): Compute =>
  (b, { size, unsigned, n, m }) =>
    lanes(b, size, `${name}_${unsigned ? 'u' : 's'}`, n, m);

const shift = (name: string, bit4: '0' | '1', a: string, rounding: boolean, saturating: boolean): Row[] =>
  three({ name, u: 'U', a, b: bit4, sizes: ALL, swapped: true }, (b, { size, unsigned, q, n, m }) => {
    const { value, lost } = shiftByRegister(b, { size, unsigned, rounding, saturating }, m, n);
    if (saturating) noteSaturation(b, q, lost);
    return value;
  });

const pairwise =
  (compute: Compute): Compute =>
  (b, x) => {
    const { even, odd } = unzipDoubles(b, x.size, x.n, x.m);
    return compute(b, { ...x, n: even, m: odd });
  };

/** The bit-wise operations: `size` chooses among four for each U. */
type Bitwise = (b: Builder, n: Node, m: Node, d: () => Node) => Node;
function bitwise(name: string, u: '0' | '1', size: string, compute: Bitwise): Row[] {
  return simd(
    `${name} (register)`,
    `${u} 0 D:1 ${size} Vn:4 Vd:4 0001 N:1 Q:1 M:1 1 Vm:4` as const,
    {
      unpredictable: (f) => f.Q === 1 && ((f.Vd | f.Vn | f.Vm) & 1) === 1,
      syntax: (f) => {
        const d = vectorName(f.Q, f.D, f.Vd);
        const n = vectorName(f.Q, f.N, f.Vn);
        const m = vectorName(f.Q, f.M, f.Vm);
        return `${name.toLowerCase()}{c} ${d}, ${n}, ${m}`;
      },
    },
    (b, f) => {
      b.requireFloatingPoint();
      const n = readVector(b, f.Q, doubleIndex(b, f.N, f.Vn));
      const m = readVector(b, f.Q, doubleIndex(b, f.M, f.Vm));
      const d = (): Node => readVector(b, f.Q, doubleIndex(b, f.D, f.Vd));
      writeVector(b, f.Q, doubleIndex(b, f.D, f.Vd), compute(b, n, m, d));
    },
  );
}

const bitwiseRows: readonly Row[] = [
  ...bitwise('VAND', '0', '00', (b, n, m) => and(b, n, m)),
  ...bitwise('VBIC', '0', '01', (b, n, m) => b.op('v128.andnot', n, m)),
  ...bitwise('VORR', '0', '10', (b, n, m) => or(b, n, m)),
  ...bitwise('VORN', '0', '11', (b, n, m) => or(b, n, b.op('v128.not', m))),
  ...bitwise('VEOR', '1', '00', (b, n, m) => xor(b, n, m)),
  ...bitwise('VBSL', '1', '01', (b, n, m, d) => choose(b, d(), n, m)),
  ...bitwise('VBIT', '1', '10', (b, n, m, d) => choose(b, m, n, d())),
  ...bitwise('VBIF', '1', '11', (b, n, m, d) => choose(b, m, d(), n)),
];

const accumulate =
  (name: 'add' | 'sub', compute: Compute): Compute =>
  (b, x) =>
    lanes(b, x.size, name, x.d(), compute(b, x));

const product: Compute = (b, { size, n, m }) => multiply(b, size, n, m);

const integerRows: readonly Row[] = [
  ...three({ name: 'VHADD', u: 'U', a: '0000', b: '0', sizes: BHW }, (b, x) =>
    halvingAdd(b, x.size, x.unsigned, x.n, x.m),
  ),
  ...three(
    { name: 'VQADD', u: 'U', a: '0000', b: '1', sizes: ALL },
    saturated((b, x) => saturatingAdd(b, x.size, x.unsigned, x.n, x.m)),
  ),
  ...three({ name: 'VRHADD', u: 'U', a: '0001', b: '0', sizes: BHW }, (b, x) =>
    roundingHalvingAdd(b, x.size, x.unsigned, x.n, x.m),
  ),
  ...three({ name: 'VHSUB', u: 'U', a: '0010', b: '0', sizes: BHW }, (b, x) =>
    halvingSubtract(b, x.size, x.unsigned, x.n, x.m),
  ),
  ...three(
    { name: 'VQSUB', u: 'U', a: '0010', b: '1', sizes: ALL },
    saturated((b, x) => saturatingSubtract(b, x.size, x.unsigned, x.n, x.m)),
  ),
  ...three({ name: 'VCGT', u: 'U', a: '0011', b: '0', sizes: BHW }, bySign('gt')),
  ...three({ name: 'VCGE', u: 'U', a: '0011', b: '1', sizes: BHW }, bySign('ge')),
  ...shift('VSHL', '0', '0100', false, false),
  ...shift('VQSHL', '1', '0100', false, true),
  ...shift('VRSHL', '0', '0101', true, false),
  ...shift('VQRSHL', '1', '0101', true, true),
  ...three({ name: 'VMAX', u: 'U', a: '0110', b: '0', sizes: BHW }, bySign('max')),
  ...three({ name: 'VMIN', u: 'U', a: '0110', b: '1', sizes: BHW }, bySign('min')),
  ...three({ name: 'VABD', u: 'U', a: '0111', b: '0', sizes: BHW }, (b, x) =>
    absoluteDifference(b, x.size, x.unsigned, x.n, x.m),
  ),
  ...three({ name: 'VABA', u: 'U', a: '0111', b: '1', sizes: BHW }, (b, x) =>
    lanes(b, x.size, 'add', x.d(), absoluteDifference(b, x.size, x.unsigned, x.n, x.m)),
  ),
  ...three({ name: 'VADD', u: '0', a: '1000', b: '0', sizes: ALL, type: 'i' }, plain('add')),
  ...three({ name: 'VSUB', u: '1', a: '1000', b: '0', sizes: ALL, type: 'i' }, plain('sub')),
  ...three({ name: 'VTST', u: '0', a: '1000', b: '1', sizes: BHW, type: '' }, (b, x) =>
    lanes(b, x.size, 'ne', and(b, x.n, x.m), zeroVector(b)),
  ),
  ...three({ name: 'VCEQ', u: '1', a: '1000', b: '1', sizes: BHW, type: 'i' }, plain('eq')),
  ...three({ name: 'VMLA', u: '0', a: '1001', b: '0', sizes: BHW, type: 'i' }, accumulate('add', product)),
  ...three({ name: 'VMLS', u: '1', a: '1001', b: '0', sizes: BHW, type: 'i' }, accumulate('sub', product)),
  ...three({ name: 'VMUL', u: '0', a: '1001', b: '1', sizes: BHW, type: 'i' }, product),
  ...three({ name: 'VMUL', u: '1', a: '1001', b: '1', sizes: [0], type: 'p' }, (b, x) =>
    polynomialMultiply(b, 0, x.n, x.m),
  ),
  ...three({ name: 'VPMAX', u: 'U', a: '1010', b: '0', sizes: BHW, doubleOnly: true }, pairwise(bySign('max'))),
  ...three({ name: 'VPMIN', u: 'U', a: '1010', b: '1', sizes: BHW, doubleOnly: true }, pairwise(bySign('min'))),
  ...three(
    { name: 'VQDMULH', u: '0', a: '1011', b: '0', sizes: [1, 2], type: 's' },
    saturated((b, x) => doublingMultiplyHigh(b, x.size, false, x.n, x.m)),
  ),
  ...three(
    { name: 'VQRDMULH', u: '1', a: '1011', b: '0', sizes: [1, 2], type: 's' },
    saturated((b, x) => doublingMultiplyHigh(b, x.size, true, x.n, x.m)),
  ),
  ...three(
    { name: 'VPADD', u: '0', a: '1011', b: '1', sizes: BHW, type: 'i', doubleOnly: true },
    pairwise(plain('add')),
  ),
];

export const simdThreeSame: readonly Row[] = [...bitwiseRows, ...integerRows];

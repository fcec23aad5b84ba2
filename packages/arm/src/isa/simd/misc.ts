// SPDX-License-Identifier: Apache-2.0
// Advanced SIMD data processing, two registers, miscellaneous (A7.4.5): reversals, counts, comparisons with zero,
// permutations of two registers, narrowing moves, estimates, conversions.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { EXCEPTION } from '../../system/exception.js';
import type { Row } from '../row.js';
import {
  eachLane,
  fromFixed,
  toFixed,
  vectorAbsolute,
  vectorExact,
  vectorNegate,
  vectorOrder,
} from '../semantics/vector-float.js';
import {
  addLongPairs,
  bitsOf,
  countLeadingSigns,
  countLeadingZeros,
  extendLow,
  lanes,
  narrow,
  noteSaturation,
  readVector,
  saturatingNarrow,
  saturatingUnary,
  shapeOf,
  writeVector,
  zeroVector,
  type NarrowKind,
} from '../semantics/vector.js';
import { dName, doubleIndex, qName, simd, vectorName } from '../vfp/encoding.js';

interface Misc {
  readonly size: number;
  readonly q: Node;
  readonly m: Node;
  readonly d: () => Node;
}

interface Form {
  readonly name: string;
  /** Bits 17:16 and 10:7. */
  readonly code: readonly [string, string];
  readonly sizes: readonly number[];
  /** Data type letter, and what follows the operands. */
  readonly letter: string;
  readonly tail?: string;
}

function misc({ name, code, sizes, letter, tail }: Form, compute: (b: Builder, x: Misc) => Node): Row[] {
  const [a, rest] = code;
  const allowed = new Set(sizes);
  return simd(
    `${name} (${letter === 'f' ? 'floating-point, ' : ''}two registers${letter === 'u' || letter === 's' ? `, ${letter}` : ''})`,
    `1 1 D:1 11 size:2 ${a} Vd:4 0 ${rest} Q:1 M:1 0 Vm:4` as const,
    {
      specialize: ['size'],
      unpredictable: (f) => !allowed.has(f.size) || (f.Q === 1 && ((f.Vd | f.Vm) & 1) === 1),
      syntax: (f) => {
        const type = name === 'VMVN' ? '' : `.${letter}${8 << f.size}`;
        return `${name.toLowerCase()}{c}${type} ${vectorName(f.Q, f.D, f.Vd)}, ${vectorName(f.Q, f.M, f.Vm)}${tail ?? ''}`;
      },
    },
    (b, f) => {
      const size = b.known(f.size)!;
      if (!allowed.has(size)) {
        b.exception(EXCEPTION.undefined);
        return;
      }
      b.requireFloatingPoint();
      const m = readVector(b, f.Q, doubleIndex(b, f.M, f.Vm));
      const index = doubleIndex(b, f.D, f.Vd);
      writeVector(b, f.Q, index, compute(b, { size, q: f.Q, m, d: () => readVector(b, f.Q, index) }));
    },
  );
}

/** Reverses the elements within each group of `bytes`. */
const reverse =
  (bytes: number) =>
  (b: Builder, { size, m }: Misc): Node => {
    const width = 1 << size;
    const list = Array.from({ length: 16 }, (_, i) => {
      const group = i - (i % bytes);
      const element = Math.floor((i % bytes) / width);
      return group + (bytes / width - 1 - element) * width + (i % width);
    });
    return b.shuffle(m, m, list);
  };

const BHW = [0, 1, 2];
const pairs =
  (unsigned: boolean) =>
  (b: Builder, { size, m }: Misc): Node =>
    addLongPairs(b, size, unsigned, m);
const accumulatedPairs =
  (unsigned: boolean) =>
  (b: Builder, { size, m, d }: Misc): Node =>
    lanes(b, size + 1, 'add', d(), addLongPairs(b, size, unsigned, m));
const saturating =
  (name: 'abs' | 'neg') =>
  (b: Builder, { size, q, m }: Misc): Node => {
    const { value, lost } = saturatingUnary(b, size, name, m);
    noteSaturation(b, q, lost);
    return value;
  };

const COMPARISONS = [
  { name: 'VCGT', code: '000', integer: 'gt_s', float: 'gt', swap: false, letter: 's' },
  { name: 'VCGE', code: '001', integer: 'ge_s', float: 'ge', swap: false, letter: 's' },
  { name: 'VCEQ', code: '010', integer: 'eq', float: 'eq', swap: false, letter: 'i' },
  { name: 'VCLE', code: '011', integer: 'le_s', float: 'ge', swap: true, letter: 's' },
  { name: 'VCLT', code: '100', integer: 'lt_s', float: 'gt', swap: true, letter: 's' },
] as const;

const zeroRows: readonly Row[] = COMPARISONS.flatMap(({ name, code, integer, float, swap, letter }) => [
  ...misc({ name, code: ['01', `0${code}`], sizes: BHW, letter, tail: ', #0' }, (b, { size, m }) =>
    lanes(b, size, integer, m, zeroVector(b)),
  ),
  ...misc({ name, code: ['01', `1${code}`], sizes: [2], letter: 'f', tail: ', #0' }, (b, { q, m }) => {
    const zero = zeroVector(b);
    return vectorOrder(b, q, float, swap ? zero : m, swap ? m : zero);
  }),
]);

const oneResultRows: readonly Row[] = [
  ...misc({ name: 'VREV64', code: ['00', '0000'], sizes: BHW, letter: '' }, reverse(8)),
  ...misc({ name: 'VREV32', code: ['00', '0001'], sizes: [0, 1], letter: '' }, reverse(4)),
  ...misc({ name: 'VREV16', code: ['00', '0010'], sizes: [0], letter: '' }, reverse(2)),
  ...misc({ name: 'VPADDL', code: ['00', '0100'], sizes: BHW, letter: 's' }, pairs(false)),
  ...misc({ name: 'VPADDL', code: ['00', '0101'], sizes: BHW, letter: 'u' }, pairs(true)),
  ...misc({ name: 'VCLS', code: ['00', '1000'], sizes: BHW, letter: 's' }, (b, x) => countLeadingSigns(b, x.size, x.m)),
  ...misc({ name: 'VCLZ', code: ['00', '1001'], sizes: BHW, letter: 'i' }, (b, x) => countLeadingZeros(b, x.size, x.m)),
  ...misc({ name: 'VCNT', code: ['00', '1010'], sizes: [0], letter: '' }, (b, x) => b.op('i8x16.popcnt', x.m)),
  ...misc({ name: 'VMVN', code: ['00', '1011'], sizes: [0], letter: '' }, (b, x) => b.op('v128.not', x.m)),
  ...misc({ name: 'VPADAL', code: ['00', '1100'], sizes: BHW, letter: 's' }, accumulatedPairs(false)),
  ...misc({ name: 'VPADAL', code: ['00', '1101'], sizes: BHW, letter: 'u' }, accumulatedPairs(true)),
  ...misc({ name: 'VQABS', code: ['00', '1110'], sizes: BHW, letter: 's' }, saturating('abs')),
  ...misc({ name: 'VQNEG', code: ['00', '1111'], sizes: BHW, letter: 's' }, saturating('neg')),
  ...zeroRows,
  ...misc({ name: 'VABS', code: ['01', '0110'], sizes: BHW, letter: 's' }, (b, x) =>
    b.op(`${shapeOf(x.size)}.abs`, x.m),
  ),
  ...misc({ name: 'VNEG', code: ['01', '0111'], sizes: BHW, letter: 's' }, (b, x) =>
    b.op(`${shapeOf(x.size)}.neg`, x.m),
  ),
  ...misc({ name: 'VABS', code: ['01', '1110'], sizes: [2], letter: 'f' }, (b, x) => vectorAbsolute(b, x.m)),
  ...misc({ name: 'VNEG', code: ['01', '1111'], sizes: [2], letter: 'f' }, (b, x) => vectorNegate(b, x.m)),
  ...misc({ name: 'VRECPE', code: ['11', '1000'], sizes: [2], letter: 'u' }, (b, x) =>
    vectorExact(b, x.q, 'simdUnsignedRecipEstimate', x.m),
  ),
  ...misc({ name: 'VRSQRTE', code: ['11', '1001'], sizes: [2], letter: 'u' }, (b, x) =>
    vectorExact(b, x.q, 'simdUnsignedRSqrtEstimate', x.m),
  ),
  ...misc({ name: 'VRECPE', code: ['11', '1010'], sizes: [2], letter: 'f' }, (b, x) =>
    vectorExact(b, x.q, 'simdRecipEstimate', x.m),
  ),
  ...misc({ name: 'VRSQRTE', code: ['11', '1011'], sizes: [2], letter: 'f' }, (b, x) =>
    vectorExact(b, x.q, 'simdRSqrtEstimate', x.m),
  ),
];

const integerConversionRows: readonly Row[] = (['00', '01', '10', '11'] as const).flatMap((op) => {
  const sign = op.endsWith('1') ? 'u32' : 's32';
  const types = op.startsWith('1') ? `${sign}.f32` : `f32.${sign}`;
  return simd(
    `VCVT (${types}, Advanced SIMD)`,
    `1 1 D:1 11 10 11 Vd:4 0 11 ${op} Q:1 M:1 0 Vm:4` as const,
    {
      unpredictable: (f) => f.Q === 1 && ((f.Vd | f.Vm) & 1) === 1,
      syntax: (f) => `vcvt{c}.${types} ${vectorName(f.Q, f.D, f.Vd)}, ${vectorName(f.Q, f.M, f.Vm)}`,
    },
    (b, f) => {
      b.requireFloatingPoint();
      const m = readVector(b, f.Q, doubleIndex(b, f.M, f.Vm));
      const convert = op.startsWith('1') ? toFixed : fromFixed;
      const value = convert(b, f.Q, m, b.const(0), op.endsWith('1'));
      writeVector(b, f.Q, doubleIndex(b, f.D, f.Vd), value);
    },
  );
});

/** Two registers that both change: `values` gives the new D and M, on whole vectors or on doublewords. */
type Exchange = (b: Builder, size: number, d: Node, m: Node, quad: boolean) => { d: Node; m: Node };
function exchange(name: string, code: string, valid: (size: number, q: number) => boolean, values: Exchange): Row[] {
  return simd(
    `${name} (two registers)`,
    `1 1 D:1 11 size:2 10 Vd:4 0 ${code} Q:1 M:1 0 Vm:4` as const,
    {
      specialize: ['size', 'Q'],
      unpredictable: (f) => !valid(f.size, f.Q) || (f.Q === 1 && ((f.Vd | f.Vm) & 1) === 1),
      syntax: (f) => {
        const type = name === 'VSWP' ? '' : `.${8 << f.size}`;
        return `${name.toLowerCase()}{c}${type} ${vectorName(f.Q, f.D, f.Vd)}, ${vectorName(f.Q, f.M, f.Vm)}`;
      },
    },
    (b, f) => {
      const size = b.known(f.size)!;
      const q = b.known(f.Q)!;
      if (!valid(size, q)) {
        b.exception(EXCEPTION.undefined);
        return;
      }
      b.requireFloatingPoint();
      const dIndex = doubleIndex(b, f.D, f.Vd);
      const mIndex = doubleIndex(b, f.M, f.Vm);
      const d = readVector(b, q, dIndex);
      const m = readVector(b, q, mIndex);
      const result = values(b, size, d, m, q === 1);
      // With one register named twice the result is UNKNOWN; other implementations keep the first one's.
      writeVector(b, q, mIndex, result.m);
      writeVector(b, q, dIndex, result.d);
    },
  );
}

/** A shuffle given by source bytes: `from(i)` is a byte number in the concatenation of D and M. */
function permute(b: Builder, d: Node, m: Node, quad: boolean, from: (i: number) => number): Node {
  const half = quad ? 16 : 8;
  const list = Array.from({ length: 16 }, (_, i) => {
    const at = i < half ? from(i) : i;
    return at < half ? at : 16 + ((at - half) % 16);
  });
  return b.shuffle(d, m, list);
}

const unzip: Exchange = (b, size, d, m, quad) => {
  const width = 1 << size;
  const pick = (odd: number): Node =>
    permute(b, d, m, quad, (i) => (Math.floor(i / width) * 2 + odd) * width + (i % width));
  return { d: pick(0), m: pick(1) };
};

const zip: Exchange = (b, size, d, m, quad) => {
  const width = 1 << size;
  const half = quad ? 16 : 8;
  const pick = (part: number): Node =>
    permute(b, d, m, quad, (i) => {
      const element = Math.floor((i + part * half) / width);
      return Math.floor(element / 2) * width + (element % 2) * half + (i % width);
    });
  return { d: pick(0), m: pick(1) };
};

const transpose: Exchange = (b, size, d, m, quad) => {
  const width = 1 << size;
  const half = quad ? 16 : 8;
  const pick = (odd: number): Node =>
    permute(b, d, m, quad, (i) => {
      const element = Math.floor(i / width);
      const source = element - (element % 2) + odd;
      return source * width + (element % 2) * half + (i % width);
    });
  return { d: pick(0), m: pick(1) };
};

const zipValid = (size: number, q: number): boolean => size < 2 || (size === 2 && q === 1);
const exchangeRows: readonly Row[] = [
  ...exchange(
    'VSWP',
    '0000',
    (size) => size === 0,
    (_, __, d, m) => ({ d: m, m: d }),
  ),
  ...exchange('VTRN', '0001', (size) => size < 3, transpose),
  ...exchange('VUZP', '0010', zipValid, unzip),
  ...exchange('VZIP', '0011', zipValid, zip),
];

/** Narrowing moves: a quadword to a doubleword. */
function narrowing(name: string, code: string, letter: string, kind: NarrowKind | 'plain'): Row[] {
  return simd(
    `${name} (${letter})`,
    `1 1 D:1 11 size:2 10 Vd:4 0 ${code} M:1 0 Vm:4` as const,
    {
      specialize: ['size'],
      unpredictable: (f) => f.size === 3 || (f.Vm & 1) === 1,
      syntax: (f) => `${name.toLowerCase()}{c}.${letter}${16 << f.size} ${dName(f.D, f.Vd)}, ${qName(f.M, f.Vm)}`,
    },
    (b, f) => {
      const size = b.known(f.size)!;
      if (size === 3) {
        b.exception(EXCEPTION.undefined);
        return;
      }
      b.requireFloatingPoint();
      const m = readVector(b, 1, doubleIndex(b, f.M, f.Vm));
      let value: Node;
      if (kind === 'plain') value = narrow(b, size, m);
      else {
        const result = saturatingNarrow(b, size, kind, m);
        noteSaturation(b, 1, result.lost);
        value = result.value;
      }
      writeVector(b, 0, doubleIndex(b, f.D, f.Vd), value);
    },
  );
}

const lengthRows: readonly Row[] = [
  ...narrowing('VMOVN', '01000', 'i', 'plain'),
  ...narrowing('VQMOVUN', '01001', 's', 'signed-to-unsigned'),
  ...narrowing('VQMOVN', '01010', 's', 'signed'),
  ...narrowing('VQMOVN', '01011', 'u', 'unsigned'),
  ...simd(
    'VSHLL (maximum shift)',
    '1 1 D:1 11 size:2 10 Vd:4 0 01100 M:1 0 Vm:4',
    {
      specialize: ['size'],
      unpredictable: (f) => f.size === 3 || (f.Vd & 1) === 1,
      syntax: (f) => `vshll{c}.i${8 << f.size} ${qName(f.D, f.Vd)}, ${dName(f.M, f.Vm)}, #${8 << f.size}`,
    },
    (b, f) => {
      const size = b.known(f.size)!;
      if (size === 3) {
        b.exception(EXCEPTION.undefined);
        return;
      }
      b.requireFloatingPoint();
      const wide = extendLow(b, size, true, readVector(b, 0, doubleIndex(b, f.M, f.Vm)));
      writeVector(b, 1, doubleIndex(b, f.D, f.Vd), lanes(b, size + 1, 'shl', wide, bitsOf(size)));
    },
  ),
  ...simd(
    'VCVT (half to single precision, Advanced SIMD)',
    '1 1 D:1 11 01 10 Vd:4 0 11100 M:1 0 Vm:4',
    {
      unpredictable: (f) => (f.Vd & 1) === 1,
      syntax: (f) => `vcvt{c}.f32.f16 ${qName(f.D, f.Vd)}, ${dName(f.M, f.Vm)}`,
    },
    (b, f) => {
      b.requireFloatingPoint();
      const m = readVector(b, 0, doubleIndex(b, f.M, f.Vm));
      const value = eachLane(b, 1, (lane) => b.call('simdHalfToSingle', b.lane('i16x8.extract_lane_u', lane, m)));
      writeVector(b, 1, doubleIndex(b, f.D, f.Vd), value);
    },
  ),
  ...simd(
    'VCVT (single to half precision, Advanced SIMD)',
    '1 1 D:1 11 01 10 Vd:4 0 11000 M:1 0 Vm:4',
    {
      unpredictable: (f) => (f.Vm & 1) === 1,
      syntax: (f) => `vcvt{c}.f16.f32 ${dName(f.D, f.Vd)}, ${qName(f.M, f.Vm)}`,
    },
    (b, f) => {
      b.requireFloatingPoint();
      const m = readVector(b, 1, doubleIndex(b, f.M, f.Vm));
      const value = vectorExact(b, 1, 'simdSingleToHalf', m);
      writeVector(b, 0, doubleIndex(b, f.D, f.Vd), narrow(b, 1, value));
    },
  ),
];

export const simdMisc: readonly Row[] = [...oneResultRows, ...integerConversionRows, ...exchangeRows, ...lengthRows];

// SPDX-License-Identifier: Apache-2.0
// Advanced SIMD data processing, two registers and a shift amount (A7.4.4). The element's size is the place of the
// highest set bit of L:imm6, so each size is a row. VMOVL is VSHLL by nothing.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import type { Row } from '../row.js';
import { fromFixed, toFixed } from '../semantics/vector-float.js';
import {
  bitsOf,
  choose,
  extendLow,
  lanes,
  narrow,
  noteSaturation,
  readVector,
  saturatingNarrow,
  shiftRight,
  shiftRightRounding,
  splat,
  writeVector,
  type NarrowKind,
  type Saturated,
} from '../semantics/vector.js';
import { saturatingShiftLeft, saturatingShiftLeftUnsigned } from '../semantics/vector-shift.js';
import { dName, doubleIndex, qName, simd, vectorName } from '../vfp/encoding.js';

/** imm6 and L by size; `imm` is what the amount is worked out from. */
const IMMEDIATE = [
  { imm6: '001 imm:3', l: '0' },
  { imm6: '01 imm:4', l: '0' },
  { imm6: '1 imm:5', l: '0' },
  { imm6: 'imm:6', l: '1' },
] as const;

interface Shift {
  readonly size: number;
  readonly unsigned: boolean;
  readonly q: Node;
  readonly n: Node;
  readonly m: Node;
  readonly d: () => Node;
}

interface Form {
  readonly name: string;
  readonly u: '0' | '1' | 'U';
  /** Bits 11:8. */
  readonly a: string;
  readonly left: boolean;
  readonly letter?: string;
}

function same(form: Form, compute: (b: Builder, x: Shift) => Node): Row[] {
  const { name, u, a, left } = form;
  return IMMEDIATE.flatMap(({ imm6, l }, size) => {
    const bits = bitsOf(size);
    return simd(
      `${name} (immediate, ${bits} bits)`,
      `${u === 'U' ? 'U:1' : u} 1 D:1 ${imm6} Vd:4 ${a} ${l} Q:1 M:1 1 Vm:4` as string,
      {
        specialize: u === 'U' ? ['U'] : [],
        unpredictable: (f) => f['Q'] === 1 && ((f['Vd']! | f['Vm']!) & 1) === 1,
        syntax: (f) => {
          const letter = form.letter ?? (f['U'] === 1 ? 'u' : 's');
          const amount = left ? f['imm']! : bits - f['imm']!;
          const d = vectorName(f['Q']!, f['D']!, f['Vd']!);
          return `${name.toLowerCase()}{c}.${letter}${bits} ${d}, ${vectorName(f['Q']!, f['M']!, f['Vm']!)}, #${amount}`;
        },
      },
      (b, f) => {
        b.requireFloatingPoint();
        const q = f['Q']!;
        const unsigned = u === 'U' ? b.known(f['U']!) === 1 : u === '1';
        const n = left ? f['imm']! : b.sub(bits, f['imm']!);
        const m = readVector(b, q, doubleIndex(b, f['M']!, f['Vm']!));
        const index = doubleIndex(b, f['D']!, f['Vd']!);
        writeVector(b, q, index, compute(b, { size, unsigned, q, n, m, d: () => readVector(b, q, index) }));
      },
    );
  });
}

const plainRight = (b: Builder, x: Shift): Node => shiftRight(b, x.size, x.unsigned, x.m, x.n);
const roundedRight = (b: Builder, x: Shift): Node => shiftRightRounding(b, x.size, x.unsigned, x.m, x.n);
const accumulated =
  (shift: (b: Builder, x: Shift) => Node) =>
  (b: Builder, x: Shift): Node =>
    lanes(b, x.size, 'add', x.d(), shift(b, x));
const saturated =
  (shift: (b: Builder, x: Shift) => Saturated) =>
  (b: Builder, x: Shift): Node => {
    const { value, lost } = shift(b, x);
    noteSaturation(b, x.q, lost);
    return value;
  };

const sameRows: readonly Row[] = [
  ...same({ name: 'VSHR', u: 'U', a: '0000', left: false }, plainRight),
  ...same({ name: 'VSRA', u: 'U', a: '0001', left: false }, accumulated(plainRight)),
  ...same({ name: 'VRSHR', u: 'U', a: '0010', left: false }, roundedRight),
  ...same({ name: 'VRSRA', u: 'U', a: '0011', left: false }, accumulated(roundedRight)),
  ...same({ name: 'VSRI', u: '1', a: '0100', left: false, letter: '' }, (b, x) => {
    const mask = shiftRight(b, x.size, true, splat(b, 0, -1), x.n);
    return choose(b, mask, shiftRight(b, x.size, true, x.m, x.n), x.d());
  }),
  ...same({ name: 'VSHL', u: '0', a: '0101', left: true, letter: 's' }, (b, x) => lanes(b, x.size, 'shl', x.m, x.n)),
  ...same({ name: 'VSLI', u: '1', a: '0101', left: true, letter: '' }, (b, x) => {
    const mask = lanes(b, x.size, 'shl', splat(b, 0, -1), x.n);
    return choose(b, mask, lanes(b, x.size, 'shl', x.m, x.n), x.d());
  }),
  ...same(
    { name: 'VQSHLU', u: '1', a: '0110', left: true, letter: 's' },
    saturated((b, x) => saturatingShiftLeftUnsigned(b, x.size, x.m, x.n)),
  ),
  ...same(
    { name: 'VQSHL', u: 'U', a: '0111', left: true },
    saturated((b, x) => saturatingShiftLeft(b, x.size, x.unsigned, x.m, x.n)),
  ),
];

interface NarrowForm {
  readonly name: string;
  readonly u: '0' | '1';
  readonly a: string;
  /** Bit 6. */
  readonly rounding: boolean;
  readonly kind: NarrowKind | 'plain';
}

/** Shift right and narrow; the encoded size is the result's. */
function narrowing({ name, u, a, rounding, kind }: NarrowForm): Row[] {
  return IMMEDIATE.slice(0, 3).flatMap(({ imm6, l }, size) => {
    const bits = bitsOf(size);
    const letter = kind === 'plain' ? 'i' : kind === 'unsigned' ? 'u' : 's';
    return simd(
      `${name} (${letter}${bits})`,
      `${u} 1 D:1 ${imm6} Vd:4 ${a} ${l} ${rounding ? '1' : '0'} M:1 1 Vm:4` as string,
      {
        unpredictable: (f) => (f['Vm']! & 1) === 1,
        syntax: (f) =>
          `${name.toLowerCase()}{c}.${letter}${2 * bits} ${dName(f['D']!, f['Vd']!)}, ${qName(f['M']!, f['Vm']!)}, #${bits - f['imm']!}`,
      },
      (b, f) => {
        b.requireFloatingPoint();
        const n = b.sub(bits, f['imm']!);
        const m = readVector(b, 1, doubleIndex(b, f['M']!, f['Vm']!));
        const unsigned = kind === 'unsigned' || kind === 'plain';
        const shifted = (rounding ? shiftRightRounding : shiftRight)(b, size + 1, unsigned, m, n);
        let value: Node;
        if (kind === 'plain') value = narrow(b, size, shifted);
        else {
          const result = saturatingNarrow(b, size, kind, shifted);
          noteSaturation(b, 1, result.lost);
          value = result.value;
        }
        writeVector(b, 0, doubleIndex(b, f['D']!, f['Vd']!), value);
      },
    );
  });
}

const narrowRows: readonly Row[] = [
  ...narrowing({ name: 'VSHRN', u: '0', a: '1000', rounding: false, kind: 'plain' }),
  ...narrowing({ name: 'VRSHRN', u: '0', a: '1000', rounding: true, kind: 'plain' }),
  ...narrowing({ name: 'VQSHRUN', u: '1', a: '1000', rounding: false, kind: 'signed-to-unsigned' }),
  ...narrowing({ name: 'VQRSHRUN', u: '1', a: '1000', rounding: true, kind: 'signed-to-unsigned' }),
  ...narrowing({ name: 'VQSHRN', u: '0', a: '1001', rounding: false, kind: 'signed' }),
  ...narrowing({ name: 'VQSHRN', u: '1', a: '1001', rounding: false, kind: 'unsigned' }),
  ...narrowing({ name: 'VQRSHRN', u: '0', a: '1001', rounding: true, kind: 'signed' }),
  ...narrowing({ name: 'VQRSHRN', u: '1', a: '1001', rounding: true, kind: 'unsigned' }),
];

const longRows: readonly Row[] = IMMEDIATE.slice(0, 3).flatMap(({ imm6, l }, size) =>
  simd(
    `VSHLL, VMOVL (${bitsOf(size)} bits)`,
    `U:1 1 D:1 ${imm6} Vd:4 1010 ${l} 0 M:1 1 Vm:4` as string,
    {
      specialize: ['U'],
      unpredictable: (f) => (f['Vd']! & 1) === 1,
      syntax: (f) => {
        const type = `${f['U'] === 1 ? 'u' : 's'}${bitsOf(size)}`;
        const operands = `${qName(f['D']!, f['Vd']!)}, ${dName(f['M']!, f['Vm']!)}`;
        return f['imm'] === 0 ? `vmovl{c}.${type} ${operands}` : `vshll{c}.${type} ${operands}, #${f['imm']}`;
      },
    },
    (b, f) => {
      b.requireFloatingPoint();
      const m = readVector(b, 0, doubleIndex(b, f['M']!, f['Vm']!));
      const wide = extendLow(b, size, b.known(f['U']!) === 1, m);
      writeVector(b, 1, doubleIndex(b, f['D']!, f['Vd']!), lanes(b, size + 1, 'shl', wide, f['imm']!));
    },
  ),
);

const fixedRows: readonly Row[] = (['0', '1'] as const).flatMap((op) =>
  simd(
    `VCVT (${op === '1' ? 'floating-point to fixed-point' : 'fixed-point to floating-point'}, Advanced SIMD)`,
    `U:1 1 D:1 1 imm:5 Vd:4 111 ${op} 0 Q:1 M:1 1 Vm:4` as const,
    {
      specialize: ['U'],
      unpredictable: (f) => f.Q === 1 && ((f.Vd | f.Vm) & 1) === 1,
      syntax: (f) => {
        const fixed = `.${f.U === 1 ? 'u' : 's'}32`;
        const types = op === '1' ? `${fixed}.f32` : `.f32${fixed}`;
        return `vcvt{c}${types} ${vectorName(f.Q, f.D, f.Vd)}, ${vectorName(f.Q, f.M, f.Vm)}, #${32 - f.imm}`;
      },
    },
    (b, f) => {
      b.requireFloatingPoint();
      const m = readVector(b, f.Q, doubleIndex(b, f.M, f.Vm));
      const convert = op === '1' ? toFixed : fromFixed;
      const value = convert(b, f.Q, m, b.sub(32, f.imm), b.known(f.U) === 1);
      writeVector(b, f.Q, doubleIndex(b, f.D, f.Vd), value);
    },
  ),
);

export const simdShift: readonly Row[] = [...sameRows, ...narrowRows, ...longRows, ...fixedRows];

// SPDX-License-Identifier: Apache-2.0
// Parallel additions and subtractions on bytes and halfwords (A4.4.6), with the GE flags, SEL, and the sums of absolute
// differences. The lanes are computed in the low word of a vector.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { CPU } from '../../state/layout.js';

/** Signed, saturating, halving; unsigned, saturating, halving: in the order of the encodings. */
export const PARALLEL_PREFIXES = ['S', 'Q', 'SH', 'U', 'UQ', 'UH'] as const;
export type ParallelPrefix = (typeof PARALLEL_PREFIXES)[number];
export const PARALLEL_OPERATIONS = ['ADD16', 'ASX', 'SAX', 'SUB16', 'ADD8', 'SUB8'] as const;
export type ParallelOperation = (typeof PARALLEL_OPERATIONS)[number];

interface Lanes {
  readonly value: Node;
  /** GE[3:0], for the plain signed and unsigned operations. */
  readonly ge: Node | undefined;
}

const word = (b: Builder, vector: Node): Node => b.lane('i32x4.extract_lane', 0, vector);

/** One GE bit for each byte whose lane of `mask` is all ones. */
const geBits = (b: Builder, mask: Node): Node => b.and(b.op('i8x16.bitmask', mask), 0xf);

/** The sum or difference of all lanes. */
function lanes(
  b: Builder,
  prefix: ParallelPrefix,
  shape: 'i8x16' | 'i16x8',
  operation: 'add' | 'sub',
  x: Node,
  y: Node,
): Lanes {
  const vector = (name: string, ...operands: (Node | number)[]): Node => b.op(`${shape}.${name}`, ...operands);
  switch (prefix) {
    case 'S': {
      // The saturated result has the sign of the exact one.
      const exact = vector(`${operation}_sat_s`, x, y);
      const ge = vector('ge_s', exact, b.op(`${shape}.splat`, 0));
      return { value: word(b, vector(operation, x, y)), ge: geBits(b, ge) };
    }
    case 'U': {
      const result = vector(operation, x, y);
      // Addition: GE is the carry. Subtraction: GE is "no borrow".
      const ge = operation === 'add' ? vector('lt_u', result, x) : vector('ge_u', x, y);
      return { value: word(b, result), ge: geBits(b, ge) };
    }
    case 'Q':
    case 'UQ':
      return { value: word(b, vector(`${operation}_sat_${prefix === 'Q' ? 's' : 'u'}`, x, y)), ge: undefined };
    default: {
      const [wide, narrow] = shape === 'i8x16' ? ['i16x8', 'i8x16'] : ['i32x4', 'i16x8'];
      const sign = prefix === 'SH' ? 's' : 'u';
      const extend = (v: Node): Node => b.op(`${wide}.extend_low_${shape}_${sign}`, v);
      const halved = b.op(`${wide}.shr_s`, b.op(`${wide}.${operation}`, extend(x), extend(y)), 1);
      // All halved results fit the lane; a difference is negative in the unsigned form too, and keeps its low bits.
      const fit = prefix === 'UH' && operation === 'add' ? 'u' : 's';
      return { value: word(b, b.op(`${narrow}.narrow_${wide}_${fit}`, halved, halved)), ge: undefined };
    }
  }
}

/** All of them: `prefix` and `operation` make the mnemonic. */
export function parallel(
  b: Builder,
  f: { readonly Rd: Node; readonly Rn: Node; readonly Rm: Node },
  prefix: ParallelPrefix,
  operation: ParallelOperation,
): void {
  const exchange = operation === 'ASX' || operation === 'SAX';
  const splat = (value: Node): Node => b.op('i32x4.splat', value);
  const x = splat(b.reg(f.Rn));
  const m = b.reg(f.Rm);
  const y = splat(exchange ? b.rotr(m, 16) : m);
  const shape = operation.endsWith('8') ? 'i8x16' : 'i16x8';
  let result: Lanes;
  if (exchange) {
    const sum = lanes(b, prefix, shape, 'add', x, y);
    const difference = lanes(b, prefix, shape, 'sub', x, y);
    const [high, low] = operation === 'ASX' ? [sum, difference] : [difference, sum];
    const ge = high.ge && low.ge ? b.or(b.and(high.ge, 0b1100), b.and(low.ge, 0b0011)) : undefined;
    result = { value: b.or(b.and(high.value, 0xffff_0000), b.and(low.value, 0xffff)), ge };
  } else {
    result = lanes(b, prefix, shape, operation.startsWith('ADD') ? 'add' : 'sub', x, y);
  }
  b.setReg(f.Rd, result.value);
  if (result.ge !== undefined) b.setState(CPU.flagGE, result.ge);
}

/** SEL: each byte from Rn where its GE bit is 1, else from Rm. */
export function selectBytes(b: Builder, f: { readonly Rd: Node; readonly Rn: Node; readonly Rm: Node }): void {
  // Spreads GE bit i to bit 8i, then over the byte.
  const spread = b.and(b.mul(b.state(CPU.flagGE), 0x0020_4081), 0x0101_0101);
  const mask = b.mul(spread, 0xff);
  b.setReg(f.Rd, b.or(b.and(b.reg(f.Rn), mask), b.and(b.reg(f.Rm), b.not(mask))));
}

/** USAD8, and with `Ra` USADA8. */
export function absoluteDifferences(
  b: Builder,
  f: { readonly Rd: Node; readonly Rn: Node; readonly Rm: Node; readonly Ra?: Node },
): void {
  const x = b.op('i32x4.splat', b.reg(f.Rn));
  const y = b.op('i32x4.splat', b.reg(f.Rm));
  const difference = b.op('i8x16.sub', b.op('i8x16.max_u', x, y), b.op('i8x16.min_u', x, y));
  const pairs = b.op('i16x8.extadd_pairwise_i8x16_u', difference);
  const total = word(b, b.op('i32x4.extadd_pairwise_i16x8_u', pairs));
  b.setReg(f.Rd, f.Ra === undefined ? total : b.add(total, b.reg(f.Ra)));
}

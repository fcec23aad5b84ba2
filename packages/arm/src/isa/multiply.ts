// SPDX-License-Identifier: Apache-2.0
// Multiplication and division of A32 (A5.2.5, A5.2.7, A5.4.4) and 32-bit T32 (A6.3.16, A6.3.17): the same instructions
// with their fields in other places, and in T32 without S. The signed halfword forms and the dual forms are one row
// each, with the halves chosen by fields.

import type { Builder } from '../ir/builder.js';
import type { Node } from '../ir/node.js';
import { any15 } from './operands.js';
import { a32, type FieldNames, type Fields, type Numbers, type Row, t32 } from './row.js';
import {
  divide,
  multiply,
  multiplyAccumulate,
  multiplyAccumulateAccumulateLong,
  multiplyAccumulateHalves,
  multiplyAccumulateLongHalves,
  multiplyAccumulateWordHalf,
  multiplyDual,
  multiplyDualLong,
  multiplyHalves,
  multiplyLong,
  multiplyMostSignificant,
  multiplySubtract,
  multiplyWordHalf,
} from './semantics/multiply.js';

interface Operands {
  readonly text: string;
  readonly unpredictable: (f: Readonly<Record<string, number>>) => boolean;
}
const THREE: Operands = { text: '{Rd}, {Rn}, {Rm}', unpredictable: any15('Rd', 'Rn', 'Rm') };
/** Where Ra = 15 is another instruction, that is found first. */
const FOUR: Operands = { text: '{Rd}, {Rn}, {Rm}, {Ra}', unpredictable: any15('Rd', 'Rn', 'Rm', 'Ra') };
const LONG: Operands = { text: '{RdLo}, {RdHi}, {Rn}, {Rm}', unpredictable: any15('RdHi', 'RdLo', 'Rn', 'Rm') };

type Shared<A extends string, T extends string> = FieldNames<A> & FieldNames<T>;

/** The instruction in both sets. `mnemonic` is its name unless given. */
function both<A extends string, T extends string>(
  name: string,
  patternA32: A,
  patternT32: T,
  { text, unpredictable }: Operands,
  lift: (b: Builder, f: { readonly [K in Shared<A, T>]: Node }) => void,
  mnemonic: (f: { readonly [K in Shared<A, T>]: number }) => string = () => name.toLowerCase(),
): Row[] {
  // The fields of one set are more than those of both.
  const syntax = mnemonic as (f: Readonly<Record<string, number>>) => string;
  const body = lift as (b: Builder, f: Readonly<Record<string, Node>>) => void;
  return [
    a32(name, patternA32, { unpredictable, syntax: (f: Numbers<A>) => `${syntax(f)}{c} ${text}` }, (b, f: Fields<A>) =>
      body(b, f),
    ),
    t32(name, patternT32, { unpredictable, syntax: (f: Numbers<T>) => `${syntax(f)}{c} ${text}` }, (b, f: Fields<T>) =>
      body(b, f),
    ),
  ];
}

const half = (bit: number): string => (bit === 1 ? 't' : 'b');
const exchange = (bit: number): string => (bit === 1 ? 'x' : '');
const rounding = (bit: number): string => (bit === 1 ? 'r' : '');

const words: readonly Row[] = [
  a32(
    'MUL',
    'cond:4 0000000 S:1 Rd:4 (0)(0)(0)(0) Rm:4 1001 Rn:4',
    { specialize: ['S'], unpredictable: THREE.unpredictable, syntax: `mul{S}{c} ${THREE.text}` },
    (b, f) => multiply(b, f, b.known(f.S) === 1),
  ),
  t32(
    'MUL',
    '111110110000 Rn:4 1111 Rd:4 0000 Rm:4',
    { unpredictable: THREE.unpredictable, syntax: `mul{c}.w ${THREE.text}` },
    (b, f) => multiply(b, f, false),
  ),
  a32(
    'MLA',
    'cond:4 0000001 S:1 Rd:4 Ra:4 Rm:4 1001 Rn:4',
    { specialize: ['S'], unpredictable: FOUR.unpredictable, syntax: `mla{S}{c} ${FOUR.text}` },
    (b, f) => multiplyAccumulate(b, f, b.known(f.S) === 1),
  ),
  t32(
    'MLA',
    '111110110000 Rn:4 Ra:4 Rd:4 0000 Rm:4',
    { unpredictable: FOUR.unpredictable, syntax: `mla{c} ${FOUR.text}` },
    (b, f) => multiplyAccumulate(b, f, false),
  ),
  ...both(
    'UMAAL',
    'cond:4 00000100 RdHi:4 RdLo:4 Rm:4 1001 Rn:4',
    '111110111110 Rn:4 RdLo:4 RdHi:4 0110 Rm:4',
    LONG,
    multiplyAccumulateAccumulateLong,
  ),
  ...both(
    'MLS',
    'cond:4 00000110 Rd:4 Ra:4 Rm:4 1001 Rn:4',
    '111110110000 Rn:4 Ra:4 Rd:4 0001 Rm:4',
    FOUR,
    multiplySubtract,
  ),
];

const longs: readonly Row[] = (
  [
    { name: 'UMULL', op: '00', opT32: '010', signed: false, accumulate: false },
    { name: 'UMLAL', op: '01', opT32: '110', signed: false, accumulate: true },
    { name: 'SMULL', op: '10', opT32: '000', signed: true, accumulate: false },
    { name: 'SMLAL', op: '11', opT32: '100', signed: true, accumulate: true },
  ] as const
).flatMap(({ name, op, opT32, signed, accumulate }) => [
  a32(
    name,
    `cond:4 00001${op} S:1 RdHi:4 RdLo:4 Rm:4 1001 Rn:4`,
    { specialize: ['S'], unpredictable: LONG.unpredictable, syntax: `${name.toLowerCase()}{S}{c} ${LONG.text}` },
    (b, f) => multiplyLong(b, f, { signed, accumulate, setFlags: b.known(f.S) === 1 }),
  ),
  t32(
    name,
    `111110111${opT32} Rn:4 RdLo:4 RdHi:4 0000 Rm:4`,
    { unpredictable: LONG.unpredictable, syntax: `${name.toLowerCase()}{c} ${LONG.text}` },
    (b, f) => multiplyLong(b, f, { signed, accumulate, setFlags: false }),
  ),
]);

const halves: readonly Row[] = [
  ...both(
    'SMLAxy',
    'cond:4 00010000 Rd:4 Ra:4 Rm:4 1 M:1 N:1 0 Rn:4',
    '111110110001 Rn:4 Ra:4 Rd:4 00 N:1 M:1 Rm:4',
    FOUR,
    multiplyAccumulateHalves,
    (f) => `smla${half(f.N)}${half(f.M)}`,
  ),
  ...both(
    'SMLAWy',
    'cond:4 00010010 Rd:4 Ra:4 Rm:4 1 M:1 00 Rn:4',
    '111110110011 Rn:4 Ra:4 Rd:4 000 M:1 Rm:4',
    FOUR,
    multiplyAccumulateWordHalf,
    (f) => `smlaw${half(f.M)}`,
  ),
  ...both(
    'SMULWy',
    'cond:4 00010010 Rd:4 (0)(0)(0)(0) Rm:4 1 M:1 10 Rn:4',
    '111110110011 Rn:4 1111 Rd:4 000 M:1 Rm:4',
    THREE,
    multiplyWordHalf,
    (f) => `smulw${half(f.M)}`,
  ),
  ...both(
    'SMLALxy',
    'cond:4 00010100 RdHi:4 RdLo:4 Rm:4 1 M:1 N:1 0 Rn:4',
    '111110111100 Rn:4 RdLo:4 RdHi:4 10 N:1 M:1 Rm:4',
    LONG,
    multiplyAccumulateLongHalves,
    (f) => `smlal${half(f.N)}${half(f.M)}`,
  ),
  ...both(
    'SMULxy',
    'cond:4 00010110 Rd:4 (0)(0)(0)(0) Rm:4 1 M:1 N:1 0 Rn:4',
    '111110110001 Rn:4 1111 Rd:4 00 N:1 M:1 Rm:4',
    THREE,
    multiplyHalves,
    (f) => `smul${half(f.N)}${half(f.M)}`,
  ),
];

const duals: readonly Row[] = (
  [
    { subtract: false, bit: '0', op: '010', longOp: '100', add: 'SMLAD', plain: 'SMUAD', long: 'SMLALD' },
    { subtract: true, bit: '1', op: '100', longOp: '101', add: 'SMLSD', plain: 'SMUSD', long: 'SMLSLD' },
  ] as const
).flatMap(({ subtract, bit, op, longOp, add, plain, long }) => [
  ...both(
    add,
    `cond:4 01110000 Rd:4 Ra:4 Rm:4 0${bit} M:1 1 Rn:4`,
    `111110110${op} Rn:4 Ra:4 Rd:4 000 M:1 Rm:4`,
    FOUR,
    (b, f) => multiplyDual(b, f, subtract),
    (f) => add.toLowerCase() + exchange(f.M),
  ),
  ...both(
    plain,
    `cond:4 01110000 Rd:4 1111 Rm:4 0${bit} M:1 1 Rn:4`,
    `111110110${op} Rn:4 1111 Rd:4 000 M:1 Rm:4`,
    THREE,
    (b, f) => multiplyDual(b, f, subtract),
    (f) => plain.toLowerCase() + exchange(f.M),
  ),
  ...both(
    long,
    `cond:4 01110100 RdHi:4 RdLo:4 Rm:4 0${bit} M:1 1 Rn:4`,
    `111110111${longOp} Rn:4 RdLo:4 RdHi:4 110 M:1 Rm:4`,
    LONG,
    (b, f) => multiplyDualLong(b, f, subtract),
    (f) => long.toLowerCase() + exchange(f.M),
  ),
]);

const mostSignificant: readonly Row[] = [
  ...both(
    'SMMLA',
    'cond:4 01110101 Rd:4 Ra:4 Rm:4 00 R:1 1 Rn:4',
    '111110110101 Rn:4 Ra:4 Rd:4 000 R:1 Rm:4',
    FOUR,
    (b, f) => multiplyMostSignificant(b, f),
    (f) => `smmla${rounding(f.R)}`,
  ),
  ...both(
    'SMMUL',
    'cond:4 01110101 Rd:4 1111 Rm:4 00 R:1 1 Rn:4',
    '111110110101 Rn:4 1111 Rd:4 000 R:1 Rm:4',
    THREE,
    (b, f) => multiplyMostSignificant(b, f),
    (f) => `smmul${rounding(f.R)}`,
  ),
  ...both(
    'SMMLS',
    'cond:4 01110101 Rd:4 Ra:4 Rm:4 11 R:1 1 Rn:4',
    '111110110110 Rn:4 Ra:4 Rd:4 000 R:1 Rm:4',
    FOUR,
    (b, f) => multiplyMostSignificant(b, f, true),
    (f) => `smmls${rounding(f.R)}`,
  ),
];

const divisions: readonly Row[] = (['SDIV', 'UDIV'] as const).flatMap((name) => {
  const u = name === 'UDIV' ? '1' : '0';
  return both(
    name,
    `cond:4 011100${u}1 Rd:4 (1)(1)(1)(1) Rm:4 0001 Rn:4`,
    `1111101110${u}1 Rn:4 (1)(1)(1)(1) Rd:4 1111 Rm:4`,
    THREE,
    (b, f) => divide(b, f, name === 'SDIV'),
  );
});

/** Both sets. */
export const multiplication: readonly Row[] = [
  ...words,
  ...longs,
  ...halves,
  ...duals,
  ...mostSignificant,
  ...divisions,
];

// SPDX-License-Identifier: Apache-2.0
// 32-bit T32 multiplication and division (A6.3.16, A6.3.17). Where Ra may be 15 that is another instruction, so it is
// not mentioned as unpredictable.

import { any15 } from '../operands.js';
import { t32, type Row } from '../row.js';
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
} from '../semantics/multiply.js';

const three = any15('Rd', 'Rn', 'Rm');
const four = any15('Rd', 'Rn', 'Rm', 'Ra');
const long = any15('RdHi', 'RdLo', 'Rn', 'Rm');

const half = (bit: number): string => (bit === 1 ? 't' : 'b');
const exchange = (bit: number): string => (bit === 1 ? 'x' : '');
const rounding = (bit: number): string => (bit === 1 ? 'r' : '');

const words: readonly Row[] = [
  t32(
    'MLA',
    '111110110000 Rn:4 Ra:4 Rd:4 0000 Rm:4',
    { unpredictable: three, syntax: 'mla{c} {Rd}, {Rn}, {Rm}, {Ra}' },
    (b, f) => multiplyAccumulate(b, f, false),
  ),
  t32(
    'MUL',
    '111110110000 Rn:4 1111 Rd:4 0000 Rm:4',
    { unpredictable: three, syntax: 'mul{c}.w {Rd}, {Rn}, {Rm}' },
    (b, f) => multiply(b, f, false),
  ),
  t32(
    'MLS',
    '111110110000 Rn:4 Ra:4 Rd:4 0001 Rm:4',
    { unpredictable: four, syntax: 'mls{c} {Rd}, {Rn}, {Rm}, {Ra}' },
    multiplySubtract,
  ),
];

const halves: readonly Row[] = [
  t32(
    'SMLAxy',
    '111110110001 Rn:4 Ra:4 Rd:4 00 N:1 M:1 Rm:4',
    { unpredictable: three, syntax: (f) => `smla${half(f.N)}${half(f.M)}{c} {Rd}, {Rn}, {Rm}, {Ra}` },
    multiplyAccumulateHalves,
  ),
  t32(
    'SMULxy',
    '111110110001 Rn:4 1111 Rd:4 00 N:1 M:1 Rm:4',
    { unpredictable: three, syntax: (f) => `smul${half(f.N)}${half(f.M)}{c} {Rd}, {Rn}, {Rm}` },
    multiplyHalves,
  ),
  t32(
    'SMLAWy',
    '111110110011 Rn:4 Ra:4 Rd:4 000 M:1 Rm:4',
    { unpredictable: three, syntax: (f) => `smlaw${half(f.M)}{c} {Rd}, {Rn}, {Rm}, {Ra}` },
    multiplyAccumulateWordHalf,
  ),
  t32(
    'SMULWy',
    '111110110011 Rn:4 1111 Rd:4 000 M:1 Rm:4',
    { unpredictable: three, syntax: (f) => `smulw${half(f.M)}{c} {Rd}, {Rn}, {Rm}` },
    multiplyWordHalf,
  ),
  t32(
    'SMLALxy',
    '111110111100 Rn:4 RdLo:4 RdHi:4 10 N:1 M:1 Rm:4',
    { unpredictable: long, syntax: (f) => `smlal${half(f.N)}${half(f.M)}{c} {RdLo}, {RdHi}, {Rn}, {Rm}` },
    multiplyAccumulateLongHalves,
  ),
];

const duals: readonly Row[] = (
  [
    { subtract: false, op: '010', add: 'SMLAD', multiply: 'SMUAD', long: 'SMLALD', longOp: '100' },
    { subtract: true, op: '100', add: 'SMLSD', multiply: 'SMUSD', long: 'SMLSLD', longOp: '101' },
  ] as const
).flatMap((names) => [
  t32(
    names.add,
    `111110110${names.op} Rn:4 Ra:4 Rd:4 000 M:1 Rm:4`,
    { unpredictable: three, syntax: (f) => `${names.add.toLowerCase()}${exchange(f.M)}{c} {Rd}, {Rn}, {Rm}, {Ra}` },
    (b, f) => multiplyDual(b, f, names.subtract),
  ),
  t32(
    names.multiply,
    `111110110${names.op} Rn:4 1111 Rd:4 000 M:1 Rm:4`,
    { unpredictable: three, syntax: (f) => `${names.multiply.toLowerCase()}${exchange(f.M)}{c} {Rd}, {Rn}, {Rm}` },
    (b, f) => multiplyDual(b, f, names.subtract),
  ),
  t32(
    names.long,
    `111110111${names.longOp} Rn:4 RdLo:4 RdHi:4 110 M:1 Rm:4`,
    {
      unpredictable: long,
      syntax: (f) => `${names.long.toLowerCase()}${exchange(f.M)}{c} {RdLo}, {RdHi}, {Rn}, {Rm}`,
    },
    (b, f) => multiplyDualLong(b, f, names.subtract),
  ),
]);

const mostSignificant: readonly Row[] = [
  t32(
    'SMMLA',
    '111110110101 Rn:4 Ra:4 Rd:4 000 R:1 Rm:4',
    { unpredictable: three, syntax: (f) => `smmla${rounding(f.R)}{c} {Rd}, {Rn}, {Rm}, {Ra}` },
    (b, f) => multiplyMostSignificant(b, f),
  ),
  t32(
    'SMMUL',
    '111110110101 Rn:4 1111 Rd:4 000 R:1 Rm:4',
    { unpredictable: three, syntax: (f) => `smmul${rounding(f.R)}{c} {Rd}, {Rn}, {Rm}` },
    (b, f) => multiplyMostSignificant(b, f),
  ),
  t32(
    'SMMLS',
    '111110110110 Rn:4 Ra:4 Rd:4 000 R:1 Rm:4',
    { unpredictable: four, syntax: (f) => `smmls${rounding(f.R)}{c} {Rd}, {Rn}, {Rm}, {Ra}` },
    (b, f) => multiplyMostSignificant(b, f, true),
  ),
];

const longs: readonly Row[] = [
  ...(
    [
      { name: 'SMULL', op: '000', signed: true, accumulate: false },
      { name: 'UMULL', op: '010', signed: false, accumulate: false },
      { name: 'SMLAL', op: '100', signed: true, accumulate: true },
      { name: 'UMLAL', op: '110', signed: false, accumulate: true },
    ] as const
  ).map(({ name, op, signed, accumulate }) =>
    t32(
      name,
      `111110111${op} Rn:4 RdLo:4 RdHi:4 0000 Rm:4`,
      { unpredictable: long, syntax: `${name.toLowerCase()}{c} {RdLo}, {RdHi}, {Rn}, {Rm}` },
      (b, f) => multiplyLong(b, f, { signed, accumulate, setFlags: false }),
    ),
  ),
  t32(
    'UMAAL',
    '111110111110 Rn:4 RdLo:4 RdHi:4 0110 Rm:4',
    { unpredictable: long, syntax: 'umaal{c} {RdLo}, {RdHi}, {Rn}, {Rm}' },
    multiplyAccumulateAccumulateLong,
  ),
  ...(
    [
      ['SDIV', '001'],
      ['UDIV', '011'],
    ] as const
  ).map(([name, op]) =>
    t32(
      name,
      `111110111${op} Rn:4 (1)(1)(1)(1) Rd:4 1111 Rm:4`,
      { unpredictable: three, syntax: `${name.toLowerCase()}{c} {Rd}, {Rn}, {Rm}` },
      (b, f) => divide(b, f, name === 'SDIV'),
    ),
  ),
];

export const multiplication32: readonly Row[] = [...words, ...halves, ...duals, ...mostSignificant, ...longs];

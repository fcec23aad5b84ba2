// SPDX-License-Identifier: Apache-2.0
// A32 multiplication and division (A5.2.5, A5.2.7, A5.4.4). The 16 signed halfword forms and the dual forms are one row
// each, with the halves chosen by fields.

import { any15 } from '../operands.js';
import { a32, type Row } from '../row.js';
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
/** Ra = 15 is another instruction there, so it needs no mention. */
const long = any15('RdHi', 'RdLo', 'Rn', 'Rm');

const half = (bit: number): string => (bit === 1 ? 't' : 'b');
const exchange = (bit: number): string => (bit === 1 ? 'x' : '');
const rounding = (bit: number): string => (bit === 1 ? 'r' : '');

const longForms = [
  { name: 'UMULL', op: '0000100', signed: false, accumulate: false },
  { name: 'UMLAL', op: '0000101', signed: false, accumulate: true },
  { name: 'SMULL', op: '0000110', signed: true, accumulate: false },
  { name: 'SMLAL', op: '0000111', signed: true, accumulate: true },
] as const;

const words: readonly Row[] = [
  a32(
    'MUL',
    'cond:4 0000000 S:1 Rd:4 (0)(0)(0)(0) Rm:4 1001 Rn:4',
    { specialize: ['S'], unpredictable: three, syntax: 'mul{S}{c} {Rd}, {Rn}, {Rm}' },
    (b, f) => multiply(b, f, b.known(f.S) === 1),
  ),
  a32(
    'MLA',
    'cond:4 0000001 S:1 Rd:4 Ra:4 Rm:4 1001 Rn:4',
    { specialize: ['S'], unpredictable: four, syntax: 'mla{S}{c} {Rd}, {Rn}, {Rm}, {Ra}' },
    (b, f) => multiplyAccumulate(b, f, b.known(f.S) === 1),
  ),
  a32(
    'UMAAL',
    'cond:4 00000100 RdHi:4 RdLo:4 Rm:4 1001 Rn:4',
    { unpredictable: long, syntax: 'umaal{c} {RdLo}, {RdHi}, {Rn}, {Rm}' },
    multiplyAccumulateAccumulateLong,
  ),
  a32(
    'MLS',
    'cond:4 00000110 Rd:4 Ra:4 Rm:4 1001 Rn:4',
    { unpredictable: four, syntax: 'mls{c} {Rd}, {Rn}, {Rm}, {Ra}' },
    multiplySubtract,
  ),
  ...longForms.map(({ name, op, signed, accumulate }) =>
    a32(
      name,
      `cond:4 ${op} S:1 RdHi:4 RdLo:4 Rm:4 1001 Rn:4`,
      { specialize: ['S'], unpredictable: long, syntax: `${name.toLowerCase()}{S}{c} {RdLo}, {RdHi}, {Rn}, {Rm}` },
      (b, f) => multiplyLong(b, f, { signed, accumulate, setFlags: b.known(f.S) === 1 }),
    ),
  ),
];

const halves: readonly Row[] = [
  a32(
    'SMLAxy',
    'cond:4 00010000 Rd:4 Ra:4 Rm:4 1 M:1 N:1 0 Rn:4',
    { unpredictable: four, syntax: (f) => `smla${half(f.N)}${half(f.M)}{c} {Rd}, {Rn}, {Rm}, {Ra}` },
    multiplyAccumulateHalves,
  ),
  a32(
    'SMLAWy',
    'cond:4 00010010 Rd:4 Ra:4 Rm:4 1 M:1 00 Rn:4',
    { unpredictable: four, syntax: (f) => `smlaw${half(f.M)}{c} {Rd}, {Rn}, {Rm}, {Ra}` },
    multiplyAccumulateWordHalf,
  ),
  a32(
    'SMULWy',
    'cond:4 00010010 Rd:4 (0)(0)(0)(0) Rm:4 1 M:1 10 Rn:4',
    { unpredictable: three, syntax: (f) => `smulw${half(f.M)}{c} {Rd}, {Rn}, {Rm}` },
    multiplyWordHalf,
  ),
  a32(
    'SMLALxy',
    'cond:4 00010100 RdHi:4 RdLo:4 Rm:4 1 M:1 N:1 0 Rn:4',
    { unpredictable: long, syntax: (f) => `smlal${half(f.N)}${half(f.M)}{c} {RdLo}, {RdHi}, {Rn}, {Rm}` },
    multiplyAccumulateLongHalves,
  ),
  a32(
    'SMULxy',
    'cond:4 00010110 Rd:4 (0)(0)(0)(0) Rm:4 1 M:1 N:1 0 Rn:4',
    { unpredictable: three, syntax: (f) => `smul${half(f.N)}${half(f.M)}{c} {Rd}, {Rn}, {Rm}` },
    multiplyHalves,
  ),
];

const signed: readonly Row[] = [
  ...([false, true] as const).flatMap((subtract) => [
    a32(
      subtract ? 'SMLSD' : 'SMLAD',
      `cond:4 01110000 Rd:4 Ra:4 Rm:4 0${subtract ? '1' : '0'} M:1 1 Rn:4`,
      {
        unpredictable: three,
        syntax: (f) => `${subtract ? 'smlsd' : 'smlad'}${exchange(f.M)}{c} {Rd}, {Rn}, {Rm}, {Ra}`,
      },
      (b, f) => multiplyDual(b, f, subtract),
    ),
    a32(
      subtract ? 'SMUSD' : 'SMUAD',
      `cond:4 01110000 Rd:4 1111 Rm:4 0${subtract ? '1' : '0'} M:1 1 Rn:4`,
      { unpredictable: three, syntax: (f) => `${subtract ? 'smusd' : 'smuad'}${exchange(f.M)}{c} {Rd}, {Rn}, {Rm}` },
      (b, f) => multiplyDual(b, f, subtract),
    ),
    a32(
      subtract ? 'SMLSLD' : 'SMLALD',
      `cond:4 01110100 RdHi:4 RdLo:4 Rm:4 0${subtract ? '1' : '0'} M:1 1 Rn:4`,
      {
        unpredictable: long,
        syntax: (f) => `${subtract ? 'smlsld' : 'smlald'}${exchange(f.M)}{c} {RdLo}, {RdHi}, {Rn}, {Rm}`,
      },
      (b, f) => multiplyDualLong(b, f, subtract),
    ),
  ]),
  a32(
    'SMMLA',
    'cond:4 01110101 Rd:4 Ra:4 Rm:4 00 R:1 1 Rn:4',
    { unpredictable: three, syntax: (f) => `smmla${rounding(f.R)}{c} {Rd}, {Rn}, {Rm}, {Ra}` },
    (b, f) => multiplyMostSignificant(b, f),
  ),
  a32(
    'SMMUL',
    'cond:4 01110101 Rd:4 1111 Rm:4 00 R:1 1 Rn:4',
    { unpredictable: three, syntax: (f) => `smmul${rounding(f.R)}{c} {Rd}, {Rn}, {Rm}` },
    (b, f) => multiplyMostSignificant(b, f),
  ),
  a32(
    'SMMLS',
    'cond:4 01110101 Rd:4 Ra:4 Rm:4 11 R:1 1 Rn:4',
    { unpredictable: four, syntax: (f) => `smmls${rounding(f.R)}{c} {Rd}, {Rn}, {Rm}, {Ra}` },
    (b, f) => multiplyMostSignificant(b, f, true),
  ),
  a32(
    'SDIV',
    'cond:4 01110001 Rd:4 (1)(1)(1)(1) Rm:4 0001 Rn:4',
    { unpredictable: three, syntax: 'sdiv{c} {Rd}, {Rn}, {Rm}' },
    (b, f) => divide(b, f, true),
  ),
  a32(
    'UDIV',
    'cond:4 01110011 Rd:4 (1)(1)(1)(1) Rm:4 0001 Rn:4',
    { unpredictable: three, syntax: 'udiv{c} {Rd}, {Rn}, {Rm}' },
    (b, f) => divide(b, f, false),
  ),
];

export const multiplication: readonly Row[] = [...words, ...halves, ...signed];

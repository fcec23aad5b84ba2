// SPDX-License-Identifier: Apache-2.0
// A32 media instructions (A5.4, without the multiplications and saturations): parallel arithmetic, packing, extension,
// reversal, bit fields, sums of absolute differences; and CLZ (A5.2.12).

import { any15, shiftText } from '../operands.js';
import { a32, type Row } from '../row.js';
import {
  countLeadingZeros,
  extend,
  EXTENSIONS,
  extractField,
  insertField,
  packHalves,
  reverse,
} from '../semantics/bits.js';
import {
  absoluteDifferences,
  parallel,
  PARALLEL_OPERATIONS,
  PARALLEL_PREFIXES,
  selectBytes,
} from '../semantics/parallel.js';

const three = any15('Rd', 'Rn', 'Rm');
const two = any15('Rd', 'Rm');

const PREFIX_BITS = { S: '001', Q: '010', SH: '011', U: '101', UQ: '110', UH: '111' } as const;
const OPERATION_BITS = { ADD16: '000', ASX: '001', SAX: '010', SUB16: '011', ADD8: '100', SUB8: '111' } as const;

const parallels: readonly Row[] = PARALLEL_PREFIXES.flatMap((prefix) =>
  PARALLEL_OPERATIONS.map((operation) =>
    a32(
      prefix + operation,
      `cond:4 01100${PREFIX_BITS[prefix]} Rn:4 Rd:4 (1)(1)(1)(1) ${OPERATION_BITS[operation]}1 Rm:4`,
      { unpredictable: three, syntax: `${(prefix + operation).toLowerCase()}{c} {Rd}, {Rn}, {Rm}` },
      (b, f) => parallel(b, f, prefix, operation),
    ),
  ),
);

const EXTENSION_BITS = {
  SXTB16: '000',
  SXTB: '010',
  SXTH: '011',
  UXTB16: '100',
  UXTB: '110',
  UXTH: '111',
} as const;

const rotation = (rotate: number): string => (rotate === 0 ? '' : `, ror #${rotate * 8}`);

/** Each extension and its adding form, which Rn = 15 tells apart. */
const extensions: readonly Row[] = EXTENSIONS.flatMap((name) => {
  const adding = name.replace('XT', 'XTA');
  return [
    a32(
      name,
      `cond:4 01101${EXTENSION_BITS[name]} 1111 Rd:4 rotate:2 (0)(0) 0111 Rm:4`,
      { unpredictable: two, syntax: (f) => `${name.toLowerCase()}{c} {Rd}, {Rm}${rotation(f.rotate)}` },
      (b, f) => extend(b, f, name),
    ),
    a32(
      adding,
      `cond:4 01101${EXTENSION_BITS[name]} Rn:4 Rd:4 rotate:2 (0)(0) 0111 Rm:4`,
      { unpredictable: two, syntax: (f) => `${adding.toLowerCase()}{c} {Rd}, {Rn}, {Rm}${rotation(f.rotate)}` },
      (b, f) => extend(b, f, name),
    ),
  ];
});

const reversals = [
  { name: 'REV', op: '011', op2: '0011' },
  { name: 'REV16', op: '011', op2: '1011' },
  { name: 'RBIT', op: '111', op2: '0011' },
  { name: 'REVSH', op: '111', op2: '1011' },
] as const;

/** The field must not end below its start. */
const backwards = (f: { msb: number; lsb: number }): boolean => f.msb < f.lsb;
/** The field must lie within the word. */
const outside = (f: { widthm1: number; lsb: number }): boolean => f.lsb + f.widthm1 > 31;

const bitFields: readonly Row[] = [
  ...(['SBFX', 'UBFX'] as const).map((name) =>
    a32(
      name,
      `cond:4 01111${name === 'UBFX' ? '1' : '0'}1 widthm1:5 Rd:4 lsb:5 101 Rn:4`,
      {
        unpredictable: (f) => f.Rd === 15 || f.Rn === 15 || outside(f),
        syntax: (f) => `${name.toLowerCase()}{c} {Rd}, {Rn}, #${f.lsb}, #${f.widthm1 + 1}`,
      },
      (b, f) => extractField(b, f, name === 'SBFX'),
    ),
  ),
  a32(
    'BFC',
    'cond:4 0111110 msb:5 Rd:4 lsb:5 001 1111',
    {
      unpredictable: (f) => f.Rd === 15 || backwards(f),
      syntax: (f) => `bfc{c} {Rd}, #${f.lsb}, #${f.msb - f.lsb + 1}`,
    },
    insertField,
  ),
  a32(
    'BFI',
    'cond:4 0111110 msb:5 Rd:4 lsb:5 001 Rn:4',
    {
      unpredictable: (f) => f.Rd === 15 || backwards(f),
      syntax: (f) => `bfi{c} {Rd}, {Rn}, #${f.lsb}, #${f.msb - f.lsb + 1}`,
    },
    insertField,
  ),
];

export const media: readonly Row[] = [
  ...parallels,
  a32(
    'PKH',
    'cond:4 01101000 Rn:4 Rd:4 imm5:5 tb:1 01 Rm:4',
    {
      specialize: ['tb'],
      unpredictable: three,
      syntax: (f) => `pkh${f.tb ? 'tb' : 'bt'}{c} {Rd}, {Rn}, {Rm}${shiftText(f.tb * 2, f.imm5)}`,
    },
    (b, f) => packHalves(b, f, b.known(f.tb) === 1),
  ),
  a32(
    'SEL',
    'cond:4 01101000 Rn:4 Rd:4 (1)(1)(1)(1) 1011 Rm:4',
    { unpredictable: three, syntax: 'sel{c} {Rd}, {Rn}, {Rm}' },
    selectBytes,
  ),
  ...extensions,
  ...reversals.map(({ name, op, op2 }) =>
    a32(
      name,
      `cond:4 01101${op} (1)(1)(1)(1) Rd:4 (1)(1)(1)(1) ${op2} Rm:4`,
      { unpredictable: two, syntax: `${name.toLowerCase()}{c} {Rd}, {Rm}` },
      (b, f) => reverse(b, f, name),
    ),
  ),
  a32(
    'CLZ',
    'cond:4 00010110 (1)(1)(1)(1) Rd:4 (1)(1)(1)(1) 0001 Rm:4',
    { unpredictable: two, syntax: 'clz{c} {Rd}, {Rm}' },
    countLeadingZeros,
  ),
  a32(
    'USAD8',
    'cond:4 01111000 Rd:4 1111 Rm:4 0001 Rn:4',
    { unpredictable: three, syntax: 'usad8{c} {Rd}, {Rn}, {Rm}' },
    (b, f) => absoluteDifferences(b, f),
  ),
  a32(
    'USADA8',
    'cond:4 01111000 Rd:4 Ra:4 Rm:4 0001 Rn:4',
    { unpredictable: three, syntax: 'usada8{c} {Rd}, {Rn}, {Rm}, {Ra}' },
    (b, f) => absoluteDifferences(b, f),
  ),
  ...bitFields,
];

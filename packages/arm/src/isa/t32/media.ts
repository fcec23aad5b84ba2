// SPDX-License-Identifier: Apache-2.0
// Extension, reversal, packing, bit fields, saturation and parallel arithmetic of T32: the 16-bit forms (A6.2.5) and
// the 32-bit ones (A6.3.3, A6.3.11 to A6.3.15).

import { any15, shiftText } from '../operands.js';
import { t16, t32, type Row } from '../row.js';
import { countLeadingZeros, extend, extractField, insertField, packHalves, reverse } from '../semantics/bits.js';
import {
  absoluteDifferences,
  parallel,
  PARALLEL_OPERATIONS,
  PARALLEL_PREFIXES,
  selectBytes,
} from '../semantics/parallel.js';
import { saturateHalves, saturateShifted, saturatingAdd } from '../semantics/saturate.js';
import { imm5, imm5Number } from './operands.js';

const three = any15('Rd', 'Rn', 'Rm');
const two = any15('Rd', 'Rm');
const rotation = (rotate: number): string => (rotate === 0 ? '' : `, ror #${rotate * 8}`);

const narrow: readonly Row[] = [
  ...(
    [
      ['SXTH', '00'],
      ['SXTB', '01'],
      ['UXTH', '10'],
      ['UXTB', '11'],
    ] as const
  ).map(([name, op]) =>
    t16(name, `10110010${op} Rm:3 Rd:3`, { syntax: `${name.toLowerCase()}{c} {Rd}, {Rm}` }, (b, f) =>
      extend(b, f, name),
    ),
  ),
  ...(
    [
      ['REV', '00'],
      ['REV16', '01'],
      ['REVSH', '11'],
    ] as const
  ).map(([name, op]) =>
    t16(name, `10111010${op} Rm:3 Rd:3`, { syntax: `${name.toLowerCase()}{c} {Rd}, {Rm}` }, (b, f) =>
      reverse(b, f, name),
    ),
  ),
];

/** Each extension and its adding form, which Rn = 15 tells apart. */
const extensions: readonly Row[] = (
  [
    ['SXTH', 'SXTAH', '000'],
    ['UXTH', 'UXTAH', '001'],
    ['SXTB16', 'SXTAB16', '010'],
    ['UXTB16', 'UXTAB16', '011'],
    ['SXTB', 'SXTAB', '100'],
    ['UXTB', 'UXTAB', '101'],
  ] as const
).flatMap(([name, adding, op]) => [
  t32(
    name,
    `111110100${op} 1111 1111 Rd:4 1 (0) rotate:2 Rm:4`,
    {
      unpredictable: two,
      syntax: (f) => `${name.toLowerCase()}{c}${name.endsWith('16') ? '' : '.w'} {Rd}, {Rm}${rotation(f.rotate)}`,
    },
    (b, f) => extend(b, f, name),
  ),
  t32(
    adding,
    `111110100${op} Rn:4 1111 Rd:4 1 (0) rotate:2 Rm:4`,
    { unpredictable: two, syntax: (f) => `${adding.toLowerCase()}{c} {Rd}, {Rn}, {Rm}${rotation(f.rotate)}` },
    (b, f) => extend(b, f, name),
  ),
]);

const OPERATION_BITS = { ADD16: '001', ASX: '010', SAX: '110', SUB16: '101', ADD8: '000', SUB8: '100' } as const;
const PREFIX_BITS = { S: '000', Q: '001', SH: '010', U: '100', UQ: '101', UH: '110' } as const;

const parallels: readonly Row[] = PARALLEL_PREFIXES.flatMap((prefix) =>
  PARALLEL_OPERATIONS.map((operation) =>
    t32(
      prefix + operation,
      `111110101${OPERATION_BITS[operation]} Rn:4 1111 Rd:4 0${PREFIX_BITS[prefix]} Rm:4`,
      { unpredictable: three, syntax: `${(prefix + operation).toLowerCase()}{c} {Rd}, {Rn}, {Rm}` },
      (b, f) => parallel(b, f, prefix, operation),
    ),
  ),
);

const sums = [
  { name: 'QADD', op: '00', subtract: false, doubling: false },
  { name: 'QDADD', op: '01', subtract: false, doubling: true },
  { name: 'QSUB', op: '10', subtract: true, doubling: false },
  { name: 'QDSUB', op: '11', subtract: true, doubling: true },
] as const;

/** Rm stands twice in the encoding of one-operand instructions; Rn is the second. */
const twice = (f: { Rn: number; Rm: number; Rd: number }): boolean => f.Rn !== f.Rm || two(f);

const miscellaneous: readonly Row[] = [
  ...sums.map(({ name, op, subtract, doubling }) =>
    t32(
      name,
      `111110101000 Rn:4 1111 Rd:4 10${op} Rm:4`,
      { unpredictable: three, syntax: `${name.toLowerCase()}{c} {Rd}, {Rm}, {Rn}` },
      (b, f) => saturatingAdd(b, f, { subtract, doubling }),
    ),
  ),
  ...(
    [
      ['REV', '00', '.w'],
      ['REV16', '01', '.w'],
      ['RBIT', '10', ''],
      ['REVSH', '11', '.w'],
    ] as const
  ).map(([name, op, suffix]) =>
    t32(
      name,
      `111110101001 Rn:4 1111 Rd:4 10${op} Rm:4`,
      { unpredictable: twice, syntax: `${name.toLowerCase()}{c}${suffix} {Rd}, {Rm}` },
      (b, f) => reverse(b, f, name),
    ),
  ),
  t32(
    'SEL',
    '111110101010 Rn:4 1111 Rd:4 1000 Rm:4',
    { unpredictable: three, syntax: 'sel{c} {Rd}, {Rn}, {Rm}' },
    selectBytes,
  ),
  t32(
    'CLZ',
    '111110101011 Rn:4 1111 Rd:4 1000 Rm:4',
    { unpredictable: twice, syntax: 'clz{c} {Rd}, {Rm}' },
    countLeadingZeros,
  ),
  t32(
    'USADA8',
    '111110110111 Rn:4 Ra:4 Rd:4 0000 Rm:4',
    { unpredictable: three, syntax: 'usada8{c} {Rd}, {Rn}, {Rm}, {Ra}' },
    (b, f) => absoluteDifferences(b, f),
  ),
  t32(
    'USAD8',
    '111110110111 Rn:4 1111 Rd:4 0000 Rm:4',
    { unpredictable: three, syntax: 'usad8{c} {Rd}, {Rn}, {Rm}' },
    (b, f) => absoluteDifferences(b, f),
  ),
  t32(
    'PKH',
    '111010101100 Rn:4 (0) imm3:3 Rd:4 imm2:2 tb:1 0 Rm:4',
    {
      specialize: ['tb'],
      unpredictable: three,
      syntax: (f) => `pkh${f.tb ? 'tb' : 'bt'}{c} {Rd}, {Rn}, {Rm}${shiftText(f.tb * 2, imm5Number(f))}`,
    },
    (b, f) => packHalves(b, { ...f, imm5: imm5(b, f) }, b.known(f.tb) === 1),
  ),
];

const saturations: readonly Row[] = (
  [
    ['SSAT', '0'],
    ['USAT', '1'],
  ] as const
).flatMap(([name, u]) => {
  const unsigned = name === 'USAT';
  const width = (sat: number): number => (unsigned ? sat : sat + 1);
  return [
    t32(
      name,
      `11110 (0) 11${u}0 sh:1 0 Rn:4 0 imm3:3 Rd:4 imm2:2 (0) sat_imm:5`,
      {
        specialize: ['sh'],
        // A shift by 32 does not exist: that is the form for halfwords.
        where: (f) => f.sh === 0 || imm5Number(f) !== 0,
        unpredictable: any15('Rd', 'Rn'),
        syntax: (f) => `${name.toLowerCase()}{c} {Rd}, #${width(f.sat_imm)}, {Rn}${shiftText(f.sh * 2, imm5Number(f))}`,
      },
      (b, f) => saturateShifted(b, { ...f, imm5: imm5(b, f) }, unsigned),
    ),
    t32(
      `${name}16`,
      `11110 (0) 11${u}010 Rn:4 0 000 Rd:4 00 (0)(0) sat_imm:4`,
      {
        unpredictable: any15('Rd', 'Rn'),
        syntax: (f) => `${name.toLowerCase()}16{c} {Rd}, #${width(f.sat_imm)}, {Rn}`,
      },
      (b, f) => saturateHalves(b, f, unsigned),
    ),
  ];
});

const bitFields: readonly Row[] = [
  ...(
    [
      ['SBFX', '0'],
      ['UBFX', '1'],
    ] as const
  ).map(([name, u]) =>
    t32(
      name,
      `11110 (0) 11${u}100 Rn:4 0 imm3:3 Rd:4 imm2:2 (0) widthm1:5`,
      {
        unpredictable: (f) => f.Rd === 15 || f.Rn === 15 || imm5Number(f) + f.widthm1 > 31,
        syntax: (f) => `${name.toLowerCase()}{c} {Rd}, {Rn}, #${imm5Number(f)}, #${f.widthm1 + 1}`,
      },
      (b, f) => extractField(b, { ...f, lsb: imm5(b, f) }, name === 'SBFX'),
    ),
  ),
  t32(
    'BFC',
    '11110 (0) 110110 1111 0 imm3:3 Rd:4 imm2:2 (0) msb:5',
    {
      unpredictable: (f) => f.Rd === 15 || f.msb < imm5Number(f),
      syntax: (f) => `bfc{c} {Rd}, #${imm5Number(f)}, #${f.msb - imm5Number(f) + 1}`,
    },
    (b, f) => insertField(b, { ...f, lsb: imm5(b, f) }),
  ),
  t32(
    'BFI',
    '11110 (0) 110110 Rn:4 0 imm3:3 Rd:4 imm2:2 (0) msb:5',
    {
      unpredictable: (f) => f.Rd === 15 || f.msb < imm5Number(f),
      syntax: (f) => `bfi{c} {Rd}, {Rn}, #${imm5Number(f)}, #${f.msb - imm5Number(f) + 1}`,
    },
    (b, f) => insertField(b, { ...f, lsb: imm5(b, f) }),
  ),
];

export const media32: readonly Row[] = [
  ...narrow,
  ...extensions,
  ...parallels,
  ...miscellaneous,
  ...saturations,
  ...bitFields,
];

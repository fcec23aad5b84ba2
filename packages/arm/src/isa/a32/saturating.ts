// SPDX-License-Identifier: Apache-2.0
// A32 saturating arithmetic (A5.2.6, A5.4.2): QADD, QSUB, QDADD, QDSUB, SSAT, USAT and their halfword forms.

import { any15, shiftText } from '../operands.js';
import { a32, type Row } from '../row.js';
import { saturateHalves, saturateShifted, saturatingAdd } from '../semantics/saturate.js';

const sums = [
  { name: 'QADD', op: '00', subtract: false, doubling: false },
  { name: 'QSUB', op: '01', subtract: true, doubling: false },
  { name: 'QDADD', op: '10', subtract: false, doubling: true },
  { name: 'QDSUB', op: '11', subtract: true, doubling: true },
] as const;

export const saturating: readonly Row[] = [
  ...sums.map(({ name, op, subtract, doubling }) =>
    a32(
      name,
      `cond:4 00010${op}0 Rn:4 Rd:4 (0)(0)(0)(0) 0101 Rm:4`,
      { unpredictable: any15('Rd', 'Rn', 'Rm'), syntax: `${name.toLowerCase()}{c} {Rd}, {Rm}, {Rn}` },
      (b, f) => saturatingAdd(b, f, { subtract, doubling }),
    ),
  ),
  ...(['SSAT', 'USAT'] as const).flatMap((name) => {
    const unsigned = name === 'USAT';
    const u = unsigned ? '1' : '0';
    const width = (sat: number): number => (unsigned ? sat : sat + 1);
    return [
      a32(
        name,
        `cond:4 01101${u}1 sat_imm:5 Rd:4 imm5:5 sh:1 01 Rn:4`,
        {
          specialize: ['sh'],
          unpredictable: any15('Rd', 'Rn'),
          syntax: (f) => `${name.toLowerCase()}{c} {Rd}, #${width(f.sat_imm)}, {Rn}${shiftText(f.sh * 2, f.imm5)}`,
        },
        (b, f) => saturateShifted(b, f, unsigned),
      ),
      a32(
        `${name}16`,
        `cond:4 01101${u}10 sat_imm:4 Rd:4 (1)(1)(1)(1) 0011 Rn:4`,
        {
          unpredictable: any15('Rd', 'Rn'),
          syntax: (f) => `${name.toLowerCase()}16{c} {Rd}, #${width(f.sat_imm)}, {Rn}`,
        },
        (b, f) => saturateHalves(b, f, unsigned),
      ),
    ];
  }),
];

// SPDX-License-Identifier: Apache-2.0
// A32 synchronization primitives (A5.2.10, A8.8.32): load- and store-exclusive, CLREX, SWP and SWPB.

import { registerName } from '../operands.js';
import { a32, type Row } from '../row.js';
import { clearExclusive, loadExclusive, storeExclusive, swap } from '../semantics/exclusive.js';

const SIZES = [
  { suffix: '', op: '00', size: 4 },
  { suffix: 'D', op: '01', size: 8 },
  { suffix: 'B', op: '10', size: 1 },
  { suffix: 'H', op: '11', size: 2 },
] as const;

export const exclusive: readonly Row[] = [
  ...SIZES.flatMap(({ suffix, op, size }) => {
    const pair = size === 8;
    const mnemonic = `ex${suffix.toLowerCase()}`;
    const badPair = (rt: number): boolean => rt === 15 || (pair && ((rt & 1) === 1 || rt === 14));
    return [
      a32(
        `LDREX${suffix}`,
        `cond:4 00011 ${op} 1 Rn:4 Rt:4 (1)(1)(1)(1) 1001 (1)(1)(1)(1)`,
        {
          unpredictable: (f) => badPair(f.Rt) || f.Rn === 15,
          syntax: (f) => `ldr${mnemonic}{c} ${registerName(f.Rt)}, [${registerName(f.Rn)}]`,
        },
        (b, f) => loadExclusive(b, size, b.reg(f.Rn), f.Rt, pair ? b.add(f.Rt, 1) : undefined),
      ),
      a32(
        `STREX${suffix}`,
        `cond:4 00011 ${op} 0 Rn:4 Rd:4 (1)(1)(1)(1) 1001 Rt:4`,
        {
          unpredictable: (f) =>
            badPair(f.Rt) ||
            f.Rd === 15 ||
            f.Rn === 15 ||
            f.Rd === f.Rn ||
            f.Rd === f.Rt ||
            (pair && f.Rd === f.Rt + 1),
          syntax: (f) => `str${mnemonic}{c} ${registerName(f.Rd)}, ${registerName(f.Rt)}, [${registerName(f.Rn)}]`,
        },
        (b, f) => storeExclusive(b, size, f.Rd, b.reg(f.Rn), f.Rt, pair ? b.add(f.Rt, 1) : undefined),
      ),
    ];
  }),
  a32('CLREX', '1111 01010111 (1)(1)(1)(1)(1)(1)(1)(1)(0)(0)(0)(0) 0001 (1)(1)(1)(1)', { syntax: 'clrex' }, (b) =>
    clearExclusive(b),
  ),
  ...(['SWP', 'SWPB'] as const).map((name) =>
    a32(
      name,
      `cond:4 00010 ${name === 'SWP' ? '0' : '1'} 00 Rn:4 Rt:4 (0)(0)(0)(0) 1001 Rt2:4`,
      {
        unpredictable: (f) => f.Rn === 15 || f.Rt === 15 || f.Rt2 === 15 || f.Rn === f.Rt || f.Rn === f.Rt2,
        syntax: (f) =>
          `${name.toLowerCase()}{c} ${registerName(f.Rt)}, ${registerName(f.Rt2)}, [${registerName(f.Rn)}]`,
      },
      (b, f) => swap(b, name === 'SWP' ? 4 : 1, f.Rt, f.Rt2, f.Rn),
    ),
  ),
];

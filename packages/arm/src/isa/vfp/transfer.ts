// SPDX-License-Identifier: Apache-2.0
// Transfers between core and extension registers (A7.8, A7.9): VMOV in all forms, VDUP from a core register, VMRS and
// VMSR. The system registers other than FPSCR go through helpers, which check privilege and CPACR.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { CPU, FPSCR_WRITABLE } from '../../state/layout.js';
import type { Row } from '../row.js';
import { coreName, dName, doubleIndex, sName, singleIndex, vectorName, vfp } from './encoding.js';

/** Byte offset of a scalar in the register file, which is little-endian like its memory. */
function scalarOffset(b: Builder, register: Node, index: Node, sizeLog2: number): Node {
  return b.add(b.shl(register, 3), b.shl(index, sizeLog2));
}

const SCALARS = [
  { bits: 8, log2: 0, high: '1 x:1', low: 'y:2', index: (x: number, y: number) => (x << 2) | y },
  { bits: 16, log2: 1, high: '0 x:1', low: 'y:1 1', index: (x: number, y: number) => (x << 1) | y },
  { bits: 32, log2: 2, high: '0 x:1', low: '0 0', index: (x: number) => x },
] as const;

const scalarRows: readonly Row[] = SCALARS.flatMap(({ bits, log2, high, low, index }) => {
  const place = (b: Builder, f: Readonly<Record<string, Node>>): Node => {
    const y = f['y'];
    const lane = y === undefined ? f['x']! : b.or(b.shl(f['x']!, bits === 8 ? 2 : 1), y);
    return scalarOffset(b, doubleIndex(b, f['D']!, f['Vd']!), lane, log2);
  };
  const lane = (f: Readonly<Record<string, number>>): string => {
    return `${dName(f['D']!, f['Vd']!)}[${index(f['x']!, f['y'] ?? 0)}]`;
  };
  const store = bits === 32 ? 'i32.store' : `i32.store${bits}`;
  const type = (f: Readonly<Record<string, number>>): string =>
    bits === 32 ? '.32' : `.${f['U'] === 1 ? 'u' : 's'}${bits}`;
  return [
    ...vfp(
      `VMOV (ARM core register to scalar, ${bits} bits)`,
      `1110 0 ${high} 0 Vd:4 Rt:4 1011 D:1 ${low} 1 (0)(0)(0)(0)` as string,
      {
        unpredictable: (f) => f['Rt'] === 15,
        syntax: (f) => `vmov{c}.${bits} ${lane(f)}, ${coreName(f['Rt']!)}`,
      },
      (b, f) => {
        b.requireFloatingPoint();
        b.storeState(store, CPU.vectors, b.reg(f['Rt']!), place(b, f));
      },
    ),
    ...vfp(
      `VMOV (scalar to ARM core register, ${bits} bits)`,
      `1110 ${bits === 32 ? '0' : 'U:1'} ${high} 1 Vd:4 Rt:4 1011 D:1 ${low} 1 (0)(0)(0)(0)` as string,
      {
        specialize: bits === 32 ? [] : ['U'],
        unpredictable: (f) => f['Rt'] === 15,
        syntax: (f) => `vmov{c}${type(f)} ${coreName(f['Rt']!)}, ${lane(f)}`,
      },
      (b, f) => {
        b.requireFloatingPoint();
        const unsigned = bits !== 32 && b.known(f['U']!) === 1;
        const load = bits === 32 ? 'i32.load' : `i32.load${bits}_${unsigned ? 'u' : 's'}`;
        b.setReg(f['Rt']!, b.loadState(load, CPU.vectors, place(b, f)));
      },
    ),
  ];
});

const DUPLICATES = [
  { bits: 32, B: '0', E: '0', splat: 'i32x4.splat' },
  { bits: 16, B: '0', E: '1', splat: 'i16x8.splat' },
  { bits: 8, B: '1', E: '0', splat: 'i8x16.splat' },
] as const;

const duplicateRows: readonly Row[] = DUPLICATES.flatMap(({ bits, B, E, splat }) =>
  vfp(
    `VDUP (ARM core register, ${bits} bits)`,
    `1110 1 ${B} Q:1 0 Vd:4 Rt:4 1011 D:1 0 ${E} 1 (0)(0)(0)(0)` as const,
    {
      unpredictable: (f) => f.Rt === 15 || (f.Q === 1 && (f.Vd & 1) === 1),
      syntax: (f) => `vdup{c}.${bits} ${vectorName(f.Q, f.D, f.Vd)}, ${coreName(f.Rt)}`,
    },
    (b, f) => {
      b.requireFloatingPoint();
      const value = b.op(splat, b.reg(f.Rt));
      const register = doubleIndex(b, f.D, f.Vd);
      b.if(
        f.Q,
        () => b.setD(register, value, 'v128.store'),
        () => b.setD(register, b.lane('i64x2.extract_lane', 0, value)),
      );
    },
  ),
);

const moveRows: readonly Row[] = [
  ...vfp(
    'VMOV (ARM core register to singleword)',
    '1110 0000 Vn:4 Rt:4 1010 N:1 (0)(0) 1 (0)(0)(0)(0)',
    {
      unpredictable: (f) => f.Rt === 15,
      syntax: (f) => `vmov{c} ${sName(f.Vn, f.N)}, ${coreName(f.Rt)}`,
    },
    (b, f) => {
      b.requireFloatingPoint();
      b.setS(singleIndex(b, f.Vn, f.N), b.reg(f.Rt));
    },
  ),
  ...vfp(
    'VMOV (singleword to ARM core register)',
    '1110 0001 Vn:4 Rt:4 1010 N:1 (0)(0) 1 (0)(0)(0)(0)',
    {
      unpredictable: (f) => f.Rt === 15,
      syntax: (f) => `vmov{c} ${coreName(f.Rt)}, ${sName(f.Vn, f.N)}`,
    },
    (b, f) => {
      b.requireFloatingPoint();
      b.setReg(f.Rt, b.s(singleIndex(b, f.Vn, f.N)));
    },
  ),
  ...vfp(
    'VMOV (two ARM core registers to two singlewords)',
    '1100 0100 Rt2:4 Rt:4 1010 00 M:1 1 Vm:4',
    {
      unpredictable: (f) => f.Rt === 15 || f.Rt2 === 15 || (f.Vm === 15 && f.M === 1),
      syntax: (f) => {
        const next = (f.Vm << 1) + f.M + 1;
        return `vmov{c} ${sName(f.Vm, f.M)}, s${next}, ${coreName(f.Rt)}, ${coreName(f.Rt2)}`;
      },
    },
    (b, f) => {
      b.requireFloatingPoint();
      const m = singleIndex(b, f.Vm, f.M);
      const low = b.reg(f.Rt);
      const high = b.reg(f.Rt2);
      b.setS(m, low);
      b.setS(b.add(m, 1), high);
    },
  ),
  ...vfp(
    'VMOV (two singlewords to two ARM core registers)',
    '1100 0101 Rt2:4 Rt:4 1010 00 M:1 1 Vm:4',
    {
      unpredictable: (f) => f.Rt === 15 || f.Rt2 === 15 || f.Rt === f.Rt2 || (f.Vm === 15 && f.M === 1),
      syntax: (f) => {
        const next = (f.Vm << 1) + f.M + 1;
        return `vmov{c} ${coreName(f.Rt)}, ${coreName(f.Rt2)}, ${sName(f.Vm, f.M)}, s${next}`;
      },
    },
    (b, f) => {
      b.requireFloatingPoint();
      const m = singleIndex(b, f.Vm, f.M);
      b.setReg(f.Rt, b.s(m));
      b.setReg(f.Rt2, b.s(b.add(m, 1)));
    },
  ),
  ...vfp(
    'VMOV (two ARM core registers to doubleword)',
    '1100 0100 Rt2:4 Rt:4 1011 00 M:1 1 Vm:4',
    {
      unpredictable: (f) => f.Rt === 15 || f.Rt2 === 15,
      syntax: (f) => `vmov{c} ${dName(f.M, f.Vm)}, ${coreName(f.Rt)}, ${coreName(f.Rt2)}`,
    },
    (b, f) => {
      b.requireFloatingPoint();
      const low = b.reg(f.Rt);
      b.setD(doubleIndex(b, f.M, f.Vm), b.join(b.reg(f.Rt2), low));
    },
  ),
  ...vfp(
    'VMOV (doubleword to two ARM core registers)',
    '1100 0101 Rt2:4 Rt:4 1011 00 M:1 1 Vm:4',
    {
      unpredictable: (f) => f.Rt === 15 || f.Rt2 === 15 || f.Rt === f.Rt2,
      syntax: (f) => `vmov{c} ${coreName(f.Rt)}, ${coreName(f.Rt2)}, ${dName(f.M, f.Vm)}`,
    },
    (b, f) => {
      b.requireFloatingPoint();
      const m = singleIndex(b, doubleIndex(b, f.M, f.Vm), b.const(0));
      b.setReg(f.Rt, b.s(m));
      b.setReg(f.Rt2, b.s(b.add(m, 1)));
    },
  ),
];

/** Numbers of the system registers that VMRS reads in privileged modes, FPEXC.EN or not. */
const SYSTEM_REGISTERS: readonly (readonly [string, string])[] = [
  ['fpsid', '0000'],
  ['mvfr1', '0110'],
  ['mvfr0', '0111'],
  ['fpexc', '1000'],
];

const systemRows: readonly Row[] = [
  ...vfp(
    'VMRS (FPSCR)',
    '1110 1111 0001 Rt:4 1010 (0)(0)(0) 1 (0)(0)(0)(0)',
    {
      specialize: ['Rt=15'],
      syntax: (f) => `vmrs{c} ${f.Rt === 15 ? 'APSR_nzcv' : coreName(f.Rt)}, fpscr`,
    },
    (b, f) => {
      b.requireFloatingPoint();
      const flags = b.state(CPU.fpscrFlags);
      b.if(
        b.eq(f.Rt, 15),
        () => b.setNZCV(flags),
        () => b.setReg(f.Rt, b.or(flags, b.state(CPU.fpscr))),
      );
    },
  ),
  ...vfp(
    'VMSR (FPSCR)',
    '1110 1110 0001 Rt:4 1010 (0)(0)(0) 1 (0)(0)(0)(0)',
    {
      unpredictable: (f) => f.Rt === 15,
      syntax: (f) => `vmsr{c} fpscr, ${coreName(f.Rt)}`,
    },
    (b, f) => {
      b.requireFloatingPoint();
      const value = b.reg(f.Rt);
      b.setState(CPU.fpscrFlags, b.and(value, 0xf000_0000 | 0));
      b.setState(CPU.fpscr, b.and(value, FPSCR_WRITABLE));
    },
  ),
  ...SYSTEM_REGISTERS.flatMap(([name, number]) => [
    ...vfp(
      `VMRS (${name.toUpperCase()})`,
      `1110 1111 ${number} Rt:4 1010 (0)(0)(0) 1 (0)(0)(0)(0)`,
      {
        kind: 'system',
        unpredictable: (f) => f.Rt === 15,
        syntax: (f) => `vmrs{c} ${coreName(f.Rt)}, ${name}`,
      },
      (b, f) => b.setReg(f.Rt, b.callChecked('readFloatingPointSystem', Number.parseInt(number, 2))),
    ),
    ...vfp(
      `VMSR (${name.toUpperCase()})`,
      `1110 1110 ${number} Rt:4 1010 (0)(0)(0) 1 (0)(0)(0)(0)`,
      {
        kind: 'system',
        unpredictable: (f) => f.Rt === 15,
        syntax: (f) => `vmsr{c} ${name}, ${coreName(f.Rt)}`,
      },
      (b, f) => void b.callChecked('writeFloatingPointSystem', Number.parseInt(number, 2), b.reg(f.Rt)),
    ),
  ]),
];

export const vfpTransfer: readonly Row[] = [...moveRows, ...scalarRows, ...duplicateRows, ...systemRows];

// SPDX-License-Identifier: Apache-2.0
// T32 branches of both sizes (A6.2.3, A6.2.6, A6.2.7, A6.3.4), compare and branch, and IT.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { CPU } from '../../state/layout.js';
import { any15 } from '../operands.js';
import { t16, t32, type Row } from '../row.js';
import { branchWithLink, branchWithLinkExchange } from '../semantics/branch.js';

/** Sign-extends a number of `width` bits. */
const extendNumber = (value: number, width: number): number => (value << (32 - width)) >> (32 - width);
const extendNode = (b: Builder, value: Node, width: number): Node => b.shrS(b.shl(value, 32 - width), 32 - width);

interface LongOffset<T> {
  readonly S: T;
  readonly J1: T;
  readonly J2: T;
  readonly imm10: T;
  readonly imm11: T;
}

/** S:I1:I2:imm10:imm11:0, where I1 and I2 are NOT(J EOR S). */
function longOffset(b: Builder, f: LongOffset<Node>): Node {
  const i1 = b.xor(b.xor(f.J1, f.S), 1);
  const i2 = b.xor(b.xor(f.J2, f.S), 1);
  const high = b.or(b.or(b.shl(f.S, 24), b.shl(i1, 23)), b.shl(i2, 22));
  return extendNode(b, b.or(high, b.or(b.shl(f.imm10, 12), b.shl(f.imm11, 1))), 25);
}
function longOffsetNumber(f: LongOffset<number>): number {
  const i1 = f.J1 ^ f.S ^ 1;
  const i2 = f.J2 ^ f.S ^ 1;
  return extendNumber((f.S << 24) | (i1 << 23) | (i2 << 22) | (f.imm10 << 12) | (f.imm11 << 1), 25);
}

const go = (b: Builder, offset: Node): void => b.jump(b.add(b.readPc(), offset));
const holds = (b: Builder, f: { readonly cond: Node }): Node => b.condition(b.known(f.cond)!);

const CONDITIONS = 'eq ne cs cc mi pl vs vc hi ls ge lt gt le'.split(' ');
const conditionName = (cond: number): string => CONDITIONS[cond] ?? '';

const near = (f: { imm8: number }): number => extendNumber(f.imm8, 8) * 2;
const middle = (f: { imm11: number }): number => extendNumber(f.imm11, 11) * 2;
const far = (f: { S: number; J1: number; J2: number; imm6: number; imm11: number }): number =>
  extendNumber((f.S << 20) | (f.J2 << 19) | (f.J1 << 18) | (f.imm6 << 12) | (f.imm11 << 1), 21);
const zeroTest = (f: { i: number; imm5: number }): number => (f.i << 6) | (f.imm5 << 1);

const direct: readonly Row[] = [
  t16(
    'B T1',
    '1101 cond:4 imm8:8',
    {
      kind: 'branch',
      it: 'never',
      specialize: ['cond'],
      where: (f) => f.cond < 14,
      target: near,
      branchCondition: holds,
      syntax: (f) => `b${conditionName(f.cond)}.n {target}`,
    },
    (b, f) => b.if(holds(b, f), () => go(b, b.shl(extendNode(b, f.imm8, 8), 1))),
  ),
  t16('B T2', '11100 imm11:11', { kind: 'branch', it: 'last', target: middle, syntax: 'b{c}.n {target}' }, (b, f) =>
    go(b, b.shl(extendNode(b, f.imm11, 11), 1)),
  ),
  t32(
    'B T3',
    '11110 S:1 cond:4 imm6:6 10 J1:1 0 J2:1 imm11:11',
    {
      kind: 'branch',
      it: 'never',
      specialize: ['cond'],
      where: (f) => f.cond < 14,
      target: far,
      branchCondition: holds,
      syntax: (f) => `b${conditionName(f.cond)}.w {target}`,
    },
    (b, f) => {
      const high = b.or(b.or(b.shl(f.S, 20), b.shl(f.J2, 19)), b.shl(f.J1, 18));
      const offset = extendNode(b, b.or(high, b.or(b.shl(f.imm6, 12), b.shl(f.imm11, 1))), 21);
      b.if(holds(b, f), () => go(b, offset));
    },
  ),
  t32(
    'B T4',
    '11110 S:1 imm10:10 10 J1:1 1 J2:1 imm11:11',
    { kind: 'branch', it: 'last', target: longOffsetNumber, syntax: 'b{c}.w {target}' },
    (b, f) => go(b, longOffset(b, f)),
  ),
  t32(
    'BL (immediate)',
    '11110 S:1 imm10:10 11 J1:1 1 J2:1 imm11:11',
    { kind: 'call', it: 'last', target: longOffsetNumber, syntax: 'bl{c} {target}' },
    (b, f) => branchWithLink(b, 'T32', longOffset(b, f)),
  ),
  t32(
    'BLX (immediate)',
    '11110 S:1 imm10:10 11 J1:1 0 J2:1 imm11:11',
    {
      it: 'last',
      // Bit 0 is H, and has to be 0. The target counts from Align(PC, 4).
      where: (f) => (f.imm11 & 1) === 0,
      target: longOffsetNumber,
      syntax: 'blx{c} {target}',
    },
    (b, f) => branchWithLink(b, 'A32', longOffset(b, f)),
  ),
  ...(
    [
      ['CBZ', '0'],
      ['CBNZ', '1'],
    ] as const
  ).map(([name, op]) => {
    const condition = (b: Builder, f: { readonly Rn: Node }): Node =>
      name === 'CBZ' ? b.eqz(b.reg(f.Rn)) : b.ne(b.reg(f.Rn), 0);
    return t16(
      name,
      `1011${op}0 i:1 1 imm5:5 Rn:3`,
      {
        kind: 'branch',
        it: 'never',
        target: zeroTest,
        branchCondition: condition,
        syntax: `${name.toLowerCase()} {Rn}, {target}`,
      },
      (b, f) => b.if(condition(b, f), () => go(b, b.or(b.shl(f.i, 6), b.shl(f.imm5, 1)))),
    );
  }),
];

const indirect: readonly Row[] = [
  t16('BX', '010001110 Rm:4 (0)(0)(0)', { it: 'last', syntax: 'bx{c} {Rm}' }, (b, f) => b.bxWritePc(b.reg(f.Rm))),
  t16(
    'BLX (register)',
    '010001111 Rm:4 (0)(0)(0)',
    { it: 'last', unpredictable: any15('Rm'), syntax: 'blx{c} {Rm}' },
    (b, f) => branchWithLinkExchange(b, b.reg(f.Rm)),
  ),
  t32(
    'BXJ',
    '111100111100 Rm:4 10 (0) 0 (1)(1)(1)(1) (0)(0)(0)(0)(0)(0)(0)(0)',
    { it: 'last', unpredictable: any15('Rm'), syntax: 'bxj{c} {Rm}' },
    (b, f) => b.bxWritePc(b.reg(f.Rm)),
  ),
];

/** `t`s and `e`s after IT: one for each mask bit above the lowest set one. */
function itSuffix(firstcond: number, mask: number): string {
  let text = '';
  for (let bit = 3; (mask & (2 ** bit - 1)) !== 0; bit--) text += ((mask >> bit) & 1) === (firstcond & 1) ? 't' : 'e';
  return text;
}

/** The engine takes up the block: it looks at ITSTATE when it looks the page up. */
const ifThen: Row = t16(
  'IT',
  '10111111 firstcond:4 mask:4',
  {
    it: 'never',
    where: (f) => f.mask !== 0,
    unpredictable: (f) => f.firstcond === 15 || (f.firstcond === 14 && (f.mask & (f.mask - 1)) !== 0),
    syntax: (f) => `it${itSuffix(f.firstcond, f.mask)} ${f.firstcond === 14 ? 'al' : conditionName(f.firstcond)}`,
  },
  (b, f) => {
    b.setState(CPU.itState, b.or(b.shl(f.firstcond, 4), f.mask));
    b.setState(CPU.fetchPage, 1);
  },
);

export const branches32: readonly Row[] = [...direct, ...indirect, ifThen];

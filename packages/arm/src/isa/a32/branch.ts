// SPDX-License-Identifier: Apache-2.0
// A32 branches (A5.5, A8.8.18, A8.8.25 to A8.8.28): B, BL, BLX, BX and BXJ. There is no Jazelle, so BXJ is BX.

import { any15, registerName } from '../operands.js';
import { a32, type Row } from '../row.js';
import { branchTo, branchWithLink, branchWithLinkExchange } from '../semantics/branch.js';

/** Byte offset of a 24-bit word offset. */
const wordOffset = (imm24: number): number => (imm24 << 8) >> 6;

export const branch: readonly Row[] = [
  a32(
    'B',
    'cond:4 1010 imm24:24',
    { kind: 'branch', target: (f) => wordOffset(f.imm24), syntax: 'b{c} {target}' },
    (b, f) => branchTo(b, 'A32', b.add(b.readPc(), b.shrS(b.shl(f.imm24, 8), 6))),
  ),
  a32(
    'BL (immediate)',
    'cond:4 1011 imm24:24',
    { kind: 'call', target: (f) => wordOffset(f.imm24), syntax: 'bl{c} {target}' },
    (b, f) => branchWithLink(b, 'A32', b.shrS(b.shl(f.imm24, 8), 6)),
  ),
  a32(
    'BLX (immediate)',
    '1111 101 H:1 imm24:24',
    { target: (f) => wordOffset(f.imm24) | (f.H << 1), syntax: 'blx {target}' },
    (b, f) => branchWithLink(b, 'T32', b.or(b.shrS(b.shl(f.imm24, 8), 6), b.shl(f.H, 1))),
  ),
  ...(['BX', 'BXJ'] as const).map((name) =>
    a32(
      name,
      `cond:4 00010010 (1)(1)(1)(1)(1)(1)(1)(1)(1)(1)(1)(1) 00${name === 'BX' ? '01' : '10'} Rm:4`,
      {
        ...(name === 'BXJ' && { unpredictable: any15('Rm') }),
        syntax: (f) => `${name.toLowerCase()}{c} ${registerName(f.Rm)}`,
      },
      (b, f) => b.bxWritePc(b.reg(f.Rm)),
    ),
  ),
  a32(
    'BLX (register)',
    'cond:4 00010010 (1)(1)(1)(1)(1)(1)(1)(1)(1)(1)(1)(1) 0011 Rm:4',
    { unpredictable: any15('Rm'), syntax: (f) => `blx{c} ${registerName(f.Rm)}` },
    (b, f) => branchWithLinkExchange(b, b.reg(f.Rm)),
  ),
];

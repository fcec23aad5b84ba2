// SPDX-License-Identifier: Apache-2.0
// Packing, extension, reversal and bit fields (A4.4.5, A4.4.7, A4.4.8), shared by A32 and T32.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { SHIFT, shiftImmediate } from './alu.js';

interface Unary {
  readonly Rd: Node;
  readonly Rm: Node;
}

/** PKHBT, and with `tb` PKHTB. */
export function packHalves(b: Builder, f: Unary & { readonly Rn: Node; readonly imm5: Node }, tb: boolean): void {
  const n = b.reg(f.Rn);
  const m = shiftImmediate(b, b.reg(f.Rm), tb ? SHIFT.asr : SHIFT.lsl, f.imm5).value;
  const [high, low] = tb ? [n, m] : [m, n];
  b.setReg(f.Rd, b.or(b.and(high, 0xffff_0000), b.and(low, 0xffff)));
}

export const EXTENSIONS = ['SXTB16', 'SXTB', 'SXTH', 'UXTB16', 'UXTB', 'UXTH'] as const;
export type Extension = (typeof EXTENSIONS)[number];

/** `value` extended as `name` says. */
function extended(b: Builder, name: Extension, value: Node): Node {
  switch (name) {
    case 'SXTB':
      return b.extend8S(value);
    case 'SXTH':
      return b.extend16S(value);
    case 'UXTB':
      return b.and(value, 0xff);
    case 'UXTH':
      return b.and(value, 0xffff);
    case 'UXTB16':
      return b.and(value, 0x00ff_00ff);
    case 'SXTB16': {
      const high = b.shl(b.extend8S(b.shrU(value, 16)), 16);
      return b.or(high, b.and(b.extend8S(value), 0xffff));
    }
  }
}

/** SXTB and its kin with the rotation `rotate` * 8, and with `Rn` the adding forms SXTAB and so on. */
export function extend(b: Builder, f: Unary & { readonly rotate?: Node; readonly Rn?: Node }, name: Extension): void {
  const m = b.reg(f.Rm);
  const value = extended(b, name, f.rotate === undefined ? m : b.rotr(m, b.shl(f.rotate, 3)));
  if (f.Rn === undefined) {
    b.setReg(f.Rd, value);
    return;
  }
  const n = b.reg(f.Rn);
  if (name.endsWith('16')) {
    const high = b.and(b.add(b.and(n, 0xffff_0000), b.and(value, 0xffff_0000)), 0xffff_0000);
    b.setReg(f.Rd, b.or(high, b.and(b.add(n, value), 0xffff)));
  } else {
    b.setReg(f.Rd, b.add(n, value));
  }
}

export const REVERSALS = ['REV', 'REV16', 'REVSH', 'RBIT'] as const;
export type Reversal = (typeof REVERSALS)[number];

function reversedBytes(b: Builder, x: Node): Node {
  return b.or(b.and(b.op('i32.rotl', x, 8), 0x00ff_00ff), b.and(b.rotr(x, 8), 0xff00_ff00));
}

/** Exchanges neighbouring groups of `distance` bits; `mask` has the lower groups. */
function exchange(b: Builder, x: Node, distance: number, mask: number): Node {
  return b.or(b.shl(b.and(x, mask), distance), b.and(b.shrU(x, distance), mask));
}

/** REV, REV16, REVSH, RBIT. */
export function reverse(b: Builder, f: Unary, name: Reversal): void {
  const x = b.reg(f.Rm);
  switch (name) {
    case 'REV':
      b.setReg(f.Rd, reversedBytes(b, x));
      break;
    case 'REV16':
      b.setReg(f.Rd, exchange(b, x, 8, 0x00ff_00ff));
      break;
    case 'REVSH':
      b.setReg(f.Rd, b.or(b.shl(b.extend8S(x), 8), b.bits(x, 15, 8)));
      break;
    case 'RBIT': {
      const pairs = exchange(b, x, 1, 0x5555_5555);
      const nibbles = exchange(b, pairs, 2, 0x3333_3333);
      b.setReg(f.Rd, reversedBytes(b, exchange(b, nibbles, 4, 0x0f0f_0f0f)));
      break;
    }
  }
}

/** CLZ. */
export function countLeadingZeros(b: Builder, f: Unary): void {
  b.setReg(f.Rd, b.op('i32.clz', b.reg(f.Rm)));
}

/** BFI, and without `Rn` BFC; msb is not below lsb. */
export function insertField(
  b: Builder,
  f: { readonly Rd: Node; readonly Rn?: Node; readonly msb: Node; readonly lsb: Node },
): void {
  const mask = b.shl(b.shrU(-1, b.sub(31, b.sub(f.msb, f.lsb))), f.lsb);
  const kept = b.and(b.reg(f.Rd), b.not(mask));
  b.setReg(f.Rd, f.Rn === undefined ? kept : b.or(kept, b.and(b.shl(b.reg(f.Rn), f.lsb), mask)));
}

/** SBFX, UBFX; the field lies within the word. */
export function extractField(
  b: Builder,
  f: { readonly Rd: Node; readonly Rn: Node; readonly lsb: Node; readonly widthm1: Node },
  signed: boolean,
): void {
  const top = b.sub(31, f.widthm1);
  const aligned = b.shl(b.reg(f.Rn), b.sub(top, f.lsb));
  b.setReg(f.Rd, b.op(signed ? 'i32.shr_s' : 'i32.shr_u', aligned, top));
}

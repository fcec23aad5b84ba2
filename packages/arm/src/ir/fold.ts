// SPDX-License-Identifier: Apache-2.0
// Constant folding and the identities that matter when a semantic function meets known fields: x+0, x&0, x&-1, shifts
// by zero. Folding happens as nodes are built, so dead alternatives are never built at all.

import type { Builder } from './builder.js';
import type { Node } from './node.js';

const BINARY: Readonly<Record<string, (a: number, b: number) => number>> = {
  'i32.add': (a, b) => (a + b) | 0,
  'i32.sub': (a, b) => (a - b) | 0,
  'i32.mul': (a, b) => Math.imul(a, b),
  'i32.and': (a, b) => a & b,
  'i32.or': (a, b) => a | b,
  'i32.xor': (a, b) => a ^ b,
  'i32.shl': (a, b) => a << (b & 31),
  'i32.shr_u': (a, b) => (a >>> (b & 31)) | 0,
  'i32.shr_s': (a, b) => a >> (b & 31),
  'i32.rotr': (a, b) => (a >>> (b & 31)) | (a << (-b & 31)) | 0,
  'i32.rotl': (a, b) => (a << (b & 31)) | (a >>> (-b & 31)) | 0,
  'i32.eq': (a, b) => Number(a === b),
  'i32.ne': (a, b) => Number(a !== b),
  'i32.lt_s': (a, b) => Number(a < b),
  'i32.le_s': (a, b) => Number(a <= b),
  'i32.gt_s': (a, b) => Number(a > b),
  'i32.ge_s': (a, b) => Number(a >= b),
  'i32.lt_u': (a, b) => Number(a >>> 0 < b >>> 0),
  'i32.le_u': (a, b) => Number(a >>> 0 <= b >>> 0),
  'i32.gt_u': (a, b) => Number(a >>> 0 > b >>> 0),
  'i32.ge_u': (a, b) => Number(a >>> 0 >= b >>> 0),
};

const UNARY: Readonly<Record<string, (a: number) => number>> = {
  'i32.eqz': (a) => Number(a === 0),
  'i32.clz': (a) => Math.clz32(a),
  'i32.ctz': (a) => (a === 0 ? 32 : 31 - Math.clz32(a & -a)),
  'i32.extend8_s': (a) => (a << 24) >> 24,
  'i32.extend16_s': (a) => (a << 16) >> 16,
};

const COMMUTES = new Set(['i32.add', 'i32.mul', 'i32.and', 'i32.or', 'i32.xor', 'i32.eq', 'i32.ne']);

/** The folded node, or nothing when the operation must really be done. */
export function foldBinary(b: Builder, name: string, x: Node, y: Node): Node | undefined {
  const left = b.known(x);
  const right = b.known(y);
  const fold = BINARY[name];
  if (fold === undefined) return undefined;
  if (left !== undefined && right !== undefined) return b.const(fold(left, right));
  if (left !== undefined && COMMUTES.has(name)) return foldBinary(b, name, y, x) ?? undefined;
  if (right === undefined) return undefined;
  switch (name) {
    case 'i32.add':
    case 'i32.sub':
    case 'i32.or':
    case 'i32.xor':
      return right === 0 ? x : undefined;
    case 'i32.shl':
    case 'i32.shr_u':
    case 'i32.shr_s':
    case 'i32.rotr':
    case 'i32.rotl':
      return (right & 31) === 0 ? x : undefined;
    case 'i32.and':
      return right === 0 ? b.const(0) : right === -1 ? x : undefined;
    case 'i32.mul':
      return right === 0 ? b.const(0) : right === 1 ? x : undefined;
    case 'i32.eq':
      return right === 15 && x.extra?.not15 === true ? b.const(0) : undefined;
    case 'i32.ne':
      return right === 15 && x.extra?.not15 === true ? b.const(1) : undefined;
    default:
      return undefined;
  }
}

export function foldUnary(b: Builder, name: string, x: Node): Node | undefined {
  const value = b.known(x);
  if (value === undefined) return undefined;
  const fold = UNARY[name];
  if (fold !== undefined) return b.const(fold(value));
  if (name === 'i64.extend_i32_u') return b.const64(BigInt(value >>> 0));
  if (name === 'i64.extend_i32_s') return b.const64(BigInt(value));
  return undefined;
}

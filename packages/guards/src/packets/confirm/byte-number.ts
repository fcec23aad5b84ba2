// SPDX-License-Identifier: Apache-2.0
// Numbers in a buffer, and what byte_test and byte_jump ask of them.

import { latin1 } from '@plinth/core';
import type { ByteJumpCondition, ByteNumber, ByteTestCondition } from '../rule.js';

/** `end` is where the match before has ended. Undefined if the buffer has no such number. */
function numberAt(
  bytes: Uint8Array,
  { bytes: count, offset, relative, littleEndian, base }: ByteNumber,
  end: number,
): { readonly value: bigint; readonly at: number; readonly stop: number } | undefined {
  const at = (relative ? end : 0) + offset;
  if (at < 0 || at + count > bytes.length) return undefined;
  const own = bytes.subarray(at, at + count);
  if (base === undefined) {
    const digits = littleEndian ? [...own].reverse() : [...own];
    return { value: digits.reduce((all, byte) => (all << 8n) | BigInt(byte), 0n), at, stop: at + count };
  }
  const text = /^(\s*)(?:0x)?([0-9a-f]*)/i.exec(latin1(own))!;
  const valid = { 8: /^[0-7]*/, 10: /^[0-9]*/, 16: /^[0-9a-f]*/i }[base].exec(text[2]!)![0];
  if (valid === '') return undefined;
  const value = [...valid].reduce((all, digit) => all * BigInt(base) + BigInt(Number.parseInt(digit, 16)), 0n);
  return { value, at, stop: at + count };
}

export function byteTest(condition: ByteTestCondition, bytes: Uint8Array, end: number): boolean {
  const number = numberAt(bytes, condition.number, end);
  return number !== undefined && compare(condition, number.value) !== condition.negated;
}

function compare({ op, value }: ByteTestCondition, number: bigint): boolean {
  switch (op) {
    case '<':
      return number < value;
    case '>':
      return number > value;
    case '<=':
      return number <= value;
    case '>=':
      return number >= value;
    case '=':
      return number === value;
    case '&':
      return (number & value) !== 0n;
    case '^':
      return (number ^ value) !== 0n;
  }
}

/** Where it leads to; undefined if that is outside of the buffer. */
export function byteJump(condition: ByteJumpCondition, bytes: Uint8Array, end: number): number | undefined {
  const found = numberAt(bytes, condition.number, end);
  if (found === undefined) return undefined;
  let distance = found.value * BigInt(condition.multiplier);
  if (condition.align) distance = (distance + 3n) & ~3n;
  const from = { here: found.stop, beginning: 0, end: bytes.length }[condition.from];
  const to = BigInt(from + condition.post) + distance;
  return to >= 0n && to < BigInt(bytes.length) ? Number(to) : undefined;
}

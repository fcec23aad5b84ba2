// SPDX-License-Identifier: Apache-2.0
// Numbers in a buffer, and what byte_test, byte_jump, byte_extract and byte_math make of them.

import { latin1 } from '@plinth/core';
import type {
  Amount,
  ByteExtractCondition,
  ByteJumpCondition,
  ByteMathCondition,
  ByteNumber,
  ByteTestCondition,
} from '../rule.js';

/** Where a condition looks. */
export interface Place {
  readonly bytes: Uint8Array;
  /** Where the match before has ended. */
  readonly end: number;
  /** Numbers that were read before, below 2^64. */
  readonly variables: ReadonlyMap<string, bigint>;
}

const WORD = 64;

/** A number, and where it ends. */
export interface FoundNumber {
  readonly value: bigint;
  readonly stop: number;
}

/** A number as 32 bits with a sign, which is what places are computed in. */
export function amountIn({ variables }: Pick<Place, 'variables'>, amount: Amount): number {
  return typeof amount === 'number' ? amount : Number(BigInt.asIntN(32, variables.get(amount)!));
}

function wideIn({ variables }: Place, value: bigint | string): bigint {
  return typeof value === 'bigint' ? value : variables.get(value)!;
}

/** Undefined if the buffer has no such number. */
function numberAt(
  place: Place,
  { bytes: size, offset, relative, littleEndian, base, mask }: ByteNumber,
): FoundNumber | undefined {
  const { bytes, end } = place;
  const count = amountIn(place, size);
  const at = (relative ? end : 0) + amountIn(place, offset);
  if (at < 0 || count < 0 || at + count > bytes.length) return undefined;
  const own = bytes.subarray(at, at + count);
  const found = base === undefined ? binary(own, littleEndian) : digits(latin1(own), base);
  if (found === undefined) return undefined;
  const { value, stop } = found;
  return { value: mask === undefined ? value : masked(value, mask), stop: at + stop };
}

function binary(bytes: Uint8Array, littleEndian: boolean): FoundNumber | undefined {
  if (bytes.length === 0 || bytes.length > 8) return undefined;
  const ordered = littleEndian ? [...bytes].reverse() : [...bytes];
  return { value: ordered.reduce((all, byte) => (all << 8n) | BigInt(byte), 0n), stop: bytes.length };
}

/** As C reads digits: behind blanks and a sign, as many as there are. */
function digits(text: string, base: 8 | 10 | 16): FoundNumber | undefined {
  const pattern = {
    8: /^\s*([-+]?)([0-7]+)/,
    10: /^\s*([-+]?)([0-9]+)/,
    16: /^\s*([-+]?)(?:0x(?=[0-9a-f]))?([0-9a-f]+)/i,
  };
  const match = pattern[base].exec(text);
  if (match === null) return undefined;
  const value = [...match[2]!].reduce((all, digit) => all * BigInt(base) + BigInt(Number.parseInt(digit, 16)), 0n);
  return { value: BigInt.asUintN(WORD, match[1] === '-' ? -value : value), stop: match[0].length };
}

function masked(value: bigint, mask: bigint): bigint {
  let [rest, bits] = [value & mask, mask];
  for (; (bits & 1n) === 0n; bits >>= 1n) rest >>= 1n;
  return rest;
}

export function byteTest(condition: ByteTestCondition, place: Place): boolean {
  const number = numberAt(place, condition.number);
  if (number === undefined) return false;
  return compare(condition.op, number.value, wideIn(place, condition.value)) !== condition.negated;
}

function compare(op: ByteTestCondition['op'], number: bigint, value: bigint): boolean {
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
export function byteJump(condition: ByteJumpCondition, place: Place): number | undefined {
  const found = numberAt(place, condition.number);
  if (found === undefined) return undefined;
  let distance = found.value * BigInt(condition.multiplier);
  if (condition.align) distance = (distance + 3n) & ~3n;
  const size = place.bytes.length;
  const from = { here: found.stop, beginning: 0, end: size }[condition.from];
  const to = BigInt(from + amountIn(place, condition.post)) + distance;
  return to >= 0n && to < BigInt(size) ? Number(to) : undefined;
}

/** Undefined if there is no number. */
export function byteExtract(
  { number, multiplier, align }: ByteExtractCondition,
  place: Place,
): FoundNumber | undefined {
  const found = numberAt(place, number);
  if (found === undefined) return undefined;
  const value = found.value * BigInt(multiplier);
  return { ...found, value: BigInt.asUintN(WORD, (value + BigInt(align - 1)) & ~BigInt(align - 1)) };
}

/** The same, also for what cannot be computed. */
export function byteMath({ number, op, right }: ByteMathCondition, place: Place): FoundNumber | undefined {
  // A mask is on the result.
  const { mask, ...plain } = number;
  const found = numberAt(place, plain);
  if (found === undefined) return undefined;
  const value = computed(op, found.value, wideIn(place, right));
  if (value === undefined) return undefined;
  const word = BigInt.asUintN(WORD, value);
  return { ...found, value: mask === undefined ? word : masked(word, mask) };
}

function computed(op: ByteMathCondition['op'], left: bigint, right: bigint): bigint | undefined {
  switch (op) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return right === 0n ? undefined : left / right;
    case '<<':
      return right < 64n ? left << right : 0n;
    case '>>':
      return right < 64n ? left >> right : 0n;
  }
}

// SPDX-License-Identifier: Apache-2.0
// byte_test and byte_jump (Suricata user guide, "Payload Keywords"): numbers in a payload, in binary or as digits.

import type { ByteJumpCondition, ByteNumber, ByteTestCondition } from './rule.js';

/** Undefined with something in it that is not decided here: a variable, DCE, a mask. Throws a text for what is no such option. */
export function readByteTest(value: string, buffer: string): ByteTestCondition | undefined {
  const [count, operator, wanted, offset, ...words] = parts(value);
  const match = /^(!?)(<=|>=|[<>=&^])?$/.exec(operator ?? '?');
  if (match === null) throw new Error(`byte_test: "${operator ?? ''}" is no operator: < > = <= >= & ^ are`);
  if (isName(wanted) || isName(offset)) return undefined;
  const number = readNumber('byte_test', count, offset, words);
  if (number === undefined || number.rest.length > 0)
    return number === undefined ? undefined : unknown('byte_test', number.rest);
  const test = /^(?:0x[0-9a-f]{1,16}|\d{1,20})$/i.exec(wanted ?? '');
  if (test === null) throw new Error(`byte_test: "${wanted ?? ''}" is no number`);
  const op = (match[2] ?? '=') as ByteTestCondition['op'];
  return { kind: 'byte_test', buffer, number: number.number, negated: match[1] === '!', op, value: BigInt(test[0]) };
}

export function readByteJump(value: string, buffer: string): ByteJumpCondition | undefined {
  const [count, offset, ...words] = parts(value);
  if (isName(count) || isName(offset)) return undefined;
  const number = readNumber('byte_jump', count, offset, words);
  if (number === undefined) return undefined;
  let jump = { multiplier: 1, align: false, from: 'here' as ByteJumpCondition['from'], post: 0 };
  for (const word of number.rest) {
    const [name, amount] = word.split(/\s+/);
    if (name === 'align') jump = { ...jump, align: true };
    else if (name === 'from_beginning') jump = { ...jump, from: 'beginning' };
    else if (name === 'from_end') jump = { ...jump, from: 'end' };
    else if (name === 'multiplier' && /^\d{1,5}$/.test(amount ?? '')) jump = { ...jump, multiplier: Number(amount) };
    else if (name === 'post_offset' && /^-?\d{1,5}$/.test(amount ?? '')) jump = { ...jump, post: Number(amount) };
    else return unknown('byte_jump', [word]);
  }
  return { kind: 'byte_jump', buffer, number: number.number, ...jump };
}

function parts(value: string): string[] {
  return value.split(',').map((part) => part.trim());
}

function isName(text: string | undefined): boolean {
  return /^[a-z_]\w*$/i.test(text ?? '');
}

/** Words that are known to exist are not decided; others are a mistake. */
function unknown(option: string, words: readonly string[]): undefined {
  const wrong = words.find((word) => !/^(?:dce|bitmask\b.*|multiplier [a-z_]\w*|post_offset [a-z_]\w*)$/i.test(word));
  if (wrong !== undefined) throw new Error(`${option}: "${wrong}" is not known`);
  return undefined;
}

const BASES: Readonly<Record<string, 8 | 10 | 16>> = { oct: 8, dec: 10, hex: 16 };

/** How many bytes, where, and of the words behind those that say how to read them; `rest` are the others. */
function readNumber(
  option: string,
  count: string | undefined,
  offset: string | undefined,
  words: readonly string[],
): { number: ByteNumber; rest: string[] } | undefined {
  if (!/^\d{1,2}$/.test(count ?? '')) throw new Error(`${option}: "${count ?? ''}" is no number of bytes`);
  if (!/^-?\d{1,5}$/.test(offset ?? '')) throw new Error(`${option}: "${offset ?? ''}" is no offset`);
  let [relative, littleEndian, isText, base] = [false, false, false, 10 as 8 | 10 | 16];
  const rest: string[] = [];
  for (const word of words) {
    if (word === 'relative') relative = true;
    else if (word === 'little') littleEndian = true;
    else if (word === 'string') isText = true;
    else if (BASES[word] !== undefined) base = BASES[word];
    else if (word !== 'big') rest.push(word);
  }
  const bytes = Number(count);
  if (bytes > (isText ? 23 : 8)) throw new Error(`${option}: ${bytes} bytes are no number`);
  const how = isText ? { base } : {};
  return { number: { bytes, offset: Number(offset), relative, littleEndian, ...how }, rest };
}

// SPDX-License-Identifier: Apache-2.0
// byte_test, byte_jump, byte_extract and byte_math (Suricata user guide, "Payload Keywords"): numbers in a payload, in binary or as digits.
// Where a number may stand the name of one may stand that was read before.

import type {
  Amount,
  ByteExtractCondition,
  ByteJumpCondition,
  ByteMathCondition,
  ByteNumber,
  ByteTestCondition,
  Condition,
} from './rule.js';

export type ByteCondition = ByteTestCondition | ByteJumpCondition | ByteExtractCondition | ByteMathCondition;

export const BYTE_OPTIONS: Readonly<Record<string, (value: string, buffer: string) => ByteCondition | undefined>> = {
  byte_test: readByteTest,
  byte_jump: readByteJump,
  byte_extract: readByteExtract,
  byte_math: readByteMath,
};

/** Undefined with something in it that is not decided here: DCE. Throws a text for what is no such option; so do the others. */
function readByteTest(value: string, buffer: string): ByteTestCondition | undefined {
  const [count, operator, wanted, offset, ...words] = parts(value);
  const match = /^(!?)(<=|>=|[<>=&^])?$/.exec(operator ?? '?');
  if (match === null) throw new Error(`byte_test: "${operator ?? ''}" is no operator: < > = <= >= & ^ are`);
  const number = readNumber('byte_test', count, offset, words);
  if (number === undefined) return undefined;
  if (number.rest.length > 0) throw unknown('byte_test', number.rest[0]!);
  const op = (match[2] ?? '=') as ByteTestCondition['op'];
  const right = wide('byte_test', wanted);
  return { kind: 'byte_test', buffer, number: number.number, negated: match[1] === '!', op, value: right };
}

function readByteJump(value: string, buffer: string): ByteJumpCondition | undefined {
  const [count, offset, ...words] = parts(value);
  const number = readNumber('byte_jump', count, offset, words);
  if (number === undefined) return undefined;
  let jump = { multiplier: 1, align: false, from: 'here' as ByteJumpCondition['from'], post: 0 as Amount };
  for (const word of number.rest) {
    const [name, amount] = word.split(/\s+/);
    if (name === 'align') jump = { ...jump, align: true };
    else if (name === 'from_beginning') jump = { ...jump, from: 'beginning' };
    else if (name === 'from_end') jump = { ...jump, from: 'end' };
    else if (name === 'multiplier' && /^\d{1,5}$/.test(amount ?? '')) jump = { ...jump, multiplier: Number(amount) };
    else if (name === 'post_offset' && isAmount(amount)) jump = { ...jump, post: amountOf(amount) };
    else throw unknown('byte_jump', word);
  }
  return { kind: 'byte_jump', buffer, number: number.number, ...jump };
}

function readByteExtract(value: string, buffer: string): ByteExtractCondition | undefined {
  const [count, offset, name, ...words] = parts(value);
  if (!isName(name)) throw new Error(`byte_extract: "${name ?? ''}" is no name`);
  const number = readNumber('byte_extract', count, offset, words);
  if (number === undefined) return undefined;
  if (number.number.mask !== undefined) throw new Error('byte_extract: it takes no bitmask');
  let more = { multiplier: 1, align: 1 as 1 | 2 | 4 };
  for (const word of number.rest) {
    const [, key, amount] = /^(multiplier|align)\s+(\d{1,5})$/.exec(word) ?? [];
    if (key === 'multiplier') more = { ...more, multiplier: Number(amount) };
    else if (key === 'align' && (amount === '2' || amount === '4')) more = { ...more, align: amount === '2' ? 2 : 4 };
    else throw unknown('byte_extract', word);
  }
  return { kind: 'byte_extract', buffer, number: number.number, name, ...more };
}

/** Its parts have names, and may come in any order. */
function readByteMath(value: string, buffer: string): ByteMathCondition | undefined {
  const named = new Map<string, string>();
  const words: string[] = [];
  for (const part of parts(value)) {
    const [, key, rest] = /^(bytes|offset|oper|rvalue|result|endian)\s+(.+)$/.exec(part) ?? [];
    if (key === undefined) words.push(part);
    else if (key === 'endian') words.push(rest!);
    else named.set(key, rest!);
  }
  const op = named.get('oper') ?? '';
  const name = named.get('result');
  if (!/^(?:[-+*/]|<<|>>)$/.test(op)) throw new Error(`byte_math: "${op}" is no operator: + - * / << >> are`);
  if (!isName(name)) throw new Error(`byte_math: "${name ?? ''}" is no name of a result`);
  const number = readNumber('byte_math', named.get('bytes'), named.get('offset'), words);
  if (number === undefined) return undefined;
  if (number.rest.length > 0) throw unknown('byte_math', number.rest[0]!);
  const right = wide('byte_math', named.get('rvalue'));
  return { kind: 'byte_math', buffer, number: number.number, name, op: op as ByteMathCondition['op'], right };
}

/** Names of the numbers that it takes. */
export function variablesOf(condition: Condition): string[] {
  switch (condition.kind) {
    case 'content':
      return Object.values(condition.variables ?? {});
    case 'isdataat':
      return names(condition.at);
    case 'byte_test':
      return names(condition.number.bytes, condition.number.offset, condition.value);
    case 'byte_jump':
      return names(condition.number.bytes, condition.number.offset, condition.post);
    case 'byte_extract':
      return names(condition.number.bytes, condition.number.offset);
    case 'byte_math':
      return names(condition.number.bytes, condition.number.offset, condition.right);
    default:
      return [];
  }
}

function names(...amounts: readonly (Amount | bigint)[]): string[] {
  return amounts.filter((amount) => typeof amount === 'string');
}

function parts(value: string): string[] {
  return value.split(',').map((part) => part.trim());
}

function isName(text: string | undefined): text is string {
  return /^[a-z_][\w-]*$/i.test(text ?? '');
}

function isAmount(text: string | undefined): text is string {
  return /^-?\d{1,5}$/.test(text ?? '') || isName(text);
}

function amountOf(text: string): Amount {
  return isName(text) ? text : Number(text);
}

function wide(option: string, text: string | undefined): bigint | string {
  if (isName(text)) return text;
  if (!/^(?:0x[0-9a-f]{1,16}|\d{1,20})$/i.test(text ?? '')) throw new Error(`${option}: "${text ?? ''}" is no number`);
  return BigInt(text!);
}

function unknown(option: string, word: string): Error {
  return new Error(`${option}: "${word}" is not known`);
}

const BASES: Readonly<Record<string, 8 | 10 | 16>> = { oct: 8, dec: 10, hex: 16 };
/** Digits of the longest number in each base. */
const MOST_DIGITS = { 8: 23, 10: 20, 16: 14 } as const;

/** How many bytes, where, and of the words behind those that say how to read them; `rest` are the others. */
function readNumber(
  option: string,
  count: string | undefined,
  offset: string | undefined,
  words: readonly string[],
): { number: ByteNumber; rest: string[] } | undefined {
  if (!/^\d{1,2}$/.test(count ?? '') && !isName(count)) {
    throw new Error(`${option}: "${count ?? ''}" is no number of bytes`);
  }
  if (!isAmount(offset)) throw new Error(`${option}: "${offset ?? ''}" is no offset`);
  let [relative, littleEndian, isText, base] = [false, false, false, 10 as 8 | 10 | 16];
  let mask: bigint | undefined;
  const rest: string[] = [];
  for (const word of words.flatMap((one) => one.replace(/^string\s+/, 'string,').split(','))) {
    const bits = /^bitmask\s+((?:0x)?[0-9a-f]{1,8})$/i.exec(word);
    if (word === 'dce') return undefined;
    if (bits !== null) mask = BigInt(`0x${bits[1]!.replace(/^0x/i, '')}`);
    else if (word === 'relative') relative = true;
    else if (word === 'little') littleEndian = true;
    else if (word === 'string') isText = true;
    else if (BASES[word] !== undefined) base = BASES[word];
    else if (word !== 'big') rest.push(word);
  }
  const bytes = amountOf(count!);
  const most = isText ? MOST_DIGITS[base] : 8;
  if (typeof bytes === 'number' && bytes > most) throw new Error(`${option}: ${bytes} bytes are no number`);
  if (mask === 0n) throw new Error(`${option}: a mask without bits`);
  const how = { ...(isText ? { base } : {}), ...(mask === undefined ? {} : { mask }) };
  return { number: { bytes, offset: amountOf(offset), relative, littleEndian, ...how }, rest };
}

// SPDX-License-Identifier: Apache-2.0
// A system call in words, as strace writes them: what goes in is read when the call begins, what comes out when it returns.
// What is not in memory, or not in the table, is shown as a number.

import { latin1 } from '@plinth/core';
import type { AddressSpace } from './address-space.js';
import {
  CLOCKS,
  errorName,
  FLAGS,
  type FlagSet,
  SIGNALS,
  systemCallName,
  systemCallSignature,
  WHENCE,
} from './system-calls.js';

/** As strace: texts are cut behind so many bytes, lists behind so many elements. */
const MAX_TEXT = 32;
const MAX_PATH = 4096;
const MAX_LIST = 32;
const AT_FDCWD = -100;
/** Results from here on are errors (MAX_ERRNO). */
const LEAST_ERROR = -4095;
const ARGUMENTS = 7;
/** Of O_TMPFILE, less O_DIRECTORY: as O_CREAT it is followed by a mode. */
const O_TMPFILE = 0o20000000;

/** A call that has begun; `finish` gives the text of all its arguments. */
export interface BegunCall {
  readonly name: string;
  /** It does not return. */
  readonly final: boolean;
  finish(memory: AddressSpace | undefined, result: number | undefined): string;
  /** `3`, `-1 ENOENT`, `0xb6f00000`. */
  result(value: number): string;
}

/** `args` are r0 to r6, unsigned. */
export function beginCall(number: number, args: readonly number[], memory: AddressSpace): BegunCall {
  const name = systemCallName(number);
  const signature = systemCallSignature(name);
  const letters = signature?.args ?? 'xxxxxx';
  const parts: (string | ((memory: AddressSpace | undefined, result: number | undefined) => string))[] = [];
  let at = 0;
  let creates = true;
  for (const letter of letters) {
    if (letter === 'l') at = (at + 1) & ~1;
    const value = args[at] ?? 0;
    const next = args[at + 1] ?? 0;
    at += letter === 'l' ? 2 : 1;
    if (at > ARGUMENTS) break;
    if (letter === 'O') creates = (value & (FLAGS['O']!.bits['O_CREAT']! | O_TMPFILE)) !== 0;
    if (letter === 'o' && !creates) continue;
    if (letter === 'B') {
      parts.push((after, result) =>
        after === undefined || result === undefined || result < 0 ? hex(value) : bytesText(after, value, result),
      );
    } else if (letter === 'P') {
      parts.push((after, result) => {
        const [one, other] = result === 0 ? [after?.u32(value), after?.u32(value + 4)] : [];
        return one === undefined || other === undefined ? address(value) : `[${one}, ${other}]`;
      });
    } else parts.push(inputText(letter, value, next, memory));
  }
  return {
    name,
    final: signature?.result === 'n',
    finish: (after, result) => parts.map((part) => (typeof part === 'string' ? part : part(after, result))).join(', '),
    result: (value) => resultText(value, signature?.result ?? 'd'),
  };
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}

function address(value: number): string {
  return value === 0 ? 'NULL' : hex(value);
}

function resultText(value: number, kind: string): string {
  if (value < 0 && value >= LEAST_ERROR) return `-1 ${errorName(-value) ?? `error ${-value}`}`;
  return kind === 'x' ? hex(value) : String(value);
}

function inputText(letter: string, value: number, next: number, memory: AddressSpace): string {
  switch (letter) {
    case 'd':
    case 'f':
      return String(value | 0);
    case 'u':
      return String(value >>> 0);
    case 'F':
      return (value | 0) === AT_FDCWD ? 'AT_FDCWD' : String(value | 0);
    case 'a':
      return address(value);
    case 'o':
      return value === 0 ? '0' : `0${value.toString(8)}`;
    case 's':
      return value === 0 ? 'NULL' : textAt(memory, value);
    case 'v':
      return listAt(memory, value);
    case 'b':
      return bytesText(memory, value, next);
    case 'S':
      return SIGNALS[value] ?? String(value);
    case 'l':
      return String((BigInt.asIntN(32, BigInt(next)) << 32n) | BigInt(value >>> 0));
    case 'w':
      return WHENCE[value] ?? String(value);
    case 'k':
      return CLOCKS[value] ?? String(value | 0);
    case 'c': {
      // The low byte is the signal at the end of a child.
      const signal = SIGNALS[value & 0xff];
      const flags = flagsText(FLAGS['c']!, value & ~0xff);
      if ((value & 0xff) === 0 || signal === undefined) return flags;
      return flags === '0' ? signal : `${flags}|${signal}`;
    }
    case 'm':
    case 'O':
    case 'p':
    case 'A':
    case 'W':
      return flagsText(FLAGS[letter]!, value);
    default:
      return value < 10 ? String(value) : hex(value);
  }
}

function flagsText({ choice, bits }: FlagSet, value: number): string {
  const parts: string[] = [];
  let rest = value >>> 0;
  if (choice !== undefined) {
    parts.push(choice.names[rest & choice.mask]!);
    rest = (rest & ~choice.mask) >>> 0;
  }
  // Flags of several bits come first, since others are a part of them.
  const known = Object.entries(bits).toSorted(([, a], [, b]) => bitCount(b) - bitCount(a));
  for (const [name, flag] of known) {
    if (flag === 0 || (rest & flag) >>> 0 !== flag >>> 0) continue;
    parts.push(name);
    rest = (rest & ~flag) >>> 0;
  }
  if (rest !== 0) parts.push(hex(rest));
  const zero = Object.keys(bits).find((name) => bits[name] === 0);
  return parts.length === 0 ? (zero ?? '0') : parts.join('|');
}

function bitCount(value: number): number {
  let count = 0;
  for (let rest = value >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count++;
  return count;
}

/** In quotes, with C's escapes. */
export function quoted(text: string): string {
  const inside = text.replace(/["\\]|[^ -~]/g, (character) => {
    const known = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }[character];
    return known ?? `\\${character.charCodeAt(0).toString(8)}`;
  });
  return `"${inside}"`;
}

function textAt(memory: AddressSpace, at: number): string {
  const text = memory.text(at, MAX_PATH);
  return text === undefined ? hex(at) : quoted(text);
}

function bytesText(memory: AddressSpace, at: number, size: number): string {
  const shown = Math.min(size, MAX_TEXT);
  const bytes = memory.bytes(at, shown);
  return bytes === undefined ? address(at) : `${quoted(latin1(bytes))}${size > shown ? '...' : ''}`;
}

function listAt(memory: AddressSpace, at: number): string {
  if (at === 0) return 'NULL';
  const texts: string[] = [];
  for (let n = 0; ; n++) {
    const place = memory.u32(at + 4 * n);
    if (place === undefined) return hex(at);
    if (place === 0) return `[${texts.join(', ')}]`;
    if (n === MAX_LIST) return `[${texts.join(', ')}, ...]`;
    texts.push(textAt(memory, place));
  }
}

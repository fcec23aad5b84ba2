// SPDX-License-Identifier: Apache-2.0
// Wine's own text of a registry (system.reg, user.reg, userdef.reg), "WINE REGISTRY Version 2", as server/registry.c of Wine 8 to 10
// writes and reads it. Links are kept as keys with a flag and never followed.

import { latin1 } from '@plinth/core';
import {
  createPath,
  KEY_SYMBOLIC_LINK,
  REG_BINARY,
  REG_DWORD,
  REG_EXPAND_SZ,
  REG_MULTI_SZ,
  REG_SZ,
  type RegistryKey,
  type RegistryValue,
  splitPath,
} from './key.js';
import { MemoryKey } from './memory-key.js';
import { decodeUtf16, encodeUtf16, LONGEST_KEY_NAME, DEEPEST_KEY } from './names.js';
import { TextScanner, writeHex } from './text-scanner.js';

export interface WineRegistry {
  readonly root: MemoryKey;
  /** Where the keys stand, for example `\Machine`; a path of Windows NT. */
  readonly relativeTo: string | undefined;
  readonly arch: string | undefined;
}

const HEADING = 'WINE REGISTRY Version 2';
const RELATIVE = ';; All keys relative to ';
/** 1970 in units of 100 ns since 1601. */
const UNIX_EPOCH = 116_444_736_000_000_000n;

/** The characters below 32 that have a letter, by their code. */
const ESCAPES = new Map([
  [7, 'a'],
  [8, 'b'],
  [9, 't'],
  [10, 'n'],
  [11, 'v'],
  [12, 'f'],
  [13, 'r'],
  [27, 'e'],
]);
const UNESCAPES = new Map([...ESCAPES].map(([code, letter]) => [letter, String.fromCharCode(code)]));

/** `name` names the text in messages. Throws a `PlinthError` of kind `input` with line and column. */
export function parseWineText(source: Uint8Array | string, name = 'Wine registry'): WineRegistry {
  const scanner = new TextScanner(typeof source === 'string' ? source : latin1(source), name);
  if (scanner.restOfLine().trim() !== HEADING) throw scanner.wrong(`it should begin with "${HEADING}"`, 0);
  const root = new MemoryKey('');
  let [relativeTo, arch]: (string | undefined)[] = [undefined, undefined];
  const named = new Set<MemoryKey>();
  let key: MemoryKey | undefined;
  while (!scanner.ended) {
    scanner.skipSpaces();
    const begin = scanner.at;
    switch (scanner.peek()) {
      case '[':
        key = readKey(scanner, root);
        named.add(key);
        break;
      case '"':
      case '@':
        if (key === undefined) throw scanner.wrong('a value without a key', begin);
        key.setValue(readValue(scanner));
        scanner.endLine();
        break;
      case '#':
        if (scanner.accept('#arch=')) arch = scanner.restOfLine().trim();
        else if (key === undefined) scanner.restOfLine();
        else readOption(scanner, key);
        break;
      case ';':
        if (scanner.accept(RELATIVE)) relativeTo = unescapeLine(scanner.restOfLine().trim());
        else scanner.restOfLine();
        break;
      default:
        scanner.endLine();
    }
  }
  setMissingTimes(root, named);
  return { root, relativeTo, arch };
}

function readKey(scanner: TextScanner, root: MemoryKey): MemoryKey {
  const begin = scanner.at;
  scanner.expect('[');
  const path = splitPath(escapedUntil(scanner, ']'));
  if (path.length > DEEPEST_KEY) throw scanner.wrong(`keys more than ${DEEPEST_KEY} deep`, begin);
  if (path.some((part) => part.length > LONGEST_KEY_NAME)) {
    throw scanner.wrong(`a name of a key has more than ${LONGEST_KEY_NAME} characters`, begin);
  }
  const key = createPath(root, path) as MemoryKey;
  scanner.skipSpaces();
  const seconds = scanner.match(/[0-9]{1,12}/y);
  if (seconds !== undefined) key.lastWritten = UNIX_EPOCH + BigInt(seconds) * 10_000_000n;
  scanner.endLine();
  return key;
}

/** A line that begins with `#`; those that are not known say nothing, as for Wine. */
function readOption(scanner: TextScanner, key: MemoryKey): void {
  if (scanner.accept('#time=')) {
    const digits = scanner.match(/[0-9a-fA-F]{1,16}/y);
    if (digits === undefined) throw scanner.wrong('the time should be hexadecimal digits');
    // setValue and createKey must not touch it: it is what the file says.
    key.lastWritten = BigInt(`0x${digits}`);
    scanner.endLine();
  } else if (scanner.accept('#class=')) {
    scanner.expect('"');
    key.className = escapedUntil(scanner, '"');
    scanner.endLine();
  } else if (/^#link\s*$/.test(scanner.text.slice(scanner.at, scanner.at + 6))) {
    key.flags |= KEY_SYMBOLIC_LINK;
    scanner.restOfLine();
  } else scanner.restOfLine();
}

function readValue(scanner: TextScanner): RegistryValue {
  let name = '';
  if (!scanner.accept('@')) {
    scanner.expect('"');
    name = escapedUntil(scanner, '"');
  }
  scanner.expect('=');
  if (scanner.peek() === '"') return { name, type: REG_SZ, data: readString(scanner) };
  if (scanner.accept('str(')) {
    const type = scanner.hexNumber('the type');
    scanner.expect('):');
    return { name, type, data: readString(scanner) };
  }
  if (scanner.accept('dword:')) {
    const number = scanner.hexNumber('the number');
    const data = Uint8Array.of(number & 0xff, (number >> 8) & 0xff, (number >> 16) & 0xff, number >>> 24);
    return { name, type: REG_DWORD, data };
  }
  if (scanner.accept('hex:')) return { name, type: REG_BINARY, data: scanner.hexBytes() };
  if (scanner.accept('hex(')) {
    const type = scanner.hexNumber('the type');
    scanner.expect('):');
    return { name, type, data: scanner.hexBytes() };
  }
  throw scanner.wrong('a value should be a text in quotes, str(TYPE):, dword:, hex: or hex(TYPE):');
}

/** The zero that ends it is not written. */
function readString(scanner: TextScanner): Uint8Array {
  scanner.expect('"');
  return encodeUtf16(`${escapedUntil(scanner, '"')}\0`);
}

/** Characters up to `end`, which must stand in the same line. */
function escapedUntil(scanner: TextScanner, end: '"' | ']'): string {
  const begin = scanner.at;
  const plain = end === '"' ? /[^"\\\r\n]*/y : /[^\]\\\r\n]*/y;
  let text = '';
  for (;;) {
    text += scanner.match(plain) ?? '';
    if (scanner.accept(end)) return text;
    if (!scanner.accept('\\')) throw scanner.wrong(`${JSON.stringify(end)} is missing`, begin);
    text += unescape(scanner);
  }
}

function unescape(scanner: TextScanner): string {
  const octal = scanner.match(/[0-7]{1,3}/y);
  if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
  const hex = scanner.match(/x[0-9a-fA-F]{1,4}/y);
  if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex.slice(1), 16));
  const letter = scanner.peek();
  if (letter === '' || letter === '\n' || letter === '\r') throw scanner.wrong('a backslash ends the line');
  scanner.at++;
  return UNESCAPES.get(letter) ?? letter;
}

/** A key that the text does not name itself was last written when the latest below it was, as far as anyone can know. */
function setMissingTimes(key: MemoryKey, named: ReadonlySet<MemoryKey>): bigint {
  let latest = key.lastWritten;
  for (const subkey of key.keys()) {
    const below = setMissingTimes(subkey, named);
    if (below > latest) latest = below;
  }
  if (!named.has(key)) key.lastWritten = latest;
  return latest;
}

export interface WineWriteOptions {
  readonly relativeTo?: string | undefined;
  readonly arch?: string | undefined;
}

/** Lines as Wine writes them, in ASCII. Keys and values keep their order; keys that only hold subkeys are not named, as in Wine. */
export function writeWineText(root: RegistryKey, options: WineWriteOptions = {}): string {
  const lines: string[] = [HEADING];
  if (options.relativeTo !== undefined) lines.push(`${RELATIVE}${escape(options.relativeTo, '')}`);
  if (options.arch !== undefined) lines.push('', `#arch=${options.arch}`);
  const write = (key: RegistryKey, path: readonly string[]): void => {
    const [keys, values] = [key.keys(), key.values()];
    const link = (key.flags & KEY_SYMBOLIC_LINK) !== 0;
    if (values.length > 0 || (keys.length === 0 && path.length > 0) || key.className !== undefined || link) {
      const time = key.lastWritten;
      const seconds = time > UNIX_EPOCH ? (time - UNIX_EPOCH) / 10_000_000n : 0n;
      lines.push('', `[${escape(path.join('\\'), '[]')}] ${seconds}`, `#time=${time.toString(16)}`);
      if (key.className !== undefined) lines.push(`#class="${escape(key.className, '"')}"`);
      if (link) lines.push('#link');
      for (const value of values) lines.push(writeValue(value));
    }
    for (const subkey of keys) write(subkey, [...path, subkey.name]);
  };
  write(root, []);
  return `${lines.join('\n')}\n`;
}

function writeValue({ name, type, data }: RegistryValue): string {
  const head = name === '' ? '@=' : `"${escape(name, '"')}"=`;
  const text = type === REG_SZ || type === REG_EXPAND_SZ || type === REG_MULTI_SZ;
  if (text && data.length >= 2 && data.length % 2 === 0 && data.at(-1) === 0 && data.at(-2) === 0) {
    const kind = type === REG_SZ ? '' : `str(${type.toString(16)}):`;
    return `${head}${kind}"${escape(decodeUtf16(data).slice(0, -1), '"', '\0')}"`;
  }
  if (type === REG_DWORD && data.length === 4) {
    return `${head}dword:${Array.from(data.toReversed(), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  }
  return writeHex(head, type, REG_BINARY, data, '\n');
}

/** `special` are characters beside the backslash that get one; `following` is what comes after the text, in what it stands for. */
function escape(text: string, special: string, following = ''): string {
  let out = '';
  for (let at = 0; at < text.length; at++) {
    const unit = text[at]!;
    const code = unit.charCodeAt(0);
    const next = text[at + 1] ?? following;
    if (code > 127)
      out += /[0-9a-fA-F]/.test(next) ? `\\x${code.toString(16).padStart(4, '0')}` : `\\x${code.toString(16)}`;
    else if (code < 32) {
      const letter = ESCAPES.get(code);
      if (letter !== undefined) out += `\\${letter}`;
      else out += `\\${/[0-7]/.test(next) ? code.toString(8).padStart(3, '0') : code.toString(8)}`;
    } else out += unit === '\\' || special.includes(unit) ? `\\${unit}` : unit;
  }
  return out;
}

function unescapeLine(text: string): string {
  const scanner = new TextScanner(`${text}"`, 'path');
  try {
    return escapedUntil(scanner, '"');
  } catch {
    return text;
  }
}

// SPDX-License-Identifier: Apache-2.0
// .reg text, "Windows Registry Editor Version 5.00" and REGEDIT4, read as edits and written from changes or trees. It has no place for
// times, class names and security. In REGEDIT4 texts in hexadecimal are bytes of a code page; here ISO 8859-1.

import { concatenate, PlinthError, utf8 } from '@plinth/core';
import type { RegistryChange } from './diff.js';
import {
  createPath,
  findKey,
  REG_BINARY,
  REG_DWORD,
  REG_EXPAND_SZ,
  REG_MULTI_SZ,
  REG_SZ,
  type RegistryKey,
  type RegistryValue,
  splitPath,
  type WritableKey,
} from './key.js';
import { decodeUtf16, DEEPEST_KEY, encodeUtf16, foldName, LONGEST_KEY_NAME, shorten } from './names.js';
import { decodeText, TextScanner, writeHex } from './text-scanner.js';

/** Paths begin with the name of a root, such as `HKEY_LOCAL_MACHINE`. */
export type RegistryEdit =
  | { readonly kind: 'create-key'; readonly path: readonly string[] }
  | { readonly kind: 'delete-key'; readonly path: readonly string[] }
  | { readonly kind: 'set-value'; readonly path: readonly string[]; readonly value: RegistryValue }
  | { readonly kind: 'delete-value'; readonly path: readonly string[]; readonly name: string };

const VERSION_5 = 'Windows Registry Editor Version 5.00';
const VERSION_4 = 'REGEDIT4';
const NEWLINE = '\r\n';

/** `name` names the text in messages. Throws a `PlinthError` of kind `input` with line and column. */
export function parseRegText(source: Uint8Array | string, name = 'registry text'): RegistryEdit[] {
  const scanner = new TextScanner(typeof source === 'string' ? source : decodeText(source), name);
  while (/^\s*$/.test(lineAt(scanner)) && !scanner.ended) scanner.restOfLine();
  const start = scanner.at;
  const heading = scanner.restOfLine().trim();
  const old = heading === VERSION_4;
  if (!old && heading !== VERSION_5)
    throw scanner.wrong(`it should begin with "${VERSION_5}" or "${VERSION_4}"`, start);
  const edits: RegistryEdit[] = [];
  let path: readonly string[] | undefined;
  while (!scanner.ended) {
    scanner.skipSpaces();
    const begin = scanner.at;
    const first = scanner.peek();
    if (first === '[') {
      const key = readKey(scanner);
      edits.push({ kind: key.deleted ? 'delete-key' : 'create-key', path: key.path });
      path = key.deleted ? undefined : key.path;
    } else if (first === '"' || first === '@') {
      const { name: valueName, value } = readValue(scanner, old);
      if (path === undefined) throw scanner.wrong('a value without a key, or below a key that is deleted', begin);
      if (value === undefined) edits.push({ kind: 'delete-value', path, name: valueName });
      else edits.push({ kind: 'set-value', path, value });
    } else if (first === ';') scanner.restOfLine();
    else scanner.endLine();
  }
  return edits;
}

function lineAt(scanner: TextScanner): string {
  const end = scanner.text.indexOf('\n', scanner.at);
  return scanner.text.slice(scanner.at, end < 0 ? undefined : end);
}

function readKey(scanner: TextScanner): { readonly path: readonly string[]; readonly deleted: boolean } {
  const begin = scanner.at;
  const line = scanner.restOfLine();
  // A name may hold brackets: the last one ends it.
  const close = line.lastIndexOf(']');
  if (close < 0) throw scanner.wrong('"]" is missing', begin + line.length);
  const rest = line.slice(close + 1).trim();
  if (rest !== '' && !rest.startsWith(';')) throw scanner.wrong('the line should end here', begin + close + 1);
  const deleted = line.startsWith('[-');
  const path = splitPath(line.slice(deleted ? 2 : 1, close));
  if (path.length === 0) throw scanner.wrong('the name of a key is missing', begin + 1);
  if (path.length > DEEPEST_KEY) throw scanner.wrong(`keys more than ${DEEPEST_KEY} deep`, begin);
  const long = path.find((part) => part.length > LONGEST_KEY_NAME);
  if (long !== undefined)
    throw scanner.wrong(`the name ${shorten(long)} has more than ${LONGEST_KEY_NAME} characters`, begin);
  return { path, deleted };
}

function readValue(scanner: TextScanner, old: boolean): { readonly name: string; readonly value?: RegistryValue } {
  const name = scanner.accept('@') ? '' : quoted(scanner);
  scanner.skipSpaces();
  scanner.expect('=');
  scanner.skipSpaces();
  if (scanner.accept('-')) {
    scanner.endLine();
    return { name };
  }
  const [type, data] = readData(scanner, old);
  scanner.endLine();
  return { name, value: { name, type, data } };
}

function readData(scanner: TextScanner, old: boolean): [number, Uint8Array] {
  if (scanner.peek() === '"') return [REG_SZ, encodeUtf16(`${quoted(scanner)}\0`)];
  if (scanner.accept('dword:')) {
    scanner.skipSpaces();
    const number = scanner.hexNumber('the number');
    return [REG_DWORD, Uint8Array.of(number & 0xff, (number >> 8) & 0xff, (number >> 16) & 0xff, number >>> 24)];
  }
  if (scanner.accept('hex:')) return [REG_BINARY, scanner.hexBytes()];
  if (scanner.accept('hex(')) {
    const type = scanner.hexNumber('the type');
    scanner.expect('):');
    const data = scanner.hexBytes();
    const text = type === REG_SZ || type === REG_EXPAND_SZ || type === REG_MULTI_SZ;
    return [
      type,
      old && text ? Uint8Array.from({ length: 2 * data.length }, (_, at) => (at % 2 === 0 ? data[at / 2]! : 0)) : data,
    ];
  }
  throw scanner.wrong('a value should be a text in quotes, dword:, hex:, hex(TYPE): or -');
}

/** A text in quotes, over several lines if it has line ends. */
function quoted(scanner: TextScanner): string {
  const begin = scanner.at;
  scanner.expect('"');
  let text = '';
  for (;;) {
    text += scanner.match(/[^"\\]*/y) ?? '';
    if (scanner.accept('"')) return text;
    if (scanner.ended) throw scanner.wrong('the quotes are not closed', begin);
    scanner.expect('\\');
    // Windows knows \\ and \" only; a backslash before something else stands for itself.
    if (scanner.peek() === '\\' || scanner.peek() === '"') text += scanner.text[scanner.at++]!;
    else text += '\\';
  }
}

export interface RegApplyOptions {
  /** The path that the root key stands for, for example `HKEY_CURRENT_USER`; without it roots are keys of the root. */
  readonly under?: string;
}

/** Keys and values that are to be deleted and are not there are no error; an edit outside of `under` is one. */
export function applyEdits(root: WritableKey, edits: readonly RegistryEdit[], options: RegApplyOptions = {}): void {
  const prefix = splitPath(options.under ?? '');
  for (const edit of edits) {
    const path = below(prefix, edit.path);
    if (edit.kind === 'create-key') createPath(root, path);
    else if (edit.kind === 'set-value') createPath(root, path).setValue(edit.value);
    else if (edit.kind === 'delete-value') findKey(root, path)?.deleteValue(edit.name);
    else if (path.length === 0) clear(root);
    else findKey(root, path.slice(0, -1))?.deleteKey(path.at(-1)!, { recursive: true });
  }
}

function clear(root: WritableKey): void {
  for (const { name } of root.values()) root.deleteValue(name);
  for (const { name } of root.keys()) root.deleteKey(name, { recursive: true });
}

function below(prefix: readonly string[], path: readonly string[]): readonly string[] {
  if (prefix.every((name, at) => foldName(name) === foldName(path[at] ?? ''))) return path.slice(prefix.length);
  const text = `registry: ${shorten(path.join('\\'))} is not below ${shorten(prefix.join('\\'))}, which is all that is edited`;
  throw new PlinthError('input', 'registry-path', text);
}

/** `under` is the path that the root of the changes stands for; there must be one, .reg text has no other place for a root's values. */
export function changesToRegText(changes: readonly RegistryChange[], under: string): string {
  const prefix = rootPath(under);
  const writer = new RegWriter();
  for (const change of changes) {
    const path = [...prefix, ...change.path];
    if (change.kind === 'key-removed') writer.deleteKey(path);
    else {
      if (change.kind === 'class-changed') continue;
      writer.openKey(path);
      if (change.kind === 'value-removed') writer.deleteValue(change.before.name);
      else if (change.kind !== 'key-added') writer.setValue(change.after);
    }
  }
  return writer.text;
}

/** All of a tree, such as regedit exports it. */
export function treeToRegText(root: RegistryKey, under: string): string {
  const writer = new RegWriter();
  const write = (key: RegistryKey, path: readonly string[]): void => {
    writer.openKey(path);
    for (const value of key.values()) writer.setValue(value);
    for (const subkey of key.keys()) write(subkey, [...path, subkey.name]);
  };
  write(root, rootPath(under));
  return writer.text;
}

function rootPath(under: string): readonly string[] {
  const path = splitPath(under);
  if (path.length > 0) return path;
  const text = 'registry: .reg text needs to know what the root key is called, for example HKEY_CURRENT_USER';
  throw new PlinthError('input', 'registry-path', text);
}

/** UTF-16LE with its mark, as regedit writes and reads it, or UTF-8, which loses lone surrogates and is for people. */
export function encodeRegText(text: string, encoding: 'utf-16le' | 'utf-8' = 'utf-16le'): Uint8Array {
  return encoding === 'utf-8' ? utf8(text) : concatenate([Uint8Array.of(0xff, 0xfe), encodeUtf16(text)]);
}

class RegWriter {
  text = `${VERSION_5}${NEWLINE}`;
  #open: string | undefined;

  openKey(path: readonly string[]): void {
    const name = path.join('\\');
    if (this.#open === name) return;
    this.#open = name;
    this.text += `${NEWLINE}[${keyName(path)}]${NEWLINE}`;
  }

  deleteKey(path: readonly string[]): void {
    this.#open = undefined;
    this.text += `${NEWLINE}[-${keyName(path)}]${NEWLINE}`;
  }

  deleteValue(name: string): void {
    this.text += `${valueName(name)}=-${NEWLINE}`;
  }

  setValue(value: RegistryValue): void {
    const head = `${valueName(value.name)}=`;
    this.text += writeData(head, value) + NEWLINE;
  }
}

function writeData(head: string, { type, data }: RegistryValue): string {
  if (type === REG_DWORD && data.length === 4) {
    return `${head}dword:${Array.from(data.toReversed(), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  }
  if (type === REG_SZ && data.length >= 2 && data.length % 2 === 0) {
    const text = decodeUtf16(data);
    // oxlint-disable-next-line no-control-regex -- what would not stay as it is in a line
    if (/^[^\x00-\x1f]*\x00$/.test(text)) return `${head}"${escape(text.slice(0, -1))}"`;
  }
  return writeHex(head, type, REG_BINARY, data, NEWLINE);
}

function keyName(path: readonly string[]): string {
  const name = path.join('\\');
  if (!/[\r\n]/.test(name)) return name;
  throw new PlinthError(
    'input',
    'registry-text',
    `registry: the key ${shorten(name)} has a line end, which .reg text cannot hold`,
  );
}

function valueName(name: string): string {
  return name === '' ? '@' : `"${escape(name)}"`;
}

function escape(text: string): string {
  return text.replaceAll(/["\\]/g, String.raw`\$&`);
}

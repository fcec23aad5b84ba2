// SPDX-License-Identifier: Apache-2.0
// Names of keys and values: how Windows compares them, how they are written in hives, which are allowed.
// Comparison follows RtlUpcaseUnicodeChar: one UTF-16 unit becomes one unit, independent of a language. The pairs are those of the
// Unicode of the JavaScript engine, so letters that are newer than a Windows may differ on that Windows.

import { latin1, PlinthError } from '@plinth/core';

export const LONGEST_KEY_NAME = 255;
export const LONGEST_VALUE_NAME = 16_383;
/** As in Windows; it also bounds every recursion here. */
export const DEEPEST_KEY = 512;

// oxlint-disable-next-line no-control-regex -- all of ASCII is what is meant
const ASCII = /^[\x00-\x7f]*$/;

/** What two names that are equal to Windows have in common. */
export function foldName(name: string): string {
  if (ASCII.test(name)) return name.toUpperCase();
  let folded = '';
  for (let at = 0; at < name.length; at++) folded += foldUnit(name[at]!);
  return folded;
}

function foldUnit(unit: string): string {
  const upper = unit.toUpperCase();
  // Windows has no pair that changes the count of units, and none between ASCII or Latin-1 and another block but ÿ.
  if (upper.length !== 1) return unit;
  const [from, to] = [unit.charCodeAt(0), upper.charCodeAt(0)];
  if (from >= 0x80 && to < 0x80) return unit;
  return from === 0xb5 ? unit : upper;
}

/** The order of lists of subkeys: folded names by their units. */
export function compareFolded(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The hash of `lh` lists, of a folded name. */
export function nameHash(folded: string): number {
  let hash = 0;
  for (let at = 0; at < folded.length; at++) hash = (Math.imul(hash, 37) + folded.charCodeAt(at)) | 0;
  return hash >>> 0;
}

/** Every unit below 256: such names are stored as one byte a unit. */
export function isCompressible(name: string): boolean {
  for (let at = 0; at < name.length; at++) if (name.charCodeAt(at) > 0xff) return false;
  return true;
}

export function encodeUtf16(text: string): Uint8Array {
  const bytes = new Uint8Array(2 * text.length);
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    bytes[2 * at] = unit & 0xff;
    bytes[2 * at + 1] = unit >> 8;
  }
  return bytes;
}

/** Units as they are, lone surrogates too; an odd last byte is left out. */
export function decodeUtf16(bytes: Uint8Array): string {
  const units = new Uint16Array(bytes.length >> 1);
  for (let at = 0; at < units.length; at++) units[at] = bytes[2 * at]! | (bytes[2 * at + 1]! << 8);
  let text = '';
  for (let at = 0; at < units.length; at += 4096) text += fromUnits(units.subarray(at, at + 4096));
  return text;
}

/** One byte a unit; names are short, so in one piece. */
export function decodeLatin1(bytes: Uint8Array, from: number, to: number): string {
  return to - from > 4096 ? latin1(bytes.subarray(from, to)) : fromUnits(bytes.subarray(from, to));
}

function fromUnits(units: Uint8Array | Uint16Array): string {
  return String.fromCharCode.apply(undefined, units as unknown as number[]);
}

export function checkKeyName(name: string): void {
  const wrong =
    name === ''
      ? 'is empty'
      : name.includes('\\')
        ? 'holds a backslash, which parts the names of a path'
        : name.length > LONGEST_KEY_NAME
          ? `has ${name.length} characters; ${LONGEST_KEY_NAME} are allowed`
          : undefined;
  if (wrong === undefined) return;
  throw new PlinthError('input', 'registry-name', `registry: the key name ${shorten(name)} ${wrong}`);
}

export function checkValueName(name: string): void {
  if (name.length <= LONGEST_VALUE_NAME) return;
  const text = `registry: the value name ${shorten(name)} has ${name.length} characters; ${LONGEST_VALUE_NAME} are allowed`;
  throw new PlinthError('input', 'registry-name', text);
}

/** A name in a message: in quotes, and not all of it if it is long. */
export function shorten(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);
}

// SPDX-License-Identifier: Apache-2.0
// What rules may have done to a buffer before they look in it (Suricata user guide, "Transformations"). In a condition's buffer their names
// follow its own, with blanks between.

import { latin1 } from '@plinth/core';
import { bytesOf } from './buffer-view.js';

type Transform = (text: string, value: string) => string;

/** Characters of C's isspace. */
const BLANK = '[ \\t\\n\\v\\f\\r]';

const TRANSFORMS: Readonly<Record<string, Transform>> = {
  to_lowercase: (text) => text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase()),
  to_uppercase: (text) => text.replaceAll(/[a-z]+/g, (letters) => letters.toUpperCase()),
  strip_whitespace: (text) => text.replaceAll(new RegExp(BLANK, 'g'), ''),
  // Of a row of blanks the first one stays.
  compress_whitespace: (text) => text.replaceAll(new RegExp(`(${BLANK})${BLANK}+`, 'g'), '$1'),
  dotprefix: (text) => `.${text}`,
  header_lowercase: (text) => text.replaceAll(/^[^:\n]*/gm, (name) => name.toLowerCase()),
  strip_pseudo_headers: (text) => text.replaceAll(/^:[^\n]*\n?/gm, ''),
  url_decode: (text) =>
    text
      .replaceAll('+', ' ')
      .replaceAll(/%([0-9a-fA-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16))),
  xor: (text, key) => {
    const bytes = key.match(/../g)!.map((digits) => Number.parseInt(digits, 16));
    return [...text].map((char, n) => String.fromCharCode(char.charCodeAt(0) ^ bytes[n % bytes.length]!)).join('');
  },
};

/** The buffer's name with one more transform; undefined if there is none of that name. Throws a text for one that has a wrong value. */
export function withTransform(buffer: string, name: string, value: string | undefined): string | undefined {
  if (!Object.hasOwn(TRANSFORMS, name)) return undefined;
  if (name !== 'xor') {
    if (value !== undefined) throw new Error(`${name} takes no value`);
    return `${buffer} ${name}`;
  }
  const key = /^"((?:[0-9a-fA-F]{2})+)"$/.exec(value ?? '')?.[1];
  if (key === undefined) throw new Error('xor needs "hexadecimal bytes"');
  return `${buffer} ${name}=${key}`;
}

/** The name of one of several buffers; the first one is called as all of them are. */
export function severalOf(name: string, before: number): string {
  return before === 0 ? name : `${name} #${before + 1}`;
}

/** A buffer's own name, and what is done to it. */
export function splitBuffer(buffer: string): { readonly name: string; readonly transforms: readonly string[] } {
  const [name, ...more] = buffer.split(' ');
  return { name: name!, transforms: more.filter((one) => !one.startsWith('#')) };
}

export function transformed(bytes: Uint8Array, transforms: readonly string[]): Uint8Array {
  if (transforms.length === 0) return bytes;
  return bytesOf(
    transforms.reduce((text, one) => {
      const [name, value = ''] = one.split('=');
      return TRANSFORMS[name!]!(text, value);
    }, latin1(bytes)),
  );
}

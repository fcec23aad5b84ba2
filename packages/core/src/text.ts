// SPDX-License-Identifier: Apache-2.0
// ASCII and UTF-8 text without the DOM's or Node's encoders, which neutral rooms do not have.

/** Bytes to characters one to one (ISO 8859-1), which keeps any byte. */
export function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return text;
}

const LONGEST_STRING = 4096;

/** The zero-terminated text at a place of a string table; cut at 4096 characters, empty outside of the table. */
export function stringAt(strings: Uint8Array, at: number): string {
  if (at >= strings.length) return '';
  const rest = strings.subarray(at, at + LONGEST_STRING);
  const end = rest.indexOf(0);
  return latin1(end < 0 ? rest : rest.subarray(0, end));
}

/** UTF-8 encoding of `text`; lone surrogates become U+FFFD. */
export function utf8(text: string): Uint8Array {
  const out: number[] = [];
  for (const character of text) {
    let code = character.codePointAt(0)!;
    if (code >= 0xd800 && code < 0xe000) code = 0xfffd;
    if (code < 0x80) out.push(code);
    else if (code < 0x800) out.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) out.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else out.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return Uint8Array.from(out);
}

/** Text of UTF-8 bytes; what is no UTF-8 becomes U+FFFD, byte by byte. */
export function fromUtf8(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at]!;
    const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    let code = length === 1 ? first : length === 0 ? -1 : first & (0x7f >> length);
    for (let i = 1; i < length && code >= 0; i++) {
      const next = bytes[at + i] ?? 0;
      code = (next & 0xc0) === 0x80 ? (code << 6) | (next & 0x3f) : -1;
    }
    const least = length === 4 ? 0x10000 : length === 3 ? 0x800 : 0;
    const valid = code >= least && code <= 0x10ffff && (code < 0xd800 || code >= 0xe000);
    text += valid ? String.fromCodePoint(code) : '\ufffd';
    at += valid ? length : 1;
  }
  return text;
}

/** Unsigned 32-bit number as `0x` and eight digits. */
export function hex32(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(8, '0')}`;
}

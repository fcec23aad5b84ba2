// SPDX-License-Identifier: Apache-2.0
// Goes over a text of registry keys by characters; what is wrong is told with line and column. The data of values that are written in
// hexadecimal look the same in .reg files and in Wine's.

import { fromUtf8, latin1, PlinthError } from '@plinth/core';
import { decodeUtf16 } from './names.js';

export class TextScanner {
  readonly text: string;
  at = 0;
  readonly #what: string;

  constructor(text: string, what: string) {
    this.text = text;
    this.#what = what;
  }

  get ended(): boolean {
    return this.at >= this.text.length;
  }

  /** The next character, empty at the end. */
  peek(): string {
    return this.text.charAt(this.at);
  }

  /** Moves on if the text goes on so. */
  accept(word: string): boolean {
    if (!this.text.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  expect(word: string): void {
    if (!this.accept(word)) throw this.wrong(`${JSON.stringify(word)} is missing`);
  }

  /** What a sticky expression matches here; moves past it. */
  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  skipSpaces(): void {
    while (this.peek() === ' ' || this.peek() === '\t') this.at++;
  }

  /** The rest of the line without its end; moves to the next line. */
  restOfLine(): string {
    const newline = this.text.indexOf('\n', this.at);
    const end = newline < 0 ? this.text.length : newline;
    const line = this.text.slice(this.at, end);
    this.at = newline < 0 ? end : end + 1;
    return line.endsWith('\r') ? line.slice(0, -1) : line;
  }

  /** Nothing but spaces and a comment may follow. */
  endLine(): void {
    this.skipSpaces();
    if (this.peek() === ';') this.restOfLine();
    else if (!this.ended && !this.accept('\n') && !this.accept('\r\n')) throw this.wrong('the line should end here');
  }

  /** `at`: where, if not here. */
  wrong(what: string, at: number = this.at): PlinthError {
    const before = this.text.slice(0, at).split('\n');
    const place = `line ${before.length}, column ${before.at(-1)!.length + 1}`;
    return new PlinthError('input', 'registry-text', `${this.#what}: ${place}: ${what}`);
  }

  /** A number of 1 to 8 hexadecimal digits. */
  hexNumber(what: string): number {
    const digits = this.match(/[0-9a-fA-F]{1,8}(?![0-9a-fA-F])/y);
    if (digits === undefined) throw this.wrong(`${what} should be 1 to 8 hexadecimal digits`);
    return Number.parseInt(digits, 16);
  }

  /** Bytes parted by commas; a backslash at the end of a line continues it. */
  hexBytes(): Uint8Array {
    const bytes: number[] = [];
    for (;;) {
      this.match(/[ \t]*(?:\\[ \t]*\r?\n[ \t]*)*/y);
      const digits = this.match(/[0-9a-fA-F]{1,2}(?![0-9a-fA-F])/y);
      if (digits !== undefined) bytes.push(Number.parseInt(digits, 16));
      else if (bytes.length > 0 && this.peek() !== ',' && !/[;\r\n]|^$/.test(this.peek())) {
        throw this.wrong('a byte should be two hexadecimal digits');
      }
      this.match(/[ \t]*(?:\\[ \t]*\r?\n[ \t]*)*/y);
      if (!this.accept(',')) return Uint8Array.from(bytes);
      if (digits === undefined) throw this.wrong('a byte is missing before the comma', this.at - 1);
    }
  }
}

/** UTF-16LE by its mark, else UTF-8, else, where it is none, one character for each byte. */
export function decodeText(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return decodeUtf16(bytes.subarray(2));
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const text = fromUtf8(marked ? bytes.subarray(3) : bytes);
  // A U+FFFD that was written there is three bytes which Latin-1 would spoil, so it needs the mark.
  return !marked && text.includes('\ufffd') ? latin1(bytes) : text;
}

/** `hex:` or `hex(TYPE):` and bytes, in lines of at most 80 columns; `head` stands before it on the first line. */
export function writeHex(head: string, type: number, binary: number, data: Uint8Array, newline: string): string {
  let text = `${head}${type === binary ? 'hex:' : `hex(${type.toString(16)}):`}`;
  let column = text.length;
  data.forEach((byte, at) => {
    const last = at === data.length - 1;
    text += byte.toString(16).padStart(2, '0') + (last ? '' : ',');
    column += 3;
    if (last || column <= 76) return;
    text += `\\${newline}  `;
    column = 2;
  });
  return text;
}

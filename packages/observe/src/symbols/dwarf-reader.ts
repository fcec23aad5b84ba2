// SPDX-License-Identifier: Apache-2.0
// Numbers and attribute forms as DWARF writes them (DWARF 5, 7.5.6, 7.6), of 32-bit DWARF in 32-bit little-endian files.

import { ByteReader, latin1, PlinthError, stringAt } from '@plinth/core';

const FORM = {
  block: 0x09,
  data1: 0x0b,
  data2: 0x05,
  data4: 0x06,
  data8: 0x07,
  data16: 0x1e,
  string: 0x08,
  strp: 0x0e,
  lineStrp: 0x1f,
  udata: 0x0f,
} as const;

/** Where the forms that are offsets point to. */
export interface DwarfStrings {
  readonly debugStr: Uint8Array;
  readonly debugLineStr: Uint8Array;
}

export class DwarfReader extends ByteReader {
  readonly #name: string;
  /** What strings may still take, all together: several forms may point to one long string. */
  #room: number = 64 * 1024 * 1024;

  constructor(bytes: Uint8Array, what: string) {
    super(bytes, what);
    this.#name = what;
  }

  fail(why: string): never {
    const message = `${this.#name}: at byte ${this.offset}: ${why}: the file is damaged`;
    throw new PlinthError('input', 'dwarf-malformed', message);
  }

  /** An unsigned LEB128 number; what does not fit in 53 bits is an error. */
  uleb(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (!Number.isSafeInteger(value)) this.fail('a number of more than 53 bits');
      if (byte < 0x80) return value;
      if (scale > 2 ** 56) this.fail('a number without an end');
    }
  }

  /** A signed LEB128 number, as `uleb`. */
  sleb(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (!Number.isSafeInteger(value)) this.fail('a number of more than 53 bits');
      if (byte < 0x80) return (byte & 0x40) === 0 ? value : value - scale * 128;
      if (scale > 2 ** 56) this.fail('a number without an end');
    }
  }

  /** Length of a unit (7.4), which lies in these bytes. */
  unitLength(): number {
    const length = this.u32();
    if (length >= 0xffff_fff0) this.fail('64-bit DWARF, which 32-bit ARM has no use for');
    if (length > this.remaining) this.fail(`a unit of ${length} bytes, of which ${this.remaining} are there`);
    return length;
  }

  text(): string {
    const end = this.bytes.indexOf(0, this.offset);
    if (end < 0) this.fail('a text without an end');
    const text = latin1(this.take(end - this.offset));
    this.offset++;
    return this.#count(text);
  }

  #count(text: string): string {
    this.#room -= text.length;
    if (this.#room < 0) this.fail('more than 64 MB of names');
    return text;
  }

  /** The value of a form that entries of file tables may have (6.2.4.1); blocks and large numbers are passed over. */
  entry(form: number, strings: DwarfStrings): string | number | undefined {
    switch (form) {
      case FORM.string:
        return this.text();
      case FORM.strp:
        return this.#count(stringAt(strings.debugStr, this.u32()));
      case FORM.lineStrp:
        return this.#count(stringAt(strings.debugLineStr, this.u32()));
      case FORM.data1:
        return this.u8();
      case FORM.data2:
        return this.u16();
      case FORM.data4:
        return this.u32();
      case FORM.udata:
        return this.uleb();
      case FORM.data8:
        this.take(8);
        return undefined;
      case FORM.data16:
        this.take(16);
        return undefined;
      case FORM.block:
        this.take(this.uleb());
        return undefined;
      default:
        return this.fail(`form 0x${form.toString(16)} in a table of files`);
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// BPF Type Format (Documentation/bpf/btf.rst): the list of types behind a header, read and written. What types mean is for
// those who use them: how maps are defined in an object file, or where members of a kernel's structures lie.

import { ByteReader, PlinthError, utf8 } from '@plinth/core';

const MAGIC = 0xeb9f;
const HEADER_SIZE = 24;

export const BTF_KIND = {
  int: 1,
  pointer: 2,
  array: 3,
  struct: 4,
  union: 5,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  variable: 14,
  dataSection: 15,
  typeTag: 18,
} as const;

/** Bytes behind a type: so many, and so many for each of its members. */
const EXTRA: Readonly<Record<number, readonly [number, number]>> = {
  1: [4, 0], // INT
  2: [0, 0], // PTR
  3: [12, 0], // ARRAY
  4: [0, 12], // STRUCT
  5: [0, 12], // UNION
  6: [0, 8], // ENUM
  7: [0, 0], // FWD
  8: [0, 0], // TYPEDEF
  9: [0, 0], // VOLATILE
  10: [0, 0], // CONST
  11: [0, 0], // RESTRICT
  12: [0, 0], // FUNC
  13: [0, 8], // FUNC_PROTO
  14: [4, 0], // VAR
  15: [0, 12], // DATASEC
  16: [0, 0], // FLOAT
  17: [4, 0], // DECL_TAG
  18: [0, 0], // TYPE_TAG
  19: [0, 12], // ENUM64
};

export interface BtfType {
  readonly kind: number;
  /** Where its name lies in the strings. */
  readonly name: number;
  /** Size in bytes, or the type that it is of. */
  readonly value: number;
  readonly flag: boolean;
  /** Members. */
  readonly count: number;
  /** Where what follows it begins, for `reader`. */
  readonly at: number;
}

export interface BtfTypes {
  /** By number; type 0 is void. */
  readonly types: readonly BtfType[];
  readonly strings: Uint8Array;
  readonly reader: ByteReader;
}

/**
 * @param bytes from the magic number on; what follows is not looked at
 * @throws PlinthError for what is no BTF of version 1, and for damage
 */
export function readBtf(bytes: Uint8Array, what: string): BtfTypes {
  const damaged = (why: string): PlinthError =>
    new PlinthError('input', 'btf', `${what}: ${why}: it is damaged, or no BTF`.replace(/\p{Cc}/gu, '?'));
  const reader = new ByteReader(bytes, what);
  if (reader.u16() !== MAGIC || reader.u8() !== 1) throw damaged('it does not begin as BTF of version 1 does');
  const headerSize = reader.seek(4).u32();
  const typesAt = reader.u32();
  const typesSize = reader.u32();
  const stringsAt = reader.u32();
  const stringsSize = reader.u32();
  if (headerSize < HEADER_SIZE || headerSize > 256) throw damaged(`a header of ${headerSize} bytes`);
  const strings = reader.seek(headerSize + stringsAt).take(stringsSize);
  reader.seek(headerSize + typesAt).take(typesSize);
  reader.seek(headerSize + typesAt);
  const end = reader.offset + typesSize;
  const types: BtfType[] = [{ kind: 0, name: 0, value: 0, flag: false, count: 0, at: 0 }];
  while (reader.offset < end) {
    const name = reader.u32();
    const info = reader.u32();
    const value = reader.u32();
    const kind = (info >>> 24) & 31;
    const extra = EXTRA[kind];
    if (extra === undefined) throw damaged(`type ${types.length} is of kind ${kind}`);
    const count = info & 0xffff;
    types.push({ kind, name, value, flag: info >>> 31 !== 0, count, at: reader.offset });
    reader.take(extra[0] + extra[1] * count);
  }
  return { types, strings, reader };
}

/** The header's size as a kernel has it: by it BTF is found in an image. */
export const BTF_BEGIN: readonly number[] = [0x9f, 0xeb, 1, 0, HEADER_SIZE, 0, 0, 0];

/** Collects types; each method gives the number of the new one. */
export class BtfWriter {
  readonly #types: number[] = [];
  readonly #strings: number[] = [0];
  readonly #known = new Map<string, number>();
  #count = 0;

  #name(text: string): number {
    if (text === '') return 0;
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const at = this.#strings.length;
    this.#strings.push(...utf8(text), 0);
    this.#known.set(text, at);
    return at;
  }

  #add(kind: number, name: string, count: number, value: number, rest: readonly number[]): number {
    this.#types.push(this.#name(name), ((kind << 24) | count) >>> 0, value, ...rest);
    return ++this.#count;
  }

  /** `encoding`: 1 signed, 2 character. */
  int(name: string, bytes: number, encoding: number): number {
    return this.#add(BTF_KIND.int, name, 0, bytes, [((encoding << 24) | (bytes * 8)) >>> 0]);
  }

  pointer(to: number): number {
    return this.#add(BTF_KIND.pointer, '', 0, to, []);
  }

  array(of: number, index: number, count: number): number {
    return this.#add(BTF_KIND.array, '', 0, 0, [of, index, count]);
  }

  struct(name: string, size: number, members: readonly { name: string; type: number; offset: number }[]): number {
    const rest = members.flatMap((member) => [this.#name(member.name), member.type, member.offset * 8]);
    return this.#add(BTF_KIND.struct, name, members.length, size, rest);
  }

  /** A global variable. */
  variable(name: string, type: number): number {
    return this.#add(BTF_KIND.variable, name, 0, type, [1]);
  }

  dataSection(
    name: string,
    size: number,
    variables: readonly { type: number; offset: number; size: number }[],
  ): number {
    const rest = variables.flatMap((variable) => [variable.type, variable.offset, variable.size]);
    return this.#add(BTF_KIND.dataSection, name, variables.length, size, rest);
  }

  finish(): Uint8Array {
    const typesSize = this.#types.length * 4;
    const bytes = new Uint8Array(HEADER_SIZE + typesSize + this.#strings.length);
    const view = new DataView(bytes.buffer);
    bytes.set(BTF_BEGIN);
    [0, typesSize, typesSize, this.#strings.length].forEach((value, n) => view.setUint32(8 + 4 * n, value, true));
    this.#types.forEach((value, n) => view.setUint32(HEADER_SIZE + 4 * n, value, true));
    bytes.set(this.#strings, HEADER_SIZE + typesSize);
    return bytes;
  }
}

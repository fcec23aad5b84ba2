// SPDX-License-Identifier: Apache-2.0
// BPF Type Format (Documentation/bpf/btf.rst), the types of a kernel that is built with CONFIG_DEBUG_INFO_BTF: where members
// of structures lie. Bit fields that do not begin at a byte are not looked for.

import { ByteReader, PlinthError } from '@plinth/core';
import { stringAt } from '../symbols/elf-sections.js';

const MAGIC = 0xeb9f;
const HEADER_SIZE = 24;
const KIND = { array: 3, struct: 4, union: 5, typedef: 8, volatile: 9, const: 10, restrict: 11, typeTag: 18 } as const;
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
const QUALIFIERS: ReadonlySet<number> = new Set([KIND.typedef, KIND.volatile, KIND.const, KIND.restrict, KIND.typeTag]);
/** Looked at for one place: unnamed structures within each other could make them any number. */
const MAX_MEMBERS = 100_000;
/** Of types within types: deeper only goes what goes in circles. */
const MAX_DEPTH = 32;

interface BtfType {
  readonly kind: number;
  readonly name: number;
  /** Size in bytes, or the type that it is of. */
  readonly value: number;
  readonly flag: boolean;
  readonly count: number;
  /** Where what follows it begins. */
  readonly at: number;
}

export class Btf {
  readonly #types: readonly BtfType[];
  readonly #strings: Uint8Array;
  readonly #reader: ByteReader;
  /** Members that may still be looked at. */
  #left: number = 0;
  readonly #structures: ReadonlyMap<string, BtfType>;

  /**
   * @param bytes from the magic number on; what follows is not looked at
   * @throws PlinthError for what is no BTF of version 1, and for damage
   */
  constructor(bytes: Uint8Array, what: string) {
    const reader = new ByteReader(bytes, what);
    if (reader.u16() !== MAGIC || reader.u8() !== 1) throw damaged(what, 'it does not begin as BTF of version 1 does');
    const headerSize = reader.seek(4).u32();
    const typesAt = reader.u32();
    const typesSize = reader.u32();
    const stringsAt = reader.u32();
    const stringsSize = reader.u32();
    if (headerSize < HEADER_SIZE || headerSize > 256) throw damaged(what, `a header of ${headerSize} bytes`);
    this.#strings = reader.seek(headerSize + stringsAt).take(stringsSize);
    reader.seek(headerSize + typesAt).take(typesSize);
    reader.seek(headerSize + typesAt);
    const end = reader.offset + typesSize;
    // Type 0 is void.
    const types: BtfType[] = [{ kind: 0, name: 0, value: 0, flag: false, count: 0, at: 0 }];
    const structures = new Map<string, BtfType>();
    while (reader.offset < end) {
      const name = reader.u32();
      const info = reader.u32();
      const value = reader.u32();
      const kind = (info >>> 24) & 31;
      const extra = EXTRA[kind];
      if (extra === undefined) throw damaged(what, `type ${types.length} is of kind ${kind}`);
      const count = info & 0xffff;
      const type = { kind, name, value, flag: info >>> 31 !== 0, count, at: reader.offset };
      reader.take(extra[0] + extra[1] * count);
      types.push(type);
      if (kind === KIND.struct && name !== 0) {
        const text = stringAt(this.#strings, name);
        if (!structures.has(text)) structures.set(text, type);
      }
    }
    this.#types = types;
    this.#structures = structures;
    this.#reader = reader;
  }

  /**
   * Bytes from the beginning of a structure to a member: `d_name.len` of `dentry`, also through unnamed structures; of an
   * array its first element is meant.
   */
  offset(structure: string, path: string): number | undefined {
    let type: BtfType | undefined = this.#structures.get(structure);
    let offset = 0;
    this.#left = MAX_MEMBERS;
    for (const name of path.split('.')) {
      const member = type === undefined ? undefined : this.#member(this.#plain(type), name, 0);
      if (member === undefined) return undefined;
      offset += member.offset;
      type = this.#types[member.type];
    }
    return offset;
  }

  /** Without what only qualifies it; an array is its element. */
  #plain(type: BtfType): BtfType {
    let plain = type;
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      const next = QUALIFIERS.has(plain.kind)
        ? plain.value
        : plain.kind === KIND.array
          ? this.#elementOf(plain)
          : undefined;
      const inner: BtfType | undefined = next === undefined ? undefined : this.#types[next];
      if (inner === undefined) return plain;
      plain = inner;
    }
    return plain;
  }

  #elementOf({ at }: BtfType): number {
    return this.#reader.seek(at).u32();
  }

  #member(type: BtfType, name: string, depth: number): { readonly offset: number; readonly type: number } | undefined {
    if ((type.kind !== KIND.struct && type.kind !== KIND.union) || depth > MAX_DEPTH) return undefined;
    for (let n = 0; n < type.count && this.#left-- > 0; n++) {
      const nameAt = this.#reader.seek(type.at + 12 * n).u32();
      const of = this.#reader.u32();
      const place = this.#reader.u32();
      // With the flag the upper byte is the size of a bit field.
      const bits = type.flag ? place & 0xff_ffff : place;
      if (bits % 8 !== 0) continue;
      if (nameAt === 0) {
        const inner = this.#types[of];
        const found = inner === undefined ? undefined : this.#member(this.#plain(inner), name, depth + 1);
        if (found !== undefined) return { offset: bits / 8 + found.offset, type: found.type };
      } else if (stringAt(this.#strings, nameAt) === name) return { offset: bits / 8, type: of };
    }
    return undefined;
  }
}

function damaged(what: string, why: string): PlinthError {
  return new PlinthError('input', 'btf', `${what}: ${why}: it is damaged, or no BTF`);
}

/** BTF somewhere in bytes, as in a kernel's image; undefined if there is none that is whole. */
export function findBtf(image: Uint8Array, what: string): Btf | undefined {
  // The magic number, version 1, no flags, and the size of the header.
  const begin = [0x9f, 0xeb, 1, 0, HEADER_SIZE, 0, 0, 0];
  for (let at = -1; (at = image.indexOf(begin[0]!, at + 1)) >= 0;) {
    if (!begin.every((byte, n) => image[at + n] === byte)) continue;
    try {
      const btf = new Btf(image.subarray(at), what);
      // Those of modules, and what a guest has on its own, have no task_struct.
      if (btf.offset('task_struct', 'comm') !== undefined) return btf;
    } catch (error) {
      if (!(error instanceof PlinthError)) throw error;
    }
  }
  return undefined;
}

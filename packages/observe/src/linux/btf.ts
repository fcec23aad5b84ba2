// SPDX-License-Identifier: Apache-2.0
// BPF Type Format (Documentation/bpf/btf.rst), the types of a kernel that is built with CONFIG_DEBUG_INFO_BTF: where members
// of structures lie. Bit fields that do not begin at a byte are not looked for.

import { type ByteReader, PlinthError, stringAt } from '@plinth/core';
import { BTF_BEGIN, BTF_KIND as KIND, type BtfType, readBtf } from '@plinth/ebpf';

const QUALIFIERS: ReadonlySet<number> = new Set([KIND.typedef, KIND.volatile, KIND.const, KIND.restrict, KIND.typeTag]);
/** Looked at for one place: unnamed structures within each other could make them any number. */
const MAX_MEMBERS = 100_000;
/** Of types within types: deeper only goes what goes in circles. */
const MAX_DEPTH = 32;

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
    const { types, strings, reader } = readBtf(bytes, what);
    const structures = new Map<string, BtfType>();
    for (const type of types) {
      if (type.kind !== KIND.struct || type.name === 0) continue;
      const name = stringAt(strings, type.name);
      if (!structures.has(name)) structures.set(name, type);
    }
    this.#types = types;
    this.#strings = strings;
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

/** BTF somewhere in bytes, as in a kernel's image; undefined if there is none that is whole. */
export function findBtf(image: Uint8Array, what: string): Btf | undefined {
  for (let at = -1; (at = image.indexOf(BTF_BEGIN[0]!, at + 1)) >= 0;) {
    if (!BTF_BEGIN.every((byte, n) => image[at + n] === byte)) continue;
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

// SPDX-License-Identifier: Apache-2.0
// A key of a hive: an `nk` cell, read when it is asked. Lists of subkeys may be lf, lh, li, or ri of these.

import {
  BASE_BLOCK_SIZE,
  FLAG_COMPRESSED_NAME,
  FLAG_PREDEFINED_HANDLE,
  HIVE_LAYERED,
  hiveError,
  LAYER_DELETED,
  LAYER_SUPERSEDE_LOCAL,
  LAYER_SUPERSEDE_TREE,
  NODE,
  NOWHERE,
  OWN_FLAGS,
  RESIDENT,
  SEGMENT_SIZE,
  signature,
  VALUE,
  VALUE_COMPRESSED_NAME,
  VALUE_DELETED,
} from './hive-format.js';
import type { Hive } from './hive.js';
import type { LayerMark, RegistryKey, RegistryValue } from './key.js';
import { decodeLatin1, decodeUtf16, DEEPEST_KEY, foldName, nameHash } from './names.js';

const NK = signature('nk');
const VK = signature('vk');
const LF = signature('lf');
const LH = signature('lh');
const LI = signature('li');
const RI = signature('ri');
const DB = signature('db');

export class HiveKey implements RegistryKey {
  readonly name: string;
  readonly #hive: Hive;
  /** Where the data of the cell begin in the file. */
  readonly #at: number;
  readonly #depth: number;

  private constructor(hive: Hive, at: number, depth: number, name: string) {
    this.#hive = hive;
    this.#at = at;
    this.#depth = depth;
    this.name = name;
  }

  /** `reference` is the place in the file that names the cell. */
  static at(hive: Hive, offset: number, reference: number, depth: number): HiveKey {
    if (depth > DEEPEST_KEY) throw hiveError(hive.what, reference, `keys more than ${DEEPEST_KEY} deep`);
    const { begin, end } = hive.cell(offset, reference, NODE.name);
    const { view } = hive;
    if (view.getUint16(begin, true) !== NK) throw hiveError(hive.what, begin, 'no key is here');
    const length = view.getUint16(begin + NODE.nameLength, true);
    const from = begin + NODE.name;
    if (from + length > end) throw hiveError(hive.what, begin + NODE.nameLength, `a name of ${length} bytes`);
    const compressed = (view.getUint16(begin + NODE.flags, true) & FLAG_COMPRESSED_NAME) !== 0;
    const name = compressed
      ? decodeLatin1(hive.bytes, from, from + length)
      : decodeUtf16(hive.bytes.subarray(from, from + length));
    if (depth > 0 && (name === '' || name.includes('\\'))) {
      throw hiveError(hive.what, from, 'a name that is empty or holds a backslash');
    }
    return new HiveKey(hive, begin, depth, name);
  }

  #u32(field: number): number {
    return this.#hive.view.getUint32(this.#at + field, true);
  }

  get lastWritten(): bigint {
    return this.#hive.view.getBigUint64(this.#at + NODE.lastWritten, true);
  }

  get flags(): number {
    return this.#hive.view.getUint16(this.#at + NODE.flags, true) & ~OWN_FLAGS;
  }

  get controlFlags(): number {
    return this.#hive.view.getUint16(this.#at + NODE.controlFlags, true);
  }

  get className(): string | undefined {
    const length = this.#hive.view.getUint16(this.#at + NODE.classNameLength, true);
    const offset = this.#u32(NODE.className);
    if (length === 0 || offset === NOWHERE) return undefined;
    const { begin } = this.#hive.cell(offset, this.#at + NODE.className, length);
    return decodeUtf16(this.#hive.bytes.subarray(begin, begin + length));
  }

  get security(): Uint8Array | undefined {
    return this.#hive.securityAt(this.#u32(NODE.security), this.#at + NODE.security);
  }

  get mark(): LayerMark {
    const semantics = this.#hive.view.getUint8(this.#at + NODE.layer) & 3;
    // Where the hive does not say that it has layers, the byte is part of a reserved word.
    if (semantics === 0 || (this.#hive.base.flags & HIVE_LAYERED) === 0) return 'merged';
    if (semantics === LAYER_DELETED) return 'deleted';
    if (semantics === LAYER_SUPERSEDE_TREE) return 'opaque';
    const local = `the layer mark ${LAYER_SUPERSEDE_LOCAL} (supersede local), which is not supported`;
    throw hiveError(this.#hive.what, this.#at + NODE.layer, local);
  }

  keys(): readonly HiveKey[] {
    const keys: HiveKey[] = [];
    this.#eachReference(undefined, (reference) => void keys.push(this.#child(reference)));
    return keys;
  }

  key(name: string): HiveKey | undefined {
    const folded = foldName(name);
    let found: HiveKey | undefined;
    this.#eachReference(nameHash(folded), (reference) => {
      if (found !== undefined) return;
      const child = this.#child(reference);
      if (foldName(child.name) === folded) found = child;
    });
    return found;
  }

  #child(reference: number): HiveKey {
    return HiveKey.at(this.#hive, this.#hive.view.getUint32(reference, true), reference, this.#depth + 1);
  }

  /** Places in the file that name subkeys; with a hash only those that may have it. */
  #eachReference(hash: number | undefined, visit: (reference: number) => void): void {
    const count = this.#u32(NODE.keyCount);
    const offset = this.#u32(NODE.keyList);
    if (count === 0 || offset === NOWHERE) return;
    const found = this.#eachOfList(offset, this.#at + NODE.keyList, hash, visit, true);
    if (found !== count) {
      throw hiveError(this.#hive.what, this.#at + NODE.keyCount, `${count} subkeys, and the list names ${found}`);
    }
  }

  #eachOfList(
    offset: number,
    reference: number,
    hash: number | undefined,
    visit: (reference: number) => void,
    outer: boolean,
  ): number {
    const { view, what } = this.#hive;
    const { begin, end } = this.#hive.cell(offset, reference, 4);
    const kind = view.getUint16(begin, true);
    const count = view.getUint16(begin + 2, true);
    const step = kind === LF || kind === LH ? 8 : 4;
    if (begin + 4 + count * step > end) throw hiveError(what, begin + 2, `a list of ${count} entries in a small cell`);
    if (kind === RI && outer) {
      let found = 0;
      for (let at = begin + 4; at < begin + 4 + 4 * count; at += 4) {
        found += this.#eachOfList(view.getUint32(at, true), at, hash, visit, false);
      }
      return found;
    }
    if (kind !== LF && kind !== LH && kind !== LI) throw hiveError(what, begin, 'no list of subkeys is here');
    for (let at = begin + 4; at < begin + 4 + step * count; at += step) {
      if (hash !== undefined && kind === LH && view.getUint32(at + 4, true) !== hash) continue;
      visit(at);
    }
    return count;
  }

  values(): readonly RegistryValue[] {
    return this.#valueReferences().map((reference) => {
      const begin = this.#valueAt(reference);
      return this.#value(begin, this.#valueName(begin));
    });
  }

  value(name: string): RegistryValue | undefined {
    const folded = foldName(name);
    for (const reference of this.#valueReferences()) {
      const begin = this.#valueAt(reference);
      const found = this.#valueName(begin);
      if (found.length === name.length && foldName(found) === folded) return this.#value(begin, found);
    }
    return undefined;
  }

  /** Places in the file that name values. */
  #valueReferences(): number[] {
    // The count is a handle there.
    if ((this.#hive.view.getUint16(this.#at + NODE.flags, true) & FLAG_PREDEFINED_HANDLE) !== 0) return [];
    const count = this.#u32(NODE.valueCount);
    const offset = this.#u32(NODE.valueList);
    if (count === 0 || offset === NOWHERE) return [];
    const { begin } = this.#hive.cell(offset, this.#at + NODE.valueList, 4 * count);
    return Array.from({ length: count }, (_, at) => begin + 4 * at);
  }

  /** Where the `vk` cell begins, which holds all of its name. */
  #valueAt(reference: number): number {
    const { view, what } = this.#hive;
    const { begin, end } = this.#hive.cell(view.getUint32(reference, true), reference, VALUE.name);
    if (view.getUint16(begin, true) !== VK) throw hiveError(what, begin, 'no value is here');
    const length = view.getUint16(begin + VALUE.nameLength, true);
    if (begin + VALUE.name + length > end) throw hiveError(what, begin + VALUE.nameLength, `a name of ${length} bytes`);
    return begin;
  }

  #valueName(value: number): string {
    const { view, bytes } = this.#hive;
    const from = value + VALUE.name;
    const to = from + view.getUint16(value + VALUE.nameLength, true);
    const compressed = (view.getUint16(value + VALUE.flags, true) & VALUE_COMPRESSED_NAME) !== 0;
    return compressed ? decodeLatin1(bytes, from, to) : decodeUtf16(bytes.subarray(from, to));
  }

  #value(value: number, name: string): RegistryValue {
    const { view } = this.#hive;
    const deleted = (view.getUint16(value + VALUE.flags, true) & VALUE_DELETED) !== 0;
    if (deleted) return { name, type: 0, data: new Uint8Array(0), deleted: true };
    return { name, type: view.getUint32(value + VALUE.type, true), data: this.#data(value) };
  }

  /** A view of the file where the data stand in one piece. */
  #data(value: number): Uint8Array {
    const { view, bytes, what, base } = this.#hive;
    const size = view.getUint32(value + VALUE.dataSize, true);
    const place = value + VALUE.data;
    if (size >= RESIDENT) {
      const length = size - RESIDENT;
      if (length > 4) throw hiveError(what, value + VALUE.dataSize, `${length} bytes of data in a word`);
      return bytes.subarray(place, place + length);
    }
    if (size === 0) return new Uint8Array(0);
    const offset = view.getUint32(place, true);
    if (size <= SEGMENT_SIZE || base.minor < 4) {
      const { begin } = this.#hive.cell(offset, place, size);
      return bytes.subarray(begin, begin + size);
    }
    const { begin, end } = this.#hive.cell(offset, place, 8);
    // Programs other than Windows write a large cell all the same; it is no big data if its length fits.
    if (view.getUint16(begin, true) !== DB || end - begin >= size) {
      if (end - begin < size) throw hiveError(what, place, `${size} bytes of data in a cell of ${end - begin}`);
      return bytes.subarray(begin, begin + size);
    }
    return this.#bigData(begin, size);
  }

  #bigData(begin: number, size: number): Uint8Array {
    const { view, bytes, what } = this.#hive;
    const count = view.getUint16(begin + 2, true);
    if (count !== Math.ceil(size / SEGMENT_SIZE) || BASE_BLOCK_SIZE + size > bytes.length) {
      throw hiveError(what, begin + 2, `${count} segments for ${size} bytes of data`);
    }
    const list = this.#hive.cell(view.getUint32(begin + 4, true), begin + 4, 4 * count).begin;
    const data = new Uint8Array(size);
    for (let n = 0; n < count; n++) {
      const place = list + 4 * n;
      const length = Math.min(SEGMENT_SIZE, size - n * SEGMENT_SIZE);
      const segment = this.#hive.cell(view.getUint32(place, true), place, length).begin;
      data.set(bytes.subarray(segment, segment + length), n * SEGMENT_SIZE);
    }
    return data;
  }
}

// SPDX-License-Identifier: Apache-2.0
// Writes a tree of keys as a regf hive: compact, with nothing in it that is not reached, and the same bytes for the same tree (order
// of values and all times included). Keys stand in the order of their names, as Windows wants lists to be; values in theirs.

import { latin1, PlinthError } from '@plinth/core';
import {
  BASE_BLOCK_SIZE,
  baseBlockChecksum,
  BIN_ALIGNMENT,
  BIN_HEADER_SIZE,
  CHECKSUM_AT,
  FLAG_COMPRESSED_NAME,
  FLAG_HIVE_ENTRY,
  FLAG_NO_DELETE,
  HIVE_LAYERED,
  LAYER_DELETED,
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
import type { RegistryKey, RegistryValue } from './key.js';
import {
  checkKeyName,
  checkValueName,
  compareFolded,
  DEEPEST_KEY,
  encodeUtf16,
  foldName,
  isCompressible,
  nameHash,
  shorten,
} from './names.js';
import { defaultSecurity } from './security.js';

export interface HiveWriteOptions {
  /** 3: for Windows NT 4 and 2000, without big data and hashes; 5 is what Windows since XP writes. A tree with marks of layers becomes 6. */
  readonly minor?: 3 | 5;
  /** FILETIME that the base block tells; by default that of the root. */
  readonly lastWritten?: bigint;
  /** What the base block tells as the file's name; the last 31 characters of it are kept. */
  readonly fileName?: string;
}

/** What a list may hold so that its cell fits into one page. */
const LONGEST_LIST = 507;
const LARGEST_CELL = 0x7fff_f000;

/** Throws a `PlinthError` of kind `input` for names and sizes that a hive cannot have. */
export function writeHive(root: RegistryKey, options: HiveWriteOptions = {}): Uint8Array {
  return new HiveWriter(options).write(root);
}

interface Subkey {
  readonly key: RegistryKey;
  readonly folded: string;
}

interface SecurityCell {
  readonly offset: number;
  count: number;
}

class HiveWriter {
  readonly #options: HiveWriteOptions;
  #bytes = new Uint8Array(64 * 1024);
  #view = new DataView(this.#bytes.buffer);
  /** End of the bins. */
  #end = 0;
  /** Where the next cell goes in the last bin. */
  #free = 0;
  readonly #security = new Map<string, SecurityCell>();
  /** The same by identity: nearly all keys have the descriptor of their parent. */
  readonly #knownSecurity = new Map<Uint8Array, SecurityCell>();
  #layered = false;

  constructor(options: HiveWriteOptions) {
    this.#options = options;
  }

  write(root: RegistryKey): Uint8Array {
    const rootCell = this.#key(root, NOWHERE, defaultSecurity(), 0);
    this.#closeBin();
    this.#linkSecurity();
    return this.#finish(root, rootCell);
  }

  get #minor(): number {
    return this.#options.minor ?? 5;
  }

  /** An allocated cell of zeros for `size` bytes; gives its offset. */
  #allocate(size: number): number {
    const length = (size + 4 + 7) & ~7;
    if (size > LARGEST_CELL) throw tooLarge(`${size} bytes in one piece`);
    if (this.#free + length > this.#end) {
      this.#closeBin();
      this.#openBin(length);
    }
    const offset = this.#free;
    this.#free += length;
    this.#view.setInt32(BASE_BLOCK_SIZE + offset, -length, true);
    return offset;
  }

  #closeBin(): void {
    const rest = this.#end - this.#free;
    if (rest > 0) this.#view.setInt32(BASE_BLOCK_SIZE + this.#free, rest, true);
  }

  #openBin(length: number): void {
    const begin = this.#end;
    const size = Math.ceil((length + BIN_HEADER_SIZE) / BIN_ALIGNMENT) * BIN_ALIGNMENT;
    const needed = BASE_BLOCK_SIZE + begin + size;
    if (needed > LARGEST_CELL) throw tooLarge('2 GiB');
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    const at = BASE_BLOCK_SIZE + begin;
    this.#view.setUint32(at, 0x6e_69_62_68, true);
    this.#view.setUint32(at + 4, begin, true);
    this.#view.setUint32(at + 8, size, true);
    this.#end = begin + size;
    this.#free = begin + BIN_HEADER_SIZE;
  }

  #u16(offset: number, field: number, value: number): void {
    this.#view.setUint16(BASE_BLOCK_SIZE + 4 + offset + field, value, true);
  }

  #u32(offset: number, field: number, value: number): void {
    this.#view.setUint32(BASE_BLOCK_SIZE + 4 + offset + field, value, true);
  }

  #copy(offset: number, field: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, BASE_BLOCK_SIZE + 4 + offset + field);
  }

  #data(bytes: Uint8Array): number {
    const offset = this.#allocate(bytes.length);
    this.#copy(offset, 0, bytes);
    return offset;
  }

  #key(key: RegistryKey, parent: number, inherited: Uint8Array, depth: number): number {
    if (depth > DEEPEST_KEY) throw tooLarge(`keys more than ${DEEPEST_KEY} deep`);
    if (depth > 0) checkKeyName(key.name);
    // Windows takes a root without a name for damage.
    const name = encodeName(depth === 0 && key.name === '' ? 'ROOT' : key.name);
    const cell = this.#allocate(NODE.name + name.bytes.length);
    const rootFlags = depth === 0 ? FLAG_HIVE_ENTRY | FLAG_NO_DELETE : 0;
    const nameFlag = name.compressed ? FLAG_COMPRESSED_NAME : 0;
    this.#u16(cell, 0, signature('nk'));
    this.#u16(cell, NODE.flags, (key.flags & ~OWN_FLAGS & 0xffff) | rootFlags | nameFlag);
    this.#view.setBigUint64(BASE_BLOCK_SIZE + 4 + cell + NODE.lastWritten, BigInt.asUintN(64, key.lastWritten), true);
    if (key.mark !== 'merged') {
      this.#layered = true;
      const semantics = key.mark === 'deleted' ? LAYER_DELETED : LAYER_SUPERSEDE_TREE;
      this.#view.setUint8(BASE_BLOCK_SIZE + 4 + cell + NODE.layer, semantics);
    }
    this.#u32(cell, NODE.parent, parent);
    this.#u32(cell, NODE.keyList, NOWHERE);
    this.#u32(cell, NODE.volatileList, NOWHERE);
    this.#u32(cell, NODE.valueList, NOWHERE);
    this.#u32(cell, NODE.className, NOWHERE);
    this.#u16(cell, NODE.controlFlags, key.controlFlags);
    this.#u16(cell, NODE.nameLength, name.bytes.length);
    this.#copy(cell, NODE.name, name.bytes);
    const security = key.security ?? inherited;
    this.#u32(cell, NODE.security, this.#securityCell(security));
    // A key that says that it is deleted has nothing else.
    if (key.mark === 'deleted') return cell;
    this.#className(cell, key.className);
    this.#values(cell, key.values());
    this.#keys(cell, key.keys(), security, depth);
    return cell;
  }

  #className(cell: number, className: string | undefined): void {
    if (className === undefined || className === '') return;
    const bytes = encodeUtf16(className);
    if (bytes.length > 0xffff) throw tooLarge(`a class name of ${className.length} characters`);
    this.#u32(cell, NODE.className, this.#data(bytes));
    this.#u16(cell, NODE.classNameLength, bytes.length);
  }

  #values(cell: number, values: readonly RegistryValue[]): void {
    if (values.length === 0) return;
    const list = this.#allocate(4 * values.length);
    this.#u32(cell, NODE.valueCount, values.length);
    this.#u32(cell, NODE.valueList, list);
    let [longest, largest] = [0, 0];
    values.forEach((value, n) => {
      this.#u32(list, 4 * n, this.#value(value));
      longest = Math.max(longest, 2 * value.name.length);
      largest = Math.max(largest, value.data.length);
    });
    this.#u32(cell, NODE.longestValueName, longest);
    this.#u32(cell, NODE.largestData, largest);
  }

  #value(value: RegistryValue): number {
    checkValueName(value.name);
    const name = encodeName(value.name);
    const cell = this.#allocate(VALUE.name + name.bytes.length);
    const { length } = value.data;
    this.#u16(cell, 0, signature('vk'));
    this.#u16(cell, VALUE.nameLength, name.bytes.length);
    this.#u16(cell, VALUE.flags, name.compressed ? VALUE_COMPRESSED_NAME : 0);
    this.#copy(cell, VALUE.name, name.bytes);
    if (value.deleted === true) {
      this.#layered = true;
      this.#u16(cell, VALUE.flags, (name.compressed ? VALUE_COMPRESSED_NAME : 0) | VALUE_DELETED);
      this.#u32(cell, VALUE.data, NOWHERE);
      return cell;
    }
    this.#u32(cell, VALUE.type, value.type);
    if (length <= 4) {
      this.#u32(cell, VALUE.dataSize, (length | RESIDENT) >>> 0);
      this.#copy(cell, VALUE.data, value.data);
      return cell;
    }
    this.#u32(cell, VALUE.dataSize, length);
    const big = length > SEGMENT_SIZE && this.#minor > 3;
    this.#u32(cell, VALUE.data, big ? this.#bigData(value.data) : this.#data(value.data));
    return cell;
  }

  #bigData(data: Uint8Array): number {
    const count = Math.ceil(data.length / SEGMENT_SIZE);
    if (count > 0xffff) throw tooLarge(`a value of ${data.length} bytes`);
    const cell = this.#allocate(8);
    const list = this.#allocate(4 * count);
    this.#u16(cell, 0, signature('db'));
    this.#u16(cell, 2, count);
    this.#u32(cell, 4, list);
    for (let n = 0; n < count; n++) {
      // Segments but the last have the full size, and Windows gives each a cell of just that.
      const segment = this.#data(data.subarray(n * SEGMENT_SIZE, (n + 1) * SEGMENT_SIZE));
      this.#u32(list, 4 * n, segment);
    }
    return cell;
  }

  #keys(cell: number, keys: readonly RegistryKey[], security: Uint8Array, depth: number): void {
    if (keys.length === 0) return;
    const sorted = keys
      .map((key): Subkey => ({ key, folded: foldName(key.name) }))
      .toSorted((a, b) => compareFolded(a.folded, b.folded));
    let [longest, longestClass] = [0, 0];
    const entries = sorted.map((subkey, n) => {
      if (n > 0 && sorted[n - 1]!.folded === subkey.folded) {
        const text = `registry: two subkeys of one key are named ${shorten(subkey.key.name)}; a hive can hold one`;
        throw new PlinthError('input', 'registry-name', text);
      }
      longest = Math.max(longest, 2 * subkey.key.name.length);
      longestClass = Math.max(longestClass, 2 * (subkey.key.className?.length ?? 0));
      return { ...subkey, offset: this.#key(subkey.key, cell, security, depth + 1) };
    });
    this.#u32(cell, NODE.keyCount, entries.length);
    this.#u16(cell, NODE.longestKeyName, longest);
    this.#u32(cell, NODE.longestClassName, longestClass);
    const leaves: number[] = [];
    for (let from = 0; from < entries.length; from += LONGEST_LIST) {
      const some = entries.slice(from, from + LONGEST_LIST);
      const leaf = this.#allocate(4 + 8 * some.length);
      this.#u16(leaf, 0, signature(this.#minor < 5 ? 'lf' : 'lh'));
      this.#u16(leaf, 2, some.length);
      some.forEach(({ key, folded, offset }, n) => {
        this.#u32(leaf, 4 + 8 * n, offset);
        this.#u32(leaf, 8 + 8 * n, this.#minor < 5 ? nameHint(key.name) : nameHash(folded));
      });
      leaves.push(leaf);
    }
    this.#u32(cell, NODE.keyList, leaves.length === 1 ? leaves[0]! : this.#indexRoot(leaves));
  }

  #indexRoot(leaves: readonly number[]): number {
    if (leaves.length > 0xffff) throw tooLarge('more than 33 million subkeys of one key');
    const index = this.#allocate(4 + 4 * leaves.length);
    this.#u16(index, 0, signature('ri'));
    this.#u16(index, 2, leaves.length);
    leaves.forEach((leaf, n) => this.#u32(index, 4 + 4 * n, leaf));
    return index;
  }

  #securityCell(descriptor: Uint8Array): number {
    let known = this.#knownSecurity.get(descriptor);
    const content = known === undefined ? latin1(descriptor) : '';
    known ??= this.#security.get(content);
    if (known === undefined) {
      const offset = this.#allocate(20 + descriptor.length);
      this.#u16(offset, 0, signature('sk'));
      this.#u32(offset, 16, descriptor.length);
      this.#copy(offset, 20, descriptor);
      known = { offset, count: 0 };
      this.#security.set(content, known);
    }
    this.#knownSecurity.set(descriptor, known);
    known.count++;
    return known.offset;
  }

  /** All descriptors form one ring. */
  #linkSecurity(): void {
    const cells = [...this.#security.values()];
    cells.forEach(({ offset, count }, n) => {
      this.#u32(offset, 4, cells[(n + 1) % cells.length]!.offset);
      this.#u32(offset, 8, cells[(n + cells.length - 1) % cells.length]!.offset);
      this.#u32(offset, 12, count);
    });
  }

  #finish(root: RegistryKey, rootCell: number): Uint8Array {
    const bytes = this.#bytes.slice(0, BASE_BLOCK_SIZE + this.#end);
    const view = new DataView(bytes.buffer);
    const time = BigInt.asUintN(64, this.#options.lastWritten ?? root.lastWritten);
    view.setUint32(0, 0x66_67_65_72, true);
    view.setUint32(4, 1, true);
    view.setUint32(8, 1, true);
    view.setBigUint64(12, time, true);
    view.setUint32(20, 1, true);
    view.setUint32(24, this.#layered && this.#minor === 5 ? 6 : this.#minor, true);
    view.setUint32(32, 1, true);
    view.setUint32(36, rootCell, true);
    view.setUint32(40, this.#end, true);
    view.setUint32(44, 1, true);
    bytes.set(encodeUtf16((this.#options.fileName ?? '').slice(-31)), 48);
    if (this.#layered) view.setUint32(144, HIVE_LAYERED, true);
    view.setUint32(CHECKSUM_AT, baseBlockChecksum(bytes), true);
    // Beside the size of the first bin: the time that recovery compares when the base block is lost.
    view.setBigUint64(BASE_BLOCK_SIZE + 20, time, true);
    return bytes;
  }
}

function encodeName(name: string): { readonly bytes: Uint8Array; readonly compressed: boolean } {
  const compressed = isCompressible(name);
  if (!compressed) return { bytes: encodeUtf16(name), compressed };
  const bytes = new Uint8Array(name.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = name.charCodeAt(at);
  return { bytes, compressed };
}

/** The first four characters, as `lf` lists hold them. */
function nameHint(name: string): number {
  const first = name.slice(0, 4);
  if (!isCompressible(first)) return 0;
  let hint = 0;
  for (let at = 0; at < first.length; at++) hint |= first.charCodeAt(at) << (8 * at);
  return hint >>> 0;
}

function tooLarge(what: string): PlinthError {
  return new PlinthError(
    'input',
    'hive-size',
    `registry: a hive cannot hold ${what}: store less in one key or one hive`,
  );
}

// SPDX-License-Identifier: Apache-2.0
// Reads a regf hive, key by key as they are asked for. Opening looks at the base block and the heads of the bins; a bin's cells are
// walked when one of them is first used. Every cell may be referred to from one place only (security descriptors apart), so what is
// reachable is a tree, however hostile the file, and a walk over all of it takes time that is linear in its size.

import { PlinthError } from '@plinth/core';
import {
  BASE_BLOCK_SIZE,
  BIN_ALIGNMENT,
  BIN_HEADER_SIZE,
  type BaseBlock,
  hiveError,
  NOWHERE,
  readBaseBlock,
  signature,
} from './hive-format.js';
import { HiveKey } from './hive-key.js';

export interface HiveOptions {
  /** Names the hive in messages. */
  readonly name?: string;
}

const ALLOCATED = 1;
const FREE = 2;

/** A hive that needs no recovery; see `recoverHive` for one that does. The bytes are not copied and must not change. */
export class Hive {
  readonly base: BaseBlock;
  /** Names the hive in messages. */
  readonly what: string;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** For each bin's first 4 KiB page: its size; 0 for the pages that follow in it. */
  readonly #bins: Uint32Array;
  /** For each multiple of 8: whether a cell begins there, and of which kind; filled bin by bin. */
  readonly #cells: Uint8Array;
  readonly #walked: Uint8Array;
  /** For each multiple of 8: the place in the file, plus one, that refers to the cell which begins there. */
  readonly #references: Uint32Array;
  readonly #end: number;
  readonly #security = new Map<number, Uint8Array | undefined>();
  #root: HiveKey | undefined;

  constructor(bytes: Uint8Array, options: HiveOptions = {}) {
    const what = options.name ?? 'hive';
    this.what = what;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const base = readBaseBlock(bytes);
    if (base === undefined || bytes.length < BASE_BLOCK_SIZE || base.fileType !== 0) {
      const text = `${what}: it is no registry hive: it does not begin with a base block of regf 1.3 to 1.6; name a file such as NTUSER.DAT`;
      throw new PlinthError('input', 'hive-format', text);
    }
    if (!base.checksumHolds || base.primarySequence !== base.secondarySequence) {
      const text = `${what}: the hive was not closed: its changes are in its logs; recover it with its .LOG, .LOG1 and .LOG2 files`;
      throw new PlinthError('input', 'hive-dirty', text);
    }
    this.base = base;
    const size = base.binsSize;
    if (size === 0 || size % BIN_ALIGNMENT !== 0 || BASE_BLOCK_SIZE + size > bytes.length) {
      throw hiveError(what, 40, `its bins have ${size} bytes, and the file has ${bytes.length}`);
    }
    this.#end = size;
    this.#bins = this.#readBins();
    this.#walked = new Uint8Array(size / BIN_ALIGNMENT);
    this.#cells = new Uint8Array(size / 8);
    this.#references = new Uint32Array(size / 8);
  }

  get root(): HiveKey {
    this.#root ??= HiveKey.at(this, this.base.rootCell, 36, 0);
    return this.#root;
  }

  #readBins(): Uint32Array {
    const bins = new Uint32Array(this.#end / BIN_ALIGNMENT);
    for (let offset = 0; offset < this.#end;) {
      const at = BASE_BLOCK_SIZE + offset;
      const size = this.view.getUint32(at + 8, true);
      if (this.view.getUint32(at, true) !== 0x6e_69_62_68) throw hiveError(this.what, at, 'no bin begins here');
      if (this.view.getUint32(at + 4, true) !== offset) throw hiveError(this.what, at + 4, 'a bin tells another place');
      if (size === 0 || size % BIN_ALIGNMENT !== 0 || offset + size > this.#end) {
        throw hiveError(this.what, at + 8, `a bin of ${size} bytes`);
      }
      bins[offset / BIN_ALIGNMENT] = size;
      offset += size;
    }
    return bins;
  }

  /**
   * Where the data of an allocated cell begin and end in the file. `reference` is the place in the file that names the cell; a
   * second place that does is an error.
   */
  cell(offset: number, reference: number, atLeast: number): { readonly begin: number; readonly end: number } {
    const span = this.sharedCell(offset, reference, atLeast);
    const known = this.#references[offset / 8]!;
    if (known !== 0 && known !== reference + 1) {
      throw hiveError(this.what, reference, `the cell at ${offset} belongs to what byte ${known - 1} refers to`);
    }
    this.#references[offset / 8] = reference + 1;
    return span;
  }

  /** As `cell`, for what several places may refer to. */
  sharedCell(offset: number, reference: number, atLeast: number): { readonly begin: number; readonly end: number } {
    if (offset % 8 !== 0 || offset >= this.#end) {
      throw hiveError(this.what, reference, `a reference to ${offset}, where no cell can be`);
    }
    this.#walkBinOf(offset);
    const kind = this.#cells[offset / 8];
    if (kind !== ALLOCATED) {
      const where = kind === FREE ? 'where a cell is free' : 'which is inside of a cell';
      throw hiveError(this.what, reference, `a reference to ${offset}, ${where}`);
    }
    const at = BASE_BLOCK_SIZE + offset;
    const begin = at + 4;
    const end = at - this.view.getInt32(at, true);
    if (end - begin < atLeast) {
      throw hiveError(this.what, at, `a cell of ${end - begin} bytes, and what refers to it needs ${atLeast}`);
    }
    return { begin, end };
  }

  #walkBinOf(offset: number): void {
    let page = Math.floor(offset / BIN_ALIGNMENT);
    if (this.#walked[page] !== 0) return;
    while (this.#bins[page] === 0) page--;
    const begin = page * BIN_ALIGNMENT;
    const size = this.#bins[page]!;
    for (let at = begin + BIN_HEADER_SIZE; at < begin + size;) {
      const tagged = this.view.getInt32(BASE_BLOCK_SIZE + at, true);
      const length = Math.abs(tagged);
      if (length < 8 || length % 8 !== 0 || at + length > begin + size) {
        throw hiveError(this.what, BASE_BLOCK_SIZE + at, `a cell of ${length} bytes`);
      }
      this.#cells[at / 8] = tagged < 0 ? ALLOCATED : FREE;
      at += length;
    }
    this.#walked.fill(1, page, page + size / BIN_ALIGNMENT);
  }

  /** The descriptor of an `sk` cell; nothing if the key names none. The same bytes for all keys that share it. */
  securityAt(offset: number, reference: number): Uint8Array | undefined {
    if (offset === NOWHERE) return undefined;
    if (!this.#security.has(offset)) {
      const { begin, end } = this.sharedCell(offset, reference, 20);
      const length = this.view.getUint32(begin + 16, true);
      if (this.view.getUint16(begin, true) !== signature('sk') || begin + 20 + length > end) {
        throw hiveError(this.what, begin, 'no security descriptor is here');
      }
      this.#security.set(offset, this.bytes.subarray(begin + 20, begin + 20 + length));
    }
    return this.#security.get(offset);
  }
}

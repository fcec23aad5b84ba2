// SPDX-License-Identifier: Apache-2.0
// Reads qcow2 images, versions 2 and 3 (QEMU's docs/interop/qcow2.txt): ordinary, zero and compressed clusters, and
// backing files. Not read: encrypted images, external data files, extended L2 entries, zstd compression. Never written.

import { fromUtf8, latin1, PlinthError, type StateReader, type StateWriter } from '@plinth/core';
import { type BlockDevice, SECTOR_SIZE } from './block-device.js';
import { checkProof, saveProof } from './file-proof.js';
import type { RandomAccessFile } from './random-access-file.js';

/** "QFI" and 0xfb, as the first four bytes. */
const MAGIC = 0x5146_49fb;
const BACKING_FORMAT = 0xe279_2aca;
const V2_HEADER = 72;
const V3_HEADER = 104;
const MAX_HEADER = 4096;
const MAX_NAME = 1023;
/** As QEMU: so many bytes of L1 table at most. */
const MAX_L1 = 32 * 1024 * 1024;
const MAX_EXTENSIONS = 32;
/** Tables and decompressed clusters that are kept. */
const KEPT_TABLES = 64;
const KEPT_CLUSTERS = 16;

const INCOMPATIBLE = { dirty: 1, corrupt: 2, externalData: 4, compression: 8, extendedL2: 16 } as const;
const COMPRESSED = 0x4000_0000;

export interface Qcow2Options {
  /** Unpacks a raw DEFLATE stream (RFC 1951) that has more bytes behind its end, to at most `size` bytes. */
  readonly inflateRaw: (bytes: Uint8Array, size: number) => Uint8Array;
  /** Opens the image that this one is based on; the name is as it stands in the image. */
  readonly openBacking: (name: string, format: string | undefined) => BlockDevice;
}

export class Qcow2Disk implements BlockDevice {
  readonly sectors: number;
  readonly readOnly: boolean = true;
  readonly #file: RandomAccessFile;
  readonly #inflateRaw: Qcow2Options['inflateRaw'];
  readonly #version: number;
  readonly #clusterBits: number;
  readonly #clusterSize: number;
  readonly #l1: DataView;
  readonly #backing: BlockDevice | undefined;
  readonly #tables = new Map<number, DataView>();
  readonly #clusters = new Map<number, Uint8Array>();

  constructor(file: RandomAccessFile, options: Qcow2Options) {
    this.#file = file;
    this.#inflateRaw = options.inflateRaw;
    const header = new DataView(new ArrayBuffer(MAX_HEADER));
    file.read(0, new Uint8Array(header.buffer));
    if (header.getUint32(0) !== MAGIC) throw this.#wrong('not a qcow2 image');
    this.#version = header.getUint32(4);
    if (this.#version !== 2 && this.#version !== 3) {
      throw this.#wrong(`a qcow2 image of version ${this.#version}; versions 2 and 3 can be read`);
    }
    this.#clusterBits = header.getUint32(20);
    if (this.#clusterBits < 9 || this.#clusterBits > 21) throw this.#damaged('cluster size');
    this.#clusterSize = 2 ** this.#clusterBits;
    if (header.getUint32(32) !== 0) throw this.#wrong('this qcow2 image is encrypted, which cannot be read');
    if (this.#version === 3) this.#checkFeatures(header);

    const size = wide(header, 24);
    if (size === 0 || size % SECTOR_SIZE !== 0 || size > 2 ** 50) throw this.#damaged('disk size');
    this.sectors = size / SECTOR_SIZE;
    const entries = header.getUint32(36);
    const needed = Math.ceil(size / (this.#clusterSize * this.#tableEntries));
    if (entries < needed || needed * 8 > MAX_L1) throw this.#damaged('L1 table size');
    this.#l1 = this.#table(wide(header, 40), needed * 8);
    this.#checkLength();
    this.#backing = this.#openBacking(header, options);
  }

  #wrong(detail: string): PlinthError {
    return new PlinthError('input', 'qcow2', `${this.#file.name}: ${detail}`);
  }

  #damaged(what: string): PlinthError {
    return this.#wrong(`this qcow2 image is damaged: its ${what} cannot be`);
  }

  #cutShort(): PlinthError {
    return this.#wrong(`this qcow2 image is cut short: it points behind its end at ${this.#file.size} bytes`);
  }

  get #tableEntries(): number {
    return this.#clusterSize / 8;
  }

  #checkFeatures(header: DataView): void {
    if (header.getUint32(100) < V3_HEADER) throw this.#damaged('header length');
    const bits = wide(header, 72);
    const known = INCOMPATIBLE.dirty | INCOMPATIBLE.corrupt | INCOMPATIBLE.compression;
    if ((bits & INCOMPATIBLE.externalData) !== 0) throw this.#wrong('the data of this qcow2 image are in another file');
    if ((bits & INCOMPATIBLE.extendedL2) !== 0) throw this.#wrong('extended L2 entries of qcow2 cannot be read');
    if ((bits & INCOMPATIBLE.compression) !== 0 && header.getUint8(104) !== 0) {
      throw this.#wrong('this qcow2 image is compressed with zstd, which cannot be read: convert it');
    }
    if (bits > 0xffff || (bits & ~known) !== 0) throw this.#wrong('this qcow2 image has features that are not known');
  }

  /** Every table and every cluster has to begin within the file. */
  #checkLength(): void {
    const seen = new Set([0]);
    for (let n = 0; n < this.#l1.byteLength / 8; n++) {
      const at = offsetOf(this.#l1, 8 * n);
      if (seen.has(at)) continue;
      seen.add(at);
      const table = this.#table(at, this.#clusterSize);
      for (let entry = 0; entry < table.byteLength; entry += 8) {
        const compressed = (table.getUint32(entry) & COMPRESSED) !== 0;
        const start = compressed ? this.#compressedAt(table, entry).at : offsetOf(table, entry);
        if (start >= this.#file.size) throw this.#cutShort();
      }
    }
  }

  #openBacking(header: DataView, { openBacking }: Qcow2Options): BlockDevice | undefined {
    const at = wide(header, 8);
    const length = header.getUint32(16);
    if (at === 0) return undefined;
    if (length === 0 || length > MAX_NAME) throw this.#damaged('backing file name');
    const read = (offset: number, size: number): Uint8Array => {
      const bytes = new Uint8Array(size);
      this.#file.read(offset, bytes);
      return bytes;
    };
    let format: string | undefined;
    let extension = this.#version === 3 ? header.getUint32(100) : V2_HEADER;
    for (let n = 0; n < MAX_EXTENSIONS && extension + 8 <= MAX_HEADER; n++) {
      const type = header.getUint32(extension);
      const size = header.getUint32(extension + 4);
      if (type === 0) break;
      if (type === BACKING_FORMAT && size <= 16) format = latin1(read(extension + 8, size));
      extension += 8 + Math.ceil(size / 8) * 8;
    }
    return openBacking(fromUtf8(read(at, length)), format);
  }

  read(sector: number, into: Uint8Array): void {
    const start = sector * SECTOR_SIZE;
    for (let done = 0; done < into.length;) {
      const at = start + done;
      const within = at % this.#clusterSize;
      const length = Math.min(this.#clusterSize - within, into.length - done);
      this.#readCluster(Math.floor(at / this.#clusterSize), within, into.subarray(done, done + length));
      done += length;
    }
  }

  #readCluster(index: number, within: number, into: Uint8Array): void {
    const tableAt = offsetOf(this.#l1, 8 * Math.floor(index / this.#tableEntries));
    const table = tableAt === 0 ? undefined : this.#l2(tableAt);
    const entry = 8 * (index % this.#tableEntries);
    if (table !== undefined && (table.getUint32(entry) & COMPRESSED) !== 0) {
      into.set(this.#decompress(table, entry).subarray(within, within + into.length));
      return;
    }
    const at = table === undefined ? 0 : offsetOf(table, entry);
    if (table !== undefined && this.#version === 3 && (table.getUint32(entry + 4) & 1) !== 0) into.fill(0);
    else if (at !== 0) this.#file.read(at + within, into);
    else this.#readBacking((index * this.#clusterSize + within) / SECTOR_SIZE, into);
  }

  /** The backing image may be smaller; behind its end there are zeros. */
  #readBacking(sector: number, into: Uint8Array): void {
    const there = Math.max(0, Math.min(into.length, ((this.#backing?.sectors ?? 0) - sector) * SECTOR_SIZE));
    if (there > 0) this.#backing!.read(sector, into.subarray(0, there));
    into.fill(0, there);
  }

  #decompress(table: DataView, entry: number): Uint8Array {
    const { at, size } = this.#compressedAt(table, entry);
    const known = this.#clusters.get(at);
    if (known !== undefined) return known;
    const packed = new Uint8Array(size);
    this.#file.read(at, packed);
    let bytes: Uint8Array;
    try {
      bytes = this.#inflateRaw(packed, this.#clusterSize);
    } catch (error) {
      if (error instanceof PlinthError) throw error;
      throw this.#wrong('a compressed cluster of this qcow2 image is damaged');
    }
    if (bytes.length !== this.#clusterSize) throw this.#wrong('a compressed cluster of this qcow2 image is damaged');
    keep(this.#clusters, at, bytes, KEPT_CLUSTERS);
    return bytes;
  }

  /** Where the offset ends and the number of further sectors begins depends on the cluster size. */
  #compressedAt(table: DataView, entry: number): { at: number; size: number } {
    const bits = 62 - (this.#clusterBits - 8);
    const value = table.getBigUint64(entry) & 0x3fff_ffff_ffff_ffffn;
    const at = Number(value & ((1n << BigInt(bits)) - 1n));
    const sectors = Number(value >> BigInt(bits)) + 1;
    return { at, size: sectors * SECTOR_SIZE - (at % SECTOR_SIZE) };
  }

  #l2(at: number): DataView {
    const known = this.#tables.get(at);
    if (known !== undefined) return known;
    const table = this.#table(at, this.#clusterSize);
    keep(this.#tables, at, table, KEPT_TABLES);
    return table;
  }

  #table(at: number, size: number): DataView {
    if (at % this.#clusterSize !== 0 || at === 0) throw this.#damaged('table of offsets');
    if (at + size > this.#file.size) throw this.#cutShort();
    const bytes = new Uint8Array(size);
    this.#file.read(at, bytes);
    return new DataView(bytes.buffer);
  }

  write(): void {
    throw new PlinthError('internal', 'qcow2-write', 'a qcow2 image is not written');
  }

  flush(): void {}

  save(writer: StateWriter): void {
    saveProof(writer, this.#file);
    this.#backing?.save(writer);
  }

  restore(reader: StateReader): void {
    checkProof(reader, this.#file);
    this.#backing?.restore(reader);
  }

  close(): void {
    this.#file.close();
    this.#backing?.close();
  }
}

/** Do these first bytes of a file say that it is a qcow2 image? */
export function isQcow2(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) === MAGIC;
}

function wide(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
}

/** Bits 55 to 9 of an entry of either table. */
function offsetOf(view: DataView, at: number): number {
  return (view.getUint32(at) & 0x00ff_ffff) * 2 ** 32 + ((view.getUint32(at + 4) & ~511) >>> 0);
}

/** The oldest goes when there are more than so many. */
function keep<T>(cache: Map<number, T>, key: number, value: T, most: number): void {
  cache.set(key, value);
  if (cache.size > most) cache.delete(cache.keys().next().value!);
}

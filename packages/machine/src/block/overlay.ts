// SPDX-License-Identifier: Apache-2.0
// A copy-on-write layer over another disk: what is written goes into the overlay's file, the base stays as it is.
//
// The file, little-endian:
//   0     "PLINTHOV", u32 version (1), u32 cluster size as a power of two (16), u64 sectors of the disk,
//         32 bytes that identify the base, u32 CRC-32 of all before it
//   4096  the map, a byte per cluster: 0 as in the base, 1 in this file, 2 zeros; filled up to a multiple of 4096
//   then, from the next multiple of the cluster size on, cluster n at n times the cluster size (a sparse file)
//
// A cluster's data are stored before the map says so, and the map reaches the file when the guest flushes: after a
// crash the disk is as at the last flush, or newer by whole writes.

import { crc32, PlinthError, type StateReader, type StateWriter } from '@plinth/core';
import { type BlockDevice, SECTOR_SIZE } from './block-device.js';
import { checkProof, saveProof } from './file-proof.js';
import type { RandomAccessFile } from './random-access-file.js';

export const OVERLAY_MAGIC = 'PLINTHOV';
export const IDENTITY_SIZE = 32;

const VERSION = 1;
const CLUSTER_BITS = 16;
const HEADER_SIZE = 60;
const MAP_AT = 4096;
const MAP_BLOCK = 4096;
/** Of the disk, so that a damaged header asks for no more than 64 MiB of map. */
const MAX_SECTORS = 2 ** 33;

const STATE = { base: 0, data: 1, zeros: 2 } as const;

export interface OverlayOptions {
  readonly readOnly?: boolean;
  /** The file is gone after the run: a snapshot of the machine holds what is in it. */
  readonly temporary?: boolean;
  /** A snapshot that is restored was taken without this layer, which stays empty then. */
  readonly added?: boolean;
}

export class OverlayDisk implements BlockDevice {
  readonly sectors: number;
  readonly readOnly: boolean;
  readonly #temporary: boolean;
  readonly #added: boolean;
  readonly #file: RandomAccessFile;
  readonly #base: BlockDevice;
  readonly #clusterSize: number;
  readonly #dataAt: number;
  readonly #map: Uint8Array;
  /** Blocks of the map that the file does not have yet. */
  readonly #stale = new Set<number>();
  readonly #cluster: Uint8Array;

  private constructor(
    file: RandomAccessFile,
    base: BlockDevice,
    clusterBits: number,
    map: Uint8Array,
    options: OverlayOptions,
  ) {
    this.#file = file;
    this.#base = base;
    this.sectors = base.sectors;
    this.readOnly = options.readOnly ?? false;
    this.#temporary = options.temporary ?? false;
    this.#added = options.added ?? false;
    this.#clusterSize = 2 ** clusterBits;
    this.#map = map;
    this.#dataAt = dataOffset(map.length, this.#clusterSize);
    this.#cluster = new Uint8Array(this.#clusterSize);
  }

  /** A new overlay in an empty file. `identity` is 32 bytes that change when the base does. */
  static create(
    file: RandomAccessFile,
    base: BlockDevice,
    identity: Uint8Array,
    options: OverlayOptions = {},
  ): OverlayDisk {
    const map = new Uint8Array(mapLength(base.sectors, CLUSTER_BITS));
    const header = new Uint8Array(HEADER_SIZE);
    const view = new DataView(header.buffer);
    for (let i = 0; i < OVERLAY_MAGIC.length; i++) header[i] = OVERLAY_MAGIC.charCodeAt(i);
    view.setUint32(8, VERSION, true);
    view.setUint32(12, CLUSTER_BITS, true);
    view.setBigUint64(16, BigInt(base.sectors), true);
    header.set(identity.subarray(0, IDENTITY_SIZE), 24);
    view.setUint32(HEADER_SIZE - 4, crc32(header.subarray(0, HEADER_SIZE - 4)), true);
    // The header last: a file without one is no overlay.
    file.truncate(dataOffset(map.length, 2 ** CLUSTER_BITS));
    // Room for the map is taken now: on a host without room for more data, what is stored can still be told.
    if (options.temporary !== true) file.write(MAP_AT, map);
    file.write(0, header);
    file.sync();
    return new OverlayDisk(file, base, CLUSTER_BITS, map, options);
  }

  /** An overlay that is there; refuses one that is damaged or was made over another base. */
  static open(
    file: RandomAccessFile,
    base: BlockDevice,
    identity: Uint8Array,
    options: OverlayOptions = {},
  ): OverlayDisk {
    const wrong = (detail: string): PlinthError => new PlinthError('input', 'overlay', `${file.name}: ${detail}`);
    const header = new Uint8Array(HEADER_SIZE);
    file.read(0, header);
    const view = new DataView(header.buffer);
    if (!isOverlay(header)) throw wrong('not an overlay of Plinth; name a new file to make one');
    if (view.getUint32(HEADER_SIZE - 4, true) !== crc32(header.subarray(0, HEADER_SIZE - 4))) {
      throw wrong('the overlay’s header is damaged');
    }
    const version = view.getUint32(8, true);
    const clusterBits = view.getUint32(12, true);
    const sectors = Number(view.getBigUint64(16, true));
    if (version !== VERSION) throw wrong(`an overlay of version ${version}; this Plinth reads version ${VERSION}`);
    if (clusterBits < 12 || clusterBits > 21 || sectors > MAX_SECTORS) throw wrong('the overlay’s header is damaged');
    const same = header.subarray(24, 24 + IDENTITY_SIZE).every((byte, n) => byte === identity[n]);
    if (sectors !== base.sectors || !same) {
      throw wrong('made over another disk, or over this one before it was changed; use the disk that it belongs to');
    }
    const map = new Uint8Array(mapLength(sectors, clusterBits));
    file.read(MAP_AT, map);
    const last = map.lastIndexOf(STATE.data);
    const needed = dataOffset(map.length, 2 ** clusterBits) + (last + 1) * 2 ** clusterBits;
    if (file.size < needed) throw wrong(`the overlay is cut short: ${file.size} bytes, ${needed} are needed`);
    if (map.some((state) => state > STATE.zeros)) throw wrong('the overlay’s map is damaged');
    return new OverlayDisk(file, base, clusterBits, map, options);
  }

  read(sector: number, into: Uint8Array): void {
    this.#runs(sector, into.length, (state, at, done, length) => {
      const piece = into.subarray(done, done + length);
      if (state === STATE.data) this.#file.read(this.#dataAt + at, piece);
      else if (state === STATE.zeros) piece.fill(0);
      else this.#base.read(at / SECTOR_SIZE, piece);
    });
  }

  write(sector: number, from: Uint8Array): void {
    this.#runs(sector, from.length, (state, at, done, length) => {
      const piece = from.subarray(done, done + length);
      if (state === STATE.data) this.#file.write(this.#dataAt + at, piece);
      else for (let n = 0; n < length;) n += this.#writeNew(state, at + n, piece.subarray(n));
    });
  }

  /** Fills one cluster that is not in the file yet; returns how many bytes of `from` went into it. */
  #writeNew(state: number, at: number, from: Uint8Array): number {
    const size = this.#clusterSize;
    const index = Math.floor(at / size);
    const start = index * size;
    const taken = Math.min(start + size - at, from.length);
    if (taken === size) this.#file.write(this.#dataAt + start, from.subarray(0, size));
    else {
      const cluster = this.#cluster.fill(0);
      const end = Math.min(start + size, this.sectors * SECTOR_SIZE);
      if (state === STATE.base) this.#base.read(start / SECTOR_SIZE, cluster.subarray(0, end - start));
      cluster.set(from.subarray(0, taken), at - start);
      this.#file.write(this.#dataAt + start, cluster);
    }
    this.#set(index, STATE.data);
    return taken;
  }

  discard(sector: number, count: number): void {
    const size = this.#clusterSize;
    const end = (sector + count) * SECTOR_SIZE;
    // What is not a whole cluster stays as it is, which a discard may leave it.
    const first = Math.ceil((sector * SECTOR_SIZE) / size);
    const last = end === this.sectors * SECTOR_SIZE ? Math.ceil(end / size) : Math.floor(end / size);
    for (let index = first; index < last; index++) this.#set(index, STATE.zeros);
  }

  writeZeroes(sector: number, count: number): void {
    const size = this.#clusterSize;
    const end = (sector + count) * SECTOR_SIZE;
    for (let at = sector * SECTOR_SIZE; at < end;) {
      const index = Math.floor(at / size);
      const next = Math.min((index + 1) * size, end);
      const whole = at === index * size && (next === at + size || next === this.sectors * SECTOR_SIZE);
      if (whole) this.#set(index, STATE.zeros);
      else if (this.#map[index] !== STATE.zeros) this.write(at / SECTOR_SIZE, new Uint8Array(next - at));
      at = next;
    }
  }

  flush(): void {
    // What is gone after the run need not outlive anything.
    if (this.#temporary) return;
    this.#file.sync();
    if (this.#stale.size === 0) return;
    for (const block of this.#stale) {
      const at = block * MAP_BLOCK;
      this.#file.write(MAP_AT + at, this.#map.subarray(at, at + MAP_BLOCK));
    }
    this.#file.sync();
    this.#stale.clear();
  }

  save(writer: StateWriter): void {
    if (this.#file.keepsContent === true) {
      writer.bytes(this.#map);
      return;
    }
    if (!this.readOnly) this.flush();
    this.#base.save(writer);
    writer.bool(this.#temporary);
    if (!this.#temporary) {
      saveProof(writer, this.#file);
      return;
    }
    writer.bytes(this.#map);
    this.#eachStored((at) => {
      this.#file.read(at, this.#cluster);
      writer.raw(this.#cluster);
    });
  }

  restore(reader: StateReader): void {
    if (this.#file.keepsContent === true) {
      this.#restoreMap(reader);
      return;
    }
    this.#base.restore(reader);
    if (this.#added) return;
    const same = reader.bool() === this.#temporary;
    reader.check(same, 'an overlay that is kept in another way');
    if (!this.#temporary) {
      checkProof(reader, this.#file);
      return;
    }
    this.#restoreMap(reader);
    this.#eachStored((at) => this.#file.write(at, reader.raw(this.#clusterSize)));
  }

  #restoreMap(reader: StateReader): void {
    const map = reader.bytes();
    reader.check(map.length === this.#map.length, 'an overlay of another size');
    reader.check(
      map.every((state) => state <= STATE.zeros),
      'an overlay with a damaged map',
    );
    this.#map.set(map);
    for (let block = 0; block * MAP_BLOCK < map.length; block++) this.#stale.add(block);
  }

  #eachStored(visit: (at: number) => void): void {
    for (let n = this.#map.indexOf(STATE.data); n >= 0; n = this.#map.indexOf(STATE.data, n + 1)) {
      visit(this.#dataAt + n * this.#clusterSize);
    }
  }

  close(): void {
    try {
      if (!this.readOnly && !this.#temporary) this.flush();
    } finally {
      this.#file.close();
      this.#base.close();
    }
  }

  #set(index: number, state: number): void {
    if (this.#map[index] === state) return;
    this.#map[index] = state;
    this.#stale.add(Math.floor(index / MAP_BLOCK));
  }

  /** Cuts a range of bytes where the state of clusters changes. */
  #runs(
    sector: number,
    length: number,
    visit: (state: number, at: number, done: number, length: number) => void,
  ): void {
    const start = sector * SECTOR_SIZE;
    const end = start + length;
    const size = this.#clusterSize;
    for (let at = start; at < end;) {
      let index = Math.floor(at / size);
      const state = this.#map[index]!;
      while (this.#map[index] === state && index * size < end) index++;
      const next = Math.min(index * size, end);
      visit(state, at, at - start, next - at);
      at = next;
    }
  }
}

/** Do these first bytes of a file say that it is an overlay? */
export function isOverlay(bytes: Uint8Array): boolean {
  return [...OVERLAY_MAGIC].every((character, n) => bytes[n] === character.charCodeAt(0));
}

function mapLength(sectors: number, clusterBits: number): number {
  const clusters = Math.ceil((sectors * SECTOR_SIZE) / 2 ** clusterBits);
  return Math.ceil(clusters / MAP_BLOCK) * MAP_BLOCK;
}

function dataOffset(map: number, clusterSize: number): number {
  return Math.ceil((MAP_AT + map) / clusterSize) * clusterSize;
}

// SPDX-License-Identifier: Apache-2.0
// Guest-physical memory: RAM inside the machine's WebAssembly memory, and devices. Every write that the shadow tables do
// not let through, by CPU or by device, comes through `write`; nothing bypasses it, so code pages and watches see each
// write exactly once.

import { assert, Tap } from '@plinth/core';
import type { PlacedDevice } from '../boards/board.js';
import type { AccessSize } from '../devices/device.js';
import { GRANULE, RAM_AT, watchBitmaps } from './layout.js';
import { RangeIndex } from './range-index.js';

/** Per-page marks. A page with code has no entry in the shadow tables for writes, a watched one only a restricted entry. */
export const PAGE = {
  /** Instructions of this page have been decoded. */
  code: 1,
  /** Some bytes are watched for writes. */
  watchedWrite: 2,
  /** Some bytes are watched for reads. */
  watchedRead: 4,
  /** A fetch guard has allowed execution of the page as it is now. */
  fetchAllowed: 8,
} as const;

export interface MemoryAccess {
  readonly address: number;
  readonly size: number;
  readonly write: boolean;
  /** What is written, or what was read, as it lies in memory: little-endian, unsigned, the first four bytes. */
  readonly value: number;
  readonly by: 'cpu' | 'device';
}

/** A CPU's access to a device's register; the value is zero-extended. */
export interface DeviceAccess {
  readonly device: string;
  readonly address: number;
  readonly size: number;
  readonly write: boolean;
  readonly value: number;
}

/** Watches `[start, start + length)` of guest-physical memory. */
export interface Watch {
  readonly start: number;
  readonly length: number;
  readonly onWrite?: (access: MemoryAccess) => void;
  readonly onRead?: (access: MemoryAccess) => void;
}

/** Who must be told when a page's marks change, and when a code page is written. */
export interface PageListener {
  /** Remove the page from the shadow tables (`reads`: for reads too). */
  pageRestricted(page: number, reads: boolean): void;
  /** The last watch has ended. */
  watchesEnded(): void;
  /** The page's instructions are no longer what was decoded. */
  codeWritten(page: number): void;
}

export class PhysicalMemory {
  readonly ramBase: number;
  readonly ramSize: number;
  /** All of RAM, as a view of the machine's memory: no copy. */
  readonly ram: Uint8Array;
  /** Marks by RAM page number. */
  readonly marks: Uint8Array;
  /** Counts the times that a page's code was found changed. */
  readonly generation: Uint32Array;
  /** By RAM page: 1 if it may have been written since `takeDirty`. Who lets a page be written unseen sets it. */
  readonly dirty: Uint8Array;
  /** The bits of a host address are in the byte at this + (address >>> 9): CPU.watchedForRead and watchedForWrite. */
  readonly granules: { readonly read: number; readonly write: number };
  readonly #watchedForRead: Uint8Array;
  readonly #watchedForWrite: Uint8Array;
  readonly #view: DataView;
  readonly #watches = new RangeIndex<Watch>();
  /** Told after each access to a device. */
  readonly deviceAccess: Tap<[access: DeviceAccess]> = new Tap();
  #devices: readonly PlacedDevice[] = [];
  #listener: PageListener | undefined;
  /** Set when a device was touched: its answer may change interrupts and events. */
  deviceTouched: boolean = false;
  /** Something was loaded or written by a device; what a CPU does through the shadow tables does not show here. */
  loaded: boolean = false;

  constructor(memory: WebAssembly.Memory, ramBase: number, ramSize: number) {
    assert(ramBase % 4096 === 0 && ramSize % 4096 === 0, 'RAM is made of whole pages');
    this.ramBase = ramBase;
    this.ramSize = ramSize;
    this.ram = new Uint8Array(memory.buffer, RAM_AT, ramSize);
    this.#view = new DataView(memory.buffer, RAM_AT, ramSize);
    this.marks = new Uint8Array(ramSize / 4096);
    this.dirty = new Uint8Array(ramSize / 4096);
    const bitmaps = watchBitmaps(ramSize);
    this.granules = { read: bitmaps.read - (RAM_AT >>> 9), write: bitmaps.write - (RAM_AT >>> 9) };
    this.#watchedForRead = new Uint8Array(memory.buffer, bitmaps.read, bitmaps.size);
    this.#watchedForWrite = new Uint8Array(memory.buffer, bitmaps.write, bitmaps.size);
    this.generation = new Uint32Array(ramSize / 4096);
  }

  connect(devices: readonly PlacedDevice[], listener: PageListener): void {
    this.#devices = devices;
    this.#listener = listener;
  }

  /** RAM page number of a physical address, or -1. */
  pageOf(address: number): number {
    const offset = address - this.ramBase;
    return offset >= 0 && offset < this.ramSize ? offset >>> 12 : -1;
  }

  /** Host address (in the WebAssembly memory) of a RAM page. */
  hostPage(page: number): number {
    return RAM_AT + page * 4096;
  }

  /** The physical address of a host address in RAM. */
  addressOfHost(host: number): number {
    return host - RAM_AT + this.ramBase;
  }

  /** The RAM page of a host address. */
  pageOfHost(host: number): number {
    return (host - RAM_AT) >>> 12;
  }

  #device(address: number): PlacedDevice | undefined {
    for (const placed of this.#devices) {
      if (address >= placed.base && address < placed.base + placed.device.size) return placed;
    }
    return undefined;
  }

  #inRam(address: number, size: number): boolean {
    const offset = address - this.ramBase;
    return offset >= 0 && offset + size <= this.ramSize;
  }

  /** A word for the table walk, or undefined where no RAM is. */
  readonly readWord = (address: number): number | undefined =>
    this.#inRam(address, 4) ? this.#view.getInt32(address - this.ramBase, true) : undefined;

  #readRam(address: number, size: number): number {
    const offset = address - this.ramBase;
    if (size === 4) return this.#view.getUint32(offset, true);
    return size === 2 ? this.#view.getUint16(offset, true) : this.#view.getUint8(offset);
  }

  /** A CPU or device read; undefined on the bus where nothing answers. The value is zero-extended. */
  read(address: number, size: AccessSize, by: 'cpu' | 'device' = 'cpu'): number | undefined {
    if (this.#inRam(address, size)) {
      const value = this.#readRam(address, size);
      if ((this.marks[(address - this.ramBase) >>> 12]! & PAGE.watchedRead) !== 0) {
        this.#report(address, size, false, value, by);
      }
      return value;
    }
    const placed = this.#device(address);
    if (placed === undefined) return undefined;
    this.deviceTouched = true;
    const value = placed.device.read(address - placed.base, size) >>> 0;
    if (this.deviceAccess.active) {
      this.deviceAccess.tell({ device: placed.device.name, address, size, write: false, value });
    }
    return value;
  }

  /** A CPU or device write; false where nothing answers. */
  write(address: number, size: AccessSize, value: number, by: 'cpu' | 'device' = 'cpu'): boolean {
    if (!this.#inRam(address, size)) {
      const placed = this.#device(address);
      if (placed === undefined) return false;
      this.deviceTouched = true;
      placed.device.write(address - placed.base, size, value);
      if (this.deviceAccess.active) {
        const written = lowBytes(value, size);
        this.deviceAccess.tell({ device: placed.device.name, address, size, write: true, value: written });
      }
      return true;
    }
    const offset = address - this.ramBase;
    if (size === 4) this.#view.setInt32(offset, value, true);
    else if (size === 2) this.#view.setInt16(offset, value, true);
    else this.#view.setInt8(offset, value);
    const page = offset >>> 12;
    this.dirty[page] = 1;
    const marks = this.marks[page]!;
    if ((marks & (PAGE.code | PAGE.fetchAllowed)) !== 0) this.#forgetCode(page);
    if ((marks & PAGE.watchedWrite) !== 0) this.#report(address, size, true, value, by);
    return true;
  }

  /**
   * A CPU write over a page border: `inFirst` bytes go to `first`, the others to `second`. What is contiguous is one
   * write to whoever watches; two places are two. False, and nothing written, where one of them does not answer.
   */
  writeSplit(first: number, inFirst: number, second: number, size: number, value: number): boolean {
    if (second === first + inFirst && this.#inRam(first, size)) {
      for (let i = 0; i < size; i++) this.#view.setUint8(first - this.ramBase + i, (value >>> (8 * i)) & 0xff);
      const marks = this.#unmarkCode(first) | this.#unmarkCode(second);
      if ((marks & PAGE.watchedWrite) !== 0) {
        this.#report(first, size, true, value, 'cpu');
      }
      return true;
    }
    if (!this.#answers(first, inFirst) || !this.#answers(second, size - inFirst)) return false;
    this.#writePiece(first, inFirst, value);
    this.#writePiece(second, size - inFirst, value >>> (8 * inFirst));
    return true;
  }

  #writePiece(address: number, size: number, value: number): void {
    const kept = lowBytes(value, size);
    if (!this.#inRam(address, size)) {
      for (let i = 0; i < size; i++) this.write(address + i, 1, (kept >>> (8 * i)) & 0xff);
      return;
    }
    for (let i = 0; i < size; i++) this.#view.setUint8(address - this.ramBase + i, (kept >>> (8 * i)) & 0xff);
    const marks = this.#unmarkCode(address);
    if ((marks & PAGE.watchedWrite) !== 0) this.#report(address, size, true, kept, 'cpu');
  }

  /** A CPU read over a page border, as `writeSplit`; undefined where one of the places does not answer. */
  readSplit(first: number, inFirst: number, second: number, size: number): number | undefined {
    if (!this.#answers(first, inFirst) || !this.#answers(second, size - inFirst)) return undefined;
    if (second === first + inFirst && this.#inRam(first, size)) return this.#readPiece(first, size);
    return this.#readPiece(first, inFirst) | (this.#readPiece(second, size - inFirst) << (8 * inFirst));
  }

  #readPiece(address: number, size: number): number {
    let value = 0;
    if (!this.#inRam(address, size)) {
      for (let i = 0; i < size; i++) value |= (this.read(address + i, 1) ?? 0) << (8 * i);
      return value;
    }
    for (let i = 0; i < size; i++) value |= this.#view.getUint8(address - this.ramBase + i) << (8 * i);
    const last = address + size - 1;
    const marks = this.marks[(address - this.ramBase) >>> 12]! | this.marks[(last - this.ramBase) >>> 12]!;
    if ((marks & PAGE.watchedRead) !== 0) this.#report(address, size, false, value, 'cpu');
    return value;
  }

  #answers(address: number, size: number): boolean {
    if (this.#inRam(address, size)) return true;
    return this.#device(address) !== undefined && this.#device(address + size - 1) !== undefined;
  }

  /** The page's marks, after its code has been forgotten because of a write. */
  #unmarkCode(address: number): number {
    const page = (address - this.ramBase) >>> 12;
    this.dirty[page] = 1;
    if ((this.marks[page]! & (PAGE.code | PAGE.fetchAllowed)) !== 0) this.#forgetCode(page);
    return this.marks[page]!;
  }

  #forgetCode(page: number): void {
    this.marks[page]! &= ~(PAGE.code | PAGE.fetchAllowed);
    this.generation[page]!++;
    this.#listener?.codeWritten(page);
  }

  #report(address: number, size: number, write: boolean, value: number, by: 'cpu' | 'device'): void {
    for (const standing of this.#watches.touching(address, address + size - 1)) {
      const listener = write ? standing.item.onWrite : standing.item.onRead;
      if (listener === undefined || !standing.stands) continue;
      listener({ address, size, write, value: lowBytes(value, size), by });
    }
  }

  /** A device's bulk write (DMA), or a loader's: one call to each watch that it touches. */
  writeBytes(address: number, bytes: Uint8Array, by: 'cpu' | 'device' = 'device'): boolean {
    if (!this.#inRam(address, bytes.length)) return false;
    const offset = address - this.ramBase;
    this.ram.set(bytes, offset);
    this.loaded = true;
    if (bytes.length === 0) return true;
    for (let page = offset >>> 12; page <= (offset + bytes.length - 1) >>> 12; page++) {
      this.dirty[page] = 1;
      if ((this.marks[page]! & (PAGE.code | PAGE.fetchAllowed)) !== 0) this.#forgetCode(page);
    }
    if (this.#watches.size > 0) {
      let value = 0;
      for (let i = 0; i < Math.min(4, bytes.length); i++) value |= bytes[i]! << (8 * i);
      this.#report(address, bytes.length, true, value, by);
    }
    return true;
  }

  /** Makes a RAM page other bytes, or zero, unseen by watches: for taking over a saved machine. */
  replacePage(page: number, bytes: Uint8Array | undefined): void {
    const start = page * 4096;
    if (bytes !== undefined) this.ram.set(bytes, start);
    else this.ram.fill(0, start, start + 4096);
    this.dirty[page] = 1;
    if ((this.marks[page]! & (PAGE.code | PAGE.fetchAllowed)) !== 0) this.#forgetCode(page);
  }

  /** The pages that may have been written since the last call. Right if no shadow table lets a page be written. */
  takeDirty(): number[] {
    const pages: number[] = [];
    for (let page = this.dirty.indexOf(1); page >= 0; page = this.dirty.indexOf(1, page + 1)) pages.push(page);
    this.dirty.fill(0);
    return pages;
  }

  /** A view of RAM, or undefined outside of it; valid as long as the machine. */
  bytes(address: number, length: number): Uint8Array | undefined {
    if (!this.#inRam(address, length)) return undefined;
    return this.ram.subarray(address - this.ramBase, address - this.ramBase + length);
  }

  /** What a read would give, without side effects; undefined where nothing answers. */
  peek(address: number, size: AccessSize): number | undefined {
    if (this.#inRam(address, size)) return this.#readRam(address, size);
    const placed = this.#device(address);
    return placed === undefined ? undefined : placed.device.peek(address - placed.base, size) >>> 0;
  }

  /** `peek` over a page border, as `readSplit`; what does not answer is 0. */
  peekSplit(first: number, inFirst: number, second: number, size: number): number {
    // A device may know its registers only whole.
    if (inFirst === size) return this.peek(first, size as AccessSize) ?? 0;
    let value = 0;
    for (let i = 0; i < size; i++) {
      value |= (this.peek(i < inFirst ? first + i : second + i - inFirst, 1) ?? 0) << (8 * i);
    }
    return value >>> 0;
  }

  /** Sets a mark and takes the page out of the shadow tables as far as it demands; the next access enters what it may. */
  mark(page: number, mark: number): void {
    if ((this.marks[page]! & mark) === mark) return;
    this.marks[page]! |= mark;
    this.#listener?.pageRestricted(page, (mark & PAGE.watchedRead) !== 0);
  }

  /** Watches a range; returns the function that ends the watch. */
  watch(watch: Watch): () => void {
    assert(this.#inRam(watch.start, watch.length), 'a watch lies in RAM');
    const end = this.#watches.add(watch.start, watch.start + watch.length - 1, watch);
    const { first, last } = this.#pagesOf(watch);
    this.#markWatch(watch, first, last);
    return () => {
      if (!end()) return;
      this.resetGranules(first, last);
      if (this.#watches.size === 0) this.#listener?.watchesEnded();
    };
  }

  /** Watches bytes `first` to `last` of a page for who has entered it so into the shadow tables, until `resetGranules`. */
  addGranules(page: number, first: number, last: number, write: boolean): void {
    const bitmap = write ? this.#watchedForWrite : this.#watchedForRead;
    const granules = (page * 4096) / GRANULE;
    setBits(bitmap, granules + Math.floor(first / GRANULE), granules + Math.floor(last / GRANULE));
  }

  /** The granules of the pages are those of watches again; all who wish for more have their entries made anew. */
  resetGranules(first: number, last: number): void {
    this.#watchedForRead.fill(0, first * 8, (last + 1) * 8);
    this.#watchedForWrite.fill(0, first * 8, (last + 1) * 8);
    for (let page = first; page <= last; page++) {
      this.marks[page]! &= ~(PAGE.watchedRead | PAGE.watchedWrite);
      // Restricted entries go, so that whole ones can come.
      this.#listener?.pageRestricted(page, true);
    }
    const start = this.ramBase + first * 4096;
    const watches = this.#watches.touching(start, start + (last - first + 1) * 4096 - 1);
    for (const { item } of watches) this.#markWatch(item, first, last);
  }

  #pagesOf(watch: Watch): { first: number; last: number } {
    const start = watch.start - this.ramBase;
    return { first: start >>> 12, last: (start + watch.length - 1) >>> 12 };
  }

  /** Marks what a watch covers in the pages from `from` to `to`. */
  #markWatch(watch: Watch, from: number, to: number): void {
    const { first, last } = this.#pagesOf(watch);
    const start = watch.start - this.ramBase;
    const firstGranule = Math.max(Math.floor(start / GRANULE), from * 64);
    const lastGranule = Math.min(Math.floor((start + watch.length - 1) / GRANULE), to * 64 + 63);
    if (watch.onRead !== undefined) setBits(this.#watchedForRead, firstGranule, lastGranule);
    if (watch.onWrite !== undefined) setBits(this.#watchedForWrite, firstGranule, lastGranule);
    const mark =
      (watch.onWrite === undefined ? 0 : PAGE.watchedWrite) | (watch.onRead === undefined ? 0 : PAGE.watchedRead);
    for (let page = Math.max(first, from); page <= Math.min(last, to); page++) this.mark(page, mark);
  }
}

/** Sets the bits from `first` to `last`, none if that is empty. */
function setBits(bitmap: Uint8Array, first: number, last: number): void {
  for (let bit = first; bit <= last; bit++) {
    if ((bit & 7) === 0 && bit + 7 <= last) {
      bitmap[bit >>> 3] = 0xff;
      bit += 7;
    } else bitmap[bit >>> 3]! |= 1 << (bit & 7);
  }
}

/** The low `size` bytes of a value, up to four, unsigned. */
export function lowBytes(value: number, size: number): number {
  return size >= 4 ? value >>> 0 : value & ((1 << (8 * size)) - 1);
}

// SPDX-License-Identifier: Apache-2.0
// virtio-blk (Virtual I/O Device 1.2, section 5.2): a disk over a BlockDevice. A request completes at a virtual time
// that is fixed when the driver hands it over (TimedRequests), in order; its data move at that time, so that a run is the
// same whatever the host's disk takes. Not modelled: several queues, lifetime, secure erase, zones.

import { PlinthError, type StateReader, type StateWriter } from '@plinth/core';
import { type BlockDevice, SECTOR_SIZE } from '../../block/block-device.js';
import type { AccessSize } from '../device.js';
import type { DescriptorChain } from './chain.js';
import { readBytes, type VirtioDevice, type VirtioPort } from './device.js';
import { TimedRequests } from './timed-requests.js';

const FEATURE = { segMax: 2, readOnly: 5, blockSize: 6, flush: 9, topology: 10, discard: 13, writeZeroes: 14 } as const;
const REQUEST = { in: 0, out: 1, flush: 4, getId: 8, discard: 11, writeZeroes: 13 } as const;
const STATUS = { ok: 0, ioError: 1, unsupported: 2 } as const;

const QUEUE_SIZE = 256;
/** Of a request: header and status take a descriptor each. */
const MAX_SEGMENTS = QUEUE_SIZE - 2;
const HEADER_SIZE = 16;
const ID_SIZE = 20;
const CONFIGURATION_SIZE = 60;
const RANGE_SIZE = 16;
/** Bytes that one request may move, so that it is over in bounded time; drivers ask for a fiftieth of it. */
const MAX_TRANSFER = 64 * 1024 * 1024;
const MAX_DISCARD_SECTORS = 1 << 22;
const MAX_DISCARD_RANGES = 16;
const MAX_ZERO_SECTORS = MAX_TRANSFER / SECTOR_SIZE;
/** Flag of a range to be zeroed: it may be unmapped too. */
const UNMAP = 1;
/** Smallest physical block as a power of two of logical ones, and the I/O sizes that suit: 4 KiB. */
const PHYSICAL_BLOCK_EXPONENT = 3;

export interface VirtioBlockOptions {
  readonly name: string;
  readonly disk: BlockDevice;
  /** What the guest reads as the disk's serial number: up to 20 bytes of ASCII. */
  readonly serial?: string;
}

interface Request {
  readonly chain: DescriptorChain;
  readonly type: number;
  readonly sector: number;
}

export class VirtioBlock implements VirtioDevice {
  readonly name: string;
  readonly type: number = 2;
  readonly stateVersion: number = 2;
  readonly features: readonly number[];
  readonly queueSizes: readonly number[] = [QUEUE_SIZE];
  readonly #disk: BlockDevice;
  readonly #serial: Uint8Array;
  readonly #configuration = new Uint8Array(CONFIGURATION_SIZE);
  #port: VirtioPort | undefined;
  #requests: TimedRequests<Request> | undefined;
  #buffer = new Uint8Array(65536);

  constructor(options: VirtioBlockOptions) {
    this.name = options.name;
    this.#disk = options.disk;
    this.#serial = new Uint8Array(ID_SIZE);
    [...(options.serial ?? options.name)].forEach((character, at) => {
      if (at < ID_SIZE) this.#serial[at] = character.charCodeAt(0) & 0x7f;
    });
    const { readOnly } = this.#disk;
    this.features = [
      FEATURE.segMax,
      FEATURE.blockSize,
      FEATURE.flush,
      FEATURE.topology,
      ...(readOnly ? [FEATURE.readOnly] : [FEATURE.writeZeroes]),
      ...(readOnly || this.#disk.discard === undefined ? [] : [FEATURE.discard]),
    ];
    this.#describe();
  }

  /** 5.2.4. */
  #describe(): void {
    const view = new DataView(this.#configuration.buffer);
    view.setBigUint64(0, BigInt(this.#disk.sectors), true);
    view.setUint32(12, MAX_SEGMENTS, true);
    view.setUint32(20, SECTOR_SIZE, true);
    view.setUint8(24, PHYSICAL_BLOCK_EXPONENT);
    view.setUint16(26, 1 << PHYSICAL_BLOCK_EXPONENT, true);
    view.setUint16(34, 1, true);
    view.setUint32(36, MAX_DISCARD_SECTORS, true);
    view.setUint32(40, MAX_DISCARD_RANGES, true);
    view.setUint32(44, 1 << PHYSICAL_BLOCK_EXPONENT, true);
    view.setUint32(48, MAX_ZERO_SECTORS, true);
    view.setUint32(52, 1, true);
    view.setUint8(56, 1);
  }

  connect(port: VirtioPort): void {
    this.#port = port;
    this.#requests = new TimedRequests(port, (request) => this.#complete(request));
  }

  readConfiguration(offset: number, size: AccessSize): number {
    return readBytes(this.#configuration, offset, size);
  }

  writeConfiguration(): void {}

  reset(): void {
    this.#requests!.reset();
  }

  save(writer: StateWriter): void {
    this.#requests!.save(writer, ({ type, sector }) => {
      writer.u32(type);
      writer.f64(sector);
    });
    this.#disk.save(writer);
  }

  restore(reader: StateReader): void {
    this.#requests!.restore(reader, (chain) => {
      reader.check(chain.readableLength >= HEADER_SIZE && chain.writableLength >= 1, 'a request that is too short');
      return { chain, type: reader.u32(), sector: reader.f64() };
    });
    this.#disk.restore(reader);
  }

  notify(): void {
    const port = this.#port!;
    const queue = port.queues[0]!;
    const header = new Uint8Array(HEADER_SIZE);
    for (let chain = queue.take(); chain !== undefined; chain = queue.take()) {
      if (chain.readAt(0, header) < HEADER_SIZE || chain.writableLength < 1) {
        port.fail('a disk request without a header or a place for its status');
        return;
      }
      const view = new DataView(header.buffer);
      const type = view.getUint32(0, true);
      // Not exact above 2^53, where no sector is.
      const sector = view.getUint32(8, true) + view.getUint32(12, true) * 2 ** 32;
      this.#requests!.add({ chain, type, sector }, Math.min(dataLength(type, chain), MAX_TRANSFER));
    }
    this.#requests!.schedule();
  }

  #complete(request: Request): void {
    const { chain, type } = request;
    const status = this.#serve(request);
    chain.writeAt(chain.writableLength - 1, Uint8Array.of(status));
    const written = type === REQUEST.in && status === STATUS.ok ? chain.writableLength : 1;
    this.#port!.queues[0]!.give(chain, written);
  }

  #serve(request: Request): number {
    try {
      return this.#perform(request);
    } catch (error) {
      if (!(error instanceof PlinthError) || error.kind === 'internal') throw error;
      this.#port!.hostTrouble(`${this.name}: ${error.message}`);
      return STATUS.ioError;
    }
  }

  #perform({ chain, type, sector }: Request): number {
    const disk = this.#disk;
    const length = dataLength(type, chain);
    switch (type) {
      case REQUEST.in: {
        if (!this.#fits(sector, length)) return STATUS.ioError;
        const data = this.#room(length);
        disk.read(sector, data);
        chain.writeAt(0, data);
        return STATUS.ok;
      }
      case REQUEST.out: {
        if (disk.readOnly || !this.#fits(sector, length)) return STATUS.ioError;
        const data = this.#room(length);
        chain.readAt(HEADER_SIZE, data);
        disk.write(sector, data);
        // A driver that knows no flush counts on every write (5.2.6.2).
        if (!this.#port!.hasFeature(FEATURE.flush)) disk.flush();
        return STATUS.ok;
      }
      case REQUEST.flush:
        if (!disk.readOnly) disk.flush();
        return STATUS.ok;
      case REQUEST.getId:
        if (chain.writableLength < ID_SIZE + 1) return STATUS.ioError;
        chain.writeAt(0, this.#serial);
        return STATUS.ok;
      case REQUEST.discard:
      case REQUEST.writeZeroes:
        return this.#clear(chain, type);
      default:
        return STATUS.unsupported;
    }
  }

  /** Discards ranges, or makes them zeros. */
  #clear(chain: DescriptorChain, type: number): number {
    const disk = this.#disk;
    const zeroes = type === REQUEST.writeZeroes;
    const length = chain.readableLength - HEADER_SIZE;
    const most = RANGE_SIZE * (zeroes ? 1 : MAX_DISCARD_RANGES);
    if (length === 0 || length % RANGE_SIZE !== 0 || length > most) return STATUS.ioError;
    if (disk.readOnly) return STATUS.ioError;
    if (!zeroes && disk.discard === undefined) return STATUS.unsupported;
    const ranges = new Uint8Array(length);
    chain.readAt(HEADER_SIZE, ranges);
    const view = new DataView(ranges.buffer);
    for (let at = 0; at < length; at += RANGE_SIZE) {
      const sector = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
      const count = view.getUint32(at + 8, true);
      const flags = view.getUint32(at + 12, true);
      if ((flags & ~(zeroes ? UNMAP : 0)) !== 0) return STATUS.unsupported;
      if (count > (zeroes ? MAX_ZERO_SECTORS : MAX_DISCARD_SECTORS)) return STATUS.ioError;
      if (sector + count > disk.sectors) return STATUS.ioError;
      if (!zeroes) disk.discard!(sector, count);
      else if (disk.writeZeroes !== undefined) disk.writeZeroes(sector, count);
      else this.#writeZeroes(sector, count);
    }
    if (!this.#port!.hasFeature(FEATURE.flush)) disk.flush();
    return STATUS.ok;
  }

  #writeZeroes(sector: number, count: number): void {
    const most = 2048;
    const zeros = this.#room(Math.min(count, most) * SECTOR_SIZE).fill(0);
    for (let done = 0; done < count; done += most) {
      this.#disk.write(sector + done, zeros.subarray(0, Math.min(most, count - done) * SECTOR_SIZE));
    }
  }

  #fits(sector: number, length: number): boolean {
    return length <= MAX_TRANSFER && length % SECTOR_SIZE === 0 && sector + length / SECTOR_SIZE <= this.#disk.sectors;
  }

  /** The buffer's first bytes; valid until the next call. */
  #room(length: number): Uint8Array {
    if (length > this.#buffer.length) this.#buffer = new Uint8Array(length);
    return this.#buffer.subarray(0, length);
  }
}

/** Bytes that a request moves between guest and medium. */
function dataLength(type: number, chain: DescriptorChain): number {
  if (type === REQUEST.in) return chain.writableLength - 1;
  return type === REQUEST.out ? chain.readableLength - HEADER_SIZE : 0;
}

// SPDX-License-Identifier: Apache-2.0
// What a disk of the machine asks of the medium behind it, and a medium in memory. Calls come back when the work is
// done; when the guest learns of it is the disk's affair. Trouble of the host's (a full disk, a damaged image) is a
// PlinthError, which the disk turns into an error of the guest's request.

import { assert, type StateReader, type StateWriter } from '@plinth/core';

/** Bytes in a sector, the unit in which disks are addressed. */
export const SECTOR_SIZE = 512;

export interface BlockDevice {
  /** Size of the medium, in sectors. */
  readonly sectors: number;
  readonly readOnly: boolean;
  /** Fills `into`, a whole number of sectors that lie on the medium. */
  read(sector: number, into: Uint8Array): void;
  /** Writes a whole number of sectors that lie on the medium; not called when it is read-only. */
  write(sector: number, from: Uint8Array): void;
  /** Comes back when all that was written would outlive a power cut. */
  flush(): void;
  /** The guest needs these sectors no more; they may read as anything until they are written. */
  discard?(sector: number, count: number): void;
  /** Makes sectors read as zeros without writing them, if the medium knows how. */
  writeZeroes?(sector: number, count: number): void;
  /**
   * For a snapshot of the machine: what is on the medium, or, where files of the host hold it, what they are now. Flushes
   * first.
   */
  save(writer: StateWriter): void;
  /** Takes the content back, or refuses files that are not what they were. */
  restore(reader: StateReader): void;
  /** Flushes, and lets go of files. Nothing is called after it. */
  close(): void;
}

/** A disk that lives as long as its process. */
export class MemoryBlockDevice implements BlockDevice {
  readonly sectors: number;
  readonly readOnly: boolean;
  readonly #bytes: Uint8Array;

  /** Takes the bytes as they are, no copy; their length is a multiple of 512. */
  constructor(bytes: Uint8Array, options: { readonly readOnly?: boolean } = {}) {
    assert(bytes.length % SECTOR_SIZE === 0, 'a disk is made of whole sectors');
    this.#bytes = bytes;
    this.sectors = bytes.length / SECTOR_SIZE;
    this.readOnly = options.readOnly ?? false;
  }

  read(sector: number, into: Uint8Array): void {
    const at = sector * SECTOR_SIZE;
    into.set(this.#bytes.subarray(at, at + into.length));
  }

  write(sector: number, from: Uint8Array): void {
    this.#bytes.set(from, sector * SECTOR_SIZE);
  }

  flush(): void {}

  discard(sector: number, count: number): void {
    this.writeZeroes(sector, count);
  }

  writeZeroes(sector: number, count: number): void {
    this.#bytes.fill(0, sector * SECTOR_SIZE, (sector + count) * SECTOR_SIZE);
  }

  save(writer: StateWriter): void {
    writer.bytes(this.#bytes);
  }

  restore(reader: StateReader): void {
    const bytes = reader.bytes();
    reader.check(bytes.length === this.#bytes.length, `a disk of ${bytes.length} bytes, not ${this.#bytes.length}`);
    this.#bytes.set(bytes);
  }

  close(): void {}
}

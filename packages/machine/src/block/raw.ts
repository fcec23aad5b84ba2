// SPDX-License-Identifier: Apache-2.0
// A raw image: the file is the medium, byte for byte.

import { PlinthError, type StateReader, type StateWriter } from '@plinth/core';
import { type BlockDevice, SECTOR_SIZE } from './block-device.js';
import { checkProof, saveProof } from './file-proof.js';
import type { RandomAccessFile } from './random-access-file.js';

export class RawDisk implements BlockDevice {
  readonly sectors: number;
  readonly readOnly: boolean;
  readonly #file: RandomAccessFile;

  constructor(file: RandomAccessFile, options: { readonly readOnly?: boolean } = {}) {
    if (file.size === 0 || file.size % SECTOR_SIZE !== 0) {
      const why = file.size === 0 ? 'it is empty' : `its size, ${file.size} bytes, is no multiple of ${SECTOR_SIZE}`;
      throw new PlinthError('input', 'disk-size', `${file.name}: no disk image, or one that is cut short: ${why}`);
    }
    this.#file = file;
    this.sectors = file.size / SECTOR_SIZE;
    this.readOnly = options.readOnly ?? false;
  }

  read(sector: number, into: Uint8Array): void {
    this.#file.read(sector * SECTOR_SIZE, into);
  }

  write(sector: number, from: Uint8Array): void {
    this.#file.write(sector * SECTOR_SIZE, from);
  }

  flush(): void {
    this.#file.sync();
  }

  save(writer: StateWriter): void {
    if (!this.readOnly) this.flush();
    saveProof(writer, this.#file);
  }

  restore(reader: StateReader): void {
    checkProof(reader, this.#file);
  }

  close(): void {
    try {
      if (!this.readOnly) this.#file.sync();
    } finally {
      this.#file.close();
    }
  }
}

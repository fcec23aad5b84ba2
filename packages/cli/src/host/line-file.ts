// SPDX-License-Identifier: Apache-2.0
// Text that grows line by line in a file, or on standard error.

import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { PlinthError } from '@plinth/core';
import { reasonOf } from './reason.js';

/** Characters that are kept before they are written; on standard error a line is written at once. */
const BUFFER = 32_768;
/** Bytes of which a hole is made of at least. */
const PIECE = 4096;

export class LineFile implements Disposable {
  readonly #path: string | undefined;
  readonly #option: string;
  readonly #fd: number | undefined;
  #kept = '';

  /**
   * Makes the file, or empties it; standard error without a path. `option` says where the path came from.
   *
   * @throws PlinthError `input` if it cannot be opened
   */
  constructor(path: string | undefined, option: string) {
    this.#path = path;
    this.#option = option;
    try {
      this.#fd = path === undefined ? undefined : openSync(path, 'w');
    } catch (cause) {
      throw this.#failure('input', cause);
    }
  }

  write(line: string): void {
    if (this.#fd === undefined) {
      process.stderr.write(`${line}\n`);
      return;
    }
    this.#kept += `${line}\n`;
    if (this.#kept.length >= BUFFER) this.flush();
  }

  /** @throws PlinthError `host` if it cannot be written; that is told once */
  flush(): void {
    if (this.#kept === '') return;
    const bytes = Buffer.from(this.#kept);
    this.#kept = '';
    this.writeBytes(bytes);
  }

  /** Bytes of another kind, for a file; not after lines that were not flushed. */
  writeBytes(bytes: Uint8Array): void {
    if (this.#fd === undefined) return;
    try {
      for (let done = 0; done < bytes.length;) done += writeSync(this.#fd, bytes, done);
    } catch (cause) {
      throw this.#failure('host', cause);
    }
  }

  /** The same, with holes where there are only zeros; the file's last bytes. */
  writeSparsely(bytes: Uint8Array): void {
    if (this.#fd === undefined) return;
    const start = fstatSync(this.#fd).size;
    const zeros = new Uint8Array(PIECE);
    try {
      for (let at = 0; at < bytes.length; at += PIECE) {
        const piece = bytes.subarray(at, at + PIECE);
        if (Buffer.compare(piece, zeros.subarray(0, piece.length)) === 0) continue;
        for (let done = 0; done < piece.length;) {
          done += writeSync(this.#fd, piece, done, piece.length - done, start + at + done);
        }
      }
      // A pipe or a terminal has no holes and no size; what was written there is all.
      if (fstatSync(this.#fd).isFile()) ftruncateSync(this.#fd, start + bytes.length);
    } catch (cause) {
      throw this.#failure('host', cause);
    }
  }

  #failure(kind: 'input' | 'host', cause: unknown): PlinthError {
    const message = `${this.#option}: ${this.#path}: cannot be written: ${reasonOf(cause)}`;
    return new PlinthError(kind, 'output-file', message, { cause });
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }
}

// SPDX-License-Identifier: Apache-2.0
// A file that the user has chosen, as the image formats see it: read by FileReaderSync, as a worker may, in pieces that
// are kept for a while. Never written. The browser refuses it once it has changed on the disk.

import { concatenate, PlinthError, sha256 } from '@plinth/core';
import { DIGEST_PIECE, MAX_DIGESTED, type RandomAccessFile } from '@plinth/machine';

declare global {
  /** The File API's synchronous reader, which only workers have, and so the page's library of types has not. */
  class FileReaderSync {
    readAsArrayBuffer(blob: Blob): ArrayBuffer;
  }
}

/** Bytes that are read at once: each read is a trip to another process. */
const PIECE = 256 * 1024;
const KEPT_PIECES = 128;

export class PageFile implements RandomAccessFile {
  readonly #file: File;
  readonly #reader = new FileReaderSync();
  readonly #pieces = new Map<number, Uint8Array>();
  #digest: Uint8Array | undefined;

  constructor(file: File) {
    this.#file = file;
  }

  get name(): string {
    return this.#file.name;
  }

  get size(): number {
    return this.#file.size;
  }

  get modified(): number {
    return this.#file.lastModified;
  }

  read(offset: number, into: Uint8Array): void {
    for (let done = 0; done < into.length;) {
      const at = offset + done;
      const within = at % PIECE;
      const wanted = Math.min(PIECE - within, into.length - done);
      const bytes = this.#piece((at - within) / PIECE).subarray(within, within + wanted);
      into.set(bytes, done);
      into.fill(0, done + bytes.length, done + wanted); // behind the end
      done += wanted;
    }
  }

  #piece(index: number): Uint8Array {
    const known = this.#pieces.get(index);
    if (known !== undefined) return known;
    let bytes: Uint8Array;
    try {
      bytes = new Uint8Array(this.#reader.readAsArrayBuffer(this.#file.slice(index * PIECE, (index + 1) * PIECE)));
    } catch (cause) {
      throw this.#unreadable(cause);
    }
    this.#pieces.set(index, bytes);
    if (this.#pieces.size > KEPT_PIECES) this.#pieces.delete(this.#pieces.keys().next().value!);
    return bytes;
  }

  #unreadable(cause: unknown): PlinthError {
    const why = 'it can be read no more: it was changed, moved or removed since it was chosen';
    return new PlinthError('host', 'disk-read', `${this.name}: ${why}`, { cause });
  }

  /** Nobody writes an overlay over it that would outlive the page. */
  identity(): Uint8Array {
    return new Uint8Array(32);
  }

  digest(): Uint8Array | undefined {
    return this.#digest;
  }

  /** Makes `digest` known, if the file is not too large to have one. */
  async computeDigest(show: (fraction: number) => void): Promise<void> {
    if (this.#digest !== undefined || this.size > MAX_DIGESTED) return;
    const hashes: Uint8Array[] = [];
    try {
      for (let at = 0; at < this.size; at += DIGEST_PIECE) {
        show(at / this.size);
        hashes.push(await hash(await this.#file.slice(at, at + DIGEST_PIECE).arrayBuffer()));
      }
    } catch (cause) {
      throw this.#unreadable(cause);
    }
    this.#digest = await hash(concatenate(hashes).buffer as ArrayBuffer);
  }

  write(): void {
    throw new PlinthError('internal', 'page-file-write', 'a chosen file is only read');
  }

  sync(): void {}

  truncate(): void {
    this.write();
  }

  close(): void {
    this.#pieces.clear();
  }
}

/** The browser's own hash is there only for pages that came by HTTPS or from this computer. */
async function hash(bytes: ArrayBuffer): Promise<Uint8Array> {
  const { subtle } = crypto as { readonly subtle?: SubtleCrypto };
  if (subtle === undefined) return sha256(new Uint8Array(bytes));
  return new Uint8Array(await subtle.digest('SHA-256', bytes));
}

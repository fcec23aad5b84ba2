// SPDX-License-Identifier: Apache-2.0
// A file as the image formats see it: bytes at offsets, and a way to be sure that they are stored. The host's shell
// makes them of real files; `MemoryFile` is one for tests and for pages, and holds only what has been written.

import { assert, crc32, PlinthError, sha256 } from '@plinth/core';
import { contentDigest } from './file-proof.js';

export interface RandomAccessFile {
  /** For messages. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Fills `into`; what lies behind the end of the file reads as zeros. */
  read(offset: number, into: Uint8Array): void;
  /** Writes all of `from`, and makes the file longer if it must. */
  write(offset: number, from: Uint8Array): void;
  /** Comes back when what was written would outlive a power cut. */
  sync(): void;
  truncate(size: number): void;
  /** Whoever saves the machine keeps the content himself, and nobody changes what is below: an overlay saves what is where. */
  readonly keepsContent?: boolean;
  /** When it was last changed, in whole milliseconds since 1970. */
  readonly modified: number;
  /** 32 bytes that are others when the file was changed, for the header of an overlay. */
  identity(): Uint8Array;
  /** `contentDigest` of the file as it is; `undefined` where that cannot be had without waiting. */
  digest(): Uint8Array | undefined;
  close(): void;
}

const CHUNK = 65536;

/** A file's content at some time; nobody writes to its chunks. */
export interface FileContent {
  readonly size: number;
  readonly chunks: ReadonlyMap<number, Uint8Array>;
}

export class MemoryFile implements RandomAccessFile {
  readonly name: string;
  readonly modified: number = 0;
  size: number = 0;
  keepsContent: boolean = false;
  readonly #chunks = new Map<number, Uint8Array>();
  /** Those that no kept content has. */
  readonly #own = new Set<Uint8Array>();
  readonly #limit: number;

  /** `limit`: bytes of memory that it may take. */
  constructor(name: string, bytes: Uint8Array = new Uint8Array(0), limit: number = Infinity) {
    this.name = name;
    this.#limit = limit;
    this.write(0, bytes);
  }

  read(offset: number, into: Uint8Array): void {
    eachChunk(offset, into.length, (chunk, within, done, length) => {
      const bytes = this.#chunks.get(chunk);
      if (bytes === undefined) into.fill(0, done, done + length);
      else into.set(bytes.subarray(within, within + length), done);
    });
  }

  write(offset: number, from: Uint8Array): void {
    eachChunk(offset, from.length, (chunk, within, done, length) => {
      let bytes = this.#chunks.get(chunk);
      if (bytes === undefined || !this.#own.has(bytes)) this.#chunks.set(chunk, (bytes = this.#ownChunk(bytes)));
      bytes.set(from.subarray(done, done + length), within);
    });
    this.size = Math.max(this.size, offset + from.length);
  }

  /** A chunk to write to, with the content that its place has. */
  #ownChunk(content: Uint8Array | undefined): Uint8Array {
    if (content !== undefined || this.#chunks.size * CHUNK < this.#limit) {
      const bytes = content?.slice() ?? new Uint8Array(CHUNK);
      this.#own.add(bytes);
      return bytes;
    }
    const full = `the ${Math.floor(this.#limit / 2 ** 20)} MiB of memory for what is written are used up`;
    throw new PlinthError('host', 'memory-file-full', `${this.name}: ${full}`);
  }

  /** What is in it now: costs what is written to it later. */
  keep(): FileContent {
    this.#own.clear();
    return { size: this.size, chunks: new Map(this.#chunks) };
  }

  /** Has that content again. */
  goTo({ size, chunks }: FileContent): void {
    this.#own.clear();
    this.#chunks.clear();
    for (const [chunk, bytes] of chunks) this.#chunks.set(chunk, bytes);
    this.size = size;
  }

  sync(): void {}

  truncate(size: number): void {
    assert(size >= 0, 'a file is not shorter than nothing');
    for (const [chunk, bytes] of this.#chunks) {
      const keep = size - chunk * CHUNK;
      if (keep <= 0) this.#chunks.delete(chunk);
      else if (keep < CHUNK) this.#chunks.set(chunk, this.#ownChunk(bytes).fill(0, keep));
    }
    this.size = size;
  }

  /** Checksums of what was written: against mistakes, not against forgers. */
  identity(): Uint8Array {
    const bytes = new Uint8Array(32);
    const view = new DataView(bytes.buffer);
    view.setFloat64(0, this.size);
    let sum = 0;
    const order = [...this.#chunks.keys()].toSorted((a, b) => a - b);
    for (const chunk of order) {
      // A chunk of zeros is as good as none.
      const data = this.#chunks.get(chunk)!;
      if (data.some((byte) => byte !== 0))
        sum = crc32(data, crc32(Uint8Array.of(chunk, chunk >>> 8, chunk >>> 16), sum));
    }
    view.setUint32(8, sum);
    return bytes;
  }

  digest(): Uint8Array {
    return contentDigest(this, sha256);
  }

  close(): void {}
}

function eachChunk(
  offset: number,
  length: number,
  visit: (chunk: number, within: number, done: number, length: number) => void,
): void {
  for (let done = 0; done < length;) {
    const within = (offset + done) % CHUNK;
    const size = Math.min(CHUNK - within, length - done);
    visit(Math.floor((offset + done) / CHUNK), within, done, size);
    done += size;
  }
}

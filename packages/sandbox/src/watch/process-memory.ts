// SPDX-License-Identifier: Apache-2.0
// What lies in the memory of a program that waits for an answer (proc(5)).

import { closeSync, openSync, readSync } from 'node:fs';

const PAGE = 4096;

export class ProcessMemory implements Disposable {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Nothing if it is gone, or not ours to look at. */
  static open(thread: number): ProcessMemory | undefined {
    try {
      return new ProcessMemory(openSync(`/proc/${thread}/mem`, 'r'));
    } catch {
      return undefined;
    }
  }

  /** As many bytes as can be read from an address on, `length` at most. */
  read(address: bigint, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let have = 0;
    // Page by page: where one is missing the read as a whole would fail.
    while (have < length) {
      const at = address + BigInt(have);
      const room = Math.min(length - have, PAGE - Number(at % BigInt(PAGE)));
      const got = this.#some(bytes, have, room, at);
      have += got;
      if (got < room) break;
    }
    return bytes.subarray(0, have);
  }

  /** A text up to a zero byte, cut after `most` bytes. */
  text(address: bigint, most: number): string | undefined {
    const bytes = this.read(address, most);
    const end = bytes.indexOf(0);
    if (end < 0 && bytes.length < most) return undefined;
    return Buffer.from(bytes.subarray(0, end < 0 ? most : end)).toString();
  }

  /** Texts by an array of addresses that ends with zero. */
  texts(address: bigint, mostTexts: number, mostBytes: number): string[] {
    const words = this.read(address, 8 * mostTexts);
    const view = new DataView(words.buffer, words.byteOffset, words.length);
    const all: string[] = [];
    for (let at = 0; at + 8 <= words.length; at += 8) {
      const pointer = view.getBigUint64(at, true);
      const text = pointer === 0n ? undefined : this.text(pointer, mostBytes);
      if (text === undefined) break;
      all.push(text);
    }
    return all;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  #some(into: Uint8Array, at: number, length: number, address: bigint): number {
    try {
      return readSync(this.#fd, into, at, length, address);
    } catch {
      return 0; // nothing is mapped there
    }
  }
}

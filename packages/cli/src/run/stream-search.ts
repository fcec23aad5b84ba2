// SPDX-License-Identifier: Apache-2.0
// Finds a text in a stream that comes in pieces, once.

export class StreamSearch {
  readonly #wanted: Buffer;
  #tail: Buffer = Buffer.alloc(0);
  #found: boolean = false;

  constructor(wanted: Uint8Array) {
    this.#wanted = Buffer.from(wanted);
  }

  get found(): boolean {
    return this.#found;
  }

  /** True with the piece that completes the text for the first time. */
  push(piece: Uint8Array): boolean {
    if (this.#found) return false;
    const bytes = Buffer.concat([this.#tail, piece]);
    this.#found = bytes.includes(this.#wanted);
    this.#tail = bytes.subarray(Math.max(0, bytes.length - this.#wanted.length + 1));
    return this.#found;
  }
}

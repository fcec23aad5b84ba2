// SPDX-License-Identifier: Apache-2.0
// Finds a text in a stream that comes in pieces, once.

export class StreamSearch {
  readonly #wanted: Uint8Array;
  /** What the stream ended with so far: as much of it as a find may begin in. */
  #tail: Uint8Array = new Uint8Array();
  #found: boolean = false;

  constructor(wanted: Uint8Array) {
    this.#wanted = wanted.slice();
  }

  get found(): boolean {
    return this.#found;
  }

  /** True with the piece that completes the text for the first time. */
  push(piece: Uint8Array): boolean {
    if (this.#found) return false;
    const bytes = new Uint8Array(this.#tail.length + piece.length);
    bytes.set(this.#tail);
    bytes.set(piece, this.#tail.length);
    this.#found = includes(bytes, this.#wanted);
    this.#tail = bytes.subarray(Math.max(0, bytes.length - this.#wanted.length + 1));
    return this.#found;
  }
}

function includes(bytes: Uint8Array, wanted: Uint8Array): boolean {
  const first = wanted[0];
  if (first === undefined) return true;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (at + wanted.length > bytes.length) return false;
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return true;
  }
  return false;
}

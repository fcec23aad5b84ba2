// SPDX-License-Identifier: Apache-2.0
// Ethernet frames on a byte stream, each behind its length as 32 bits, big-endian: what QEMU's `-netdev stream` and passt
// speak. The other end is not trusted with a length.

const LENGTH_SIZE = 4;

/** The frame with its length in front, copied. */
export function withLength(frame: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(LENGTH_SIZE + frame.length);
  bytes.writeUInt32BE(frame.length);
  bytes.set(frame, LENGTH_SIZE);
  return bytes;
}

/** Cuts a stream into frames. */
export class FrameReader {
  readonly #longest: number;
  readonly #onFrame: (frame: Uint8Array) => void;
  readonly #length = Buffer.alloc(LENGTH_SIZE);
  /** A frame of which a part has come. */
  #frame: Buffer | undefined;
  /** Bytes that have come, of the frame if there is one, else of its length. */
  #have: number = 0;

  constructor(longest: number, onFrame: (frame: Uint8Array) => void) {
    this.#longest = longest;
    this.#onFrame = onFrame;
  }

  /** Takes the stream's next bytes, which must not change later. False if this is no such stream: it is of no use then. */
  push(bytes: Buffer): boolean {
    let at = 0;
    while (at < bytes.length) {
      const into = this.#frame ?? this.#length;
      const size = Math.min(into.length - this.#have, bytes.length - at);
      bytes.copy(into, this.#have, at, at + size);
      at += size;
      this.#have += size;
      if (this.#have < into.length) return true;
      this.#have = 0;
      if (this.#frame !== undefined) {
        this.#onFrame(this.#frame);
        this.#frame = undefined;
        continue;
      }
      const length = this.#length.readUInt32BE();
      if (length > this.#longest) return false;
      if (bytes.length - at < length) this.#frame = Buffer.allocUnsafe(length);
      else {
        if (length > 0) this.#onFrame(bytes.subarray(at, at + length));
        at += length;
      }
    }
    return true;
  }
}

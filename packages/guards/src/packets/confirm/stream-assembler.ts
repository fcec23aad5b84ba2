// SPDX-License-Identifier: Apache-2.0
// One direction of a TCP connection put in order: the bytes that come first hold, as they do for the inspector of packets; what lies
// ahead of a gap waits, up to a bound.

import { EMPTY, join } from './buffer-view.js';

/** Bytes and segments ahead of a gap that are kept. */
const MOST_AHEAD = 0x10_0000;
const MOST_SEGMENTS = 1024;
/** Bytes behind those that came last, at which later conditions may look. */
const MOST_STREAM = 0x1_0000;

interface Segment {
  /** From the stream's beginning, which is 0. */
  readonly at: number;
  readonly bytes: Uint8Array;
}

export class StreamAssembler {
  /** The number of the stream's first byte, modulo 2^32. */
  readonly #first: number;
  #ahead: Segment[] = [];
  #aheadSize = 0;
  /** Bytes that are in order. */
  #length = 0;
  /** The last of them, and how many are missing right before. */
  tail: Uint8Array = EMPTY;
  missing: number = 0;

  constructor(first: number) {
    this.#first = first;
  }

  /** Something lies ahead of a gap. */
  get hasAhead(): boolean {
    return this.#ahead.length > 0;
  }

  get length(): number {
    return this.#length;
  }

  /** Where a number lies; below what is in order by up to 2^31. */
  placeOf(sequence: number): number {
    return this.#length + ((sequence - ((this.#first + this.#length) >>> 0)) | 0);
  }

  /** Bytes that are in order now and were not before. */
  add(sequence: number, bytes: Uint8Array): Uint8Array {
    const at = this.placeOf(sequence);
    if (bytes.length === 0 || at + bytes.length <= this.#length) return EMPTY;
    const isFull = this.#aheadSize + bytes.length > MOST_AHEAD || this.#ahead.length >= MOST_SEGMENTS;
    if (isFull && at > this.#length) return EMPTY;
    this.#ahead.push({ at, bytes });
    this.#aheadSize += bytes.length;
    return this.#advance();
  }

  /** Bytes that are in order; undefined if they are not, or are gone. */
  read(place: number, length: number): Uint8Array | undefined {
    const from = place - (this.#length - this.tail.length);
    return from < 0 || place + length > this.#length ? undefined : this.tail.subarray(from, from + length);
  }

  /** What of these places is in order and still there. */
  between(from: number, to: number): Uint8Array {
    const first = this.#length - this.tail.length;
    const start = Math.max(from, first);
    return this.tail.subarray(start - first, Math.max(start, Math.min(to, this.#length)) - first);
  }

  /** What lies ahead of a gap around a place and between two others, as far as nothing is missing between. */
  aheadAround(place: number, from: number, to: number): Uint8Array {
    const parts: Uint8Array[] = [];
    let end: number | undefined;
    for (const { at, bytes } of this.#ahead.toSorted((a, b) => a.at - b.at)) {
      if (end !== undefined && at > end) {
        if (end > place) break;
        parts.length = 0;
        end = undefined;
      }
      const start = Math.max(end ?? at, from);
      parts.push(bytes.subarray(Math.min(bytes.length, Math.max(0, start - at)), Math.max(0, to - at)));
      end = Math.max(end ?? 0, at + bytes.length);
    }
    return join(parts);
  }

  /** Gives up on what is missing before `place`, and gives what is there behind it; undefined if nothing is missing. */
  skipTo(place: number): Uint8Array | undefined {
    if (this.#ahead.length === 0 || place <= this.#length) return undefined;
    const next = this.#ahead.reduce((first, { at }) => Math.min(first, at), Number.POSITIVE_INFINITY);
    if (next > place) return undefined;
    this.missing = next - this.#length;
    this.#length = next;
    this.tail = EMPTY;
    return this.#advance();
  }

  #advance(): Uint8Array {
    const parts: Uint8Array[] = [];
    for (;;) {
      // Of those that have the next byte the first that came.
      const n = this.#ahead.findIndex(({ at, bytes }) => at <= this.#length && at + bytes.length > this.#length);
      if (n < 0) break;
      const { at, bytes } = this.#ahead[n]!;
      // What came before it keeps what it has further on.
      const limit = this.#ahead
        .slice(0, n)
        .filter((earlier) => earlier.at > this.#length)
        .reduce((first, earlier) => Math.min(first, earlier.at), at + bytes.length);
      const part = bytes.subarray(this.#length - at, limit - at);
      parts.push(part);
      this.#length += part.length;
    }
    this.#ahead = this.#ahead.filter(({ at, bytes }) => at + bytes.length > this.#length);
    this.#aheadSize = this.#ahead.reduce((size, { bytes }) => size + bytes.length, 0);
    if (parts.length === 0) return EMPTY;
    const fresh = join(parts);
    this.tail = join([this.tail, fresh]).slice(-MOST_STREAM - fresh.length);
    return fresh;
  }
}

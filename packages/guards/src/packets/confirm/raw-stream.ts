// SPDX-License-Identifier: Apache-2.0
// Which bytes of one direction of TCP rules look at, and with which packet, as Suricata has it. Who stands in the way looks with each
// segment at what lies before it; who only listens waits until the other end has acknowledged the bytes and there is a reason to look:
// there are many, a message has ended, or the connection has. Suricata then looks at each byte once, so what lies over the border of two looks
// is not found; here the end of the look before is looked at again, for that alone.

import { EMPTY, join } from './buffer-view.js';
import type { StreamAssembler } from './stream-assembler.js';

/** Suricata's toserver-chunk-size. */
export const CHUNK = 2560;
/** So many bytes are not kept to be acknowledged: they are looked at. */
const MOST_UNREAD = 0x4000;

export interface Look {
  readonly bytes: Uint8Array;
  /** What was looked at before, as far as it is kept: it lies right before. */
  readonly before: Uint8Array;
  /** What was looked at before is all that lies before. */
  readonly fromStart: boolean;
  /** Pieces that nobody has looked at, and that a gap has cut off. */
  readonly cut: readonly Uint8Array[];
}

/** At these bytes, whatever lies before. */
export function lookAt(bytes: Uint8Array): Look {
  return { bytes, before: EMPTY, fromStart: false, cut: [] };
}

export class RawStream {
  /** Who only listens: where what was not looked at begins, that, and what lies right before. */
  #start = 0;
  #unread: Uint8Array = EMPTY;
  #before: Uint8Array = EMPTY;
  #cut: Uint8Array[] = [];
  /** The number that the other end waits for. */
  #acknowledged: number | undefined;
  /** Where a message has ended that was not looked at yet. */
  #messageEnd: number | undefined;

  acknowledge(number: number): void {
    this.#acknowledged = number;
  }

  endMessage(place: number): void {
    this.#messageEnd = place;
  }

  /** Who only listens gets all bytes that come in order, wherever there are gaps. */
  feed(place: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (place !== this.#start + this.#unread.length) {
      if (this.#unread.length > 0) this.#cut.push(join([this.#before, this.#unread]));
      this.#start = place;
      this.#unread = EMPTY;
      this.#before = EMPTY;
    }
    this.#unread = join([this.#unread, bytes]);
  }

  /** Of a segment that has just been put into the stream: it, and what lies around. */
  inline(stream: StreamAssembler, sequence: number, { length }: Uint8Array): Look {
    const place = stream.placeOf(sequence);
    // A long one is looked at as a whole, with a part of what lies before.
    const first = place + length - Math.max(CHUNK, length + Math.ceil(length / 3));
    const last = place + length + CHUNK;
    // Ahead of a gap that is what came there.
    return lookAt(place > stream.length ? stream.aheadAround(place, first, last) : stream.between(first, last));
  }

  /** With any packet of the direction; undefined if there is nothing to look at. `all`: also what was not acknowledged. */
  listening(stream: StreamAssembler, { flush, all }: { flush: boolean; all: boolean }): Look | undefined {
    if (!this.isBehind) return undefined;
    const end = this.#start + this.#unread.length;
    const place = this.#acknowledged === undefined ? 0 : stream.placeOf(this.#acknowledged);
    const isAll = all || this.#unread.length > MOST_UNREAD;
    const visible = isAll ? end : Math.max(this.#start, Math.min(end, place));
    const isMessage = this.#messageEnd !== undefined && this.#messageEnd <= visible;
    if (!flush && !isMessage && this.#cut.length === 0 && visible - this.#start < CHUNK) return undefined;
    if (isMessage) this.#messageEnd = undefined;
    const [bytes, before, cut] = [this.#unread.subarray(0, visible - this.#start), this.#before, this.#cut];
    const fromStart = before.length === this.#start;
    this.#start = visible;
    this.#unread = this.#unread.slice(bytes.length);
    this.#before = join([before, bytes]).slice(-CHUNK);
    this.#cut = [];
    return { bytes, before, fromStart, cut };
  }

  /** Whether there are bytes that nobody has looked at. */
  get isBehind(): boolean {
    return this.#unread.length > 0 || this.#cut.length > 0;
  }
}

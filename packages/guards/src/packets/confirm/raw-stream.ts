// SPDX-License-Identifier: Apache-2.0
// Which bytes of one direction of TCP rules look at, and with which packet, as Suricata has it. Who stands in the way looks with each
// segment at what lies before it; who only listens waits until the other end has acknowledged the bytes and there is a reason to look:
// there are many, a message has ended, or the connection has. So what listens looks at each byte once.

import type { StreamAssembler } from './stream-assembler.js';

/** Suricata's toserver-chunk-size. */
export const CHUNK = 2560;

export class RawStream {
  /** What has been looked at. */
  #inspected = 0;
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

  /** Of a segment that has just been put into the stream: it, and what lies before. */
  inline(stream: StreamAssembler, sequence: number, payload: Uint8Array): Uint8Array {
    const place = stream.placeOf(sequence);
    // Ahead of a gap that is what came there.
    if (place > stream.length) return stream.aheadAround(place).slice(-CHUNK);
    const first = stream.length - stream.tail.length;
    const last = stream.length - first <= CHUNK ? stream.length : Math.min(stream.length, place + payload.length);
    return viewOf(stream, Math.max(first, last - CHUNK), last);
  }

  /** With any packet of the direction; undefined if there is nothing to look at. `all`: also what was not acknowledged. */
  listening(stream: StreamAssembler, { flush, all }: { flush: boolean; all: boolean }): Uint8Array | undefined {
    if (!this.isBehind(stream)) return undefined;
    const place = this.#acknowledged === undefined ? 0 : stream.placeOf(this.#acknowledged);
    const visible = all ? stream.length : Math.max(0, Math.min(stream.length, place));
    const isMessage = this.#messageEnd !== undefined && this.#messageEnd <= visible;
    if (!flush && !isMessage && visible - this.#inspected < CHUNK) return undefined;
    if (isMessage) this.#messageEnd = undefined;
    const view = viewOf(stream, this.#inspected, visible);
    this.#inspected = Math.max(this.#inspected, visible);
    return view;
  }

  /** Whether there are bytes that nobody has looked at. */
  isBehind(stream: StreamAssembler): boolean {
    return this.#inspected < stream.length;
  }
}

/** As far as the bytes are still there. */
function viewOf(stream: StreamAssembler, from: number, to: number): Uint8Array {
  const first = stream.length - stream.tail.length;
  const start = Math.max(from, first);
  return stream.tail.subarray(start - first, Math.max(start, to) - first);
}

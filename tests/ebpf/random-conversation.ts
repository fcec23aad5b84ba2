// SPDX-License-Identifier: Apache-2.0
// What two ends send each other by TCP, UDP or ICMP: mostly as it should be, with handshakes, answers and ends, now and then not.

import type { Random } from '../fuzz/random.js';
import { FLAG, frameOf } from './build-frame.js';

export class RandomConversation {
  readonly #random: Random;
  readonly #protocol: 'tcp' | 'udp' | 'icmp';
  /** Of each end: last byte of its address, port, and the number of its next byte. */
  readonly #ends: readonly { address: number; port: number; next: number }[];
  readonly #text: () => Uint8Array;
  #step = 0;

  constructor(random: Random, text: () => Uint8Array) {
    this.#random = random;
    this.#text = text;
    this.#protocol = random.pick(['tcp', 'tcp', 'tcp', 'udp', 'icmp']);
    const ends = [1, 2].map(() => ({
      address: 1 + random.below(3),
      port: 1000 + random.below(4),
      next: random.word(),
    }));
    if (ends[0]!.address === ends[1]!.address) ends[1]!.address = 200;
    this.#ends = ends;
    // Some are met in the middle.
    if (random.chance(0.2)) this.#step = 3;
  }

  /** The next packet. */
  frame(): Uint8Array {
    const random = this.#random;
    const [client, server] = this.#ends;
    const strange = random.chance(0.1);
    if (this.#protocol !== 'tcp') {
      const answers = random.chance(this.#step < 3 ? 0.1 : 0.5);
      this.#step++;
      return this.#datagram(answers ? 1 : 0);
    }
    if (strange) {
      const flags = random.pick([FLAG.syn, FLAG.syn | FLAG.ack, FLAG.rst, FLAG.fin | FLAG.ack, FLAG.rst | FLAG.ack, 0]);
      const from = random.below(2);
      const end = this.#ends[from]!;
      const by = random.pick([0, 0, -1, 1, 1000, random.word()]);
      const payload = random.chance(0.2) ? this.#text() : undefined;
      return this.#segment(from, flags, end.next + by, payload);
    }
    switch (this.#step) {
      case 0:
        this.#step = random.chance(0.9) ? 1 : 0;
        return this.#segment(0, FLAG.syn, client!.next - 1);
      case 1:
        this.#step = random.chance(0.9) ? 2 : 1;
        return this.#segment(1, FLAG.syn | FLAG.ack, server!.next - 1);
      case 2:
        this.#step = 3;
        return this.#segment(0, FLAG.ack, client!.next, random.chance(0.3) ? this.#text() : undefined);
      default: {
        const from = random.below(2);
        const end = this.#ends[from]!;
        if (random.chance(0.06)) {
          // Another connection between the same ends.
          if (random.chance(0.5)) this.#step = 0;
          const flags = random.pick([FLAG.fin | FLAG.ack, FLAG.rst]);
          const last = this.#segment(from, flags, end.next);
          for (const one of this.#ends) one.next = random.word();
          return last;
        }
        const payload = random.chance(0.8) ? this.#text() : undefined;
        const frame = this.#segment(from, FLAG.ack | FLAG.psh, end.next, payload);
        if (random.chance(0.9)) end.next += payload?.length ?? 0;
        return frame;
      }
    }
  }

  #datagram(from: 0 | 1): Uint8Array {
    const [source, destination] = [this.#ends[from]!, this.#ends[1 - from]!];
    const isPing = this.#protocol === 'icmp';
    return frameOf({
      protocol: this.#protocol,
      source: source.address,
      destination: destination.address,
      sourcePort: isPing ? (from === 0 ? 8 : 0) : source.port,
      destinationPort: isPing ? 0 : destination.port,
      payload: this.#text(),
      ttl: this.#random.pick([1, 64, 255]),
      id: this.#random.below(4),
      sequence: this.#random.below(4),
    });
  }

  #segment(from: number, flags: number, sequence: number, payload?: Uint8Array): Uint8Array {
    const [source, destination] = [this.#ends[from]!, this.#ends[1 - from]!];
    return frameOf({
      protocol: 'tcp',
      source: source.address,
      destination: destination.address,
      sourcePort: source.port,
      destinationPort: destination.port,
      flags,
      sequence,
      acknowledged: destination.next,
      window: this.#random.pick([0, 512, 0xffff]),
      ttl: this.#random.pick([1, 64, 255]),
      id: this.#random.below(4),
      ...(payload === undefined ? {} : { payload }),
    });
  }
}

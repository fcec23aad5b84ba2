// SPDX-License-Identifier: Apache-2.0
// All packets of a frame: itself, what it carries, and what its fragments make together with those before.

import { decodePacket } from '../decode-packet.js';
import { decodeEvents } from './decode-events.js';
import { Defragmenter } from './defragmenter.js';
import { innerPacket, type TunnelKind } from './inner-packets.js';

export interface CarriedPacket {
  /** As an Ethernet frame of its own. */
  readonly frame: Uint8Array;
  /** Suricata's names of where a packet comes from. */
  readonly origin: 'wire/pcap' | 'defrag' | 'stream (flow timeout)' | TunnelKind;
  /** The packet that carries it in a tunnel, or of whose fragments it is made. */
  readonly outer: CarriedPacket | undefined;
  /** What is wrong with its headers. */
  readonly events: ReadonlySet<string>;
}

/** Packets in packets. */
const MOST_LAYERS = 8;

export class PacketUnwrapper {
  readonly #defragmenter = new Defragmenter();

  /** From outside inwards. */
  unwrap(frame: Uint8Array, time: bigint): CarriedPacket[] {
    const all: CarriedPacket[] = [];
    let next: Pick<CarriedPacket, 'frame' | 'origin'> | undefined = { frame, origin: 'wire/pcap' };
    while (next !== undefined && all.length < MOST_LAYERS) {
      const outer = all.at(-1);
      const fragments = this.#defragmenter.add(next.frame, time);
      const events = new Set([...decodeEvents(next.frame), ...(fragments?.events ?? [])]);
      all.push({ ...next, outer, events });
      if (fragments?.frame !== undefined) next = { frame: fragments.frame, origin: 'defrag' };
      else {
        const inner = innerPacket(next.frame, decodePacket(next.frame));
        next = inner === undefined ? undefined : { frame: inner.frame, origin: inner.kind };
      }
    }
    return all;
  }
}

// SPDX-License-Identifier: Apache-2.0
// A packet as people and other tools want to read of it.

import { type DecodedPacket, PROTOCOL, REASON } from '@plinth/guards';
import type { InspectedPacket } from './inspect-capture.js';

const NAMES: Readonly<Record<number, string>> = {
  2: 'IGMP',
  4: 'IP-in-IP',
  41: 'IPv6',
  47: 'GRE',
  50: 'ESP',
  132: 'SCTP',
  [PROTOCOL.ah]: 'AH',
  [PROTOCOL.tcp]: 'TCP',
  [PROTOCOL.udp]: 'UDP',
  [PROTOCOL.icmp]: 'ICMP',
  [PROTOCOL.icmp6]: 'IPv6-ICMP',
};

export function protocolName(protocol: number): string {
  return NAMES[protocol] ?? String(protocol);
}

/** Source and destination. */
export function addressBytes(frame: Uint8Array, packet: DecodedPacket): [source: Uint8Array, destination: Uint8Array] {
  const [at, size] = packet.version === 4 ? [packet.network + 12, 4] : [packet.network + 8, 16];
  return [frame.subarray(at, at + size), frame.subarray(at + size, at + 2 * size)];
}

/** Source and destination, as they are written. */
export function addressesOf(frame: Uint8Array, packet: DecodedPacket): [source: string, destination: string] {
  const [source, destination] = addressBytes(frame, packet);
  return [addressText(source), addressText(destination)];
}

/** Of 4 or 16 bytes in network order. */
export function addressText(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join('.') : version6(bytes);
}

/** RFC 5952: the longest row of zeroes is left out. */
function version6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, n) => ((bytes[2 * n]! << 8) | bytes[2 * n + 1]!).toString(16));
  let best = { from: 0, length: 1 };
  for (let from = 0; from < 8; from++) {
    let length = 0;
    while (from + length < 8 && groups[from + length] === '0') length++;
    if (length > best.length) best = { from, length };
  }
  if (best.length < 2) return groups.join(':');
  return `${groups.slice(0, best.from).join(':')}::${groups.slice(best.from + best.length).join(':')}`;
}

const REASONS: readonly (readonly [number, string])[] = [
  [REASON.gap, 'bytes are missing before it'],
  [REASON.overlap, 'it has bytes that were there before'],
  [REASON.fragment, 'it is a fragment'],
  [REASON.tooMuch, 'more was found in it than could be looked at'],
  [REASON.flow, 'its connection was dropped before'],
  [REASON.urgent, 'it has urgent data'],
  [REASON.untold, 'more rules matched than can be told'],
  [REASON.forgotten, 'rules were changed too often to know what its stream began with'],
  [REASON.conflict, 'bytes that were there before are others in it'],
];

/** What was wrong with a packet of a capture or a card, besides rules. */
export function remarksOf({ reason, isJunk }: Pick<InspectedPacket, 'reason' | 'isJunk'>): string[] {
  return isJunk ? ['its checksum is wrong, so who receives it throws it away'] : reasonsOf(reason);
}

/** By bits of `REASON`. */
export function reasonsOf(reason: number): string[] {
  return REASONS.filter(([bit]) => (reason & bit) !== 0).map(([, text]) => text);
}

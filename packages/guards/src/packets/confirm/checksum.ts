// SPDX-License-Identifier: Apache-2.0
// The checksums of IP's headers and of what is above (RFC 1071).

import { type DecodedPacket, PROTOCOL } from '../decode-packet.js';
import type { ChecksumCondition } from '../rule.js';

/** Whether it is right; undefined if the packet has none of that kind. */
export function checksumOf(of: ChecksumCondition['of'], frame: Uint8Array, packet: DecodedPacket): boolean | undefined {
  const { version, network, transport, protocol, payload, payloadLength, kind } = packet;
  if (of === 'ipv4') {
    if (version !== 4 || kind === 'malformed') return undefined;
    return sum(frame.subarray(network, network + (frame[network]! & 15) * 4), 0) === 0xffff;
  }
  const wanted = PROTOCOLS[of];
  if (kind !== 'transport' || packet.moreFragments || version !== wanted.version || protocol !== wanted.protocol)
    return undefined;
  const bytes = frame.subarray(transport, payload + payloadLength);
  // Zero says that a datagram has none.
  if (of === 'udpv4' && bytes[6] === 0 && bytes[7] === 0) return true;
  if (of === 'icmpv4') return sum(bytes, 0) === 0xffff;
  return sum(bytes, sumOfEnds(frame, packet, bytes.length)) === 0xffff;
}

/**
 * What the checksum of a segment says. `absent`: nobody has filled it in, as where a sender leaves that to its network card: it is zero, or the
 * sum of the addresses alone, which the card begins with. Of many such segments one is right by chance (`either`), which says nothing
 * of the others. Undefined for what is no whole segment of TCP.
 */
export function segmentChecksum(
  frame: Uint8Array,
  packet: DecodedPacket,
): 'right' | 'wrong' | 'absent' | 'either' | undefined {
  const { version, transport, payload, payloadLength } = packet;
  const right = checksumOf(version === 6 ? 'tcpv6' : 'tcpv4', frame, packet);
  if (right === undefined) return undefined;
  const given = (frame[transport + 16]! << 8) | frame[transport + 17]!;
  const isAbsent = given === 0 || given === sumOfEnds(frame, packet, payload + payloadLength - transport);
  if (right) return isAbsent ? 'either' : 'right';
  return isAbsent ? 'absent' : 'wrong';
}

/** Of the header that only the sum knows: addresses, protocol, and length of what is above IP. */
function sumOfEnds(frame: Uint8Array, { version, network, protocol }: DecodedPacket, length: number): number {
  const [at, size] = version === 4 ? [network + 12, 8] : [network + 8, 32];
  return sum(frame.subarray(at, at + size), protocol + length);
}

const PROTOCOLS = {
  tcpv4: { version: 4, protocol: PROTOCOL.tcp },
  tcpv6: { version: 6, protocol: PROTOCOL.tcp },
  udpv4: { version: 4, protocol: PROTOCOL.udp },
  udpv6: { version: 6, protocol: PROTOCOL.udp },
  icmpv4: { version: 4, protocol: PROTOCOL.icmp },
  icmpv6: { version: 6, protocol: PROTOCOL.icmp6 },
} as const;

function sum(bytes: Uint8Array, from: number): number {
  let all = from;
  for (let at = 0; at < bytes.length; at += 2) all += (bytes[at]! << 8) | (bytes[at + 1] ?? 0);
  while (all > 0xffff) all = (all & 0xffff) + (all >>> 16);
  return all;
}

// SPDX-License-Identifier: Apache-2.0
// What a rule's header and its flags of TCP say of a packet.

import { type DecodedPacket, PROTOCOL } from './decode-packet.js';
import type { FlagsCondition, RuleHeader } from './rule.js';
import { hasAddress, hasPort } from './rule-sets.js';

/** Of a packet of IP; ICMP has no ports. */
export function matchesEnds(
  ends: Pick<RuleHeader, 'source' | 'sourcePort' | 'destination' | 'destinationPort' | 'bothWays'>,
  packet: DecodedPacket,
  frame: Uint8Array,
): boolean {
  const isIcmp = packet.protocol === PROTOCOL.icmp || packet.protocol === PROTOCOL.icmp6;
  const ports = isIcmp ? [0, 0] : [packet.sourcePort, packet.destinationPort];
  const version = packet.version === 4 ? 4 : 6;
  const [at, size] = version === 4 ? [packet.network + 12, 4] : [packet.network + 8, 16];
  const addresses = [at, at + size].map((start) =>
    frame.subarray(start, start + size).reduce((all, byte) => (all << 8n) | BigInt(byte), 0n),
  );
  const matches = (from: 0 | 1, to: 0 | 1): boolean =>
    hasPort(ends.sourcePort, ports[from]!) &&
    hasPort(ends.destinationPort, ports[to]!) &&
    hasAddress(ends.source, version, addresses[from]!) &&
    hasAddress(ends.destination, version, addresses[to]!);
  return matches(0, 1) || (ends.bothWays && matches(1, 0));
}

/** `all` are the flags that the packet has. */
export function matchesFlags({ flags, how, ignored }: Omit<FlagsCondition, 'kind'>, all: number): boolean {
  const seen = all & ~ignored;
  switch (how) {
    case 'exact':
      return seen === flags;
    case 'all':
      return (seen & flags) === flags;
    case 'any':
      return (seen & flags) !== 0;
    case 'not':
      return (seen & flags) === 0;
  }
}

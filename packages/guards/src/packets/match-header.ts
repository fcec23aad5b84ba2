// SPDX-License-Identifier: Apache-2.0
// What a rule's header and its flags of TCP say of a packet.

import { type DecodedPacket, PROTOCOL } from './decode-packet.js';
import type { AddressRange, FlagsCondition, PortRange, RuleHeader } from './rule.js';
import { hasAddress, hasPort } from './rule-sets.js';

type Ends = Pick<RuleHeader, 'source' | 'sourcePort' | 'destination' | 'destinationPort' | 'bothWays'>;

/** In how many ways the ends of a packet of IP are those of a rule: with `<>` it may be both. Only TCP and UDP have ports. */
export function waysOf(ends: Ends, packet: DecodedPacket, frame: Uint8Array): 0 | 1 | 2 {
  const hasPorts = packet.protocol === PROTOCOL.tcp || packet.protocol === PROTOCOL.udp;
  if (!hasPorts && asksPorts(ends)) return 0;
  const ports = [packet.sourcePort, packet.destinationPort];
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
  const [there, back] = [matches(0, 1), ends.bothWays && matches(1, 0)];
  return there && back && !isSymmetric(ends) ? 2 : there || back ? 1 : 0;
}

/** Whether a rule asks for ports. */
export function asksPorts({
  sourcePort,
  destinationPort,
}: Pick<RuleHeader, 'sourcePort' | 'destinationPort'>): boolean {
  return (sourcePort ?? destinationPort) !== undefined;
}

/** Both ends are the same, so both directions are. */
function isSymmetric({ source, sourcePort, destination, destinationPort }: Ends): boolean {
  return isSame(source, destination) && isSame(sourcePort, destinationPort);
}

function isSame<T extends AddressRange | PortRange>(a: readonly T[] | undefined, b: readonly T[] | undefined): boolean {
  const text = (set: readonly T[] | undefined): string =>
    (set ?? []).map((range) => `${'version' in range ? range.version : ''} ${range.first}-${range.last}`).join();
  return (a === undefined) === (b === undefined) && text(a) === text(b);
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
      return (seen & flags) !== flags;
  }
}

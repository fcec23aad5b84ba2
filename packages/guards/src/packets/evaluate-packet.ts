// SPDX-License-Identifier: Apache-2.0
// Decides kernel rules on one packet, plainly and slowly: what the program is compared with.

import { foldByte } from '@plinth/match';
import { decodePacket, type DecodedPacket, PROTOCOL } from './decode-packet.js';
import type { KernelContent, KernelRule, NumberRange } from './kernel-rule.js';
import { hasAddress, hasPort } from './rule-sets.js';

/** Indices of the rules that a frame matches, rising. */
export function matchingRules(rules: readonly KernelRule[], frame: Uint8Array): number[] {
  const packet = decodePacket(frame);
  if (packet.kind !== 'transport' && packet.kind !== 'network') return [];
  const payload = frame.subarray(packet.payload, packet.payload + packet.payloadLength);
  return rules.flatMap((rule, index) => (matches(rule, packet, frame, payload) ? [index] : []));
}

function matches(rule: KernelRule, packet: DecodedPacket, frame: Uint8Array, payload: Uint8Array): boolean {
  if (rule.protocols !== undefined && !rule.protocols.includes(packet.protocol)) return false;
  const isIcmp = packet.protocol === PROTOCOL.icmp || packet.protocol === PROTOCOL.icmp6;
  const type = isIcmp ? packet.sourcePort : 0;
  const code = isIcmp ? packet.destinationPort : 0;
  return (
    within(rule.payloadLength, Math.min(0xffff, packet.payloadLength)) &&
    within(rule.icmpType, type) &&
    within(rule.icmpCode, code) &&
    matchesFlags(rule, packet) &&
    (matchesEnds(rule, packet, frame, false) || (rule.bothWays && matchesEnds(rule, packet, frame, true))) &&
    rule.contents.every((content) => hasContent(content, payload))
  );
}

function within({ least, most }: NumberRange, value: number): boolean {
  return value >= least && value <= most;
}

function matchesFlags({ flags: condition }: KernelRule, packet: DecodedPacket): boolean {
  if (condition === undefined) return true;
  const { flags, how, ignored } = condition;
  const seen = packet.flags & ~ignored;
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

function matchesEnds(rule: KernelRule, packet: DecodedPacket, frame: Uint8Array, turned: boolean): boolean {
  const isIcmp = packet.protocol === PROTOCOL.icmp || packet.protocol === PROTOCOL.icmp6;
  const ports = isIcmp ? [0, 0] : [packet.sourcePort, packet.destinationPort];
  const version = packet.version === 4 ? 4 : 6;
  const [at, size] = version === 4 ? [packet.network + 12, 4] : [packet.network + 8, 16];
  const addresses = [at, at + size].map((start) =>
    frame.subarray(start, start + size).reduce((all, byte) => (all << 8n) | BigInt(byte), 0n),
  );
  const [from, to] = turned ? [1, 0] : [0, 1];
  return (
    hasPort(rule.sourcePort, ports[from]!) &&
    hasPort(rule.destinationPort, ports[to]!) &&
    hasAddress(rule.source, version, addresses[from]!) &&
    hasAddress(rule.destination, version, addresses[to]!)
  );
}

function hasContent({ bytes, nocase, offset, end, atEnd }: KernelContent, payload: Uint8Array): boolean {
  for (let at = offset; at + bytes.length <= Math.min(end, payload.length); at++) {
    if (atEnd && at + bytes.length !== payload.length) continue;
    const same = bytes.every((byte, n) => {
      const other = payload[at + n]!;
      return nocase ? foldByte(byte) === foldByte(other) : byte === other;
    });
    if (same) return true;
  }
  return false;
}

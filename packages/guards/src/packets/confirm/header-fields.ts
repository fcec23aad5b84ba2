// SPDX-License-Identifier: Apache-2.0
// What rules ask of headers that only whoever reads the packet looks at: fields and options of IP (RFC 791, RFC 8200), TCP (RFC 9293) and
// ICMPv6 (RFC 4443).

import { type DecodedPacket, PROTOCOL } from '../decode-packet.js';
import { matchesFlags } from '../match-header.js';
import {
  FIELD_NUMBERS,
  type FieldNumber,
  type FragbitsCondition,
  type NumberCondition,
  type OptionsCondition,
} from '../rule.js';

export function isField(name: NumberCondition['name']): name is FieldNumber {
  return (FIELD_NUMBERS as readonly string[]).includes(name);
}

/** Undefined for what the packet does not have. */
export function fieldOf(name: FieldNumber, packet: DecodedPacket, frame: Uint8Array): number | undefined {
  const { version, network, transport, protocol, kind } = packet;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const isWhole = kind === 'transport' && !packet.moreFragments;
  switch (name) {
    case 'tos':
      return version === 4 ? view.getUint8(network + 1) : undefined;
    case 'fragoffset':
      return version === 4 ? view.getUint16(network + 6) & 0x1fff : undefined;
    case 'tcp.mss':
      return isWhole && protocol === PROTOCOL.tcp ? segmentSize(view, transport + 20, packet.payload) : undefined;
    case 'icmpv6.mtu':
      return isWhole && protocol === PROTOCOL.icmp6 && packet.sourcePort === TOO_BIG && packet.destinationPort === 0
        ? view.getUint32(transport + 4)
        : undefined;
  }
}

/** Type of ICMPv6. */
const TOO_BIG = 2;
/** Kind of TCP's option for the largest segment. */
const SEGMENT_SIZE = 2;

function segmentSize(view: DataView, from: number, end: number): number | undefined {
  for (let at = from; at < end;) {
    const kind = view.getUint8(at);
    if (kind === 0 || (kind !== 1 && at + 1 >= end)) return undefined;
    const size = kind === 1 ? 1 : view.getUint8(at + 1);
    if (size === 0 || at + size > end) return undefined;
    if (kind === SEGMENT_SIZE) return size === 4 ? view.getUint16(at + 2) : undefined;
    at += size;
  }
  return undefined;
}

export function hasFragbits(
  { bits, how }: FragbitsCondition,
  frame: Uint8Array,
  { version, network }: DecodedPacket,
): boolean {
  const seen = frame[network + 6]! >> 5;
  // With `+` there have to be others.
  return version === 4 && matchesFlags({ flags: bits, how, ignored: 0 }, seen) && !(how === 'all' && seen === bits);
}

export function hasOption(
  { option }: OptionsCondition,
  frame: Uint8Array,
  { version, network }: DecodedPacket,
): boolean {
  if (version !== 4) return false;
  const end = network + (frame[network]! & 15) * 4;
  if (option === undefined) return end > network + 20;
  for (let at = network + 20; at < end;) {
    const type = frame[at]!;
    if (type === option) return true;
    if (type === 0) return false;
    const size = type === 1 ? 1 : (frame[at + 1] ?? 0);
    if (size === 0) return false;
    at += size;
  }
  return false;
}

export function hasSameAddress(frame: Uint8Array, { version, network }: DecodedPacket): boolean {
  const [at, size] = version === 4 ? [network + 12, 4] : [network + 8, 16];
  return frame.subarray(at, at + size).every((byte, n) => byte === frame[at + size + n]);
}

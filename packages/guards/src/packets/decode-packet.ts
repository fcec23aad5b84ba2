// SPDX-License-Identifier: Apache-2.0
// The headers of a frame: Ethernet with VLAN tags, IPv4 (RFC 791), IPv6 with its extension headers (RFC 8200), TCP, UDP, ICMP.
// Lengths are believed only as far as the frame goes. `program/decode-code.ts` does the same as a program, and is
// held to this by a test.

export const ETHERTYPE = { ipv4: 0x0800, ipv6: 0x86dd, vlan: 0x8100, serviceVlan: 0x88a8 } as const;
export const PROTOCOL = {
  hopByHop: 0,
  icmp: 1,
  tcp: 6,
  udp: 17,
  routing: 43,
  fragment: 44,
  ah: 51,
  icmp6: 58,
  none: 59,
  destination: 60,
} as const;

/** VLAN tags that are looked behind. */
export const MOST_TAGS = 2;
/** Extension headers that are looked behind. */
export const MOST_EXTENSIONS = 6;
/** Bytes of a frame in which its headers have to lie. */
export const HEADER_BYTES = 256;

/**
 * What a frame is:
 * - `transport`: TCP, UDP or ICMP with all of its header, in one piece or the first fragment of it
 * - `network`: another protocol above IP
 * - `fragment`: a later fragment, which has no header of TCP or UDP
 * - `malformed`: headers that contradict themselves or end too early
 * - `foreign`: not IP
 */
export const PACKET_KIND = { foreign: 0, malformed: 1, fragment: 2, network: 3, transport: 4 } as const;
export type PacketKind = keyof typeof PACKET_KIND;

export interface DecodedPacket {
  readonly kind: PacketKind;
  /** 0 for what is not IP. */
  readonly version: 0 | 4 | 6;
  /** Number of the protocol above IP. */
  readonly protocol: number;
  /** Where the IP header begins; addresses lie behind it at fixed places. */
  readonly network: number;
  /** Where the header of TCP, UDP or ICMP begins. */
  readonly transport: number;
  /** 0 if there are none; of ICMP type and code. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** The bytes above TCP, UDP or ICMP, as far as IP says they go. */
  readonly payload: number;
  readonly payloadLength: number;
  /** Of TCP. */
  readonly flags: number;
  readonly sequence: number;
  readonly acknowledged: number;
  /** More fragments follow. */
  readonly moreFragments: boolean;
}

const NOTHING: DecodedPacket = {
  kind: 'foreign',
  version: 0,
  protocol: 0,
  network: 0,
  transport: 0,
  sourcePort: 0,
  destinationPort: 0,
  payload: 0,
  payloadLength: 0,
  flags: 0,
  sequence: 0,
  acknowledged: 0,
  moreFragments: false,
};

/** `frame` begins with the Ethernet header. */
export function decodePacket(frame: Uint8Array): DecodedPacket {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const limit = Math.min(frame.length, HEADER_BYTES);
  if (limit < 14) return { ...NOTHING, kind: 'malformed' };
  let at = 14;
  let type = view.getUint16(12);
  for (let n = 0; n < MOST_TAGS && (type === ETHERTYPE.vlan || type === ETHERTYPE.serviceVlan); n++) {
    if (at + 4 > limit) return { ...NOTHING, kind: 'malformed' };
    type = view.getUint16(at + 2);
    at += 4;
  }
  if (type === ETHERTYPE.ipv4) return version4(view, at, limit, frame.length);
  if (type === ETHERTYPE.ipv6) return version6(view, at, limit, frame.length);
  return NOTHING;
}

function version4(view: DataView, at: number, limit: number, end: number): DecodedPacket {
  const base: DecodedPacket = { ...NOTHING, version: 4, network: at, kind: 'malformed' };
  if (at + 20 > limit) return base;
  const first = view.getUint8(at);
  const headerLength = (first & 15) * 4;
  const total = view.getUint16(at + 2);
  if (first >> 4 !== 4 || headerLength < 20 || total < headerLength || at + total > end) return base;
  const fragment = view.getUint16(at + 6);
  const found = { ...base, protocol: view.getUint8(at + 9), moreFragments: (fragment & 0x2000) !== 0 };
  if ((fragment & 0x1fff) !== 0) return { ...found, kind: 'fragment' };
  return above(view, found, at + headerLength, at + total, limit);
}

function version6(view: DataView, at: number, limit: number, end: number): DecodedPacket {
  let found: DecodedPacket = { ...NOTHING, version: 6, network: at, kind: 'malformed' };
  if (at + 40 > limit) return found;
  const stop = at + 40 + view.getUint16(at + 4);
  if (view.getUint8(at) >> 4 !== 6 || stop > end) return found;
  let protocol = view.getUint8(at + 6);
  let next = at + 40;
  for (let n = 0; n < MOST_EXTENSIONS; n++) {
    const isFragment = protocol === PROTOCOL.fragment;
    const isAuthentication = protocol === PROTOCOL.ah;
    const isOptions =
      protocol === PROTOCOL.hopByHop || protocol === PROTOCOL.routing || protocol === PROTOCOL.destination;
    if (!isFragment && !isAuthentication && !isOptions) break;
    if (next + 8 > limit || next + 8 > stop) return { ...found, protocol };
    const length = view.getUint8(next + 1);
    if (isFragment) {
      const fragment = view.getUint16(next + 2);
      found = { ...found, moreFragments: (fragment & 1) !== 0 };
      if (fragment >> 3 !== 0) return { ...found, protocol: view.getUint8(next), kind: 'fragment' };
    }
    protocol = view.getUint8(next);
    next += isFragment ? 8 : isAuthentication ? (length + 2) * 4 : (length + 1) * 8;
    if (next > stop) return { ...found, protocol };
  }
  return above(view, { ...found, protocol }, next, stop, limit);
}

function above(view: DataView, found: DecodedPacket, at: number, stop: number, limit: number): DecodedPacket {
  const { protocol } = found;
  const room = Math.min(stop, limit) - at;
  if (protocol === PROTOCOL.tcp) {
    if (room < 20) return found;
    const headerLength = (view.getUint8(at + 12) >> 4) * 4;
    if (headerLength < 20 || at + headerLength > stop) return found;
    return {
      ...found,
      kind: 'transport',
      transport: at,
      sourcePort: view.getUint16(at),
      destinationPort: view.getUint16(at + 2),
      payload: at + headerLength,
      payloadLength: stop - at - headerLength,
      flags: view.getUint8(at + 13),
      sequence: view.getUint32(at + 4),
      acknowledged: view.getUint32(at + 8),
    };
  }
  const isIcmp = protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmp6;
  if (protocol !== PROTOCOL.udp && !isIcmp) {
    return { ...found, kind: 'network', transport: at, payload: at, payloadLength: stop - at };
  }
  if (room < 8) return found;
  return {
    ...found,
    kind: 'transport',
    transport: at,
    sourcePort: isIcmp ? view.getUint8(at) : view.getUint16(at),
    destinationPort: isIcmp ? view.getUint8(at + 1) : view.getUint16(at + 2),
    payload: at + 8,
    payloadLength: stop - at - 8,
  };
}

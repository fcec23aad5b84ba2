// SPDX-License-Identifier: Apache-2.0
// Packets that a packet carries: IP in IP (RFC 2003, RFC 4213), GRE (RFC 2784, RFC 2890), VXLAN (RFC 7348), Geneve (RFC 8926), PPP over
// Ethernet (RFC 2516) and MPLS (RFC 3032). Each is given as an Ethernet frame of its own.

import { type DecodedPacket, ETHERTYPE, PROTOCOL } from '../decode-packet.js';

export type TunnelKind =
  'ipv4 tunnel' | 'ipv6 tunnel' | 'gre tunnel' | 'vxlan encapsulation' | 'geneve encapsulation' | 'link';

export interface InnerPacket {
  readonly frame: Uint8Array;
  readonly kind: TunnelKind;
}

const GRE = 47;
const IP_IN_IP = 4;
const IPV6_IN_IP = 41;
const TYPE = { mpls: 0x8847, mplsMulticast: 0x8848, pppoe: 0x8864, bridging: 0x6558, ppp: 0x880b } as const;
const PPP = { ipv4: 0x0021, ipv6: 0x0057 } as const;
const PORT = { vxlan: 4789, geneve: 6081 } as const;

/** The packet right inside; undefined if there is none that is known. */
export function innerPacket(frame: Uint8Array, packet: DecodedPacket): InnerPacket | undefined {
  if (packet.kind === 'foreign') return insideLink(frame);
  if (packet.moreFragments) return undefined;
  const payload = frame.subarray(packet.payload, packet.payload + packet.payloadLength);
  if (packet.kind === 'network') {
    const kind = packet.version === 4 ? 'ipv4 tunnel' : 'ipv6 tunnel';
    if (packet.protocol === IP_IN_IP) return made(frame, ETHERTYPE.ipv4, payload, kind);
    if (packet.protocol === IPV6_IN_IP) return made(frame, ETHERTYPE.ipv6, payload, kind);
    return packet.protocol === GRE ? insideGre(frame, payload) : undefined;
  }
  if (packet.kind !== 'transport' || packet.protocol !== PROTOCOL.udp) return undefined;
  return insideDatagram(frame, packet.destinationPort, payload);
}

function made(outer: Uint8Array, type: number, bytes: Uint8Array, kind: TunnelKind): InnerPacket {
  const frame = new Uint8Array(14 + bytes.length);
  frame.set(outer.subarray(0, 12));
  frame[12] = type >> 8;
  frame[13] = type & 0xff;
  frame.set(bytes, 14);
  return { frame, kind };
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** Behind labels of MPLS, or a session of PPPoE. */
function insideLink(frame: Uint8Array): InnerPacket | undefined {
  let at = 12;
  for (let n = 0; n < 2 && (word(frame, at) === ETHERTYPE.vlan || word(frame, at) === ETHERTYPE.serviceVlan); n++)
    at += 4;
  const type = word(frame, at);
  at += 2;
  if (type === TYPE.pppoe && frame[at] === 0x11 && frame[at + 1] === 0)
    return insidePpp(frame, frame.subarray(at + 6), 'link');
  if (type !== TYPE.mpls && type !== TYPE.mplsMulticast) return undefined;
  for (let n = 0; n < 16 && at + 4 <= frame.length; n++, at += 4) {
    // The last label has its bottom bit.
    if ((frame[at + 2]! & 1) === 0) continue;
    const inside = frame.subarray(at + 4);
    const version = (inside[0] ?? 0) >> 4;
    if (version !== 4 && version !== 6) return undefined;
    return made(frame, version === 4 ? ETHERTYPE.ipv4 : ETHERTYPE.ipv6, inside, 'link');
  }
  return undefined;
}

/** `bytes` begin with the protocol, or with the address and control fields before it. */
function insidePpp(frame: Uint8Array, bytes: Uint8Array, kind: TunnelKind): InnerPacket | undefined {
  let at = word(bytes, 0) === 0xff03 ? 2 : 0;
  // A protocol below 256 may be sent as one byte.
  const short = ((bytes[at] ?? 0) & 1) !== 0;
  const protocol = short ? bytes[at]! : word(bytes, at);
  at += short ? 1 : 2;
  if (protocol !== PPP.ipv4 && protocol !== PPP.ipv6) return undefined;
  return made(frame, protocol === PPP.ipv4 ? ETHERTYPE.ipv4 : ETHERTYPE.ipv6, bytes.subarray(at), kind);
}

function insideGre(frame: Uint8Array, bytes: Uint8Array): InnerPacket | undefined {
  if (bytes.length < 4) return undefined;
  const flags = word(bytes, 0);
  const version = flags & 7;
  const type = word(bytes, 2);
  let at = 4;
  // Checksum (or routing), key, sequence number; in version 1 an acknowledgement, too.
  if (version === 0 && (flags & 0xc000) !== 0) at += 4;
  if ((flags & 0x2000) !== 0) at += 4;
  if ((flags & 0x1000) !== 0) at += 4;
  if (version === 1 && (flags & 0x0080) !== 0) at += 4;
  if (version > 1 || (flags & 0x4000) !== 0 || at >= bytes.length) return undefined;
  const inside = bytes.subarray(at);
  switch (type) {
    case ETHERTYPE.ipv4:
    case ETHERTYPE.ipv6:
    case ETHERTYPE.vlan:
      return made(frame, type, inside, 'gre tunnel');
    case TYPE.bridging:
      return { frame: inside, kind: 'gre tunnel' };
    case TYPE.ppp:
      return insidePpp(frame, inside, 'gre tunnel');
    default:
      return undefined;
  }
}

function insideDatagram(frame: Uint8Array, port: number, bytes: Uint8Array): InnerPacket | undefined {
  if (port === PORT.vxlan && bytes.length > 8 && (bytes[0]! & 8) !== 0) {
    return { frame: bytes.subarray(8), kind: 'vxlan encapsulation' };
  }
  if (port !== PORT.geneve || bytes.length <= 8 || bytes[0]! >> 6 !== 0) return undefined;
  const inside = bytes.subarray(8 + (bytes[0]! & 0x3f) * 4);
  const type = word(bytes, 2);
  if (type === TYPE.bridging) return { frame: inside, kind: 'geneve encapsulation' };
  if (type !== ETHERTYPE.ipv4 && type !== ETHERTYPE.ipv6) return undefined;
  return made(frame, type, inside, 'geneve encapsulation');
}

// SPDX-License-Identifier: Apache-2.0
// Frames as honest senders make them, with checksums.

export interface FrameOf {
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  /** Last bytes of 10.0.0.0/24. */
  readonly source: number;
  readonly destination: number;
  /** Of ICMP type and code. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload?: Uint8Array;
  readonly flags?: number;
  readonly sequence?: number;
  readonly acknowledged?: number;
  readonly window?: number;
  readonly urgent?: number;
  readonly ttl?: number;
  readonly id?: number;
}

export const FLAG = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 } as const;

/** Ethernet and IPv4, at least 60 bytes as on a wire. */
export function frameOf(of: FrameOf): Uint8Array {
  const payload = of.payload ?? new Uint8Array(0);
  const header = of.protocol === 'tcp' ? 20 : 8;
  const total = 20 + header + payload.length;
  const bytes = new Uint8Array(Math.max(60, 14 + total));
  const view = new DataView(bytes.buffer);
  bytes.set([2, 0, 0, 0, 0, of.destination, 2, 0, 0, 0, 0, of.source, 8, 0]);
  view.setUint8(14, 0x45);
  view.setUint16(16, total);
  view.setUint16(18, of.id ?? 0);
  view.setUint8(22, of.ttl ?? 64);
  view.setUint8(23, { tcp: 6, udp: 17, icmp: 1 }[of.protocol]);
  bytes.set([10, 0, 0, of.source, 10, 0, 0, of.destination], 26);
  view.setUint16(24, checksum(bytes.subarray(14, 34)));
  if (of.protocol === 'icmp') {
    bytes.set([of.sourcePort, of.destinationPort], 34);
    view.setUint16(38, of.id ?? 0);
    view.setUint16(40, of.sequence ?? 0);
  } else {
    view.setUint16(34, of.sourcePort);
    view.setUint16(36, of.destinationPort);
  }
  if (of.protocol === 'udp') view.setUint16(38, 8 + payload.length);
  if (of.protocol === 'tcp') {
    view.setUint32(38, (of.sequence ?? 0) >>> 0);
    view.setUint32(42, (of.acknowledged ?? 0) >>> 0);
    view.setUint8(46, 0x50);
    view.setUint8(47, of.flags ?? FLAG.ack);
    view.setUint16(48, of.window ?? 0xffff);
    view.setUint16(52, of.urgent ?? 0);
  }
  bytes.set(payload, 34 + header);
  const segment = bytes.subarray(34, 14 + total);
  const at = { tcp: 50, udp: 40, icmp: 36 }[of.protocol];
  const pseudo =
    of.protocol === 'icmp'
      ? []
      : [...bytes.subarray(26, 34), 0, bytes[23]!, segment.length >> 8, segment.length & 0xff];
  view.setUint16(at, checksum(Uint8Array.from([...pseudo, ...segment])));
  return bytes;
}

/** RFC 1071. */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let n = 0; n < bytes.length; n += 2) sum += (bytes[n]! << 8) | (bytes[n + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

// SPDX-License-Identifier: Apache-2.0
// A capture of one direction of a TCP connection.

/** A pcap of TCP segments from 10.0.0.1:1000 to 10.0.0.2:80, each with its place in the stream. */
export function capture(...segments: readonly (readonly [at: number, text: string])[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(1, 20);
  const frames = segments.map(([at, text], n) => {
    const payload = Buffer.from(text, 'latin1');
    const frame = Buffer.alloc(16 + 54 + payload.length);
    frame.writeUInt32LE(1_700_000_000, 0);
    frame.writeUInt32LE(n, 4);
    frame.writeUInt32LE(54 + payload.length, 8);
    frame.writeUInt32LE(54 + payload.length, 12);
    const packet = frame.subarray(16);
    packet.writeUInt16BE(0x0800, 12);
    packet[14] = 0x45;
    packet.writeUInt16BE(40 + payload.length, 16);
    packet.set([64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], 22);
    packet.writeUInt16BE(1000, 34);
    packet.writeUInt16BE(80, 36);
    packet.writeUInt32BE(5000 + at, 38);
    packet.set([0x50, 0x18], 46);
    payload.copy(packet, 54);
    return frame;
  });
  return Buffer.concat([header, ...frames]);
}

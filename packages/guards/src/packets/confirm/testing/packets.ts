// SPDX-License-Identifier: Apache-2.0
// Packets of our own making, for tests.

import { bytesOf } from '../buffer-view.js';

export interface TestPacket {
  /** Last numbers of 10.0.0.x, and ports. */
  readonly from?: readonly [host: number, port: number];
  readonly to?: readonly [host: number, port: number];
  readonly protocol?: 'tcp' | 'udp';
  readonly flags?: number;
  readonly sequence?: number;
  readonly acknowledged?: number;
  readonly payload?: string | Uint8Array;
}

/** An Ethernet frame with IPv4 and TCP or UDP, without checksums. */
export function testFrame({
  from = [1, 1000],
  to = [2, 80],
  protocol = 'tcp',
  flags = 0x18,
  sequence = 0,
  acknowledged = 0,
  payload = '',
}: TestPacket = {}): Uint8Array {
  const bytes = typeof payload === 'string' ? bytesOf(payload) : payload;
  const header = protocol === 'tcp' ? 20 : 8;
  const frame = new Uint8Array(34 + header + bytes.length);
  const view = new DataView(frame.buffer);
  view.setUint16(12, 0x0800);
  frame[14] = 0x45;
  view.setUint16(16, frame.length - 14);
  frame.set([64, protocol === 'tcp' ? 6 : 17, 0, 0, 10, 0, 0, from[0], 10, 0, 0, to[0]], 22);
  view.setUint16(34, from[1]);
  view.setUint16(36, to[1]);
  if (protocol === 'tcp') {
    view.setUint32(38, sequence);
    view.setUint32(42, acknowledged);
    frame.set([0x50, flags], 46);
  } else view.setUint16(38, 8 + bytes.length);
  frame.set(bytes, 34 + header);
  return frame;
}

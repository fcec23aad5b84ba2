// SPDX-License-Identifier: Apache-2.0
// Messages and attributes as netlink has them (netlink(7)): a header with the length, and zeros up to a multiple of four.

const MESSAGE_HEADER = 16;
const ATTRIBUTE_HEADER = 4;

export function netlinkMessage(type: number, flags: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(padded(MESSAGE_HEADER + body.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MESSAGE_HEADER + body.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  bytes.set(body, MESSAGE_HEADER);
  return bytes;
}

/** `value` may be attributes itself. */
export function netlinkAttribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(padded(ATTRIBUTE_HEADER + value.length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, ATTRIBUTE_HEADER + value.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, ATTRIBUTE_HEADER);
  return bytes;
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

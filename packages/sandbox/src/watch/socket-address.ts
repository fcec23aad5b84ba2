// SPDX-License-Identifier: Apache-2.0
// A struct sockaddr of any kind as text (unix(7), ip(7), ipv6(7)).

const [UNIX, INTERNET, INTERNET_6] = [1, 2, 10];

export interface SocketAddress {
  readonly kind: 'unix' | 'ip' | 'other';
  /** A path, `@NAME` of one without a file, or an address. */
  readonly address: string;
  readonly port?: number;
}

/** What is too short, or of a family that does not matter here, is `other`. */
export function readSocketAddress(bytes: Uint8Array): SocketAddress {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const family = bytes.length < 2 ? 0 : view.getUint16(0, true);
  if (family === INTERNET && bytes.length >= 8) {
    return { kind: 'ip', address: bytes.subarray(4, 8).join('.'), port: view.getUint16(2) };
  }
  if (family === INTERNET_6 && bytes.length >= 24) {
    return { kind: 'ip', address: shorten(bytes.subarray(8, 24)), port: view.getUint16(2) };
  }
  if (family === UNIX) {
    const name = Buffer.from(bytes.subarray(2));
    if (name.length > 0 && name[0] === 0) return { kind: 'unix', address: `@${printable(name.subarray(1))}` };
    const end = name.indexOf(0);
    return { kind: 'unix', address: printable(end < 0 ? name : name.subarray(0, end)) };
  }
  return { kind: 'other', address: `family ${family}` };
}

function printable(bytes: Buffer): string {
  return bytes.toString().replaceAll(/\p{Cc}/gu, '?');
}

/** RFC 5952: the longest run of zeros is `::`; an IPv4 address in it is shown as one. */
function shorten(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, n) => (bytes[2 * n]! << 8) | bytes[2 * n + 1]!);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) return bytes.subarray(12).join('.');
  let [from, length] = [0, 1];
  for (let n = 0; n < 8; n++) {
    let end = n;
    while (end < 8 && groups[end] === 0) end++;
    if (end - n > length) [from, length] = [n, end - n];
  }
  const text = (some: readonly number[]): string => some.map((group) => group.toString(16)).join(':');
  return length === 1 ? text(groups) : `${text(groups.slice(0, from))}::${text(groups.slice(from + length))}`;
}

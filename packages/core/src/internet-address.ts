// SPDX-License-Identifier: Apache-2.0
// Addresses of IPv4 and IPv6 as numbers, from the texts that people write (RFC 4291, section 2.2).

export interface InternetAddress {
  readonly version: 4 | 6;
  /** Of 32 or 128 bits. */
  readonly value: bigint;
}

/** Bits of an address. */
export const ADDRESS_BITS = { 4: 32, 6: 128 } as const;

/** Undefined if it is none. There is no zone (`%eth0`) in it. */
export function parseInternetAddress(text: string): InternetAddress | undefined {
  const version = text.includes(':') ? 6 : 4;
  const value = version === 6 ? parseVersion6(text) : parseVersion4(text);
  return value === undefined ? undefined : { version, value };
}

function parseVersion4(text: string): bigint | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined;
  const parts = text.split('.').map(Number);
  if (parts.some((part) => part > 255)) return undefined;
  return parts.reduce((all, part) => (all << 8n) | BigInt(part), 0n);
}

function parseVersion6(text: string): bigint | undefined {
  let plain = text;
  // The last 32 bits may be written as an IPv4 address.
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted !== null) {
    const low = parseVersion4(dotted[2]!);
    if (low === undefined) return undefined;
    plain = `${dotted[1]!}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`;
  }
  const halves = plain.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head!.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = tail === undefined ? head! : [...head!, ...Array<string>(missing).fill('0'), ...tail];
  if (groups.some((group) => !/^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return groups.reduce((all, group) => (all << 16n) | BigInt(Number.parseInt(group, 16)), 0n);
}

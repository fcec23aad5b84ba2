// SPDX-License-Identifier: Apache-2.0
// Which hosts a workspace with a list of them reaches: the list with names resolved, and what is said of a contact.

import { ADDRESS_BITS, type InternetAddress, parseInternetAddress } from '@plinth/core';

/** One address, or those that begin with the same bits. */
export interface Reachable {
  readonly address: string;
  /** Bits. */
  readonly prefix: number;
  /** Of TCP and UDP; without one, all of them. */
  readonly port?: number;
  /** The name that it is an address of. */
  readonly name?: string;
}

/** What the workspace has for itself, in a block for what a host keeps to itself (RFC 7335) and one that is nobody else's (RFC 4193). */
export const OWN_ADDRESSES = {
  4: { address: '192.0.0.2', prefix: 29, gateway: '192.0.0.1' },
  6: { address: 'fd8b:71c4:5e02::2', prefix: 64, gateway: 'fd8b:71c4:5e02::1' },
} as const;

/** Addresses that are never those of another host that a name could mean. */
const SPECIAL: readonly (readonly [text: string, prefix: number, what: string])[] = [
  ['0.0.0.0', 8, 'no host'],
  ['127.0.0.0', 8, 'the workspace itself'],
  ['224.0.0.0', 3, 'many hosts or none'],
  ['::', 128, 'no host'],
  ['::1', 128, 'the workspace itself'],
  ['ff00::', 8, 'many hosts'],
  ['::ffff:0:0', 96, 'an address of IPv4, which is written without ::ffff:'],
];
/** Others that only the host and its neighbours have, such as what tells programs in a cloud who they are. */
const LINK_LOCAL: readonly (readonly [text: string, prefix: number])[] = [
  ['169.254.0.0', 16],
  ['fe80::', 10],
];

/** Whether an address begins with the bits of another one. */
function beginsWith(one: InternetAddress, other: InternetAddress, prefix: number): boolean {
  const rest = BigInt(ADDRESS_BITS[other.version] - prefix);
  return one.version === other.version && one.value >> rest === other.value >> rest;
}

/** What an address, or all that begin with so many bits of it, stand for if that is no other host. */
export function specialAddress(
  address: InternetAddress,
  bits: number = ADDRESS_BITS[address.version],
): string | undefined {
  return SPECIAL.find(([text, prefix]) => bits >= prefix && isIn(address, text, prefix))?.[2];
}

export function isLinkLocal(address: InternetAddress): boolean {
  return LINK_LOCAL.some(([text, prefix]) => isIn(address, text, prefix));
}

function isIn(address: InternetAddress, text: string, prefix: number): boolean {
  return beginsWith(address, parseInternetAddress(text)!, prefix);
}

export interface ContactJudgement {
  readonly allowed: boolean;
  /** Names of the list whose address it is, whatever the port. */
  readonly names: readonly string[];
}

/** As the packet filter has it. What the workspace says to itself is allowed. */
export function judgeContact(list: readonly Reachable[], address: string, port: number | undefined): ContactJudgement {
  const to = parseInternetAddress(address);
  if (to === undefined) return { allowed: true, names: [] };
  const known = list.filter((one) => isIn(to, one.address, one.prefix));
  const names = [...new Set(known.flatMap(({ name }) => name ?? []))];
  // To port 0 nothing is sent: it is how programs ask which address they would have.
  const open = known.some((one) => one.port === undefined || port === 0 || one.port === port);
  return { allowed: open || isOwn(to), names };
}

function isOwn(address: InternetAddress): boolean {
  const { address: own } = OWN_ADDRESSES[address.version];
  return isIn(address, own, ADDRESS_BITS[address.version]) || specialAddress(address) === 'the workspace itself';
}

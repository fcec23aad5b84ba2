// SPDX-License-Identifier: Apache-2.0
// What a network namespace may send, as messages for the kernel's packet filter, so that no tool has to be there: one table with one
// chain at the end of the way out. What is not for a host of the list is refused at once, not lost.
// (include/uapi/linux/netfilter/nf_tables.h of Linux 6.16; Documentation/netlink/specs/nftables.yaml.)

import { ADDRESS_BITS, concatenate, type InternetAddress } from '@plinth/core';
import { netlinkAttribute, netlinkMessage } from './netlink-message.js';

/** Addresses that begin with the same bits, and a port of TCP and UDP; without one, all of them. */
export interface FilterDestination {
  readonly address: InternetAddress;
  /** Bits. */
  readonly prefix: number;
  readonly port?: number;
}

/** NETLINK_NETFILTER, over a raw socket of AF_NETLINK. */
export const NETFILTER_SOCKET = { domain: 16, type: 3, protocol: 12 } as const;

const SUBSYSTEM = 10;
const BATCH = { begin: 0x10, end: 0x11 } as const;
const NEW = { table: 0, chain: 3, rule: 6 } as const;
const FLAG = { request: 1, acknowledge: 4, create: 0x400, append: 0x800 } as const;
/** NFPROTO_*. */
const FAMILY = { inet: 1, 4: 2, 6: 10 } as const;
const LOCAL_OUT = 3;
const VERDICT = { drop: 0, accept: 1 } as const;
/** NFT_META_*. */
const META = { output: 5, family: 15, protocol: 16 } as const;
/** NFT_PAYLOAD_*_HEADER. */
const BASE = { network: 1, transport: 2 } as const;
const REGISTER = 1;
const VERDICT_REGISTER = 0;
/** Protocols of IP. */
const PROTOCOL = { tcp: 6, udp: 17, icmp6: 58 } as const;
/** Of the destination in a header of IPv4 and IPv6, and of a port in one of TCP or UDP. */
const DESTINATION_AT = { 4: 16, 6: 24 } as const;
const PORT_AT = 2;
/** Who has an address of a link, and the answer (RFC 4861): the kernel sends these, programs without rights cannot. */
const NEIGHBOUR_MESSAGES = [135, 136];
/** The first interface of a namespace is its loopback interface. */
const LOOPBACK = 1;
/** NFT_REJECT_TCP_RST, and NFT_REJECT_ICMPX_UNREACH with what says that it is forbidden. */
const REJECT = { reset: 1, unreachable: 2, forbidden: 3 } as const;
const NAME = 'plinth';
/** Rules that a message to the kernel has room for, with room to spare. */
const RULES_AT_ONCE = 200;

/** Conditions and a verdict, one after the other. */
type Rule = readonly Uint8Array[];

/**
 * Each has to be written to a `NETFILTER_SOCKET` by whoever has CAP_NET_ADMIN there, and its one answer (struct nlmsgerr) read. After the
 * first one nothing gets out but to the namespace itself.
 */
export function packetFilterMessages(destinations: readonly FilterDestination[]): Uint8Array[] {
  const rules = [
    [...interfaceIs(LOOPBACK), verdict(VERDICT.accept)],
    ...NEIGHBOUR_MESSAGES.map((type): Rule => [
      ...protocolIs(PROTOCOL.icmp6),
      ...payloadIs(BASE.transport, 0, Uint8Array.of(type)),
      verdict(VERDICT.accept),
    ]),
    ...destinations.flatMap(destinationRules),
    [...protocolIs(PROTOCOL.tcp), reject(REJECT.reset)],
    [reject(REJECT.unreachable)],
  ];
  const messages: Uint8Array[] = [];
  for (let from = 0; from < rules.length; from += RULES_AT_ONCE) {
    const some = rules.slice(from, from + RULES_AT_ONCE);
    const parts = some.map((rule, n) => newRule(rule, n === some.length - 1));
    messages.push(batch([...(from === 0 ? [newTable(), newChain()] : []), ...parts]));
  }
  return messages;
}

function destinationRules({ address, prefix, port }: FilterDestination): Rule[] {
  const to = [
    ...metaIs(META.family, Uint8Array.of(FAMILY[address.version])),
    ...(prefix === 0 ? [] : addressIs(address, prefix)),
  ];
  if (port === undefined) return [[...to, verdict(VERDICT.accept)]];
  return [PROTOCOL.tcp, PROTOCOL.udp].map((protocol) => [
    ...to,
    ...protocolIs(protocol),
    ...payloadIs(BASE.transport, PORT_AT, Uint8Array.of(port >> 8, port & 0xff)),
    verdict(VERDICT.accept),
  ]);
}

/** The destination begins as an address does. */
function addressIs({ version, value }: InternetAddress, prefix: number): Uint8Array[] {
  const bits = ADDRESS_BITS[version];
  const host = (1n << BigInt(bits - prefix)) - 1n;
  const all = (1n << BigInt(bits)) - 1n;
  const [mask, wanted] = [all & ~host, value & ~host].map((number) => addressBytes(number, bits / 8));
  const load = payload(BASE.network, DESTINATION_AT[version], bits / 8);
  return prefix === bits ? [load, equals(wanted!)] : [load, masked(mask!), equals(wanted!)];
}

function addressBytes(value: bigint, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, n) => Number((value >> BigInt(8 * (size - 1 - n))) & 0xffn));
}

const interfaceIs = (index: number): Uint8Array[] => metaIs(META.output, hostWord(index));
const protocolIs = (protocol: number): Uint8Array[] => metaIs(META.protocol, Uint8Array.of(protocol));

function metaIs(key: number, value: Uint8Array): Uint8Array[] {
  const load = expression('meta', [netlinkAttribute(1, word(REGISTER)), netlinkAttribute(2, word(key))]);
  return [load, equals(value)];
}

function payloadIs(base: number, at: number, value: Uint8Array): Uint8Array[] {
  return [payload(base, at, value.length), equals(value)];
}

function payload(base: number, at: number, size: number): Uint8Array {
  return expression(
    'payload',
    [REGISTER, base, at, size].map((number, n) => netlinkAttribute(n + 1, word(number))),
  );
}

function equals(value: Uint8Array): Uint8Array {
  return expression('cmp', [
    netlinkAttribute(1, word(REGISTER)),
    netlinkAttribute(2, word(0)),
    netlinkAttribute(3, netlinkAttribute(1, value)),
  ]);
}

/** The register with nothing left in it but the bits of `mask`. */
function masked(mask: Uint8Array): Uint8Array {
  return expression('bitwise', [
    ...[REGISTER, REGISTER, mask.length].map((number, n) => netlinkAttribute(n + 1, word(number))),
    netlinkAttribute(4, netlinkAttribute(1, mask)),
    netlinkAttribute(5, netlinkAttribute(1, new Uint8Array(mask.length))),
  ]);
}

function verdict(code: number): Uint8Array {
  return expression('immediate', [
    netlinkAttribute(1, word(VERDICT_REGISTER)),
    netlinkAttribute(2, netlinkAttribute(2, netlinkAttribute(1, word(code)))),
  ]);
}

function reject(type: number): Uint8Array {
  const code = type === REJECT.unreachable ? REJECT.forbidden : 0;
  return expression('reject', [netlinkAttribute(1, word(type)), netlinkAttribute(2, Uint8Array.of(code))]);
}

function expression(name: string, attributes: readonly Uint8Array[]): Uint8Array {
  const data = netlinkAttribute(2, concatenate(attributes));
  return netlinkAttribute(1, concatenate([netlinkAttribute(1, text(name)), data]));
}

function newTable(): Uint8Array {
  return filterMessage(NEW.table, FLAG.create, [netlinkAttribute(1, text(NAME))]);
}

/** Of kind `filter`, with what the namespace itself sends, in the usual order; what no rule decides is dropped. */
function newChain(): Uint8Array {
  const hook = concatenate([netlinkAttribute(1, word(LOCAL_OUT)), netlinkAttribute(2, word(0))]);
  return filterMessage(NEW.chain, FLAG.create, [
    netlinkAttribute(1, text(NAME)),
    netlinkAttribute(3, text(NAME)),
    netlinkAttribute(4, hook),
    netlinkAttribute(5, word(VERDICT.drop)),
    netlinkAttribute(7, text('filter')),
  ]);
}

/** The last one of a batch is answered, and so are those that are refused. */
function newRule(rule: Rule, last: boolean): Uint8Array {
  return filterMessage(NEW.rule, FLAG.create | FLAG.append | (last ? FLAG.acknowledge : 0), [
    netlinkAttribute(1, text(NAME)),
    netlinkAttribute(2, text(NAME)),
    netlinkAttribute(4, concatenate(rule)),
  ]);
}

function filterMessage(what: number, flags: number, attributes: readonly Uint8Array[]): Uint8Array {
  const family = Uint8Array.of(FAMILY.inet, 0, 0, 0);
  return netlinkMessage((SUBSYSTEM << 8) | what, FLAG.request | flags, concatenate([family, ...attributes]));
}

/** All of it or nothing. */
function batch(messages: readonly Uint8Array[]): Uint8Array {
  const frame = Uint8Array.of(0, 0, 0, SUBSYSTEM);
  return concatenate([
    netlinkMessage(BATCH.begin, FLAG.request, frame),
    ...messages,
    netlinkMessage(BATCH.end, FLAG.request, frame),
  ]);
}

/** 32 bits in the order of networks, as the packet filter has its numbers. */
function word(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** In the order of this machine: what the kernel itself keeps in a packet's metadata. */
function hostWord(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

function text(value: string): Uint8Array {
  return Buffer.from(`${value}\0`);
}

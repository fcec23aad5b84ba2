// SPDX-License-Identifier: Apache-2.0
// `decodePacket` as a program: reads the headers out of a copy of the frame's first bytes, and leaves what it found in the
// memory that the program works with. Every place is checked against the bytes that there are before it is read, as the verifier asks.

import { type Assembler, type Label, R0, R1, R2, R3, R4, R5, R7, R8, R9, type Register } from '@plinth/ebpf';
import { ETHERTYPE, HEADER_BYTES, MOST_EXTENSIONS, MOST_TAGS, PACKET_KIND, PROTOCOL } from '../decode-packet.js';
import { emitFrameLength, emitLoadBytes } from './place-code.js';
import { FOUND_AT } from './slots.js';

const FIELDS = [
  'kind',
  'version',
  'protocol',
  'network',
  'transport',
  'sourcePort',
  'destinationPort',
  'payload',
  'payloadLength',
  'flags',
  'sequence',
  'acknowledged',
  'moreFragments',
  /** Of the frame. */
  'length',
] as const;

/** What was found, from R7 on, 4 bytes each. The verifier follows what it knows, and of this it knows nothing. */
export const FOUND: Readonly<Record<(typeof FIELDS)[number], number>> = Object.fromEntries(
  FIELDS.map((name, n) => [name, FOUND_AT + 4 * n]),
) as Record<(typeof FIELDS)[number], number>;
/** Instead of what a fragment does not have: no rule that asks for a port or a length of payload has it. */
export const NO_PORT = 0x1_0000;
export const NO_LENGTH = 0x2_0000;
/**
 * Addresses, 16 bytes each, in the order of the processor: of IPv4 its 32 bits as a number of 64, of IPv6 the upper half, then the
 * lower one.
 */
export const ADDRESS: Readonly<Record<'source' | 'destination', number>> = {
  source: FOUND_AT + 4 * FIELDS.length,
  destination: FOUND_AT + 4 * FIELDS.length + 16,
};

/**
 * R6 is the context, R7 points to what it works with (slots.ts), where the headers are copied to the beginning. `FOUND`
 * is filled in; every way comes out at the end. Uses all other registers.
 */
export function emitDecode(a: Assembler): void {
  const end = a.label();
  const malformed = a.label();
  for (const offset of Object.values(FOUND)) a.store(4, R7, offset, 0);
  for (const offset of Object.values(ADDRESS)) a.store(8, R7, offset, 0).store(8, R7, offset + 8, 0);
  a.store(4, R7, FOUND.kind, PACKET_KIND.malformed);
  // R8 is the length of the frame, R9 how much of it is copied.
  emitFrameLength(a, R8);
  a.store(4, R7, FOUND.length, R8).mov(R9, R8);
  const fits = a.label();
  a.jumpIf('le', R9, HEADER_BYTES, fits).mov(R9, HEADER_BYTES);
  a.here(fits);
  a.jumpIf('lt', R9, 14, malformed);
  emitLoadBytes(a.mov(R2, 0).mov(R3, R7).mov(R4, R9)).jumpIf('ne', R0, 0, malformed);
  // R5 is the place that was reached, R4 the type of what lies there.
  a.mov(R5, 14).load(2, R4, R7, 12).toBigEndian(R4, 16);
  const network = a.label();
  for (let n = 0; n < MOST_TAGS; n++) {
    const tag = a.label();
    a.jumpIf('eq', R4, ETHERTYPE.vlan, tag).jumpIf('ne', R4, ETHERTYPE.serviceVlan, network);
    a.here(tag);
    a.mov(R1, R5).add(R1, 4).jumpIf('gt', R1, R9, malformed);
    a.mov(R1, R7).add(R1, R5).load(2, R4, R1, 2).toBigEndian(R4, 16).add(R5, 4);
  }
  a.here(network);
  const version4 = a.label();
  const version6 = a.label();
  const above = a.label();
  a.jumpIf('eq', R4, ETHERTYPE.ipv4, version4).jumpIf('eq', R4, ETHERTYPE.ipv6, version6);
  a.store(4, R7, FOUND.kind, PACKET_KIND.foreign).jump(end);
  a.here(version4);
  emitVersion4(a, { malformed, end, above });
  a.here(version6);
  emitVersion6(a, { malformed, end, above });
  a.here(above);
  emitAbove(a, { malformed, end, above });
  a.here(malformed);
  a.here(end);
}

interface Ways {
  readonly malformed: Label;
  readonly end: Label;
  /** Goes on with the header above IP: it begins at R5, and the packet ends at R3. */
  readonly above: Label;
}

/** R1 = R7 + `place`, whose `size` bytes are copied and inside; else to `outside`. Uses R1. */
function emitAt(a: Assembler, place: Register, size: number, outside: Label): void {
  a.jumpIf('gt', place, HEADER_BYTES, outside);
  a.mov(R1, place).add(R1, size).jumpIf('gt', R1, R9, outside);
  a.mov(R1, R7).add(R1, place);
}

function emitVersion4(a: Assembler, { malformed, end, above }: Ways): void {
  const later = a.label();
  a.store(4, R7, FOUND.version, 4).store(4, R7, FOUND.network, R5);
  emitAt(a, R5, 20, malformed);
  a.load(4, R0, R1, 12).toBigEndian(R0, 32).store(8, R7, ADDRESS.source, R0);
  a.load(4, R0, R1, 16).toBigEndian(R0, 32).store(8, R7, ADDRESS.destination, R0);
  a.load(1, R2, R1, 0).mov(R0, R2).alu('rsh', R0, 4).jumpIf('ne', R0, 4, malformed);
  a.and(R2, 15).alu('lsh', R2, 2).jumpIf('lt', R2, 20, malformed);
  a.load(2, R3, R1, 2).toBigEndian(R3, 16).jumpIf('lt', R3, R2, malformed);
  a.add(R3, R5).jumpIf('gt', R3, R8, malformed);
  a.load(1, R4, R1, 9).store(4, R7, FOUND.protocol, R4);
  a.load(2, R0, R1, 6).toBigEndian(R0, 16);
  // More fragments is bit 13.
  a.mov(R4, R0).alu('rsh', R4, 13).and(R4, 1).store(4, R7, FOUND.moreFragments, R4);
  a.add(R5, R2).jumpIf('set', R0, 0x1fff, later).jump(above);
  a.here(later);
  a.store(4, R7, FOUND.kind, PACKET_KIND.fragment).jump(end);
}

function emitVersion6(a: Assembler, { malformed, end, above }: Ways): void {
  const later = a.label();
  a.store(4, R7, FOUND.version, 6).store(4, R7, FOUND.network, R5);
  emitAt(a, R5, 40, malformed);
  for (let n = 0; n < 4; n++) {
    a.load(8, R0, R1, 8 + 8 * n).toBigEndian(R0, 64);
    a.store(8, R7, (n < 2 ? ADDRESS.source : ADDRESS.destination) + 8 * (n % 2), R0);
  }
  a.load(1, R0, R1, 0).alu('rsh', R0, 4).jumpIf('ne', R0, 6, malformed);
  a.load(2, R3, R1, 4).toBigEndian(R3, 16).add(R3, R5).add(R3, 40).jumpIf('gt', R3, R8, malformed);
  a.load(1, R4, R1, 6).add(R5, 40);
  // R4 is the protocol of what begins at R5.
  const known = a.label();
  for (let n = 0; n < MOST_EXTENSIONS; n++) {
    const [fragment, options, authentication, next] = [a.label(), a.label(), a.label(), a.label()];
    a.jumpIf('eq', R4, PROTOCOL.fragment, fragment).jumpIf('eq', R4, PROTOCOL.ah, authentication);
    a.jumpIf('eq', R4, PROTOCOL.hopByHop, options).jumpIf('eq', R4, PROTOCOL.routing, options);
    a.jumpIf('eq', R4, PROTOCOL.destination, options).jump(known);
    a.here(fragment);
    emitExtension(a, malformed);
    a.load(2, R0, R1, 2).toBigEndian(R0, 16).mov(R2, R0).and(R2, 1).store(4, R7, FOUND.moreFragments, R2);
    a.load(1, R4, R1, 0).alu('rsh', R0, 3).jumpIf('ne', R0, 0, later);
    a.mov(R2, 8).jump(next);
    a.here(authentication);
    emitExtension(a, malformed);
    a.load(1, R2, R1, 1).add(R2, 2).alu('lsh', R2, 2).load(1, R4, R1, 0).jump(next);
    a.here(options);
    emitExtension(a, malformed);
    a.load(1, R2, R1, 1).add(R2, 1).alu('lsh', R2, 3).load(1, R4, R1, 0);
    a.here(next);
    a.store(4, R7, FOUND.protocol, R4).add(R5, R2).jumpIf('gt', R5, R3, malformed);
  }
  a.here(known);
  a.store(4, R7, FOUND.protocol, R4).jump(above);
  a.here(later);
  a.store(4, R7, FOUND.protocol, R4).store(4, R7, FOUND.kind, PACKET_KIND.fragment).jump(end);
}

/** R1 is at the extension header at R5, of which 8 bytes are there. */
function emitExtension(a: Assembler, malformed: Label): void {
  a.store(4, R7, FOUND.protocol, R4);
  a.mov(R1, R5).add(R1, 8).jumpIf('gt', R1, R3, malformed);
  emitAt(a, R5, 8, malformed);
}

function emitAbove(a: Assembler, { malformed, end }: Ways): void {
  const [tcp, udp, icmp, ported] = [a.label(), a.label(), a.label(), a.label()];
  a.load(4, R4, R7, FOUND.protocol);
  a.jumpIf('eq', R4, PROTOCOL.tcp, tcp).jumpIf('eq', R4, PROTOCOL.udp, udp);
  a.jumpIf('eq', R4, PROTOCOL.icmp, icmp).jumpIf('eq', R4, PROTOCOL.icmp6, icmp);
  a.mov(R2, 0).store(4, R7, FOUND.kind, PACKET_KIND.network).jump(ported);
  a.here(tcp);
  a.mov(R1, R5).add(R1, 20).jumpIf('gt', R1, R3, malformed);
  emitAt(a, R5, 20, malformed);
  a.load(1, R2, R1, 12).alu('rsh', R2, 4).alu('lsh', R2, 2).jumpIf('lt', R2, 20, malformed);
  a.mov(R0, R5).add(R0, R2).jumpIf('gt', R0, R3, malformed);
  a.load(1, R0, R1, 13).store(4, R7, FOUND.flags, R0);
  a.load(4, R0, R1, 4).toBigEndian(R0, 32).store(4, R7, FOUND.sequence, R0);
  a.load(4, R0, R1, 8).toBigEndian(R0, 32).store(4, R7, FOUND.acknowledged, R0);
  emitPorts(a, 2);
  a.jump(ported);
  a.here(udp);
  a.mov(R1, R5).add(R1, 8).jumpIf('gt', R1, R3, malformed);
  emitAt(a, R5, 8, malformed);
  emitPorts(a, 2);
  a.mov(R2, 8).jump(ported);
  a.here(icmp);
  a.mov(R1, R5).add(R1, 8).jumpIf('gt', R1, R3, malformed);
  emitAt(a, R5, 8, malformed);
  emitPorts(a, 1);
  a.mov(R2, 8);
  a.here(ported);
  // R2 is the length of this header.
  a.store(4, R7, FOUND.transport, R5).add(R5, R2).store(4, R7, FOUND.payload, R5);
  a.alu('sub', R3, R5).store(4, R7, FOUND.payloadLength, R3).jump(end);
}

/** Ports, or type and code of ICMP, at R1. */
function emitPorts(a: Assembler, size: 1 | 2): void {
  for (const [offset, to] of [
    [0, FOUND.sourcePort],
    [size, FOUND.destinationPort],
  ] as const) {
    a.load(size, R0, R1, offset);
    if (size === 2) a.toBigEndian(R0, 16);
    a.store(4, R7, to, R0);
  }
  a.store(4, R7, FOUND.kind, PACKET_KIND.transport);
}

// SPDX-License-Identifier: Apache-2.0
// The numbers of a packet's headers that rules ask for, each in a word of its own; what a packet does not have is `NO_NUMBER`.

import { type Assembler, R0, R1, R2, R3, R4, R5, R7 } from '@plinth/ebpf';
import { type DecodedPacket, PACKET_KIND, PROTOCOL } from '../decode-packet.js';
import { HEADER_NUMBERS, type HeaderNumber } from '../rule.js';
import { FOUND, NO_LENGTH } from './decode-code.js';
import type { MatchContext } from './match-code.js';
import { NUMBER, RULE } from './rule-tables.js';
import { emitLoadBytes } from './place-code.js';
import { NUMBERS_AT } from './slots.js';
import type { Label } from '@plinth/ebpf';

/** Of 64 bits, where no header has one. */
const NO_NUMBER = -1;

/** Types of ICMP with an identifier and a sequence number (RFC 792, RFC 950, RFC 4443). */
const NUMBERED = { [PROTOCOL.icmp]: [0, 8, 13, 14, 15, 16, 17, 18], [PROTOCOL.icmp6]: [128, 129] } as const;

const at = (name: HeaderNumber): number => NUMBERS_AT + 8 * HEADER_NUMBERS.indexOf(name);

/** Reads them out of the headers. Uses R0 to R5 and the beginning of the piece. */
export function emitNumbers(a: Assembler): void {
  const [over, six, above, tcp] = [a.label(), a.label(), a.label(), a.label()];
  for (const name of HEADER_NUMBERS) a.store(8, R7, at(name), NO_NUMBER);
  const piece = a.label();
  a.load(4, R1, R7, FOUND.payloadLength).jumpIf('ge', R1, NO_LENGTH, piece).store(8, R7, at('dsize'), R1);
  a.here(piece);
  a.load(4, R1, R7, FOUND.protocol).store(8, R7, at('ip_proto'), R1);
  emitHeader(a, FOUND.network, 20, over);
  a.load(4, R1, R7, FOUND.version).jumpIf('eq', R1, 6, six);
  a.load(1, R1, R7, 8).store(8, R7, at('ttl'), R1);
  emitWord(a, 2, 4, 'id');
  a.jump(above);
  a.here(six);
  a.load(1, R1, R7, 7).store(8, R7, at('ttl'), R1);
  a.here(above);
  a.load(4, R1, R7, FOUND.kind).jumpIf('ne', R1, PACKET_KIND.transport, over);
  a.load(4, R1, R7, FOUND.protocol).jumpIf('eq', R1, PROTOCOL.tcp, tcp).jumpIf('eq', R1, PROTOCOL.udp, over);
  a.load(4, R1, R7, FOUND.sourcePort).store(8, R7, at('itype'), R1);
  a.load(4, R1, R7, FOUND.destinationPort).store(8, R7, at('icode'), R1);
  emitHeader(a, FOUND.transport, 8, over);
  a.load(4, R1, R7, FOUND.sourcePort).load(4, R2, R7, FOUND.protocol);
  for (const [protocol, types] of Object.entries(NUMBERED)) {
    const [other, numbered] = [a.label(), a.label()];
    a.jumpIf('ne', R2, Number(protocol), other);
    for (const type of types) a.jumpIf('eq', R1, type, numbered);
    a.jump(over);
    a.here(numbered);
    emitWord(a, 2, 4, 'icmp_id');
    emitWord(a, 2, 6, 'icmp_seq');
    a.jump(over);
    a.here(other);
  }
  a.jump(over);
  a.here(tcp);
  emitHeader(a, FOUND.transport, 20, over);
  emitWord(a, 4, 4, 'seq');
  emitWord(a, 4, 8, 'ack');
  emitWord(a, 2, 14, 'window');
  a.here(over);
}

function emitHeader(a: Assembler, from: number, size: number, over: Label): void {
  emitLoadBytes(a.load(4, R2, R7, from).mov(R3, R7).mov(R4, size)).jumpIf('ne', R0, 0, over);
}

function emitWord(a: Assembler, size: 2 | 4, from: number, name: HeaderNumber): void {
  a.load(size, R5, R7, from)
    .toBigEndian(R5, size === 2 ? 16 : 32)
    .store(8, R7, at(name), R5);
}

/** Goes to `next` unless all conditions of the rule at R5 on numbers hold. Uses R0 to R4. */
export function emitNumberConditions(a: Assembler, { tables, tablesMap }: MatchContext, next: Label): void {
  const [over, outside, more] = [a.label(), a.label(), a.label()];
  a.load(4, R2, R5, RULE.numberCount).load(4, R0, R5, RULE.numbers);
  a.alu('mul', R2, NUMBER.size).add(R2, R0);
  const loop = a.here();
  a.jumpIf('ge', R0, R2, over).jumpIf('gt', R0, tables.bytes.length - NUMBER.size, next);
  a.loadMapValue(R1, tablesMap).add(R1, R0).add(R0, NUMBER.size);
  a.load(4, R3, R1, NUMBER.name).jumpIf('ge', R3, HEADER_NUMBERS.length, next).alu('lsh', R3, 3).add(R3, R7);
  a.load(8, R4, R3, NUMBERS_AT).jumpIf('eq', R4, NO_NUMBER, next);
  a.load(4, R3, R1, NUMBER.least).jumpIf('lt', R4, R3, outside);
  a.load(4, R3, R1, NUMBER.most).jumpIf('gt', R4, R3, outside);
  a.load(4, R3, R1, NUMBER.negated).jumpIf('ne', R3, 0, next).jump(more);
  a.here(outside);
  a.load(4, R3, R1, NUMBER.negated).jumpIf('eq', R3, 0, next);
  a.here(more);
  a.mayGoto(over).jump(loop);
  a.here(over);
}

/** The same plainly; undefined for what the packet does not have. */
export function numberOf(name: HeaderNumber, packet: DecodedPacket, frame: Uint8Array): number | undefined {
  const { version, network, transport, protocol, kind } = packet;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const isTransport = kind === 'transport';
  const isPiece = kind === 'fragment' || packet.moreFragments;
  const isTcp = isTransport && protocol === PROTOCOL.tcp;
  const isIcmp = isTransport && (protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmp6);
  const types: readonly number[] = protocol === PROTOCOL.icmp ? NUMBERED[PROTOCOL.icmp] : NUMBERED[PROTOCOL.icmp6];
  const isNumbered = isIcmp && types.includes(packet.sourcePort);
  switch (name) {
    case 'dsize':
      return isPiece ? undefined : packet.payloadLength;
    case 'ip_proto':
      return protocol;
    case 'ttl':
      return view.getUint8(network + (version === 4 ? 8 : 7));
    case 'id':
      return version === 4 ? view.getUint16(network + 4) : undefined;
    case 'itype':
      return isIcmp ? packet.sourcePort : undefined;
    case 'icode':
      return isIcmp ? packet.destinationPort : undefined;
    case 'icmp_id':
      return isNumbered ? view.getUint16(transport + 4) : undefined;
    case 'icmp_seq':
      return isNumbered ? view.getUint16(transport + 6) : undefined;
    case 'seq':
      return isTcp ? packet.sequence : undefined;
    case 'ack':
      return isTcp ? view.getUint32(transport + 8) : undefined;
    case 'window':
      return isTcp ? view.getUint16(transport + 14) : undefined;
  }
}

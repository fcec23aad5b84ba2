// SPDX-License-Identifier: Apache-2.0
// What a rule says of one packet and of its connection: protocol, addresses, ports, numbers of the headers, flags, who sent it.

import { type DecodedPacket, PROTOCOL } from '../decode-packet.js';
import { matchesFlags, waysOf } from '../match-header.js';
import { numberOf } from '../program/number-code.js';
import {
  type FlowCondition,
  HEADER_NUMBERS,
  type HeaderNumber,
  type NumberCondition,
  type RuleHeader,
} from '../rule.js';
import { every, type Outcome } from './buffer-view.js';
import type { CarriedPacket } from './carried-packets.js';
import { checksumOf } from './checksum.js';
import { APPS, type CompiledRule } from './compiled-rule.js';
import { compareNumber } from './compare-number.js';
import { fieldOf, hasFragbits, hasOption, hasSameAddress, isField } from './header-fields.js';
import type { AppProtocol } from './transaction.js';

/** What is known of the connection; undefined is not known. */
export interface KnownFlow {
  readonly direction: 'to_server' | 'to_client' | undefined;
  readonly established: boolean | undefined;
  /** What is said in it; null is nothing that is known. */
  readonly app: AppProtocol | null | undefined;
  /** What is wrong with the packet in its stream. */
  readonly events: ReadonlySet<string>;
}

/** Of a header: versions of IP, and numbers of protocols above it. */
const PROTOCOLS: Readonly<Record<string, { version?: 4 | 6; numbers?: readonly number[] }>> = {
  ip: {},
  ip4: { version: 4 },
  ipv4: { version: 4 },
  ip6: { version: 6 },
  ipv6: { version: 6 },
  tcp: { numbers: [PROTOCOL.tcp] },
  'tcp-pkt': { numbers: [PROTOCOL.tcp] },
  'tcp-stream': { numbers: [PROTOCOL.tcp] },
  udp: { numbers: [PROTOCOL.udp] },
  icmp: { numbers: [PROTOCOL.icmp, PROTOCOL.icmp6] },
  icmpv4: { numbers: [PROTOCOL.icmp] },
  icmpv6: { numbers: [PROTOCOL.icmp6] },
  http: { numbers: [PROTOCOL.tcp] },
  http1: { numbers: [PROTOCOL.tcp] },
  tls: { numbers: [PROTOCOL.tcp] },
  ssh: { numbers: [PROTOCOL.tcp] },
  dns: { numbers: [PROTOCOL.tcp, PROTOCOL.udp] },
};

export interface KnownPacket {
  readonly frame: Uint8Array;
  readonly packet: DecodedPacket;
  readonly origin: CarriedPacket['origin'];
  /** What is wrong with its headers. */
  readonly events: ReadonlySet<string>;
}

/** `flow` is undefined for a packet that belongs to none. */
export function matchesPacket(
  { rule, packet: conditions, app, groups, numbers, events: ofTransaction }: CompiledRule,
  { frame, packet, events, origin }: KnownPacket,
  flow: KnownFlow | undefined,
): Outcome {
  if (!matchesHeader(rule.header, frame, packet)) return 'none';
  // A transaction shows by itself what is said.
  const saysApp = app !== undefined && groups.length + numbers.length + ofTransaction.length === 0;
  const apps: Outcome[] = saysApp ? [flow?.app === undefined ? 'unknown' : flow.app === app ? 'match' : 'none'] : [];
  return every([
    ...apps,
    ...conditions.map((condition): Outcome => {
      switch (condition.kind) {
        case 'number':
          return matchesNumber(condition, frame, packet);
        case 'flags':
          return packet.protocol === PROTOCOL.tcp && matchesFlags(condition, packet.flags) ? 'match' : 'none';
        case 'flow':
          if (condition.rebuilt !== undefined && condition.rebuilt !== (origin === 'defrag')) return 'none';
          return matchesFlow(condition, flow);
        case 'fragbits':
          return hasFragbits(condition, frame, packet) ? 'match' : 'none';
        case 'ipopts':
          return hasOption(condition, frame, packet) ? 'match' : 'none';
        case 'sameip':
          return hasSameAddress(frame, packet) ? 'match' : 'none';
        case 'event':
          return (condition.layer === 'stream' ? flow?.events : events)?.has(condition.name) === true
            ? 'match'
            : 'none';
        case 'checksum':
          return checksumOf(condition.of, frame, packet) === condition.valid ? 'match' : 'none';
        case 'app-layer-protocol':
          if (flow?.app === undefined) return 'unknown';
          return (flow.app === APPS[condition.name]) !== condition.negated ? 'match' : 'none';
      }
    }),
  ]);
}

function matchesHeader(header: RuleHeader, frame: Uint8Array, packet: DecodedPacket): boolean {
  // Any frame, also one that is no packet.
  if (header.protocol === 'pkthdr') return true;
  const { version, numbers } = PROTOCOLS[header.protocol] ?? {};
  if (packet.version === 0 || (version !== undefined && packet.version !== version)) return false;
  if (numbers !== undefined && !numbers.includes(packet.protocol)) return false;
  return waysOf(header, packet, frame) > 0;
}

function isHeaderNumber(name: NumberCondition['name']): name is HeaderNumber {
  return (HEADER_NUMBERS as readonly string[]).includes(name);
}

/** A packet that does not have the number does not match. */
function matchesNumber({ name, test }: NumberCondition, frame: Uint8Array, packet: DecodedPacket): Outcome {
  if (!isField(name) && !isHeaderNumber(name)) return 'none';
  const value = isField(name) ? fieldOf(name, packet, frame) : numberOf(name, packet, frame);
  if (value === undefined || !compareNumber(test, value)) return 'none';
  // What has no payload has no other length.
  return name === 'dsize' && test.op === '!' && value === 0 ? 'none' : 'match';
}

function matchesFlow({ direction, state }: FlowCondition, flow: KnownFlow | undefined): Outcome {
  if (flow === undefined) return 'none';
  const way: Outcome =
    direction === undefined
      ? 'match'
      : flow.direction === undefined
        ? 'unknown'
        : flow.direction === direction
          ? 'match'
          : 'none';
  if (state === undefined || state === 'stateless') return way;
  const wanted = state === 'established';
  return every([way, flow.established === undefined ? 'unknown' : flow.established === wanted ? 'match' : 'none']);
}

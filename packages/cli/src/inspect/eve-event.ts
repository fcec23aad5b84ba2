// SPDX-License-Identifier: Apache-2.0
// Alerts and drops as Suricata's EVE has them, one JSON object each, with what is known here.

import {
  DnsTransaction,
  type CarriedPacket,
  decodePacket,
  type HttpMessage,
  HttpTransaction,
  priorityOf,
  type Matched,
  type Place,
  PROTOCOL,
  type Rule,
} from '@plinth/guards';
import { addressBytes, protocolName } from './describe-packet.js';
import type { InspectedPacket } from './inspect-capture.js';

/** Nanoseconds since 1970 to RFC 3339 with microseconds. */
export function timeText(time: bigint): string {
  const milliseconds = Number(time / 1_000_000n);
  const micro = String((time / 1000n) % 1_000_000n).padStart(6, '0');
  return `${new Date(milliseconds).toISOString().slice(0, 19)}.${micro}+0000`;
}

/** Of a rule that matched. `blocked`: its packet does not pass. */
export function alertEvent(
  inspected: InspectedPacket,
  { rule, where, inStream }: Matched<Place>,
): Record<string, unknown> {
  const { carried, packet, flow } = inspected;
  const { frame } = carried;
  const stream = inStream && flow !== undefined ? flow.flow[flow.direction].stream : undefined;
  const payload =
    stream?.tail ?? flow?.payload ?? frame.subarray(packet.payload, packet.payload + packet.payloadLength);
  const missing = stream === undefined || stream.missing === 0 ? '' : `[${stream.missing} bytes missing]`;
  // A rule on packets is told with what the packet is part of.
  const transactions = [where, ...(flow?.flow.open.keys() ?? [])];
  const http = transactions.find((one) => one instanceof HttpTransaction);
  const dns = transactions.find((one) => one instanceof DnsTransaction);
  const stops = rule.header.action !== 'alert' && inspected.stopped;
  return {
    ...packetFields(inspected, 'alert'),
    alert: alertFields(rule, stops),
    verdict: { action: inspected.stopped ? 'drop' : 'alert' },
    ...(http === undefined ? {} : { http: httpFields(http) }),
    ...(dns === undefined ? {} : { dns: dnsFields(dns) }),
    ...(flow?.flow.app === undefined || flow.flow.app === null ? {} : { app_proto: flow.flow.app }),
    ...(flow === undefined ? {} : { direction: flow.direction, flow: flowFields(inspected) }),
    payload: base64(payload),
    payload_printable: missing + printable(payload),
    stream: stream === undefined ? 0 : 1,
    packet: base64(frame),
  };
}

/** Of a packet that does not pass. */
export function dropEvent(inspected: InspectedPacket): Record<string, unknown> {
  const { packet, dropped, carried } = inspected;
  return {
    ...packetFields(inspected, 'drop'),
    drop: { len: carried.frame.length - packet.network, reason: dropped === 'flow' ? 'flow drop' : 'rules' },
    ...(dropped === 'flow' || dropped === undefined ? {} : { alert: alertFields(dropped.rule, true) }),
  };
}

function packetFields({ captured, carried, packet }: InspectedPacket, type: string): Record<string, unknown> {
  const isIcmp = packet.protocol === PROTOCOL.icmp || packet.protocol === PROTOCOL.icmp6;
  const { frame, origin, outer } = carried;
  const isPacket = packet.version !== 0 && packet.kind !== 'malformed';
  const [source, destination] = isPacket ? addressBytes(frame, packet).map(plainAddress) : [];
  const ports =
    packet.kind !== 'transport'
      ? {}
      : isIcmp
        ? { icmp_type: packet.sourcePort, icmp_code: packet.destinationPort }
        : { src_port: packet.sourcePort, dest_port: packet.destinationPort };
  return {
    timestamp: timeText(captured.time),
    event_type: type,
    ...(origin === 'stream (flow timeout)' ? {} : { pcap_cnt: captured.number }),
    ...(source === undefined ? {} : { src_ip: source, dest_ip: destination, ip_v: packet.version }),
    ...ports,
    ...(isPacket ? { proto: protocolName(packet.protocol) } : {}),
    pkt_src: origin,
    ether: { src_mac: mac(frame.subarray(6, 12)), dest_mac: mac(frame.subarray(0, 6)) },
    ...(outer === undefined || origin === 'defrag' ? {} : { tunnel: tunnelFields(outer) }),
  };
}

/** Of the packet outside. */
function tunnelFields({ frame, outer }: CarriedPacket): Record<string, unknown> {
  const packet = decodePacket(frame);
  if (packet.version === 0) return {};
  const [source, destination] = addressBytes(frame, packet).map(plainAddress);
  let depth = 1;
  for (let at = outer; at !== undefined; at = at.outer) depth++;
  return {
    src_ip: source,
    src_port: packet.sourcePort,
    dest_ip: destination,
    dest_port: packet.destinationPort,
    proto: protocolName(packet.protocol),
    depth,
  };
}

function alertFields(rule: Rule, blocked: boolean): Record<string, unknown> {
  return {
    action: blocked ? 'blocked' : 'allowed',
    gid: rule.gid,
    signature_id: rule.sid,
    rev: rule.rev,
    signature: rule.message,
    category: rule.classtype ?? '',
    severity: priorityOf(rule),
  };
}

function flowFields({ flow, carried, packet }: InspectedPacket): Record<string, unknown> {
  const { flow: all, direction } = flow!;
  const [source, destination] = addressBytes(carried.frame, packet).map(plainAddress);
  const asked = direction === 'to_server';
  return {
    pkts_toserver: all.to_server.packets,
    pkts_toclient: all.to_client.packets,
    bytes_toserver: all.to_server.bytes,
    bytes_toclient: all.to_client.bytes,
    src_ip: asked ? source : destination,
    dest_ip: asked ? destination : source,
    src_port: asked ? packet.sourcePort : packet.destinationPort,
    dest_port: asked ? packet.destinationPort : packet.sourcePort,
  };
}

function httpFields({ request, response }: HttpTransaction): Record<string, unknown> {
  const value = (message: HttpMessage | undefined, name: string): string | undefined =>
    message?.fields.find((field) => field.name.toLowerCase() === name)?.value;
  const status = Number(response?.parts[1]);
  const all = {
    hostname: value(request, 'host')?.replace(/:\d+$/, ''),
    url: request?.parts[1],
    http_user_agent: value(request, 'user-agent'),
    http_content_type: value(response, 'content-type')?.split(';')[0]?.trim(),
    http_refer: value(request, 'referer'),
    http_method: request?.parts[0],
    protocol: request?.parts[2] ?? response?.parts[0],
    status: status > 0 ? status : undefined,
    length: response?.body.length ?? 0,
  };
  return Object.fromEntries(Object.entries(all).filter(([, known]) => known !== undefined));
}

/** Names of record types (RFC 1035, section 3.2.2, and what IANA has added since). */
const DNS_TYPES: Readonly<Record<number, string>> = {
  1: 'A',
  2: 'NS',
  5: 'CNAME',
  6: 'SOA',
  12: 'PTR',
  15: 'MX',
  16: 'TXT',
  28: 'AAAA',
  33: 'SRV',
  35: 'NAPTR',
  43: 'DS',
  46: 'RRSIG',
  47: 'NSEC',
  48: 'DNSKEY',
  64: 'SVCB',
  65: 'HTTPS',
  255: 'ANY',
};

function dnsFields({ message }: DnsTransaction): Record<string, unknown> {
  const { id, flags, isResponse, opcode, queries } = message;
  const bit = (mask: number, name: string): Record<string, true> => ((flags & mask) === 0 ? {} : { [name]: true });
  return {
    version: 3,
    type: isResponse ? 'response' : 'request',
    id,
    flags: flags.toString(16),
    opcode,
    ...bit(0x8000, 'qr'),
    ...bit(0x0400, 'aa'),
    ...bit(0x0200, 'tc'),
    ...bit(0x0100, 'rd'),
    ...bit(0x0080, 'ra'),
    ...bit(0x0040, 'z'),
    queries: queries.map(({ name, type, isCut }) => ({
      rrname: Buffer.from(name).toString('latin1'),
      rrtype: DNS_TYPES[type] ?? `TYPE${type}`,
      ...(isCut ? { rrname_truncated: true } : {}),
    })),
  };
}

/** All eight groups of IPv6, with their zeroes. */
function plainAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return [...bytes].join('.');
  return Array.from({ length: 8 }, (_, n) =>
    ((bytes[2 * n]! << 8) | bytes[2 * n + 1]!).toString(16).padStart(4, '0'),
  ).join(':');
}

function mac(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

function printable(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString('latin1')
    .replaceAll(/[^\x20-\x7e\r\n]/g, '.');
}

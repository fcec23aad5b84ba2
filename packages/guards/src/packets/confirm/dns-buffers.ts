// SPDX-License-Identifier: Apache-2.0
// What of a message of DNS rules look in, and ask the numbers of (Suricata user guide, "DNS Keywords").

import type { DnsMessage } from './dns-message.js';

/** Names by buffer. */
const NAMES: Readonly<Record<string, (message: DnsMessage) => readonly Uint8Array[]>> = {
  // Of requests only.
  'dns.query': ({ isResponse, queries }) => (isResponse ? [] : queries.map(({ name }) => name)),
  'dns.queries.rrname': ({ queries }) => queries.map(({ name }) => name),
  'dns.answers.rrname': (message) => recordNames(message, 'answers'),
  'dns.authorities.rrname': (message) => recordNames(message, 'authorities'),
  'dns.additionals.rrname': (message) => recordNames(message, 'additionals'),
};

const NUMBERS: Readonly<Record<string, (message: DnsMessage) => readonly number[]>> = {
  'dns.opcode': ({ opcode }) => [opcode],
  'dns.rcode': ({ rcode }) => [rcode],
  'dns.rrtype': ({ queries, records }) => [...queries, ...records].map(({ type }) => type),
};

export const DNS_BUFFERS: readonly string[] = Object.keys(NAMES);

function recordNames({ records }: DnsMessage, section: string): readonly Uint8Array[] {
  return records.filter((record) => record.section === section).map(({ name }) => name);
}

export function isDnsBuffer(name: string): boolean {
  return Object.hasOwn(NAMES, name);
}

/** Behind an empty name, that of the root, Suricata looks at none. */
export function dnsNames(name: string, message: DnsMessage): readonly Uint8Array[] {
  const names = NAMES[name]?.(message) ?? [];
  const root = names.findIndex(({ length }) => length === 0);
  return root < 0 ? names : names.slice(0, root);
}

/** One of them has to be what a rule asks for. */
export function dnsNumbers(name: string, message: DnsMessage): readonly number[] {
  return NUMBERS[name]?.(message) ?? [];
}

// SPDX-License-Identifier: Apache-2.0
// Reads a message of DNS (RFC 1035, section 4), as far as rules look at it: flags, and the names that are asked for.

export interface DnsQuery {
  /** With dots between its labels. */
  readonly name: Uint8Array;
  /** It is longer than what is kept of it. */
  readonly isCut: boolean;
  readonly type: number;
}

/** Of a record of an answer. */
export interface DnsRecord {
  readonly section: 'answers' | 'authorities' | 'additionals';
  /** With dots between its labels. */
  readonly name: Uint8Array;
  readonly type: number;
}

export interface DnsMessage {
  readonly id: number;
  /** All of them, as they were sent. */
  readonly flags: number;
  readonly isResponse: boolean;
  readonly opcode: number;
  /** Of the header; what an extension adds to it is not in it. */
  readonly rcode: number;
  readonly queries: readonly DnsQuery[];
  readonly records: readonly DnsRecord[];
  /** What is wrong with it. */
  readonly events: ReadonlySet<DnsEvent>;
}

const EVENTS = [
  'malformed_data',
  'not_a_request',
  'not_a_response',
  'z_flag_set',
  'invalid_opcode',
  'name_too_long',
  'infinite_loop',
  'too_many_labels',
  'invalid_additionals',
  'invalid_authorities',
] as const;
/** By Suricata's names of them. */
export type DnsEvent = (typeof EVENTS)[number];
export const DNS_EVENTS: ReadonlySet<string> = new Set(EVENTS);

const SECTIONS = ['answers', 'authorities', 'additionals'] as const;
const HEADER = 12;
/** Records of a message that are read. */
const MOST_RECORDS = 4096;
/** Bytes of a name that are kept; labels that are followed, and pointers. */
const MOST_NAME = 1025;
const MOST_LABELS = 255;

/** Undefined if it is not even a header, or one whose counts cannot be. */
export function readDnsMessage(bytes: Uint8Array): DnsMessage | undefined {
  if (bytes.length < HEADER) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint16(2);
  const counts = [4, 6, 8, 10].map((at) => view.getUint16(at));
  const events = new Set<DnsEvent>();
  const queries: DnsQuery[] = [];
  const records: DnsRecord[] = [];
  if ((flags & 0x40) !== 0) events.add('z_flag_set');
  const opcode = (flags >> 11) & 15;
  if (opcode >= 7 || opcode === 3) events.add('invalid_opcode');
  let at: number | undefined = HEADER;
  for (let n = 0; n < counts[0]! && n < MOST_RECORDS; n++) {
    const name = readName(bytes, at, events);
    if (name === undefined || name.end + 4 > bytes.length) {
      events.add('malformed_data');
      at = undefined;
      break;
    }
    const cut = { name: name.text.subarray(0, MOST_NAME), isCut: name.text.length > MOST_NAME };
    queries.push({ ...cut, type: view.getUint16(name.end) });
    at = name.end + 4;
  }
  // Answers that cannot be read make it no message; what is wrong behind them is told.
  const wrong = ['malformed_data', 'invalid_authorities', 'invalid_additionals'] as const;
  counts.slice(1).forEach((count, section) => {
    for (let n = 0; at !== undefined && n < count && n < MOST_RECORDS; n++) {
      const record = readRecord(bytes, view, at, events);
      at = record?.end;
      if (record === undefined) events.add(wrong[section]!);
      else records.push({ section: SECTIONS[section]!, name: record.name, type: record.type });
    }
  });
  return {
    id: view.getUint16(0),
    flags,
    isResponse: (flags & 0x8000) !== 0,
    opcode,
    rcode: flags & 15,
    queries,
    records,
    events,
  };
}

function readRecord(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  events: Set<DnsEvent>,
): { name: Uint8Array; type: number; end: number } | undefined {
  const name = readName(bytes, at, events);
  if (name === undefined || name.end + 10 > bytes.length) return undefined;
  const end = name.end + 10 + view.getUint16(name.end + 8);
  if (end > bytes.length) return undefined;
  return { name: name.text.subarray(0, MOST_NAME), type: view.getUint16(name.end), end };
}

/** `end` is behind the name where it stands; undefined for one that is none. */
function readName(
  bytes: Uint8Array,
  from: number,
  events: Set<DnsEvent>,
): { text: Uint8Array; end: number } | undefined {
  const text: number[] = [];
  let end: number | undefined;
  let at = from;
  for (let n = 0; ; n++) {
    const length = bytes[at];
    if (length === undefined) return undefined;
    if (length === 0) return { text: Uint8Array.from(text), end: end ?? at + 1 };
    if (n > MOST_LABELS) {
      events.add(end === undefined ? 'too_many_labels' : 'infinite_loop');
      return { text: Uint8Array.from(text), end: end ?? at };
    }
    if ((length & 0xc0) === 0xc0) {
      const low = bytes[at + 1];
      if (low === undefined) return undefined;
      end ??= at + 2;
      at = ((length & 0x3f) << 8) | low;
      continue;
    }
    if ((length & 0xc0) !== 0 || at + 1 + length > bytes.length) return undefined;
    if (text.length > 0) text.push(0x2e);
    text.push(...bytes.subarray(at + 1, at + 1 + length));
    if (text.length > MOST_NAME) events.add('name_too_long');
    at += 1 + length;
  }
}

// SPDX-License-Identifier: Apache-2.0
// Rules as tables for the program: one row of bytes behind those of the matcher, so that the program is the same for any number
// of rules, and rules are changed by changing tables.
//
//   lists | entries | rules | sets of ports | sets of addresses
//
// A list is what an end state of the automaton stands for: first entry and number of entries. An entry is a content of a rule.

import { buildMatcher, type Matcher, type Pattern, scanTables, type ScanTables } from '@plinth/match';
import type { KernelContent, KernelRule } from '../kernel-rule.js';
import type { AddressRange, AddressSet, PortSet } from '../rule.js';

/** Offsets of the fields of an entry, 4 bytes each. */
export const ENTRY = { size: 24, rule: 0, offset: 4, end: 8, length: 12, bit: 16, atEnd: 20 } as const;

/** Of a rule; sets are places in the tables, 0 for any. */
export const RULE = {
  size: 64,
  /** Bits of protocols, see `PROTOCOL_BIT`. */
  protocols: 0,
  /** Bits of the contents that it needs. */
  needed: 4,
  action: 8,
  bothWays: 12,
  sourcePort: 16,
  destinationPort: 20,
  source: 24,
  destination: 28,
  leastPayload: 32,
  mostPayload: 36,
  /** Two bytes each: least, most. */
  icmpType: 40,
  icmpCode: 44,
  /** How, the flags, those that are not ignored: a byte each. */
  flagsHow: 48,
  flags: 49,
  flagsSeen: 50,
} as const;

export const PROTOCOL_BIT = { tcp: 1, udp: 2, icmp: 4, other: 8 } as const;
export const FLAGS_HOW = { none: 0, exact: 1, all: 2, any: 3, not: 4 } as const;
/** `flag` and `hold` are of rules whose match has to be confirmed: without and with a packet that must not pass before. */
export const ACTION_NUMBER = { alert: 1, drop: 2, reject: 3, pass: 4, flag: 5, hold: 6 } as const;

/** Bytes of a set of ports: a bit for each. */
const PORT_SET = 0x1_0000 / 8;
/** A set of addresses: numbers of ranges of IPv4 and of IPv6, then those ranges, 8 bytes and 32 bytes each. */
export const ADDRESS_SET = { count4: 0, count6: 4, ranges: 8, size4: 8, size6: 32 } as const;
/** Ranges of a set that the program looks through. */
export const MOST_RANGES = 4096;

export interface RuleTables {
  readonly matcher: Matcher;
  readonly scan: ScanTables;
  /** All tables, those of the matcher first. */
  readonly bytes: Uint8Array;
  readonly lists: number;
  readonly listCount: number;
  readonly entries: number;
  readonly entryCount: number;
  readonly rules: number;
  readonly ruleCount: number;
  /** Some rule has to be confirmed. */
  readonly confirms: boolean;
  /** Entries of rules without contents. */
  readonly bare: { readonly first: number; readonly count: number };
}

export function ruleTables(rules: readonly KernelRule[]): RuleTables {
  const patterns: Pattern[] = [];
  const owners: { rule: number; bit: number; content: KernelContent }[] = [];
  rules.forEach(({ contents }, rule) => {
    contents.forEach((content, bit) => {
      patterns.push({ bytes: content.bytes, nocase: content.nocase });
      owners.push({ rule, bit, content });
    });
  });
  const matcher = buildMatcher(patterns, { search: 'filter', form: 'compressed' });
  const lists: { first: number; count: number }[] = [{ first: 0, count: 0 }];
  const entries: { rule: number; bit: number; content: KernelContent | undefined }[] = [];
  const scan = scanTables(matcher, ({ own, lists: all }, state) => {
    const at = own[state]! - 1;
    const ids = [...all.subarray(at + 1, at + 1 + all[at]!)];
    lists.push({ first: entries.length, count: ids.length });
    entries.push(...ids.map((id) => owners[id]!));
    return lists.length - 1;
  });
  const bare = { first: entries.length, count: 0 };
  rules.forEach(({ contents }, rule) => {
    if (contents.length > 0) return;
    entries.push({ rule, bit: 0, content: undefined });
    bare.count++;
  });

  const writer = new TableWriter(scan.bytes);
  const listsAt = writer.reserve(lists.length * 8);
  const entriesAt = writer.reserve(Math.max(1, entries.length) * ENTRY.size);
  const rulesAt = writer.reserve(Math.max(1, rules.length) * RULE.size);
  lists.forEach(({ first, count }, n) => {
    writer.u32(listsAt + 8 * n, first);
    writer.u32(listsAt + 8 * n + 4, count);
  });
  entries.forEach(({ rule, bit, content }, n) => {
    const at = entriesAt + n * ENTRY.size;
    writer.u32(at + ENTRY.rule, rule);
    writer.u32(at + ENTRY.bit, 1 << bit);
    if (content === undefined) return;
    writer.u32(at + ENTRY.offset, content.offset);
    writer.u32(at + ENTRY.end, content.end);
    writer.u32(at + ENTRY.length, content.bytes.length);
    writer.u32(at + ENTRY.atEnd, content.atEnd ? 1 : 0);
  });
  rules.forEach((rule, n) => writeRule(writer, rulesAt + n * RULE.size, rule));
  return {
    matcher,
    scan,
    bytes: writer.finish(),
    lists: listsAt,
    listCount: lists.length,
    entries: entriesAt,
    entryCount: Math.max(1, entries.length),
    rules: rulesAt,
    ruleCount: Math.max(1, rules.length),
    confirms: rules.some(({ confirm }) => confirm),
    bare,
  };
}

function writeRule(writer: TableWriter, at: number, rule: KernelRule): void {
  const bits = (rule.protocols ?? []).reduce((all, protocol) => all | protocolBit(protocol), 0);
  writer.u32(at + RULE.protocols, rule.protocols === undefined ? 0xf : bits);
  // A rule without contents has an entry with the first bit all the same.
  writer.u32(at + RULE.needed, rule.contents.length === 0 ? 1 : (1 << rule.contents.length) - 1);
  const stops = rule.action === 'drop' || rule.action === 'reject';
  writer.u32(at + RULE.action, ACTION_NUMBER[!rule.confirm ? rule.action : stops ? 'hold' : 'flag']);
  writer.u32(at + RULE.bothWays, rule.bothWays ? 1 : 0);
  writer.u32(at + RULE.sourcePort, writer.ports(rule.sourcePort));
  writer.u32(at + RULE.destinationPort, writer.ports(rule.destinationPort));
  writer.u32(at + RULE.source, writer.addresses(rule.source));
  writer.u32(at + RULE.destination, writer.addresses(rule.destination));
  writer.u32(at + RULE.leastPayload, rule.payloadLength.least);
  // An empty range has its most below its least, and may be below zero.
  writer.u32(at + RULE.mostPayload, Math.max(0, rule.payloadLength.most));
  if (rule.payloadLength.most < rule.payloadLength.least) writer.u32(at + RULE.leastPayload, 0x2_0000);
  for (const [field, { least, most }] of [
    [RULE.icmpType, rule.icmpType],
    [RULE.icmpCode, rule.icmpCode],
  ] as const) {
    writer.u16(at + field, most < least ? 0x1ff : Math.min(least, 0x1ff));
    writer.u16(at + field + 2, most < least ? 0 : Math.min(most, 0x1ff));
  }
  if (rule.flags === undefined) return;
  writer.u8(at + RULE.flagsHow, FLAGS_HOW[rule.flags.how]);
  writer.u8(at + RULE.flags, rule.flags.flags);
  writer.u8(at + RULE.flagsSeen, ~rule.flags.ignored & 0xff);
}

function protocolBit(protocol: number): number {
  return protocol === 6 ? PROTOCOL_BIT.tcp : protocol === 17 ? PROTOCOL_BIT.udp : PROTOCOL_BIT.icmp;
}

class TableWriter {
  #bytes: Uint8Array;
  #length: number;
  readonly #known = new Map<string, number>();

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes.slice();
    this.#length = bytes.length;
  }

  /** Never 0, which stands for any set. */
  reserve(size: number): number {
    const at = Math.max(64, (this.#length + 63) & ~63);
    this.#length = at + size;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    return at;
  }

  u8(at: number, value: number): void {
    this.#bytes[at] = value;
  }

  u16(at: number, value: number): void {
    new DataView(this.#bytes.buffer).setUint16(at, value, true);
  }

  u32(at: number, value: number): void {
    new DataView(this.#bytes.buffer).setUint32(at, value, true);
  }

  #u64(at: number, value: bigint): void {
    new DataView(this.#bytes.buffer).setBigUint64(at, value, true);
  }

  /** Equal sets are there once. */
  #once(key: string, make: () => number): number {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const at = make();
    this.#known.set(key, at);
    return at;
  }

  ports(set: PortSet | undefined): number {
    if (set === undefined) return 0;
    return this.#once(`ports ${set.map(({ first, last }) => `${first}-${last}`).join()}`, () => {
      const at = this.reserve(PORT_SET);
      for (const { first, last } of set) {
        for (let port = first; port <= last; port++) this.#bytes[at + (port >>> 3)]! |= 1 << (port & 7);
      }
      return at;
    });
  }

  addresses(set: AddressSet | undefined): number {
    if (set === undefined) return 0;
    return this.#once(
      `addresses ${set.map(({ version, first, last }) => `${version}:${first}-${last}`).join()}`,
      () => {
        const of = (version: 4 | 6): AddressRange[] => set.filter((range) => range.version === version);
        const [four, six] = [of(4), of(6)];
        const at = this.reserve(ADDRESS_SET.ranges + four.length * ADDRESS_SET.size4 + six.length * ADDRESS_SET.size6);
        this.u32(at + ADDRESS_SET.count4, four.length);
        this.u32(at + ADDRESS_SET.count6, six.length);
        let next = at + ADDRESS_SET.ranges;
        for (const { first, last } of four) {
          this.u32(next, Number(first));
          this.u32(next + 4, Number(last));
          next += ADDRESS_SET.size4;
        }
        for (const range of six) {
          [range.first >> 64n, range.first, range.last >> 64n, range.last].forEach((value, n) =>
            this.#u64(next + 8 * n, BigInt.asUintN(64, value)),
          );
          next += ADDRESS_SET.size6;
        }
        return at;
      },
    );
  }

  /** With room behind it, for reads of a word at any place that the tables have. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length + 64);
  }
}

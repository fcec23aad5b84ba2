// SPDX-License-Identifier: Apache-2.0
// Rules as tables for the program: one row of bytes behind those of the matcher, so that the program is the same for any number
// of rules, and rules are changed by changing tables.
//
//   lists | entries | rules | late rules, what they ask for | numbers | sets of ports | sets of addresses |
//   states of earlier tables
//
// A list is what an end state of the automaton stands for: first entry and number of entries. An entry is a content of a rule.

import { crc32, PlinthError, utf8 } from '@plinth/core';
import {
  buildMatcher,
  foldByte,
  type Matcher,
  otherCase,
  type Pattern,
  scanTables,
  type ScanTables,
} from '@plinth/match';
import { PROTOCOL } from '../decode-packet.js';
import { isWindow, type KernelContent } from '../kernel-contents.js';
import { flowDrop, isAnyLength, type KernelFlow, type KernelRule, lateOrder, spansSegments } from '../kernel-rule.js';
import { HEADER_NUMBERS } from '../rule.js';
import {
  EARLIER,
  type Lineage,
  MOST_EARLIER,
  NO_LINEAGE,
  type TablesShape,
  type Translation,
  translations,
} from './earlier-tables.js';
import { FLOW_FACT } from './record-code.js';
import { TableWriter } from './table-writer.js';

/** Offsets of the fields of an entry, 4 bytes each. */
export const ENTRY = {
  size: 32,
  rule: 0,
  offset: 4,
  end: 8,
  length: 12,
  bit: 16,
  atEnd: 20,
  where: 24,
  index: 28,
} as const;
/** In which bytes of TCP a content counts. */
export const WHERE = { both: 0, packet: 1, stream: 2 } as const;

/** Of a rule; sets and lists are places in the tables, 0 for any. */
export const RULE = {
  size: 64,
  /** Bits of protocols, see `PROTOCOL_BIT`, those of IPv6 above those of IPv4. */
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
  /** Conditions on numbers of the header. */
  numbers: 40,
  numberCount: 44,
  /** How, the flags, those that are not ignored: a byte each. */
  flagsHow: 48,
  flags: 49,
  flagsSeen: 50,
  /** Bits of FLOW_FACT that are looked at, and how they have to be: a byte each. */
  flowSeen: 52,
  flowWanted: 53,
  /** 1 + its number among the late rules. */
  late: 56,
  /** Not 0 if its contents may be in several segments: then it has the same number in all tables with a rule of these contents. */
  spans: 60,
} as const;

/** A condition on a number of the header, which is in a range, or not. */
export const NUMBER = { size: 16, name: 0, least: 4, most: 8, negated: 12 } as const;

/** Of a rule that is decided at the end. */
export const LATE = {
  size: 64,
  rule: 0,
  /** Bits of contents that must not have been found. */
  forbidden: 4,
  action: 8,
  silent: 12,
  conditions: 16,
  conditionCount: 20,
  windows: 24,
  windowCount: 28,
  /** Whether it is about flowbits at all; then what it does to them, 8 bytes each. */
  asks: 32,
  set: 40,
  unset: 48,
  toggle: 56,
} as const;
/** Bits of which one is set (`wanted` 1), or not. */
export const CONDITION = { size: 16, bits: 0, wanted: 8 } as const;
/** A byte that is between two places of the payload, or must not be there; `fold` makes both cases one. */
export const WINDOW = { size: 24, from: 0, end: 4, byte: 8, fold: 12, atEnd: 16, negated: 20 } as const;

export const PROTOCOL_BIT = { tcp: 1, udp: 2, icmp: 4, other: 8, icmp6: 16 } as const;
/** Those of IPv6 lie so many bits above. */
export const VERSION_SHIFT = 8;
export const FLAGS_HOW = { none: 0, exact: 1, all: 2, any: 3, not: 4 } as const;
/**
 * `flag` and `hold` are of rules whose match has to be confirmed: without and with a packet that must not pass before. `end` and
 * `endStream` drop, and drop what comes after on the connection; the latter one if it is of TCP.
 */
export const ACTION_NUMBER = { alert: 1, drop: 2, reject: 3, pass: 4, flag: 5, hold: 6, end: 7, endStream: 8 } as const;

/** Names that rules may give to bits of a connection. */
export const MOST_FLOWBITS = 64;
/** The bit of a rule that has no content to be found. */
const BARE_BIT = 0x2000_0000;

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
  readonly late: number;
  readonly lateCount: number;
  /** Entries of rules without contents to be found. */
  readonly bare: { readonly first: number; readonly count: number };
  /** Some rule has to be confirmed. */
  readonly confirms: boolean;
  /** Some rule asks for what is known of a connection. */
  readonly connections: boolean;
  /** Some rule drops all that comes after on a connection. */
  readonly ends: boolean;
  /** Some rule asks for numbers of the header. */
  readonly numbers: boolean;
  /** Some content is looked for in packets or in the stream only. */
  readonly places: boolean;
  /** Some rule's contents may be in several segments. */
  readonly spans: boolean;
  /** Names of the bits of a connection. */
  readonly flowbits: readonly string[];
  readonly shape: TablesShape;
  /** The directory of earlier generations, and the oldest one that is in it. */
  readonly earlier: { readonly at: number; readonly ages: number };
}

/** Whether the program has to follow connections for these rules, those of UDP and ICMP too. */
export function asksForConnections(rules: readonly KernelRule[]): boolean {
  return rules.some(
    (rule) =>
      rule.confirm ||
      rule.flow.direction !== undefined ||
      rule.flow.state !== undefined ||
      flowDrop(rule) === 'always' ||
      flowbitNames(rule).length > 0,
  );
}

function flowbitNames({ flowbits: { conditions, set, unset, toggle } }: KernelRule): string[] {
  return [...conditions.flatMap(({ names }) => names), ...set, ...unset, ...toggle];
}

/**
 * `lineage` is for tables that come after others, or that others come after.
 * @throws PlinthError `input` for more names of flowbits than there are bits
 */
export function ruleTables(rules: readonly KernelRule[], lineage: Lineage = NO_LINEAGE): RuleTables {
  const patterns: Pattern[] = [];
  const owners: { rule: number; bit: number; content: KernelContent }[] = [];
  rules.forEach(({ contents }, rule) => {
    contents.forEach((content, n) => {
      if (isWindow(content)) return;
      patterns.push({ bytes: content.bytes, nocase: content.nocase });
      owners.push({ rule, bit: 1 << n, content });
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
  rules.forEach((rule, number) => {
    if (neededBits(rule) !== BARE_BIT) return;
    entries.push({ rule: number, bit: BARE_BIT, content: undefined });
    bare.count++;
  });
  const flowbits = [...new Set([...(lineage.before?.shape.flowbits ?? []), ...rules.flatMap(flowbitNames)])];
  if (flowbits.length > MOST_FLOWBITS) {
    throw new PlinthError(
      'input',
      'flowbits',
      `the rules name ${flowbits.length} flowbits, and a connection has ${MOST_FLOWBITS}: leave rules out that name others`,
    );
  }

  const writer = new TableWriter(scan.bytes);
  const order = lateOrder(rules);
  const listsAt = writer.reserve(lists.length * 8);
  const entriesAt = writer.reserve(Math.max(1, entries.length) * ENTRY.size);
  const rulesAt = writer.reserve(Math.max(1, rules.length) * RULE.size);
  const lateAt = writer.reserve(Math.max(1, order.length) * LATE.size);
  lists.forEach(({ first, count }, n) => {
    writer.u32(listsAt + 8 * n, first);
    writer.u32(listsAt + 8 * n + 4, count);
  });
  entries.forEach(({ rule, bit, content }, n) => {
    const at = entriesAt + n * ENTRY.size;
    writer.u32(at + ENTRY.rule, rule);
    writer.u32(at + ENTRY.bit, bit);
    if (content === undefined) return;
    writer.u32(at + ENTRY.offset, content.offset);
    writer.u32(at + ENTRY.end, content.end);
    writer.u32(at + ENTRY.length, content.bytes.length);
    writer.u32(at + ENTRY.atEnd, content.atEnd ? 1 : 0);
    writer.u32(at + ENTRY.where, WHERE[content.where]);
    writer.u32(at + ENTRY.index, Math.log2(bit));
  });
  const identities = identitiesOf(rules);
  rules.forEach((rule, n) => writeRule(writer, rulesAt + n * RULE.size, rule, identities[n]!));
  order.forEach((number, n) => {
    writer.u32(rulesAt + number * RULE.size + RULE.late, n + 1);
    writeLate(writer, lateAt + n * LATE.size, number, rules[number]!, flowbits);
  });
  const kinds = [false, true].filter((nocase) => patterns.some((pattern) => pattern.nocase === nocase));
  const kinded = kinds.map((nocase, n) => ({ nocase, automaton: matcher.automata[n]! }));
  const known = lineage.before === undefined ? [] : translations(lineage.before, kinded);
  const earlier = writeEarlier(writer, lineage.generation, kinds, known);
  const automata = scan.automata.map((place, n) => ({ nocase: kinds[n]!, ...place }));
  const shape = { generation: lineage.generation, automata, flowbits, earlier: earlier.shapes };
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
    late: lateAt,
    lateCount: order.length,
    bare,
    confirms: rules.some(({ confirm }) => confirm),
    connections: asksForConnections(rules),
    ends: rules.some((rule) => flowDrop(rule) !== 'never'),
    numbers: rules.some(({ numbers }) => numbers.length > 0),
    places: rules.some(({ contents }) => contents.some(({ where }) => where !== 'both')),
    spans: rules.some(spansSegments),
    flowbits,
    shape,
    earlier: { at: earlier.at, ages: earlier.ages },
  };
}

/** A row for each age, whether it is known or not; then the states. */
function writeEarlier(
  writer: TableWriter,
  generation: number,
  kinds: readonly boolean[],
  known: readonly Translation[],
): { at: number; ages: number; shapes: TablesShape['earlier'] } {
  const within = known.filter((one) => generation - one.generation <= MOST_EARLIER);
  const ages = within.reduce((most, one) => Math.max(most, generation - one.generation), 0);
  const at = writer.reserve((ages + 1) * EARLIER.size);
  const shapes = within.map((one) => {
    const row = at + (generation - one.generation) * EARLIER.size;
    writer.u32(row + EARLIER.known, 1);
    const automata = one.automata.map(({ nocase, slot, states }) => {
      const place = { at: writer.reserve(4 * states.length), count: states.length };
      states.forEach((state, n) => writer.u32(place.at + 4 * n, state));
      const field = row + EARLIER.automaton * kinds.indexOf(nocase);
      writer.u32(field + EARLIER.at, place.at);
      writer.u32(field + EARLIER.count, place.count);
      writer.u32(field + EARLIER.slot, 4 * slot);
      return { nocase, slot, states: place };
    });
    return { generation: one.generation, automata };
  });
  return { at, ages, shapes };
}

/** Of the contents that have to be found. */
function neededBits({ contents }: KernelRule): number {
  const bits = contents.reduce((all, content, n) => (content.negated || isWindow(content) ? all : all | (1 << n)), 0);
  return bits === 0 ? BARE_BIT : bits;
}

function actionOf(rule: KernelRule): number {
  const { action, confirm } = rule;
  const stops = action === 'drop' || action === 'reject';
  if (confirm) return ACTION_NUMBER[stops ? 'hold' : 'flag'];
  const drops = flowDrop(rule);
  return ACTION_NUMBER[drops === 'always' ? 'end' : drops === 'stream' ? 'endStream' : action];
}

/** Numbers of the rules that span segments, by what they are, and 0 for others. */
function identitiesOf(rules: readonly KernelRule[]): number[] {
  const taken = new Set([0]);
  return rules.map((rule) => {
    if (!spansSegments(rule)) return 0;
    let identity = crc32(utf8(`${rule.rule.gid}:${rule.rule.sid} ${JSON.stringify(rule.contents)}`)) >>> 0;
    while (taken.has(identity)) identity = (identity + 1) >>> 0;
    taken.add(identity);
    return identity;
  });
}

function writeRule(writer: TableWriter, at: number, rule: KernelRule, identity: number): void {
  writer.u32(at + RULE.protocols, protocolBits(rule));
  writer.u32(at + RULE.needed, neededBits(rule));
  writer.u32(at + RULE.action, actionOf(rule));
  writer.u32(at + RULE.bothWays, rule.bothWays ? 1 : 0);
  writer.u32(at + RULE.spans, identity);
  writer.u32(at + RULE.sourcePort, writer.ports(rule.sourcePort));
  writer.u32(at + RULE.destinationPort, writer.ports(rule.destinationPort));
  writer.u32(at + RULE.source, writer.addresses(rule.source));
  writer.u32(at + RULE.destination, writer.addresses(rule.destination));
  writer.u32(at + RULE.leastPayload, rule.payloadLength.least);
  // An empty range has its most below its least, and may be below zero.
  const most = isAnyLength(rule.payloadLength) ? 0xffff_ffff : rule.payloadLength.most;
  writer.u32(at + RULE.mostPayload, Math.max(0, most));
  if (rule.payloadLength.most < rule.payloadLength.least) writer.u32(at + RULE.leastPayload, 0x2_0000);
  if (rule.numbers.length > 0) {
    const numbers = writer.reserve(rule.numbers.length * NUMBER.size);
    writer.u32(at + RULE.numbers, numbers);
    writer.u32(at + RULE.numberCount, rule.numbers.length);
    rule.numbers.forEach(({ name, least, most, negated }, n) => {
      const number = numbers + n * NUMBER.size;
      const isEmpty = most < least;
      writer.u32(number + NUMBER.name, HEADER_NUMBERS.indexOf(name));
      writer.u32(number + NUMBER.least, isEmpty ? 1 : least);
      writer.u32(number + NUMBER.most, isEmpty ? 0 : most);
      writer.u32(number + NUMBER.negated, negated ? 1 : 0);
    });
  }
  const { seen, wanted } = flowFacts(rule.flow);
  writer.u8(at + RULE.flowSeen, seen);
  writer.u8(at + RULE.flowWanted, wanted);
  if (rule.flags === undefined) return;
  writer.u8(at + RULE.flagsHow, FLAGS_HOW[rule.flags.how]);
  writer.u8(at + RULE.flags, rule.flags.flags);
  writer.u8(at + RULE.flagsSeen, ~rule.flags.ignored & 0xff);
}

function writeLate(
  writer: TableWriter,
  at: number,
  number: number,
  rule: KernelRule,
  flowbits: readonly string[],
): void {
  const { conditions, set, unset, toggle } = rule.flowbits;
  const bits = (names: readonly string[]): bigint =>
    names.reduce((all, name) => all | (1n << BigInt(flowbits.indexOf(name))), 0n);
  const forbidden = rule.contents.reduce(
    (all, content, n) => (content.negated && !isWindow(content) ? all | (1 << n) : all),
    0,
  );
  writer.u32(at + LATE.rule, number);
  writer.u32(at + LATE.forbidden, forbidden);
  writer.u32(at + LATE.action, actionOf(rule));
  writer.u32(at + LATE.silent, rule.silent ? 1 : 0);
  writer.u32(at + LATE.asks, flowbitNames(rule).length > 0 ? 1 : 0);
  writer.u64(at + LATE.set, bits(set));
  // All but those that are cleared.
  writer.u64(at + LATE.unset, BigInt.asUintN(64, ~bits(unset)));
  writer.u64(at + LATE.toggle, bits(toggle));
  const asked = writer.reserve(conditions.length * CONDITION.size);
  writer.u32(at + LATE.conditions, asked);
  writer.u32(at + LATE.conditionCount, conditions.length);
  conditions.forEach(({ names, isSet }, n) => {
    writer.u64(asked + n * CONDITION.size + CONDITION.bits, bits(names));
    writer.u32(asked + n * CONDITION.size + CONDITION.wanted, isSet ? 1 : 0);
  });
  const looked = rule.contents.filter(isWindow);
  const windows = writer.reserve(looked.length * WINDOW.size);
  writer.u32(at + LATE.windows, windows);
  writer.u32(at + LATE.windowCount, looked.length);
  looked.forEach(({ bytes, nocase, offset, end, atEnd, negated }, n) => {
    const window = windows + n * WINDOW.size;
    const byte = foldByte(bytes[0]!);
    const folds = nocase && otherCase(byte) !== byte;
    writer.u32(window + WINDOW.from, offset);
    writer.u32(window + WINDOW.end, end);
    writer.u32(window + WINDOW.byte, folds ? byte : bytes[0]!);
    writer.u32(window + WINDOW.fold, folds ? 0x20 : 0);
    writer.u32(window + WINDOW.atEnd, atEnd ? 1 : 0);
    writer.u32(window + WINDOW.negated, negated ? 1 : 0);
  });
}

function flowFacts({ direction, state }: KernelFlow): { seen: number; wanted: number } {
  const { toServer, toClient, established } = FLOW_FACT;
  const way = direction === undefined ? 0 : direction === 'to_server' ? toServer : toClient;
  const asked = state === 'established' || state === 'not_established' ? established : 0;
  return { seen: way | asked, wanted: way | (state === 'established' ? established : 0) };
}

function protocolBits({ protocols, version }: KernelRule): number {
  const { tcp, udp, icmp, icmp6, other } = PROTOCOL_BIT;
  const known: Readonly<Record<number, number>> = {
    [PROTOCOL.tcp]: tcp,
    [PROTOCOL.udp]: udp,
    [PROTOCOL.icmp]: icmp,
    [PROTOCOL.icmp6]: icmp6,
  };
  const bits =
    protocols === undefined
      ? tcp | udp | icmp | icmp6 | other
      : protocols.reduce((all, protocol) => all | known[protocol]!, 0);
  return (version === 6 ? 0 : bits) | (version === 4 ? 0 : bits << VERSION_SHIFT);
}

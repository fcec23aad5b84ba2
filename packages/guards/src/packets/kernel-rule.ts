// SPDX-License-Identifier: Apache-2.0
// A rule as the program in the kernel can decide it: conditions on one packet's header and its connection, and contents at places of
// its payload that are known beforehand. What is more than that is a reason, by name.

import { PROTOCOL } from './decode-packet.js';
import { isWindow, type KernelContent, kernelContents, NO_END } from './kernel-contents.js';
import { asksPorts } from './match-header.js';
import {
  type Action,
  type AddressSet,
  type Condition,
  type ContentCondition,
  type FlowbitsCondition,
  type FlowCondition,
  HEADER_NUMBERS,
  type HeaderNumber,
  type NumberCondition,
  type PortSet,
  type Rule,
} from './rule.js';

/** A whole range of numbers, both ends included; none is in one whose `most` is less than its `least`. */
export interface NumberRange {
  readonly least: number;
  readonly most: number;
}

/** A packet that does not have the number matches in no case. */
export interface KernelNumber extends NumberRange {
  readonly name: HeaderNumber;
  /** It must be outside of the range. */
  readonly negated: boolean;
}

/** What has to be known of the packet's connection. */
export type KernelFlow = Pick<FlowCondition, 'direction' | 'state'>;

/** Names that are asked of the connection, all conditions have to hold, and what a match does to them. */
export interface KernelFlowbits {
  /** One of the names is set, or not set. */
  readonly conditions: readonly { readonly names: readonly string[]; readonly isSet: boolean }[];
  readonly set: readonly string[];
  readonly unset: readonly string[];
  readonly toggle: readonly string[];
}

export interface KernelRule {
  readonly rule: Rule;
  readonly action: Action;
  /** Its match is no verdict: the packet is told with its bytes, and whoever reads that decides. */
  readonly confirm: boolean;
  /** It is not told. */
  readonly silent: boolean;
  /** Numbers of protocols above IP; undefined is all of them. */
  readonly protocols: readonly number[] | undefined;
  /** Of IP; undefined is both. */
  readonly version: 4 | 6 | undefined;
  readonly source: AddressSet | undefined;
  readonly sourcePort: PortSet | undefined;
  readonly destination: AddressSet | undefined;
  readonly destinationPort: PortSet | undefined;
  readonly bothWays: boolean;
  readonly payloadLength: NumberRange;
  readonly numbers: readonly KernelNumber[];
  readonly flags:
    { readonly flags: number; readonly how: 'exact' | 'all' | 'any' | 'not'; readonly ignored: number } | undefined;
  readonly flow: KernelFlow;
  readonly flowbits: KernelFlowbits;
  readonly contents: readonly KernelContent[];
}

/** Contents of a rule that are counted as bits. */
export const MOST_CONTENTS = 8;
/** Bytes of a stream over which contents of one rule may lie (Suricata's toserver-chunk-size). */
export const STREAM_WINDOW = 2560;
/** Ranges of a set of addresses, of one version. */
export const MOST_RANGES = 4096;

interface ProtocolMeaning {
  readonly protocols?: readonly number[];
  readonly version?: 4 | 6;
  readonly where?: KernelContent['where'];
}

const PROTOCOLS: Readonly<Record<string, ProtocolMeaning>> = {
  ip: {},
  ip4: { version: 4 },
  ipv4: { version: 4 },
  ip6: { version: 6 },
  ipv6: { version: 6 },
  tcp: { protocols: [PROTOCOL.tcp] },
  'tcp-pkt': { protocols: [PROTOCOL.tcp], where: 'packet' },
  'tcp-stream': { protocols: [PROTOCOL.tcp], where: 'stream' },
  udp: { protocols: [PROTOCOL.udp] },
  icmp: { protocols: [PROTOCOL.icmp, PROTOCOL.icmp6] },
  icmpv4: { protocols: [PROTOCOL.icmp] },
  icmpv6: { protocols: [PROTOCOL.icmp6] },
};

export interface KernelRuleOptions {
  readonly confirm?: boolean;
}

/** The rule for the kernel, which decides all that it says, or why it is none. */
export function kernelRule(rule: Rule, { confirm = false }: KernelRuleOptions = {}): KernelRule | string {
  const { header, conditions } = rule;
  const protocol = PROTOCOLS[header.protocol];
  if (protocol === undefined) return `protocol ${header.protocol}`;
  if (rule.undecided.length > 0) return rule.undecided.join(', ');
  if (rule.threshold !== undefined) return 'threshold';
  const found: ContentCondition[] = [];
  const bits: FlowbitsCondition[] = [];
  const numbers: KernelNumber[] = [];
  let payloadLength = ANY;
  let flags: KernelRule['flags'];
  let flow: FlowCondition | undefined;
  for (const condition of conditions) {
    switch (condition.kind) {
      case 'content':
        found.push(condition);
        break;
      case 'number': {
        const number = kernelNumber(condition);
        if (typeof number === 'string') return number;
        if (number.name === 'dsize' && !number.negated) payloadLength = both(payloadLength, number);
        else numbers.push(number);
        // What has no payload has no other length.
        if (number.name === 'dsize' && number.negated)
          payloadLength = both(payloadLength, { least: 1, most: ANY.most });
        break;
      }
      case 'flags':
        if (flags !== undefined) return 'flags twice';
        flags = condition;
        break;
      case 'flow':
        if (flow !== undefined) return 'flow twice';
        if (condition.rebuilt !== undefined) return `flow:${condition.rebuilt ? 'only' : 'no'}_frag`;
        flow = condition;
        break;
      case 'flowbits':
        if (condition.command !== 'noalert') bits.push(condition);
        break;
      default:
        return condition.kind;
    }
  }
  const flowbits = kernelFlowbits(bits);
  const changes = flowbits.set.length + flowbits.unset.length + flowbits.toggle.length;
  // Whether it matches is known too late for the rules that ask.
  if (confirm && changes > 0) return 'flowbits that change after a confirmation';
  const where = placeOfContents(flow, protocol.where);
  if (typeof where !== 'object') return where;
  const contents = kernelContents(found, where.place);
  if (typeof contents === 'string') return contents;
  if (where.needed && contents.length === 0) return 'flow:only_stream without a content';
  if (contents.length > MOST_CONTENTS) return `more than ${MOST_CONTENTS} contents`;
  const { action, source, sourcePort, destination, destinationPort, bothWays } = header;
  if (!fits(source) || !fits(destination)) return `more than ${MOST_RANGES} ranges of addresses`;
  // Without payload no content is looked for, and none is missing.
  if (contents.length > 0) payloadLength = both(payloadLength, { least: 1, most: ANY.most });
  return {
    rule,
    action,
    confirm,
    silent: rule.noalert,
    protocols: asksPorts(header) ? withPorts(protocol.protocols) : protocol.protocols,
    version: protocol.version,
    source,
    sourcePort,
    destination,
    destinationPort,
    bothWays,
    payloadLength,
    numbers,
    flags,
    flow: flow ?? {},
    flowbits,
    contents,
  };
}

/** Whether the program decides it when all of the payload has been looked at, and not as soon as its contents are found. */
export function isLate({ silent, contents, flowbits }: KernelRule): boolean {
  const { conditions, set, unset, toggle } = flowbits;
  return (
    silent ||
    conditions.length + set.length + unset.length + toggle.length > 0 ||
    contents.some((content) => content.negated || isWindow(content))
  );
}

/**
 * Whether a match drops what comes after on the connection, as Suricata has it: of a rule that asks for nothing but addresses and
 * protocol always, of one with contents if they were found in a stream of TCP.
 */
export function flowDrop(rule: KernelRule): 'always' | 'stream' | 'never' {
  const { action, confirm, contents, payloadLength, flags, flow, flowbits, numbers } = rule;
  if (confirm || (action !== 'drop' && action !== 'reject')) return 'never';
  if (contents.length > 0) {
    const inPacket = contents.some(({ where }) => where === 'packet') || rule.rule.conditions.some(isDsize);
    return inPacket ? 'never' : 'stream';
  }
  const asks = flags ?? flow.direction ?? flow.state ?? numbers[0] ?? flowbits.conditions[0];
  return asks === undefined && !asksPorts(rule) && isAnyLength(payloadLength) ? 'always' : 'never';
}

function isDsize(condition: Condition): boolean {
  return condition.kind === 'number' && condition.name === 'dsize';
}

/** Whether its contents may be in several segments of a stream: several that may be anywhere, and no length of a packet. */
export function spansSegments({ protocols, contents, rule }: KernelRule): boolean {
  if (protocols?.length !== 1 || protocols[0] !== PROTOCOL.tcp || rule.conditions.some(isDsize)) return false;
  const needed = contents.filter(({ negated }) => !negated);
  const isFree = (content: KernelContent): boolean =>
    content.offset === 0 &&
    content.end === NO_END &&
    !content.atEnd &&
    content.where !== 'packet' &&
    !isWindow(content);
  return needed.length > 1 && needed.every(isFree);
}

/** Rules that pass are looked at first. */
export const ACTION_ORDER: Readonly<Record<Action, number>> = { pass: 0, drop: 1, reject: 2, alert: 3 };

/**
 * Numbers of the rules that are decided late, in the order in which that is done: as Suricata has it, by action, then those that change
 * flowbits before those that only ask for them, then as they are written.
 */
export function lateOrder(rules: readonly KernelRule[]): number[] {
  const use = ({ flowbits: { conditions, set, unset, toggle } }: KernelRule): number =>
    set.length + unset.length + toggle.length > 0 ? (conditions.length === 0 ? 0 : 1) : conditions.length > 0 ? 2 : 3;
  const rank = (rule: KernelRule): number => ACTION_ORDER[rule.action] * 4 + use(rule);
  return rules
    .flatMap((rule, number) => (isLate(rule) ? [{ number, rank: rank(rule) }] : []))
    .sort((a, b) => a.rank - b.rank || a.number - b.number)
    .map(({ number }) => number);
}

const ANY: NumberRange = { least: 0, most: 0xffff };

/** Whether a rule does not ask for the length of the payload. */
export function isAnyLength({ least, most }: NumberRange): boolean {
  return least === ANY.least && most === ANY.most;
}

function both(a: NumberRange, b: NumberRange): NumberRange {
  return { least: Math.max(a.least, b.least), most: Math.min(a.most, b.most) };
}

/** A packet without ports has none that a rule asks for. */
function withPorts(protocols: readonly number[] | undefined): readonly number[] {
  const all = [PROTOCOL.tcp, PROTOCOL.udp];
  return protocols === undefined ? all : all.filter((one) => protocols.includes(one));
}

function fits(set: AddressSet | undefined): boolean {
  const count = (version: 4 | 6): number => (set ?? []).filter((range) => range.version === version).length;
  return count(4) <= MOST_RANGES && count(6) <= MOST_RANGES;
}

/** Where the contents are looked for, by the protocol and by `flow`, or how these contradict each other. */
function placeOfContents(
  flow: FlowCondition | undefined,
  byProtocol: KernelContent['where'] = 'both',
): { place: KernelContent['where']; needed: boolean } | string {
  if (flow?.only === undefined) return { place: byProtocol, needed: false };
  const place = flow.only === 'stream' ? 'stream' : 'packet';
  if (byProtocol !== 'both' && byProtocol !== place) return `flow:only_${place} with another protocol`;
  return { place, needed: flow.only === 'stream' };
}

function kernelFlowbits(all: readonly FlowbitsCondition[]): KernelFlowbits {
  const named = (command: string): readonly string[] => [
    ...new Set(all.filter((one) => one.command === command).flatMap(({ names }) => names)),
  ];
  return {
    conditions: all
      .filter(({ command }) => command === 'isset' || command === 'isnotset')
      .map(({ command, names }) => ({ names, isSet: command === 'isset' })),
    set: named('set'),
    unset: named('unset'),
    toggle: named('toggle'),
  };
}

function kernelNumber(condition: NumberCondition): KernelNumber | string {
  const name = HEADER_NUMBERS.find((known) => known === condition.name);
  if (name === undefined) return condition.name;
  const { op, value, upper } = condition.test;
  const most = 0xffff_ffff;
  const ranges: Readonly<Record<typeof op, NumberRange>> = {
    '=': { least: value, most: value },
    '!': { least: value, most: value },
    '<': { least: 0, most: value - 1 },
    '<=': { least: 0, most: value },
    '>': { least: value + 1, most },
    '>=': { least: value, most },
    '<>': { least: value + 1, most: (upper ?? 0) - 1 },
  };
  return { name, ...ranges[op], negated: op === '!' };
}

// SPDX-License-Identifier: Apache-2.0
// A rule as the program in the kernel can decide it: conditions on one packet's header, and contents at absolute places of its
// payload. What is more than that is a reason, by name.

import { SHORTEST_FILTERED } from '@plinth/match';
import { PROTOCOL } from './decode-packet.js';
import type { Action, AddressSet, ContentCondition, NumberCondition, PortSet, Rule } from './rule.js';
import { PAYLOAD } from './rule-options.js';

/** A whole range of numbers, both ends included. */
export interface NumberRange {
  readonly least: number;
  readonly most: number;
}

export interface KernelContent {
  readonly bytes: Uint8Array;
  readonly nocase: boolean;
  /** Where it may begin, from the beginning of the payload. */
  readonly offset: number;
  /** Where it may end at the latest: of the first byte behind it. */
  readonly end: number;
  /** It ends where the payload does. */
  readonly atEnd: boolean;
}

export interface KernelRule {
  readonly rule: Rule;
  readonly action: Action;
  /** Its match is no verdict: the packet is told with its bytes, and whoever reads that decides. */
  readonly confirm: boolean;
  /** Numbers of protocols above IP; undefined is all of them. */
  readonly protocols: readonly number[] | undefined;
  readonly source: AddressSet | undefined;
  readonly sourcePort: PortSet | undefined;
  readonly destination: AddressSet | undefined;
  readonly destinationPort: PortSet | undefined;
  readonly bothWays: boolean;
  readonly payloadLength: NumberRange;
  readonly icmpType: NumberRange;
  readonly icmpCode: NumberRange;
  readonly flags:
    { readonly flags: number; readonly how: 'exact' | 'all' | 'any' | 'not'; readonly ignored: number } | undefined;
  readonly contents: readonly KernelContent[];
}

/** Contents of a rule that are counted as bits. */
export const MOST_CONTENTS = 8;
/** Bytes of a content. */
export const MOST_CONTENT_BYTES = 2048;
export const NO_END = 0xffff_ffff;

const PROTOCOLS: Readonly<Record<string, readonly number[] | undefined>> = {
  ip: undefined,
  ip4: undefined,
  tcp: [PROTOCOL.tcp],
  'tcp-pkt': [PROTOCOL.tcp],
  udp: [PROTOCOL.udp],
  icmp: [PROTOCOL.icmp, PROTOCOL.icmp6],
};

export interface KernelRuleOptions {
  readonly confirm?: boolean;
}

/** The rule for the kernel, which decides all that it says, or why it is none. */
export function kernelRule(rule: Rule, { confirm = false }: KernelRuleOptions = {}): KernelRule | string {
  const { header, conditions } = rule;
  if (!(header.protocol in PROTOCOLS) || header.protocol === 'ip4') return `protocol ${header.protocol}`;
  if (rule.undecided.length > 0) return rule.undecided.join(', ');
  if (rule.threshold !== undefined) return 'threshold';
  if (rule.noalert) return 'noalert';
  const contents: KernelContent[] = [];
  const ranges = { dsize: ANY, itype: ANY, icode: ANY };
  let flags: KernelRule['flags'];
  for (const condition of conditions) {
    switch (condition.kind) {
      case 'content': {
        const content = kernelContent(condition);
        if (typeof content === 'string') return content;
        contents.push(content);
        break;
      }
      case 'number': {
        const { name } = condition;
        if (name !== 'dsize' && name !== 'itype' && name !== 'icode') return name;
        const range = numberRange(condition);
        if (range === undefined) return `${name} that is not one range`;
        ranges[name] = both(ranges[name], range);
        break;
      }
      case 'flags':
        if (flags !== undefined) return 'flags twice';
        flags = condition;
        break;
      default:
        return condition.kind;
    }
  }
  if (contents.length > MOST_CONTENTS) return `more than ${MOST_CONTENTS} contents`;
  const { action, source, sourcePort, destination, destinationPort, bothWays } = header;
  return {
    rule,
    action,
    confirm,
    protocols: PROTOCOLS[header.protocol],
    source,
    sourcePort,
    destination,
    destinationPort,
    bothWays,
    payloadLength: ranges.dsize,
    icmpType: ranges.itype,
    icmpCode: ranges.icode,
    flags,
    contents,
  };
}

const ANY: NumberRange = { least: 0, most: 0xffff };

function both(a: NumberRange, b: NumberRange): NumberRange {
  return { least: Math.max(a.least, b.least), most: Math.min(a.most, b.most) };
}

function kernelContent(condition: ContentCondition): KernelContent | string {
  const { bytes, nocase, negated, buffer, offset, depth, distance, within, startswith, endswith } = condition;
  if (buffer !== PAYLOAD) return buffer;
  if (negated) return 'content that is negated';
  if (bytes.length < SHORTEST_FILTERED) return 'content of one byte';
  if (bytes.length > MOST_CONTENT_BYTES) return `content of more than ${MOST_CONTENT_BYTES} bytes`;
  if (distance !== undefined || within !== undefined) return 'distance and within';
  const first = startswith ? 0 : (offset ?? 0);
  const end = startswith ? bytes.length : depth === undefined ? NO_END : first + depth;
  return { bytes, nocase, offset: first, end: Math.min(NO_END, end), atEnd: endswith };
}

/** Undefined for what is not one range. */
function numberRange({ test }: NumberCondition): NumberRange | undefined {
  const { op, value, upper } = test;
  switch (op) {
    case '=':
      return { least: value, most: value };
    case '<':
      return { least: 0, most: value - 1 };
    case '<=':
      return { least: 0, most: value };
    case '>':
      return { least: value + 1, most: ANY.most };
    case '>=':
      return { least: value, most: ANY.most };
    case '<>':
      return { least: value + 1, most: upper! - 1 };
    case '!':
      return undefined;
  }
}

// SPDX-License-Identifier: Apache-2.0
// A rule made ready to be decided: its conditions by the buffer in which they look, its expressions as automata.

import { Regex, RegexError, type RegexFlags } from '@plinth/match';
import type {
  AppProtocolCondition,
  ChecksumCondition,
  EventCondition,
  FlagsCondition,
  FlowbitsCondition,
  FlowCondition,
  FragbitsCondition,
  NumberCondition,
  OptionsCondition,
  PcreCondition,
  Rule,
  SameAddressCondition,
} from '../rule.js';
import { variablesOf } from '../byte-options.js';
import { PAYLOAD } from '../rule-options.js';
import { type BufferCondition, hasPlace, isRelative } from './inspect-buffer.js';
import { DECODE_EVENTS } from './decode-events.js';
import { DNS_EVENTS } from './dns-message.js';
import { STREAM_EVENTS } from './flow-table.js';
import { splitBuffer } from './transforms.js';
import { type AppProtocol, protocolOf, type Side, sidesOf } from './transaction.js';

export interface CompiledPcre {
  readonly kind: 'pcre';
  readonly regex: Regex;
  readonly negated: boolean;
  /** It looks behind the match before. */
  readonly relative: boolean;
  /** What comes behind its match may undo it. */
  readonly readsEnd: boolean;
}

export type PacketCondition =
  | FragbitsCondition
  | OptionsCondition
  | SameAddressCondition
  | NumberCondition
  | FlowCondition
  | FlagsCondition
  | EventCondition
  | ChecksumCondition
  | AppProtocolCondition;

export interface BufferGroup {
  readonly buffer: string;
  /** What is done to it before. */
  readonly transforms: readonly string[];
  readonly conditions: readonly BufferCondition[];
}

export interface CompiledRule {
  readonly rule: Rule;
  readonly packet: readonly PacketCondition[];
  readonly flowbits: readonly FlowbitsCondition[];
  /** What looks at the payload of a packet or of a stream. */
  readonly payload: readonly BufferCondition[];
  /** Where that looks, of TCP: in the packet, in the stream, or in both. */
  readonly looks: { readonly inPacket: boolean; readonly inStream: boolean };
  /** What looks at a transaction. */
  readonly groups: readonly BufferGroup[];
  /** Numbers that a transaction has to have. */
  readonly numbers: readonly NumberCondition[];
  /** What has to be wrong with a transaction. */
  readonly events: readonly string[];
  /** Sides of a transaction at which all groups can be looked for. */
  readonly sides: readonly Side[];
  /** Of its header or its buffers; undefined for any. */
  readonly app: AppProtocol | undefined;
}

/** Protocols of a header that are seen by what is said in them. */
export const APPS: Readonly<Record<string, AppProtocol>> = {
  http: 'http',
  http1: 'http',
  dns: 'dns',
  tls: 'tls',
  ssh: 'ssh',
};
/** Protocols of a header that are decided by numbers. */
const PLAIN: ReadonlySet<string> = new Set([
  'ip',
  'ip4',
  'ipv4',
  'ip6',
  'ipv6',
  'tcp',
  'tcp-pkt',
  'tcp-stream',
  'udp',
  'icmp',
  'icmpv4',
  'icmpv6',
  'pkthdr',
]);

/** What readers find wrong, by layer. */
const EVENTS: Readonly<Record<EventCondition['layer'], ReadonlySet<string>>> = {
  decode: DECODE_EVENTS,
  stream: STREAM_EVENTS,
  app: DNS_EVENTS,
};

/** The rule, or by name why it cannot be decided. */
export function compileRule(rule: Rule): CompiledRule | string {
  const { protocol } = rule.header;
  if (rule.undecided.length > 0) return rule.undecided.join(', ');
  if (!PLAIN.has(protocol) && APPS[protocol] === undefined) return `protocol ${protocol}`;
  const packet: PacketCondition[] = [];
  const flowbits: FlowbitsCondition[] = [];
  const events: string[] = [];
  const numbers: NumberCondition[] = [];
  const groups = new Map<string, BufferCondition[]>();
  /** Numbers that are read, by name: the buffers in which they are. */
  const variables = new Map<string, string>();
  const look = (buffer: string, condition: BufferCondition): void => {
    const known = groups.get(buffer);
    if (known === undefined) groups.set(buffer, [condition]);
    else known.push(condition);
  };
  for (const condition of rule.conditions) {
    if (variablesOf(condition).some((name) => 'buffer' in condition && variables.get(name) !== condition.buffer)) {
      return `${condition.kind} by a variable of another buffer`;
    }
    if ('buffer' in condition && 'name' in condition) variables.set(condition.name, condition.buffer);
    switch (condition.kind) {
      case 'content':
      case 'isdataat':
      case 'byte_test':
      case 'byte_jump':
      case 'byte_extract':
      case 'byte_math':
        look(condition.buffer, condition);
        break;
      case 'pcre': {
        const compiled = compilePcre(condition);
        if (typeof compiled === 'string') return compiled;
        look(condition.buffer, compiled);
        break;
      }
      case 'number':
        if (condition.name === 'bsize' || condition.name === 'urilen') look(condition.buffer, condition);
        else if (condition.name.startsWith('dns.')) numbers.push(condition);
        else packet.push(condition);
        break;
      case 'flowbits':
        if (condition.command !== 'noalert') flowbits.push(condition);
        break;
      case 'event': {
        const { layer, name } = condition;
        const plain = layer === 'app' ? name.replace(/^dns\./, '') : name;
        if (!EVENTS[layer].has(plain)) return `${layer === 'app' ? 'app-layer' : layer}-event:${name}`;
        if (layer === 'app') events.push(plain);
        else packet.push(condition);
        break;
      }
      case 'app-layer-protocol':
        if (APPS[condition.name] === undefined) return `app-layer-protocol:${condition.name}`;
        packet.push(condition);
        break;
      case 'checksum':
      case 'flow':
      case 'flags':
      case 'fragbits':
      case 'ipopts':
      case 'sameip':
        packet.push(condition);
        break;
    }
  }
  const payload = groups.get(PAYLOAD) ?? [];
  groups.delete(PAYLOAD);
  const only = rule.conditions.find((condition) => condition.kind === 'flow')?.only;
  if (only === 'stream' && payload.length === 0) return 'flow:only_stream without anything that looks at the payload';
  let sides: readonly Side[] = ['request', 'response'];
  const named = [...groups].map(([text, conditions]) => {
    const { name: buffer, transforms } = splitBuffer(text);
    return { buffer, transforms, conditions };
  });
  for (const { buffer } of named) {
    const own = sidesOf(buffer);
    if (own === undefined) return buffer;
    sides = sides.filter((side) => own.includes(side));
  }
  if (sides.length === 0) return 'buffers of request and of response in one rule';
  const apps = new Set(
    [
      events.length + numbers.length > 0 ? 'dns' : APPS[protocol],
      ...named.map(({ buffer }) => protocolOf(buffer)),
    ].filter((app) => app !== undefined),
  );
  if (apps.size > 1) return 'buffers of several protocols in one rule';
  return {
    rule,
    packet,
    flowbits,
    payload,
    looks: looksOf(rule, packet, payload),
    groups: named,
    numbers,
    events,
    sides,
    app: [...apps][0],
  };
}

/** What asks for something of a packet looks in the packet; what counts from its beginning in both. */
function looksOf(
  { header, conditions }: Rule,
  packet: readonly PacketCondition[],
  payload: readonly BufferCondition[],
): CompiledRule['looks'] {
  const only = conditions.find((condition) => condition.kind === 'flow')?.only;
  if (header.protocol === 'tcp-pkt' || only === 'packet') return { inPacket: true, inStream: false };
  if (header.protocol === 'tcp-stream' || only === 'stream') return { inPacket: false, inStream: true };
  if (packet.some(asksPacket)) return { inPacket: true, inStream: false };
  const isPlacedContent = (condition: BufferCondition): boolean => condition.kind === 'content' && isPlaced(condition);
  return { inPacket: payload.some(isPlacedContent), inStream: true };
}

function asksPacket(condition: PacketCondition): boolean {
  switch (condition.kind) {
    case 'number':
      return condition.name !== 'ip_proto';
    case 'flow':
    case 'app-layer-protocol':
      return false;
    case 'event':
      return condition.layer === 'decode';
    default:
      return true;
  }
}

/** Flags of PCRE, as Suricata passes them on. */
const FLAGS: Readonly<Record<string, keyof RegexFlags>> = {
  i: 'nocase',
  s: 'dotAll',
  m: 'multiline',
  x: 'extended',
  A: 'anchored',
  E: 'dollarEndOnly',
  G: 'ungreedy',
};
/** Relative; limits and raw bytes, which change nothing here; and those that choose a buffer. */
const OTHER_FLAGS = 'ROBUIPQHDMCSYVWZ';

/** @throws RegexError `regex-syntax` for what is no expression */
export function regexOf({ source, flags }: Pick<PcreCondition, 'source' | 'flags'>): Regex | string {
  const options: Record<string, boolean> = {};
  for (const flag of flags) {
    const name = FLAGS[flag];
    if (name !== undefined) options[name] = true;
    else if (!OTHER_FLAGS.includes(flag)) return `pcre with the flag ${flag}`;
  }
  try {
    return new Regex(source, options);
  } catch (error) {
    if (error instanceof RegexError && error.code === 'regex-refused') return `pcre with ${error.message}`;
    throw error;
  }
}

function compilePcre(condition: PcreCondition): CompiledPcre | string {
  const regex = regexOf(condition);
  if (typeof regex === 'string') return regex;
  const { negated, flags } = condition;
  return { kind: 'pcre', regex, negated, relative: flags.includes('R'), readsEnd: regex.readsEnd };
}

/** Whether a condition counts from the beginning of the payload, which only a packet has. */
export function isPlaced(condition: BufferCondition): boolean {
  switch (condition.kind) {
    case 'content':
      return hasPlace(condition, 'offset') || hasPlace(condition, 'depth') || condition.startswith;
    case 'isdataat':
    case 'byte_test':
    case 'byte_jump':
    case 'byte_extract':
    case 'byte_math':
    case 'number':
      return !isRelative(condition);
    case 'pcre':
      return false;
  }
}

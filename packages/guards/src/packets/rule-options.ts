// SPDX-License-Identifier: Apache-2.0
// What the options of a rule mean. Some say something of the rule, some are conditions, some change the condition before them, and
// some choose the buffer in which the following ones look. What is known to exist but is not decided here keeps its name.

import {
  type AppProtocolCondition,
  BUFFER_NUMBERS,
  type ChecksumCondition,
  type Condition,
  type ContentCondition,
  type FlagsCondition,
  type FlowbitsCondition,
  type FlowCondition,
  FIELD_NUMBERS,
  type FragbitsCondition,
  HEADER_NUMBERS,
  type NumberCondition,
  type NumberTest,
  type OptionsCondition,
  type PcreCondition,
  type Threshold,
  TRANSACTION_NUMBERS,
} from './rule.js';
import { BYTE_OPTIONS, type ByteCondition, variablesOf } from './byte-options.js';
import { DNS_BUFFERS } from './confirm/dns-buffers.js';
import { severalOf, splitBuffer, withTransform } from './confirm/transforms.js';
import { contentBytes, type OptionText, unescape, unquote } from './rule-text.js';

/** Thrown inside of a rule, and told with its line by whoever reads the rule. */
export class OptionError extends Error {}

export interface RuleOptions {
  sid: number | undefined;
  gid: number;
  rev: number;
  message: string;
  classtype: string | undefined;
  priority: number | undefined;
  readonly references: string[];
  readonly metadata: string[];
  readonly conditions: Condition[];
  threshold: Threshold | undefined;
  noalert: boolean;
  readonly undecided: Set<string>;
  /** Names of numbers that are read so far. */
  readonly variables: Set<string>;
}

export const PAYLOAD = 'payload';

/** Sticky buffers by all their names. */
const BUFFERS: Readonly<Record<string, string>> = {
  pkt_data: PAYLOAD,
  file_data: 'file.data',
  'file.data': 'file.data',
  dns_query: 'dns.query',
  ...Object.fromEntries(DNS_BUFFERS.map((name) => [name, name])),
  // Those that were sticky in Suricata 4 already.
  ...Object.fromEntries(
    [
      'accept',
      'accept_enc',
      'accept_lang',
      'connection',
      'content_len',
      'content_type',
      'header_names',
      'protocol',
      'referer',
      'request_line',
      'response_line',
      'start',
    ].map((name) => [`http_${name}`, `http.${name}`]),
  ),
  ...Object.fromEntries(
    [
      'accept',
      'accept_enc',
      'accept_lang',
      'connection',
      'content_len',
      'content_type',
      'cookie',
      'header',
      'header.raw',
      'header_names',
      'host',
      'host.raw',
      'location',
      'method',
      'protocol',
      'referer',
      'request_body',
      'request_header',
      'request_line',
      'response_body',
      'response_header',
      'response_line',
      'server',
      'start',
      'stat_code',
      'stat_msg',
      'uri',
      'uri.raw',
      'user_agent',
    ].map((name) => [`http.${name}`, `http.${name}`]),
  ),
};

/** Those of which a transaction has several (Suricata user guide, "Multiple Buffer Matching"). */
const SEVERAL: ReadonlySet<string> = new Set([
  ...DNS_BUFFERS,
  'file.data',
  'http.request_header',
  'http.response_header',
]);

/** Modifiers of Suricata 4 that put the content before them into a buffer. */
const CONTENT_BUFFERS: Readonly<Record<string, string>> = {
  http_client_body: 'http.request_body',
  http_cookie: 'http.cookie',
  http_header: 'http.header',
  http_host: 'http.host',
  http_method: 'http.method',
  http_raw_header: 'http.header.raw',
  http_raw_host: 'http.host.raw',
  http_raw_uri: 'http.uri.raw',
  // Suricata puts it there, where files that are sent to a server are, too.
  http_server_body: 'file.data',
  http_stat_code: 'http.stat_code',
  http_stat_msg: 'http.stat_msg',
  http_uri: 'http.uri',
  http_user_agent: 'http.user_agent',
};

/** Flags of Suricata's pcre that choose a buffer. */
const PCRE_BUFFERS: Readonly<Record<string, string>> = {
  U: 'http.uri',
  I: 'http.uri.raw',
  P: 'http.request_body',
  Q: 'file.data',
  H: 'http.header',
  D: 'http.header.raw',
  M: 'http.method',
  C: 'http.cookie',
  S: 'http.stat_code',
  Y: 'http.stat_msg',
  V: 'http.user_agent',
  W: 'http.host',
  Z: 'http.host.raw',
};

const NUMBERS: ReadonlySet<string> = new Set([
  ...HEADER_NUMBERS,
  ...FIELD_NUMBERS,
  ...BUFFER_NUMBERS,
  ...TRANSACTION_NUMBERS,
]);
/** Names of protocols that ip_proto may have instead of their numbers. */
const PROTOCOL_NUMBERS: Readonly<Record<string, number>> = {
  icmp: 1,
  igmp: 2,
  ipip: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  gre: 47,
  esp: 50,
  ah: 51,
  'ipv6-icmp': 58,
  eigrp: 88,
  ospf: 89,
  pim: 103,
  vrrp: 112,
  sctp: 132,
};

const DNS_TYPES: Readonly<Record<string, number>> = {
  a: 1,
  ns: 2,
  cname: 5,
  soa: 6,
  null: 10,
  ptr: 12,
  hinfo: 13,
  mx: 15,
  txt: 16,
  aaaa: 28,
  srv: 33,
  naptr: 35,
  opt: 41,
  ds: 43,
  rrsig: 46,
  nsec: 47,
  dnskey: 48,
  svcb: 64,
  https: 65,
  any: 255,
};
const DNS_RCODES = [
  'noerror',
  'formerr',
  'servfail',
  'nxdomain',
  'notimp',
  'refused',
  'yxdomain',
  'yxrrset',
  'nxrrset',
  'notauth',
  'notzone',
];
/** Words that stand for numbers. */
const NUMBER_WORDS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ip_proto: PROTOCOL_NUMBERS,
  'dns.rrtype': DNS_TYPES,
  'dns.rcode': Object.fromEntries(DNS_RCODES.map((name, n) => [name, n])),
};

/** Types of IPv4's options by the names that rules have for them. */
const IP_OPTIONS: Readonly<Record<string, number | undefined>> = {
  any: undefined,
  eol: 0,
  nop: 1,
  rr: 7,
  ts: 68,
  sec: 130,
  lsrr: 131,
  esec: 133,
  satid: 136,
  ssrr: 137,
};

const TCP_FLAGS: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32, E: 64, C: 128 };

/** A name of byte_extract or byte_math, which may stand for a number. */
const VARIABLE = /^[a-z_][\w-]*$/i;

/** Options that say nothing about what matches. */
const SILENT: ReadonlySet<string> = new Set(['target', 'rawbytes', 'prefilter', 'requires']);

export function readOptions(texts: readonly OptionText[]): RuleOptions {
  const options: RuleOptions = {
    sid: undefined,
    gid: 1,
    rev: 0,
    message: '',
    classtype: undefined,
    priority: undefined,
    references: [],
    metadata: [],
    conditions: [],
    threshold: undefined,
    noalert: false,
    undecided: new Set(),
    variables: new Set(),
  };
  let buffer = PAYLOAD;
  for (const option of texts) buffer = readOption(options, option, buffer);
  return options;
}

/** Gives the buffer of what follows. */
function readOption(options: RuleOptions, { name, value }: OptionText, buffer: string): string {
  const sticky = BUFFERS[name];
  if (sticky !== undefined && value === undefined) return instanceOf(options, sticky);
  const changed = transform(options, name, value, buffer);
  if (changed !== undefined) return changed;
  if (readAbout(options, name, value) || modify(options, name, value)) return buffer;
  const before = options.undecided.size;
  const condition = readCondition(options, name, value, buffer);
  if (condition === undefined) {
    if (!SILENT.has(name) && options.undecided.size === before) options.undecided.add(name);
    // Something between that looks in a buffer of its own: what is relative to it could not be decided either.
    return buffer;
  }
  options.conditions.push(condition);
  return buffer;
}

/** Named once more, a buffer of which there are several is another one of them. */
function instanceOf({ conditions }: RuleOptions, sticky: string): string {
  if (!SEVERAL.has(sticky)) return sticky;
  const known = new Set(conditions.flatMap((one) => ('buffer' in one ? [one.buffer] : [])));
  const count = [...known].filter((one) => splitBuffer(one).name === sticky).length;
  return severalOf(sticky, count);
}

/** The buffer as it is changed before anything looks in it; undefined if the option is no transform. */
function transform(options: RuleOptions, name: string, value: string | undefined, buffer: string): string | undefined {
  let changed: string | undefined;
  try {
    changed = withTransform(buffer, name, value);
  } catch (error) {
    throw new OptionError(error instanceof Error ? error.message : String(error), { cause: error });
  }
  if (changed === undefined) return undefined;
  const last = options.conditions.at(-1);
  if (last !== undefined && 'buffer' in last && last.buffer === buffer) {
    throw new OptionError(`${name} stands behind what looks in ${buffer}, and has to stand before it`);
  }
  if (splitBuffer(buffer).name === PAYLOAD) options.undecided.add(`${name} of the payload`);
  return changed;
}

function needed(name: string, value: string | undefined): string {
  if (value === undefined || value === '') throw new OptionError(`${name} needs a value`);
  return value;
}

function wholeNumber(name: string, value: string | undefined, least = 0): number {
  const text = needed(name, value);
  if (!/^-?\d{1,10}$/.test(text)) throw new OptionError(`${name}: "${text}" is no number`);
  const number = Number(text);
  if (number < least || number > 0xffff_ffff) throw new OptionError(`${name}: ${text} is out of range`);
  return number;
}

/** Of the rule itself. */
function readAbout(options: RuleOptions, name: string, value: string | undefined): boolean {
  switch (name) {
    case 'msg': {
      const quoted = unquote(needed(name, value));
      if (quoted === undefined || quoted.negated) throw new OptionError('msg needs a text in quotes');
      options.message = unescape(quoted.text);
      return true;
    }
    case 'sid':
      options.sid = wholeNumber(name, value, 1);
      return true;
    case 'gid':
      options.gid = wholeNumber(name, value);
      return true;
    case 'rev':
      options.rev = wholeNumber(name, value);
      return true;
    case 'classtype':
      options.classtype = needed(name, value);
      return true;
    case 'priority':
      options.priority = wholeNumber(name, value, 1);
      return true;
    case 'reference':
      options.references.push(needed(name, value));
      return true;
    case 'metadata':
      options.metadata.push(
        ...needed(name, value)
          .split(',')
          .map((part) => part.trim()),
      );
      return true;
    case 'noalert':
      options.noalert = true;
      return true;
    case 'threshold':
    case 'detection_filter':
      options.threshold = readThreshold(name, needed(name, value));
      return true;
    default:
      return false;
  }
}

/** Changes the condition before it. */
function modify(options: RuleOptions, name: string, value: string | undefined): boolean {
  const known = [
    'nocase',
    'offset',
    'depth',
    'distance',
    'within',
    'startswith',
    'endswith',
    'fast_pattern',
    'rawbytes',
  ];
  const buffer = CONTENT_BUFFERS[name];
  if (buffer === undefined && !known.includes(name)) return false;
  const last = options.conditions.at(-1);
  if (last?.kind !== 'content') {
    if (name === 'rawbytes') return true;
    throw new OptionError(`${name} has no content before it`);
  }
  const change = (changes: Partial<ContentCondition>): true => {
    options.conditions[options.conditions.length - 1] = { ...last, ...changes };
    return true;
  };
  if (buffer !== undefined) return change({ buffer });
  switch (name) {
    case 'nocase':
      return change({ nocase: true });
    case 'startswith':
      return change({ startswith: true });
    case 'endswith':
      return change({ endswith: true });
    case 'fast_pattern':
      return change({ fastPattern: true });
    case 'rawbytes':
      return true;
    default: {
      if (value !== undefined && VARIABLE.test(value)) {
        useVariable(options, name, value);
        return change({ variables: { ...last.variables, [name]: value } });
      }
      const amount = wholeNumber(name, value, name === 'distance' ? -0x7fff_ffff : 0);
      if ((name === 'depth' || name === 'within') && amount < last.bytes.length) {
        throw new OptionError(
          `${name} ${amount} is less than the ${last.bytes.length} bytes of its content, which so cannot match`,
        );
      }
      return change({ [name]: amount });
    }
  }
}

function readCondition(
  options: RuleOptions,
  name: string,
  value: string | undefined,
  buffer: string,
): Condition | undefined {
  switch (name) {
    case 'content':
      return content(needed(name, value), buffer);
    case 'uricontent':
      return content(needed(name, value), 'http.uri');
    case 'pcre':
      return pcre(needed(name, value), buffer);
    case 'flow':
      return flow(needed(name, value));
    case 'flowbits':
      return flowbits(options, needed(name, value));
    case 'flags':
    case 'tcp.flags':
      return flags(needed(name, value));
    case 'fragbits':
      return fragbits(needed(name, value));
    case 'ipopts':
      return ipOption(needed(name, value));
    case 'sameip':
      return { kind: 'sameip' };
    case 'isdataat':
      return dataAt(options, needed(name, value), buffer);
    case 'byte_test':
    case 'byte_jump':
    case 'byte_extract':
    case 'byte_math':
      return byteOption(options, name, needed(name, value), buffer);
    case 'decode-event':
      return { kind: 'event', layer: 'decode', name: needed(name, value) };
    case 'stream-event':
      return { kind: 'event', layer: 'stream', name: needed(name, value) };
    case 'app-layer-event':
      return { kind: 'event', layer: 'app', name: needed(name, value) };
    case 'app-layer-protocol':
      return appProtocol(options, needed(name, value));
    case 'ipv4-csum':
    case 'tcpv4-csum':
    case 'tcpv6-csum':
    case 'udpv4-csum':
    case 'udpv6-csum':
    case 'icmpv4-csum':
    case 'icmpv6-csum':
      return checksum(name.replace('-csum', '') as ChecksumCondition['of'], needed(name, value));
    default:
      return NUMBERS.has(name) ? number(name as NumberCondition['name'], needed(name, value), buffer) : undefined;
  }
}

function byteOption(options: RuleOptions, name: string, value: string, buffer: string): Condition | undefined {
  let condition: ByteCondition | undefined;
  try {
    condition = BYTE_OPTIONS[name]!(value, buffer);
  } catch (error) {
    throw new OptionError(error instanceof Error ? error.message : String(error), { cause: error });
  }
  if (condition === undefined) {
    options.undecided.add(`${name} of DCE`);
    return undefined;
  }
  for (const used of variablesOf(condition)) useVariable(options, name, used);
  if ('name' in condition) options.variables.add(condition.name);
  return condition;
}

function useVariable(options: RuleOptions, option: string, variable: string): void {
  if (options.variables.has(variable)) return;
  throw new OptionError(`${option}: "${variable}" is no number, and none is read before by that name`);
}

function checksum(of: ChecksumCondition['of'], value: string): ChecksumCondition {
  const state = unquote(value)?.text ?? value;
  if (state !== 'valid' && state !== 'invalid')
    throw new OptionError(`${of}-csum: "${state}" is neither valid nor invalid`);
  return { kind: 'checksum', of, valid: state === 'valid' };
}

function appProtocol(options: RuleOptions, value: string): AppProtocolCondition {
  const [name, ...modes] = value.split(',').map((part) => part.trim().toLowerCase());
  for (const mode of modes) if (mode !== 'final') options.undecided.add(`app-layer-protocol with ${mode}`);
  return { kind: 'app-layer-protocol', name: name!.replace(/^!/, ''), negated: name!.startsWith('!') };
}

function content(value: string, buffer: string): ContentCondition {
  const quoted = unquote(value);
  if (quoted === undefined) throw new OptionError('content needs a text in quotes');
  const bytes = contentBytes(quoted.text);
  if (bytes === undefined) {
    throw new OptionError(`content "${quoted.text}" is not text with |hexadecimal bytes| and \\ before ; " : \\`);
  }
  const base = { nocase: false, startswith: false, endswith: false, fastPattern: false };
  return { kind: 'content', buffer, bytes, negated: quoted.negated, ...base };
}

/** Suricata takes it without quotes too. */
function pcre(value: string, buffer: string): PcreCondition {
  const quoted = unquote(value) ?? { text: value.replace(/^!/, ''), negated: value.startsWith('!') };
  const match = /^\/(.*)\/([A-Za-z]*)$/s.exec(quoted.text);
  if (match === null) throw new OptionError('pcre needs "/expression/flags"');
  const chosen = [...match[2]!].map((flag) => PCRE_BUFFERS[flag]).find((name) => name !== undefined);
  return { kind: 'pcre', buffer: chosen ?? buffer, negated: quoted.negated, source: match[1]!, flags: match[2]! };
}

function number(name: NumberCondition['name'], value: string, buffer: string): NumberCondition {
  const isRaw = /,\s*raw\s*$/.test(value);
  const place = name === 'urilen' ? (isRaw ? 'http.uri.raw' : 'http.uri') : buffer;
  const written = value.replaceAll(/\s+/g, '').replace(/,(norm|raw)$/, '');
  const text =
    name === 'tos'
      ? written.replace(/x([0-9a-f]{1,2})$/i, (_, hex: string) => String(Number.parseInt(hex, 16)))
      : written;
  const word = text.replace(/^[!=<>]+/, '').toLowerCase();
  const named = NUMBER_WORDS[name]?.[word];
  const plain = named === undefined ? text : text.replace(/[a-z-]+.*$/i, String(named));
  const range = /^(\d{1,10})(?:<>|-)(\d{1,10})$/.exec(plain);
  const single = /^(=|!|<=|>=|<|>)?(\d{1,10})$/.exec(plain);
  let test: NumberTest;
  if (range !== null) {
    test = { op: '<>', value: Number(range[1]), upper: Number(range[2]) };
    if (test.value >= test.upper!) throw new OptionError(`${name}: ${value} is an empty range`);
  } else if (single !== null) {
    test = { op: (single[1] as NumberTest['op'] | undefined) ?? '=', value: Number(single[2]) };
  } else {
    throw new OptionError(`${name}: "${value}" is no number, and no comparison like >100 or 10<>20`);
  }
  return { kind: 'number', name, buffer: place, test };
}

function flow(value: string): FlowCondition {
  let condition: FlowCondition = { kind: 'flow' };
  for (const part of value.split(',').map((text) => text.trim().toLowerCase())) {
    switch (part) {
      case 'to_server':
      case 'from_client':
        condition = { ...condition, direction: 'to_server' };
        break;
      case 'to_client':
      case 'from_server':
        condition = { ...condition, direction: 'to_client' };
        break;
      case 'established':
      case 'not_established':
      case 'stateless':
        condition = { ...condition, state: part };
        break;
      case 'only_stream':
        condition = { ...condition, only: 'stream' };
        break;
      case 'no_stream':
        condition = { ...condition, only: 'packet' };
        break;
      case 'only_frag':
      case 'no_frag':
        condition = { ...condition, rebuilt: part === 'only_frag' };
        break;
      default:
        throw new OptionError(
          `flow: "${part}" is not known: to_server, to_client, established, stateless and others are`,
        );
    }
  }
  return condition;
}

function flowbits(options: RuleOptions, value: string): FlowbitsCondition | undefined {
  const [command, names = ''] = value.split(',').map((part) => part.trim());
  const known: readonly string[] = ['set', 'isset', 'isnotset', 'unset', 'toggle', 'noalert'];
  if (!known.includes(command!)) throw new OptionError(`flowbits: "${command}" is none of ${known.join(', ')}`);
  if (command === 'noalert') options.noalert = true;
  else if (names === '') throw new OptionError(`flowbits:${command} needs a name`);
  return {
    kind: 'flowbits',
    command: command as FlowbitsCondition['command'],
    names: names.split('|').map((name) => name.trim()),
  };
}

function flags(value: string): FlagsCondition {
  const match = /^([+*!]?)([FSRPAUEC120]+)([+*!]?)(?:,([FSRPAUEC12]+))?$/i.exec(value.replaceAll(/\s+/g, ''));
  if (match === null) throw new OptionError(`flags: "${value}" is no list of F S R P A U E C`);
  const bits = (letters: string): number =>
    [...letters.toUpperCase()].reduce(
      (all, letter) => all | (TCP_FLAGS[{ '1': 'C', '2': 'E' }[letter] ?? letter] ?? 0),
      0,
    );
  const [all, how, ignored] = [bits(match[2]!), howOf(match[1] || match[3]), bits(match[4] ?? '')];
  // None at all, or any.
  if (all === 0)
    return { kind: 'flags', flags: how === 'not' ? 0xff : 0, how: how === 'not' ? 'any' : 'exact', ignored };
  return { kind: 'flags', flags: all, how, ignored };
}

function fragbits(value: string): FragbitsCondition {
  const match = /^\s*([+*!]?)\s*([MDR]+)\s*$/i.exec(value);
  if (match === null) throw new OptionError(`fragbits: "${value}" is no list of M D R, maybe with + * or ! before it`);
  const bits = [...match[2]!.toUpperCase()].reduce((all, letter) => all | { M: 1, D: 2, R: 4 }[letter as 'M'], 0);
  return { kind: 'fragbits', bits, how: howOf(match[1]!) };
}

function ipOption(value: string): OptionsCondition {
  const name = value.toLowerCase();
  if (!Object.hasOwn(IP_OPTIONS, name))
    throw new OptionError(`ipopts: "${value}" is none of ${Object.keys(IP_OPTIONS).join(', ')}`);
  return { kind: 'ipopts', option: IP_OPTIONS[name] };
}

function howOf(sign: string | undefined): FlagsCondition['how'] {
  return sign === '+' ? 'all' : sign === '*' ? 'any' : sign === '!' ? 'not' : 'exact';
}

function dataAt(options: RuleOptions, value: string, buffer: string): Condition {
  const parts = value.split(',').map((part) => part.trim());
  const match = /^(!?)\s*(\d{1,5}|[a-z_][\w-]*)$/i.exec(parts[0]!);
  if (match === null) throw new OptionError(`isdataat: "${parts[0]}" is no number`);
  const at = match[2]!;
  if (VARIABLE.test(at)) useVariable(options, 'isdataat', at);
  return {
    kind: 'isdataat',
    buffer,
    at: VARIABLE.test(at) ? at : Number(at),
    negated: match[1] === '!',
    relative: parts.slice(1).includes('relative'),
  };
}

function readThreshold(name: string, value: string): Threshold {
  const parts = new Map(
    value.split(',').map((part) => {
      const [key, ...rest] = part.trim().split(/\s+/);
      return [key!.toLowerCase(), rest.join(' ')];
    }),
  );
  const type = name === 'detection_filter' ? 'detection' : (parts.get('type') ?? 'threshold');
  const track = parts.get('track') ?? '';
  const types: readonly string[] = name === 'detection_filter' ? [type] : ['limit', 'threshold', 'both', 'backoff'];
  const tracks: readonly string[] = ['by_src', 'by_dst', 'by_rule', 'by_both', 'by_flow'];
  if (!types.includes(type)) throw new OptionError(`${name}: type ${type} is none of ${types.join(', ')}`);
  if (!tracks.includes(track)) throw new OptionError(`${name}: it needs track and one of ${tracks.join(', ')}`);
  const count = wholeNumber(`${name}: count`, parts.get('count'), 1);
  const tracked = { track: track as Threshold['track'], count };
  if (type === 'backoff') {
    return { ...tracked, type, multiplier: wholeNumber(`${name}: multiplier`, parts.get('multiplier'), 2) };
  }
  const seconds = wholeNumber(`${name}: seconds`, parts.get('seconds'), 1);
  return { ...tracked, type: type as 'limit' | 'threshold' | 'both' | 'detection', seconds };
}

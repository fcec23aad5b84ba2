// SPDX-License-Identifier: Apache-2.0
// A rule for packets, as Snort and Suricata write them (Suricata 7 user guide, "Suricata Rules"), as a value: what it says,
// before anybody asks how it can be decided.

export type Action = 'alert' | 'drop' | 'reject' | 'pass';

/** Ranges by rising addresses, which do not touch each other. */
export type AddressSet = readonly AddressRange[];

export interface AddressRange {
  readonly version: 4 | 6;
  /** Numbers of 32 or 128 bits, both included. */
  readonly first: bigint;
  readonly last: bigint;
}

/** Ranges by rising ports, which do not touch each other. */
export type PortSet = readonly PortRange[];

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Undefined sets are `any`. */
export interface RuleHeader {
  readonly action: Action;
  /** As it is written: `ip`, `tcp`, `udp`, `icmp`, `tcp-pkt`, `http`, `dns` and others. */
  readonly protocol: string;
  readonly source: AddressSet | undefined;
  readonly sourcePort: PortSet | undefined;
  readonly destination: AddressSet | undefined;
  readonly destinationPort: PortSet | undefined;
  /** There is a `!` in its addresses. */
  readonly negatedAddresses: boolean;
  /** `<>`: either end may be the source. */
  readonly bothWays: boolean;
}

/** A number, or the name of one that byte_extract or byte_math has read before. */
export type Amount = number | string;

/** Where a content has to be, as far as variables say it. */
export type PlaceName = 'offset' | 'depth' | 'distance' | 'within';

/** Bytes that are looked for in a buffer. */
export interface ContentCondition {
  readonly kind: 'content';
  /** A name like `http.uri`, or `payload`: the packet's own bytes, and those of its stream. */
  readonly buffer: string;
  readonly bytes: Uint8Array;
  readonly negated: boolean;
  readonly nocase: boolean;
  readonly offset?: number;
  readonly depth?: number;
  /** From the end of the match before. */
  readonly distance?: number;
  readonly within?: number;
  /** The names of those of the four that are variables. */
  readonly variables?: Readonly<Partial<Record<PlaceName, string>>>;
  readonly startswith: boolean;
  readonly endswith: boolean;
  /** The one by which the rule is to be found. */
  readonly fastPattern: boolean;
}

export interface PcreCondition {
  readonly kind: 'pcre';
  readonly buffer: string;
  readonly negated: boolean;
  readonly source: string;
  /** Those of PCRE and of Suricata together, as they are written. */
  readonly flags: string;
}

/** `op` of a range is inclusive on neither side, as in Suricata. */
export interface NumberTest {
  readonly op: '=' | '!' | '<' | '>' | '<=' | '>=' | '<>';
  readonly value: number;
  /** The upper end of a range. */
  readonly upper?: number;
}

/** Numbers of a header, as rules call them. */
export const HEADER_NUMBERS = [
  'dsize',
  'itype',
  'icode',
  'ttl',
  'ip_proto',
  'icmp_id',
  'icmp_seq',
  'id',
  'seq',
  'ack',
  'window',
] as const;
export type HeaderNumber = (typeof HEADER_NUMBERS)[number];
/** Those that only whoever reads the packet looks at. */
export const FIELD_NUMBERS = ['tos', 'fragoffset', 'tcp.mss', 'icmpv6.mtu'] as const;
export type FieldNumber = (typeof FIELD_NUMBERS)[number];
/** Lengths of what a buffer has. */
export const BUFFER_NUMBERS = ['bsize', 'urilen'] as const;
/** Numbers of what is said. */
export const TRANSACTION_NUMBERS = ['dns.opcode', 'dns.rcode', 'dns.rrtype'] as const;

export interface NumberCondition {
  readonly kind: 'number';
  readonly name: HeaderNumber | FieldNumber | (typeof BUFFER_NUMBERS)[number] | (typeof TRANSACTION_NUMBERS)[number];
  readonly buffer: string;
  readonly test: NumberTest;
}

export interface FlowCondition {
  readonly kind: 'flow';
  readonly direction?: 'to_server' | 'to_client';
  readonly state?: 'established' | 'not_established' | 'stateless';
  readonly only?: 'stream' | 'packet';
  /** Put together of fragments: only such, or none of these. */
  readonly rebuilt?: boolean;
}

export interface FlowbitsCondition {
  readonly kind: 'flowbits';
  readonly command: 'set' | 'isset' | 'isnotset' | 'unset' | 'toggle' | 'noalert';
  /** With `isset` one of them is enough. */
  readonly names: readonly string[];
}

export interface FlagsCondition {
  readonly kind: 'flags';
  /** Bits of the TCP header's flags. */
  readonly flags: number;
  /** `all` may have others too, `any` one is enough, `not` lacks one, `exact` just these. */
  readonly how: 'exact' | 'all' | 'any' | 'not';
  /** Bits that are not looked at. */
  readonly ignored: number;
}

export interface DataAtCondition {
  readonly kind: 'isdataat';
  readonly buffer: string;
  readonly at: Amount;
  readonly negated: boolean;
  readonly relative: boolean;
}

/** A number in a buffer. */
export interface ByteNumber {
  readonly bytes: Amount;
  readonly offset: Amount;
  /** From the end of the match before. */
  readonly relative: boolean;
  readonly littleEndian: boolean;
  /** It is written in digits. */
  readonly base?: 8 | 10 | 16;
  /** Of the number only these bits count, the lowest of them as 1. */
  readonly mask?: bigint;
}

export interface ByteTestCondition {
  readonly kind: 'byte_test';
  readonly buffer: string;
  readonly number: ByteNumber;
  readonly negated: boolean;
  readonly op: '<' | '>' | '=' | '<=' | '>=' | '&' | '^';
  readonly value: bigint | string;
}

/** Says where what is relative to it begins: as far from there as the number says. */
export interface ByteJumpCondition {
  readonly kind: 'byte_jump';
  readonly buffer: string;
  readonly number: ByteNumber;
  readonly multiplier: number;
  /** Up to the next multiple of 4. */
  readonly align: boolean;
  readonly from: 'here' | 'beginning' | 'end';
  /** Added at last. */
  readonly post: Amount;
}

/** Gives a number a name, by which later conditions of the buffer know it. */
export interface ByteExtractCondition {
  readonly kind: 'byte_extract';
  readonly buffer: string;
  readonly number: ByteNumber;
  readonly name: string;
  readonly multiplier: number;
  /** Up to the next multiple of it. */
  readonly align: 1 | 2 | 4;
}

/** The same for a number with which something is computed, modulo 2^64. */
export interface ByteMathCondition {
  readonly kind: 'byte_math';
  readonly buffer: string;
  readonly number: ByteNumber;
  readonly name: string;
  readonly op: '+' | '-' | '*' | '/' | '<<' | '>>';
  readonly right: bigint | string;
}

/** Of IPv4: bits beside a fragment's place. */
export interface FragbitsCondition {
  readonly kind: 'fragbits';
  /** Reserved 4, do not 2, more fragments 1. */
  readonly bits: number;
  readonly how: FlagsCondition['how'];
}

/** Of IPv4. */
export interface OptionsCondition {
  readonly kind: 'ipopts';
  /** The type of the option; undefined is any. */
  readonly option: number | undefined;
}

/** The sender's address is the receiver's. */
export interface SameAddressCondition {
  readonly kind: 'sameip';
}

/** Something that a reader of packets finds wrong, by Suricata's name of it. */
export interface EventCondition {
  readonly kind: 'event';
  readonly layer: 'decode' | 'stream' | 'app';
  readonly name: string;
}

export interface ChecksumCondition {
  readonly kind: 'checksum';
  readonly of: 'ipv4' | 'tcpv4' | 'tcpv6' | 'udpv4' | 'udpv6' | 'icmpv4' | 'icmpv6';
  readonly valid: boolean;
}

/** What is said in the connection. */
export interface AppProtocolCondition {
  readonly kind: 'app-layer-protocol';
  readonly name: string;
  readonly negated: boolean;
}

export type Condition =
  | ContentCondition
  | PcreCondition
  | NumberCondition
  | FlowCondition
  | FlowbitsCondition
  | FlagsCondition
  | FragbitsCondition
  | OptionsCondition
  | SameAddressCondition
  | DataAtCondition
  | ByteTestCondition
  | ByteJumpCondition
  | ByteExtractCondition
  | ByteMathCondition
  | EventCondition
  | ChecksumCondition
  | AppProtocolCondition;

interface Tracked {
  readonly track: 'by_src' | 'by_dst' | 'by_rule' | 'by_both' | 'by_flow';
  readonly count: number;
}

/**
 * How often a rule is told in so many seconds: `limit` at most `count` times, `threshold` each `count` times, `both` once, at the count,
 * `detection` from then on; `backoff` at the count, then each time after as many times as often again.
 */
export type Threshold =
  | (Tracked & { readonly type: 'limit' | 'threshold' | 'both' | 'detection'; readonly seconds: number })
  | (Tracked & { readonly type: 'backoff'; readonly multiplier: number });

export interface Rule {
  /** Where it stands. */
  readonly file: string;
  readonly line: number;
  readonly header: RuleHeader;
  readonly sid: number;
  readonly gid: number;
  readonly rev: number;
  readonly message: string;
  readonly classtype?: string;
  /** 1 is the most urgent. */
  readonly priority?: number;
  readonly references: readonly string[];
  readonly metadata: readonly string[];
  /** In the order in which they are written, which matters to those that are relative. */
  readonly conditions: readonly Condition[];
  readonly threshold?: Threshold;
  readonly noalert: boolean;
  /** Options that are known to exist, but not decided here, by name: the rule is refused because of them. */
  readonly undecided: readonly string[];
}

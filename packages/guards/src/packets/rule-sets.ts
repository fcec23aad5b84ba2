// SPDX-License-Identifier: Apache-2.0
// Addresses and ports of rule headers: single ones, ranges, networks, lists in brackets, `!` before any of them, and
// variables, which stand for such texts.

import { ADDRESS_BITS, type InternetAddress, parseInternetAddress } from '@plinth/core';
import type { AddressRange, AddressSet, PortSet } from './rule.js';

/** Names without `$`; values are texts of the same kind. */
export type Variables = Readonly<Record<string, string>>;

/** Thrown inside of a rule, and told with its line by whoever reads the rule. */
export class SetError extends Error {}

/** Lists in lists, and variables in variables: deeper only goes what goes in circles. */
const MOST_DEPTH = 16;

/** A range of numbers, both ends included. */
interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

/** Addresses on one line: those of IPv4 first, then those of IPv6. */
const VERSION_6 = 1n << 32n;
const VERSIONS: readonly Range[] = [
  { first: 0n, last: VERSION_6 - 1n },
  { first: VERSION_6, last: VERSION_6 + (1n << 128n) - 1n },
];
const ALL_PORTS: Range = { first: 0n, last: 0xffffn };

export interface ParsedAddresses {
  /** Undefined is `any`. */
  readonly set: AddressSet | undefined;
  /** There is a `!` in it. */
  readonly negated: boolean;
}

export function parseAddresses(text: string, variables: Variables): ParsedAddresses {
  const { left: set, negated } = resolve(text, variables, parseAddress, VERSIONS);
  if (VERSIONS.every((all) => isAll(set, all))) return { set: undefined, negated };
  const ranges = set.map(({ first, last }): AddressRange =>
    first < VERSION_6 ? { version: 4, first, last } : { version: 6, first: first - VERSION_6, last: last - VERSION_6 },
  );
  return { set: ranges, negated };
}

/** Undefined is `any`. */
export function parsePorts(text: string, variables: Variables): PortSet | undefined {
  const { left: set } = resolve(text, variables, parsePort, [ALL_PORTS]);
  if (isAll(set, ALL_PORTS)) return undefined;
  return set.map(({ first, last }) => ({ first: Number(first), last: Number(last) }));
}

function isAll(set: readonly Range[], { first, last }: Range): boolean {
  return set.some((range) => range.first === first && range.last === last);
}

type Parse = (text: string) => Range;

/**
 * As Suricata has it: lists in lists are one list, `!` before a list is one before each of its parts, and what is taken counts more than
 * what is given. A list that only takes of one of `wholes`, which are the versions of IP, begins with all of it.
 */
function resolve(
  text: string,
  variables: Variables,
  parse: Parse,
  wholes: readonly Range[],
): { left: Range[]; negated: boolean } {
  const parts = { given: [] as Range[], taken: [] as Range[] };
  collect(text, variables, parse, wholes, { depth: 0, negated: false }, parts);
  const left = wholes.flatMap((whole) => {
    const of = (ranges: readonly Range[]): Range[] =>
      union(ranges.filter(({ first, last }) => first >= whole.first && last <= whole.last));
    const [given, taken] = [of(parts.given), of(parts.taken)];
    return without(given.length === 0 && taken.length > 0 ? [whole] : given, taken);
  });
  if (left.length === 0) throw new SetError(`"${text.trim()}" is nothing`);
  return { left, negated: parts.taken.length > 0 };
}

function collect(
  text: string,
  variables: Variables,
  parse: Parse,
  wholes: readonly Range[],
  { depth, negated }: { readonly depth: number; readonly negated: boolean },
  parts: { readonly given: Range[]; readonly taken: Range[] },
): void {
  if (depth > MOST_DEPTH) throw new SetError(`"${text}" leads to itself`);
  const trimmed = text.trim();
  const inside = (part: string, isNegated: boolean): void =>
    collect(part, variables, parse, wholes, { depth: depth + 1, negated: isNegated }, parts);
  if (trimmed.startsWith('!')) {
    inside(trimmed.slice(1), !negated);
  } else if (trimmed.startsWith('$')) {
    const value = variables[trimmed.slice(1)];
    if (value === undefined) throw new SetError(`variable ${trimmed} is not defined`);
    inside(value, negated);
  } else if (trimmed.startsWith('[')) {
    if (!trimmed.endsWith(']')) throw new SetError(`"${trimmed}" has no closing bracket`);
    for (const part of splitList(trimmed.slice(1, -1))) inside(part, negated);
  } else {
    const ranges = trimmed.toLowerCase() === 'any' ? wholes : [parse(trimmed)];
    (negated ? parts.taken : parts.given).push(...ranges);
  }
}

/** Sorted, and without ranges that touch each other. */
function union(ranges: readonly Range[]): Range[] {
  const joined: Range[] = [];
  for (const range of ranges.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
    const last = joined.at(-1);
    if (last === undefined || range.first > last.last + 1n) joined.push(range);
    else if (range.last > last.last) joined[joined.length - 1] = { first: last.first, last: range.last };
  }
  return joined;
}

function without(ranges: readonly Range[], taken: readonly Range[]): Range[] {
  let rest = [...ranges];
  for (const { first, last } of taken) {
    rest = rest.flatMap((range) => [
      ...(range.first < first ? [{ first: range.first, last: range.last < first ? range.last : first - 1n }] : []),
      ...(range.last > last ? [{ first: range.first > last ? range.first : last + 1n, last: range.last }] : []),
    ]);
  }
  return rest;
}

function splitList(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let current = '';
  for (const char of text) {
    if (char === '[') depth++;
    if (char === ']') depth--;
    if (char === ',' && depth === 0) {
      parts.push(current);
      current = '';
    } else current += char;
  }
  if (depth !== 0) throw new SetError(`"[${text}]" has brackets that do not match`);
  parts.push(current);
  return parts;
}

function parsePort(text: string): Range {
  const match = /^(\d*)(:?)(\d*)$/.exec(text);
  const first = match === null || match[1] === '' ? 0 : Number(match[1]);
  const last = match === null || match[2] === '' ? first : match[3] === '' ? 0xffff : Number(match[3]);
  if (match === null || text === '' || text === ':' || first > last || last > 0xffff) {
    throw new SetError(`"${text}" is no port and no range of ports, as 80, 1024: or 80:90`);
  }
  return { first: BigInt(first), last: BigInt(last) };
}

function parseAddress(text: string): Range {
  const [network, bits, ...more] = text.split('/');
  const range = text.split('-');
  if (range.length === 2) {
    const [first, last] = range.map((part) => parseOne(part.trim(), text));
    if (first!.version !== last!.version || first!.value > last!.value) throw wrong(text);
    return placed(first!.version, first!.value, last!.value);
  }
  const { version, value } = parseOne(network!, text);
  const width = ADDRESS_BITS[version];
  if (bits === undefined) return placed(version, value, value);
  const prefix = /^\d{1,3}$/.test(bits) ? Number(bits) : prefixOf(bits, text);
  if (more.length > 0 || prefix > width) throw wrong(text);
  const host = (1n << BigInt(width - prefix)) - 1n;
  return placed(version, value & ~host, value | host);
}

function placed(version: 4 | 6, first: bigint, last: bigint): Range {
  const at = version === 4 ? 0n : VERSION_6;
  return { first: at + first, last: at + last };
}

/** 255.255.255.0 is 24. */
function prefixOf(mask: string, text: string): number {
  const value = parseOne(mask, text).value;
  const bits = value.toString(2);
  if (!/^1*0*$/.test(bits) || bits.length !== 32) throw wrong(text);
  return bits.indexOf('0') < 0 ? 32 : bits.indexOf('0');
}

function wrong(text: string): SetError {
  return new SetError(`"${text}" is no address, network or range of addresses`);
}

function parseOne(text: string, whole: string): InternetAddress {
  const address = parseInternetAddress(text);
  if (address === undefined) throw wrong(whole);
  return address;
}

export function hasPort(set: PortSet | undefined, port: number): boolean {
  return set === undefined || set.some(({ first, last }) => port >= first && port <= last);
}

export function hasAddress(set: AddressSet | undefined, version: 4 | 6, address: bigint): boolean {
  if (set === undefined) return true;
  return set.some((range) => range.version === version && address >= range.first && address <= range.last);
}

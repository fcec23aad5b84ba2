// SPDX-License-Identifier: Apache-2.0
// Decides kernel rules on packets, plainly and slowly: what the program is compared with.

import { foldByte } from '@plinth/match';
import { decodePacket, type DecodedPacket, PROTOCOL } from './decode-packet.js';
import { isWindow, type KernelContent, MOST_CONTENT_BYTES, NO_END } from './kernel-contents.js';
import {
  flowDrop,
  isAnyLength,
  isLate,
  type KernelFlowbits,
  type KernelRule,
  lateOrder,
  type NumberRange,
  spansSegments,
  STREAM_WINDOW,
} from './kernel-rule.js';
import type { PacketPlace } from './program/place-code.js';
import type { FlowFacts } from './packet-event.js';
import { PlainConnections, type PlainFlow, type PlainStream } from './plain-connections.js';
import { MOST_BOUNDARIES, TCP_FLAG } from './program/connection-code.js';
import { numberOf } from './program/number-code.js';
import { MOST_TOLD, REASON } from './program/record-code.js';
import { asksForConnections } from './program/rule-tables.js';
import { MOST_SUMMED } from './program/slots.js';
import { asksPorts, matchesFlags, waysOf } from './match-header.js';

export interface PlainMatch {
  readonly rule: number;
  /** Where its contents begin in the payload, all of them. */
  readonly offsets: readonly number[];
}

/** What is decided of a packet. */
export interface Inspection {
  readonly verdict: 'next' | 'drop';
  /** The rules that matched, by rising indices; none if one of them lets it pass. */
  readonly matches: readonly PlainMatch[];
  /** Bits of `REASON`. */
  readonly reason: number;
  readonly flow: FlowFacts;
  /** A rule lets it pass. */
  readonly passed?: true;
  /** It is dropped until it is cleared, which only one of a connection can be. */
  readonly held?: true;
}

/** What the inspector is to be like, as `PacketOptions` say it. */
export interface PlainOptions {
  readonly failClosed?: boolean;
  readonly midstream?: boolean;
  readonly dropFlow?: boolean;
  readonly checked?: boolean;
  readonly place?: PacketPlace;
}

/** Inspects packets in their order, with memory of connections and of what each direction of TCP has sent. */
export class PlainInspector {
  readonly #rules: readonly KernelRule[];
  readonly #failClosed: boolean;
  readonly #dropFlow: boolean;
  readonly #connections: PlainConnections;
  readonly #hasContents: boolean;
  readonly #late: readonly number[];

  constructor(rules: readonly KernelRule[], options: PlainOptions = {}) {
    const { failClosed = false, midstream = true, dropFlow = true, checked = false, place } = options;
    this.#dropFlow = dropFlow;
    this.#rules = rules;
    this.#failClosed = failClosed;
    this.#hasContents = rules.some(({ contents }) => contents.some((content) => !isWindow(content)));
    this.#late = lateOrder(rules);
    const all = asksForConnections(rules);
    const oneWay = place === 'xdp';
    this.#connections = new PlainConnections({
      all,
      streams: this.#hasContents,
      midstream,
      oneWay,
      closes: oneWay || checked,
    });
  }

  /** `time` in nanoseconds, never less than before. */
  inspect(frame: Uint8Array, time = 0n): Inspection {
    const packet = decodePacket(frame);
    const nothing = { verdict: 'next', matches: [], reason: 0, flow: UNKNOWN } as const;
    if (packet.kind === 'foreign' || packet.kind === 'malformed') return nothing;
    if (packet.kind === 'fragment' || packet.moreFragments) return this.#inspectFragment(packet, frame);
    const payload = frame.subarray(packet.payload, packet.payload + packet.payloadLength);
    const found = this.#connections.follow(packet, frame, time);
    const flow: FlowFacts = found === undefined ? UNKNOWN : { ...found.facts, position: undefined };
    const seen = { packet, frame, payload, flow, connection: found?.connection, from: found?.from ?? '' };
    if (found === undefined) return this.#decide(seen, [APART], 0);
    const inspection = this.#inspectConnected(seen, found);
    // Its other end has not seen it.
    const closes = (packet.flags & (TCP_FLAG.fin | TCP_FLAG.rst)) !== 0;
    if (inspection.verdict === 'drop' && closes) found.connection.closing = false;
    return inspection;
  }

  #inspectConnected(seen: Seen, found: PlainFlow): Inspection {
    const { packet, payload, flow } = seen;
    const { connection, from } = found;
    const isTcp = packet.protocol === PROTOCOL.tcp;
    if (connection.dropped && (!isTcp || payload.length > 0)) {
      const isTold = connection.told.has(from);
      connection.told.add(from);
      return { verdict: 'drop', matches: [], reason: isTold ? 0 : REASON.flow, flow };
    }
    if (!isTcp || !this.#hasContents) return this.#decide(seen, [APART], 0);
    return this.#inspectStream(seen, found);
  }

  #inspectStream(seen: Seen, { connection, stream }: PlainFlow): Inspection {
    const { packet, payload } = seen;
    const isSyn = (packet.flags & TCP_FLAG.syn) !== 0;
    const first = (packet.sequence + (isSyn ? 1 : 0)) >>> 0;
    const goesOn = connection.established || connection.midstream;
    const begins = isSyn && (stream.begin === undefined || (!goesOn && stream.next !== first));
    if (begins || (stream.begin === undefined && payload.length > 0)) {
      Object.assign(stream, { begin: first, next: first, bytes: NONE, segments: [] });
    }
    if (payload.length === 0) return this.#decide(seen, [APART], 0);
    const isUrgent = (packet.flags & TCP_FLAG.urg) !== 0 ? REASON.urgent : 0;
    const placed = { ...seen, flow: { ...seen.flow, position: (first - stream.begin!) >>> 0 } };
    const ahead = (first - stream.next) | 0;
    // What cannot be looked at as its receiver sees it.
    if (this.#failClosed && (isUrgent !== 0 || ahead > 0)) {
      const bare = this.#decide(placed, [], isUrgent === 0 ? REASON.gap : isUrgent);
      if (bare.passed !== true) return { ...bare, verdict: 'drop' };
    }
    if (ahead > 0) {
      stream.bytes = NONE;
      stream.segments = [];
      stream.next = first;
    }
    const old = ahead < 0 ? -ahead : 0;
    const looks: Look[] = old === 0 ? [{ before: stream.bytes, from: 0, inStream: true }] : [apartFrom(stream, first)];
    const isPartlyNew = old > 0 && old < payload.length;
    if (isPartlyNew) looks.push({ before: stream.bytes, from: old, inStream: true });
    const conflict = this.#differs(stream, first, payload, old) ? REASON.conflict : 0;
    const reason = isUrgent | (ahead > 0 ? REASON.gap : 0) | (isPartlyNew ? REASON.overlap : 0) | conflict;
    const inspection = this.#decide(placed, looks, reason);
    if (inspection.verdict === 'next' && (old === 0 || isPartlyNew)) {
      const fresh = payload.subarray(old);
      const segment = { number: stream.next, before: stream.bytes, bytes: fresh.slice() };
      stream.segments = [...stream.segments, segment].slice(-MOST_BOUNDARIES);
      const bytes = new Uint8Array(stream.bytes.length + fresh.length);
      bytes.set(stream.bytes);
      bytes.set(fresh, stream.bytes.length);
      // No content is longer.
      stream.bytes = bytes.slice(-MOST_CONTENT_BYTES);
      stream.next = (first + payload.length) >>> 0;
    }
    return inspection;
  }

  /**
   * Whether some of the old bytes are others than before. It is not known where no segment began or ended as they do. Of many it
   * is known only whether contents that begin in them end otherwise.
   */
  #differs({ segments }: PlainStream, first: number, payload: Uint8Array, old: number): boolean {
    const bytes = payload.subarray(0, old);
    const begin = segments.findIndex(({ number }) => number === first);
    if (begin < 0) return false;
    let before: number[] = [];
    for (const segment of segments.slice(begin)) {
      if (before.length < bytes.length) before = [...before, ...segment.bytes];
    }
    if (before.length !== bytes.length) return false;
    if (bytes.length <= MOST_SUMMED) return before.some((byte, n) => byte !== bytes[n]);
    if (old < payload.length) return false;
    const contents = this.#rules.flatMap((rule) => rule.contents).filter((content) => !isWindow(content));
    return [false, true].some((nocase) => {
      const kind = contents.filter((content) => content.nocase === nocase);
      return begunIn(kind, Uint8Array.from(before)) !== begunIn(kind, bytes);
    });
  }

  /** Only rules that ask for nothing but its addresses and its header decide on it. */
  #inspectFragment(packet: DecodedPacket, frame: Uint8Array): Inspection {
    const seen = { packet, frame, payload: NONE, flow: UNKNOWN, connection: undefined, from: '' };
    const bare = this.#decide(seen, [], REASON.fragment);
    return this.#failClosed && bare.passed !== true ? { ...bare, verdict: 'drop' } : bare;
  }

  #decide(seen: Seen, looks: readonly Look[], reason: number): Inspection {
    const { flow } = seen;
    const matches = this.#rules.flatMap((rule, number) =>
      isLate(rule) ? [] : (matchContents(rule, number, seen, looks) ?? []),
    );
    // What was not looked at may have anything in it.
    if (looks.length > 0) {
      for (const number of this.#late) {
        const rule = this.#rules[number]!;
        const match = matchContents(rule, number, seen, looks);
        if (match === undefined || !matchFlowbits(rule.flowbits, seen.connection?.bits)) continue;
        matches.push(match);
      }
    }
    matches.sort((a, b) => a.rule - b.rule);
    const by = matches.map(({ rule }) => this.#rules[rule]!);
    if (by.some(({ action, confirm }) => action === 'pass' && !confirm)) {
      return { verdict: 'next', matches: [], reason, flow, passed: true };
    }
    const stopping = by.filter(({ action }) => action === 'drop' || action === 'reject');
    const drops = stopping.some(({ confirm }) => !confirm);
    const isRefused = this.#failClosed && (reason & REASON.conflict) !== 0;
    if (drops) this.#drop(seen, stopping);
    else if (!isRefused && this.#failClosed && looks.length > 0 && stopping.length > 0 && isCleared(seen)) {
      return { verdict: 'next', matches: [], reason, flow };
    }
    const held = !isRefused && this.#failClosed && looks.length > 0 && stopping.length > 0;
    const told = matches.filter(({ rule }) => !this.#rules[rule]!.silent);
    const untold = told.length > MOST_TOLD ? REASON.untold : 0;
    const verdict = drops || held || isRefused ? 'drop' : 'next';
    return {
      verdict,
      matches: told,
      reason: reason | untold,
      flow,
      ...(held && !drops && seen.connection !== undefined ? { held: true as const } : {}),
    };
  }

  /** What comes after on the connection is dropped, too. */
  #drop({ connection, packet }: Seen, rules: readonly KernelRule[]): void {
    if (connection === undefined || !this.#dropFlow) return;
    const how = rules.map(flowDrop);
    if (how.includes('always') || (how.includes('stream') && packet.protocol === PROTOCOL.tcp)) {
      connection.dropped = true;
    }
  }

  /** The frame, which was held, passes when it is sent again. */
  clear(frame: Uint8Array): void {
    const packet = decodePacket(frame);
    const payload = frame.subarray(packet.payload, packet.payload + packet.payloadLength);
    this.#connections.find(packet, frame)?.cleared.add(contentOf({ packet, payload }));
  }
}

/** What a packet is cleared by. */
function contentOf({ packet, payload }: Pick<Seen, 'packet' | 'payload'>): string {
  return `${packet.sequence} ${payload.join()}`;
}

function isCleared(seen: Seen): boolean {
  return seen.connection?.cleared.has(contentOf(seen)) === true;
}

/** Undefined if it does not match. */
function matchContents(rule: KernelRule, number: number, seen: Seen, looks: readonly Look[]): PlainMatch | undefined {
  if (!matchesHeader(rule, seen)) return undefined;
  const places = rule.contents.map((content) => looks.map((look) => placesOf(content, seen.payload, look)));
  const has = (n: number): boolean => places[n]!.some((at) => at.length > 0);
  const needed = [...rule.contents.keys()].filter((n) => !rule.contents[n]!.negated);
  const complete = spansSegments(rule) && completes(number, needed, places, seen, looks);
  if (!complete && !needed.every(has)) return undefined;
  if (rule.contents.some(({ negated }, n) => negated && has(n))) return undefined;
  // A byte at a known place has no offset that is told.
  const told = needed.filter((n) => !isWindow(rule.contents[n]!));
  return { rule: number, offsets: told.flatMap((n) => places[n]!.flat()) };
}

/** Whether a rule has all that it needs with what segments before had of it; then that is forgotten. */
function completes(
  rule: number,
  needed: readonly number[],
  places: readonly (readonly (readonly number[])[])[],
  { connection, from, flow: { position }, payload }: Seen,
  looks: readonly Look[],
): boolean {
  if (connection === undefined || position === undefined) return false;
  const inLook = (n: number, inStream: boolean): boolean =>
    looks.some((look, at) => look.inStream === inStream && places[n]![at]!.length > 0);
  // What a look apart from the stream has, the stream does not have anew.
  const apart = needed.filter((n) => inLook(n, false));
  if (apart.length === needed.length) return true;
  const fresh = needed.filter((n) => !apart.includes(n) && inLook(n, true));
  if (fresh.length === 0) return false;
  const key = `${rule} ${from} ${connection.streams.get(from)?.begin}`;
  const ends = connection.spans.get(key) ?? new Map<number, number>();
  connection.spans.set(key, ends);
  for (const n of fresh) ends.set(n, (position + payload.length) >>> 0);
  const isNear = (end: number | undefined): boolean => end !== undefined && ((position - end) | 0) <= STREAM_WINDOW;
  if (!needed.every((n) => apart.includes(n) || isNear(ends.get(n)))) return false;
  connection.spans.delete(key);
  return true;
}

/** Whether what is asked of the bits holds; then they are changed. */
function matchFlowbits({ conditions, set, unset, toggle }: KernelFlowbits, bits: Set<string> | undefined): boolean {
  if (conditions.length + set.length + unset.length + toggle.length === 0) return true;
  if (bits === undefined) return false;
  if (!conditions.every(({ names, isSet }) => names.some((name) => bits.has(name) === isSet))) return false;
  for (const name of set) bits.add(name);
  for (const name of unset) bits.delete(name);
  for (const name of toggle) {
    if (!bits.delete(name)) bits.add(name);
  }
  return true;
}

/** A packet that is decided. */
interface Seen {
  readonly packet: DecodedPacket;
  readonly frame: Uint8Array;
  readonly payload: Uint8Array;
  readonly flow: FlowFacts;
  readonly connection: PlainFlow['connection'] | undefined;
  /** The end of it that has sent the packet. */
  readonly from: string;
}

const UNKNOWN: FlowFacts = { direction: undefined, established: false, midstream: false, position: undefined };
const NONE = new Uint8Array(0);

/** Where the payload is looked at from, and what came before that in the stream. */
interface Look {
  readonly before: Uint8Array;
  readonly from: number;
  /** It goes on from there. */
  readonly inStream: boolean;
}

/** By itself. */
const APART: Look = { before: NONE, from: 0, inStream: false };

/** A second copy is looked at behind what came before the first one, if a segment began there. */
function apartFrom({ segments }: PlainStream, first: number): Look {
  const segment = segments.find(({ number }) => number === first);
  return segment === undefined ? APART : { ...APART, before: segment.before };
}

/** How the bytes end, as far as one of the contents, which are of one kind, begins there. */
function begunIn(contents: readonly KernelContent[], bytes: Uint8Array): string {
  const fold = (some: Uint8Array, nocase: boolean): string => (nocase ? some.map(foldByte) : some).join();
  for (let length = Math.min(MOST_CONTENT_BYTES, bytes.length); length > 0; length--) {
    const end = bytes.subarray(bytes.length - length);
    const begins = ({ bytes: whole, nocase }: KernelContent): boolean =>
      whole.length >= length && fold(whole.subarray(0, length), nocase) === fold(end, nocase);
    const found = contents.find(begins);
    if (found !== undefined) return fold(end, found.nocase);
  }
  return '';
}

function matchesFlow({ flow: { direction, state } }: KernelRule, flow: FlowFacts): boolean {
  if (direction !== undefined && flow.direction !== direction) return false;
  return state === undefined || state === 'stateless' || flow.established === (state === 'established');
}

function matchesHeader(rule: KernelRule, seen: Seen): boolean {
  const { packet, frame, flow } = seen;
  if (rule.protocols !== undefined && !rule.protocols.includes(packet.protocol)) return false;
  if (rule.version !== undefined && rule.version !== packet.version) return false;
  const isPiece = packet.kind === 'fragment' || packet.moreFragments;
  // It has no ports, and nobody knows its payload.
  if (packet.kind === 'fragment' && asksPorts(rule)) return false;
  const isTcp = packet.kind === 'transport' && packet.protocol === PROTOCOL.tcp;
  return (
    (isPiece ? isAnyLength(rule.payloadLength) : within(rule.payloadLength, packet.payloadLength)) &&
    rule.numbers.every((condition) => {
      const number = numberOf(condition.name, packet, frame);
      return number !== undefined && within(condition, number) !== condition.negated;
    }) &&
    matchesFlow(rule, flow) &&
    (rule.flags === undefined || (isTcp && matchesFlags(rule.flags, packet.flags))) &&
    waysOf(rule, packet, frame) > 0
  );
}

function within({ least, most }: NumberRange, value: number): boolean {
  return value >= least && value <= most;
}

/** Positions count from the payload's first byte; what began before it is in the stream. */
function placesOf(content: KernelContent, payload: Uint8Array, look: Look): number[] {
  const { bytes, nocase, offset, end, atEnd, where } = content;
  const places: number[] = [];
  const { before, from, inStream } = look;
  if (where === 'stream' && !inStream) return [];
  const byteAt = (at: number): number => (at >= from ? payload[at]! : before[before.length - (from - at)]!);
  const isFree = offset === 0 && end === NO_END && where !== 'packet' && !isWindow(content);
  const least = where === 'packet' ? from : from - before.length;
  const first = Math.max(isFree ? Number.NEGATIVE_INFINITY : offset, least, from - bytes.length + 1);
  for (let at = first; at + bytes.length <= Math.min(end, payload.length); at++) {
    if (at + bytes.length <= from || (atEnd && at + bytes.length !== payload.length)) continue;
    const same = bytes.every((byte, n) => {
      const other = byteAt(at + n);
      return nocase ? foldByte(byte) === foldByte(other) : byte === other;
    });
    if (same) places.push(at);
  }
  return places;
}

// SPDX-License-Identifier: Apache-2.0
// Decides kernel rules on packets, plainly and slowly: what the program is compared with.

import { foldByte } from '@plinth/match';
import { decodePacket, type DecodedPacket, PROTOCOL } from './decode-packet.js';
import { type KernelContent, type KernelRule, NO_END, type NumberRange } from './kernel-rule.js';
import { MOST_TOLD, REASON } from './program/record-code.js';
import { hasAddress, hasPort } from './rule-sets.js';

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
  /** A rule lets it pass. */
  readonly passed?: true;
}

interface Flow {
  next: number;
  /** The bytes before `next`. */
  stream: Uint8Array;
}

/** Inspects packets in their order, with memory of what each direction of a TCP connection has sent. */
export class PlainInspector {
  readonly #rules: readonly KernelRule[];
  readonly #failClosed: boolean;
  readonly #flows = new Map<string, Flow>();

  constructor(rules: readonly KernelRule[], failClosed = false) {
    this.#rules = rules;
    this.#failClosed = failClosed;
  }

  inspect(frame: Uint8Array): Inspection {
    const packet = decodePacket(frame);
    if (packet.kind === 'foreign' || packet.kind === 'malformed') return { verdict: 'next', matches: [], reason: 0 };
    if (packet.kind === 'fragment' || packet.moreFragments) return this.#uninspected(REASON.fragment);
    const payload = frame.subarray(packet.payload, packet.payload + packet.payloadLength);
    const hasContents = this.#rules.some(({ contents }) => contents.length > 0);
    if (packet.protocol !== PROTOCOL.tcp || !hasContents) {
      return this.#decide(packet, frame, [{ before: new Uint8Array(0), from: 0 }], 0, payload);
    }
    const flow = this.#flow(packet, frame);
    const first = (packet.sequence + (packet.flags & 2 ? 1 : 0)) >>> 0;
    const none = new Uint8Array(0);
    if (payload.length === 0) return this.#decide(packet, frame, [{ before: none, from: 0 }], 0, payload);
    const ahead = (first - flow.next) | 0;
    if (ahead > 0) {
      const bare = this.#decide(packet, frame, [], REASON.gap, payload);
      if (this.#failClosed && bare.passed !== true) return { ...bare, verdict: 'drop' };
      flow.stream = none;
      flow.next = first;
    }
    const old = ahead < 0 ? -ahead : 0;
    const looks: Look[] = old === 0 ? [{ before: flow.stream, from: 0 }] : [{ before: none, from: 0 }];
    const isPartlyNew = old > 0 && old < payload.length;
    if (isPartlyNew) looks.push({ before: flow.stream, from: old });
    const reason = (ahead > 0 ? REASON.gap : 0) | (isPartlyNew ? REASON.overlap : 0);
    const inspection = this.#decide(packet, frame, looks, reason, payload);
    if (inspection.verdict === 'next' && (old === 0 || isPartlyNew)) {
      const fresh = payload.subarray(old);
      const stream = new Uint8Array(flow.stream.length + fresh.length);
      stream.set(flow.stream);
      stream.set(fresh, flow.stream.length);
      flow.stream = stream;
      flow.next = (first + payload.length) >>> 0;
    }
    return inspection;
  }

  #uninspected(reason: number): Inspection {
    return { verdict: this.#failClosed ? 'drop' : 'next', matches: [], reason };
  }

  /** Made when it is first seen; a SYN begins it anew, unless it is in step with what is known. */
  #flow(packet: DecodedPacket, frame: Uint8Array): Flow {
    const { version, network, sourcePort, destinationPort, sequence } = packet;
    const [at, size] = version === 4 ? [network + 12, 8] : [network + 8, 32];
    const key = `${version} ${frame.subarray(at, at + size).join()} ${sourcePort} ${destinationPort}`;
    const isSyn = (packet.flags & 2) !== 0;
    const next = (sequence + (isSyn ? 1 : 0)) >>> 0;
    let flow = this.#flows.get(key);
    if (flow === undefined) {
      // Without payload nothing is known yet.
      if (!isSyn && packet.payloadLength === 0) return { next, stream: new Uint8Array(0) };
      flow = { next, stream: new Uint8Array(0) };
      this.#flows.set(key, flow);
    } else if (isSyn && flow.next !== next) {
      flow.next = next;
      flow.stream = new Uint8Array(0);
    }
    return flow;
  }

  #decide(
    packet: DecodedPacket,
    frame: Uint8Array,
    looks: readonly Look[],
    reason: number,
    payload: Uint8Array,
  ): Inspection {
    const matches = this.#rules.flatMap((rule, index): PlainMatch[] => {
      if (!matchesHeader(rule, packet, frame)) return [];
      const offsets = rule.contents.map((content) => looks.flatMap((look) => placesOf(content, payload, look)));
      return offsets.every((places) => places.length > 0) ? [{ rule: index, offsets: offsets.flat() }] : [];
    });
    const by = matches.map(({ rule }) => this.#rules[rule]!);
    if (by.some(({ action, confirm }) => action === 'pass' && !confirm)) {
      return { verdict: 'next', matches: [], reason, passed: true };
    }
    const stops = by.some(
      ({ action, confirm }) => (action === 'drop' || action === 'reject') && (!confirm || this.#failClosed),
    );
    const untold = matches.length > MOST_TOLD ? REASON.untold : 0;
    return { verdict: stops ? 'drop' : 'next', matches, reason: reason | untold };
  }
}

/** Where the payload is looked at from, and what came before that in the stream. */
interface Look {
  readonly before: Uint8Array;
  readonly from: number;
}

function matchesHeader(rule: KernelRule, packet: DecodedPacket, frame: Uint8Array): boolean {
  if (rule.protocols !== undefined && !rule.protocols.includes(packet.protocol)) return false;
  const isIcmp = packet.protocol === PROTOCOL.icmp || packet.protocol === PROTOCOL.icmp6;
  const type = isIcmp ? packet.sourcePort : 0;
  const code = isIcmp ? packet.destinationPort : 0;
  return (
    within(rule.payloadLength, packet.payloadLength) &&
    within(rule.icmpType, type) &&
    within(rule.icmpCode, code) &&
    matchesFlags(rule, packet) &&
    (matchesEnds(rule, packet, frame, false) || (rule.bothWays && matchesEnds(rule, packet, frame, true)))
  );
}

function within({ least, most }: NumberRange, value: number): boolean {
  return value >= least && value <= most;
}

function matchesFlags({ flags: condition }: KernelRule, packet: DecodedPacket): boolean {
  if (condition === undefined) return true;
  const { flags, how, ignored } = condition;
  const seen = packet.flags & ~ignored;
  switch (how) {
    case 'exact':
      return seen === flags;
    case 'all':
      return (seen & flags) === flags;
    case 'any':
      return (seen & flags) !== 0;
    case 'not':
      return (seen & flags) === 0;
  }
}

function matchesEnds(rule: KernelRule, packet: DecodedPacket, frame: Uint8Array, turned: boolean): boolean {
  const isIcmp = packet.protocol === PROTOCOL.icmp || packet.protocol === PROTOCOL.icmp6;
  const ports = isIcmp ? [0, 0] : [packet.sourcePort, packet.destinationPort];
  const version = packet.version === 4 ? 4 : 6;
  const [at, size] = version === 4 ? [packet.network + 12, 4] : [packet.network + 8, 16];
  const addresses = [at, at + size].map((start) =>
    frame.subarray(start, start + size).reduce((all, byte) => (all << 8n) | BigInt(byte), 0n),
  );
  const [from, to] = turned ? [1, 0] : [0, 1];
  return (
    hasPort(rule.sourcePort, ports[from]!) &&
    hasPort(rule.destinationPort, ports[to]!) &&
    hasAddress(rule.source, version, addresses[from]!) &&
    hasAddress(rule.destination, version, addresses[to]!)
  );
}

/** Positions count from the payload's first byte; what began before it is in the stream. */
function placesOf({ bytes, nocase, offset, end, atEnd }: KernelContent, payload: Uint8Array, look: Look): number[] {
  const places: number[] = [];
  const { before, from } = look;
  const byteAt = (at: number): number => (at >= from ? payload[at]! : before[before.length - (from - at)]!);
  const isFree = offset === 0 && end === NO_END;
  const first = Math.max(isFree ? Number.NEGATIVE_INFINITY : offset, from - before.length, from - bytes.length + 1);
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

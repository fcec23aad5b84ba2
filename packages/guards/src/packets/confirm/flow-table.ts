// SPDX-License-Identifier: Apache-2.0
// The connections of a capture, as Suricata counts them: who asks and who answers, whether both have agreed to talk, and what each has sent.
// The program in the kernel knows as much of its own; this is for what it does not keep, the bytes.

import { latin1 } from '@plinth/core';
import { decodePacket, ETHERTYPE, MOST_TAGS, PROTOCOL, type DecodedPacket } from '../decode-packet.js';
import { EMPTY, join } from './buffer-view.js';
import { segmentChecksum } from './checksum.js';
import { type DnsMessage, readDnsMessage } from './dns-message.js';
import type { DecodeContent } from './http-buffers.js';
import { HttpConnection } from './http-connection.js';
import { isHttp } from './http-message.js';
import { type Look, RawStream } from './raw-stream.js';
import { StreamAssembler } from './stream-assembler.js';
import { type AppProtocol, DnsTransaction, type Side, type Transaction } from './transaction.js';

export type Direction = 'to_server' | 'to_client';

export interface FlowOptions {
  /** Who looks stands in the way: what is looked at may still be dropped. */
  readonly inline?: boolean;
  /** Connections whose beginning was not seen are followed too. */
  readonly midstream: boolean;
  readonly decode?: DecodeContent | undefined;
  /** A connection of which one side is not seen is followed, too. */
  readonly oneSided?: boolean;
  /** Ports at which DNS is looked for. */
  readonly dnsPorts?: readonly number[];
}

/** What is known of one direction. */
interface Half {
  stream: StreamAssembler | undefined;
  readonly raw: RawStream;
  /** Headers of its last packet. */
  headers: Uint8Array;
  packets: number;
  bytes: number;
  /** Of TCP: the number behind its SYN, and whether the other end has answered that. */
  first: number | undefined;
  isAnswered: boolean;
  /** What it says is nothing that is known. */
  isForeign: boolean;
  /** Segments came in another order, or twice: who looks at each by itself does not see all that is said. */
  isDisordered: boolean;
  /** It has sent its last byte. */
  ended: boolean;
  /** Of TCP: its checksums are filled in where it is seen, and not behind that. */
  hasChecksums: boolean;
  /** The beginning of a message that has not ended, of protocols whose messages say how long they are. */
  pending: Uint8Array;
  /** Transactions that it has changed, as only the other end's words have shown; they are told with its next packet. */
  late: Map<Transaction, ReadonlySet<Side>>;
}

export interface Flow {
  readonly number: number;
  /** The one who asks. */
  readonly client: string;
  readonly serverPort: number;
  readonly to_server: Half;
  readonly to_client: Half;
  /** Of TCP: whether a handshake has been seen, or is not asked for. */
  isTracked: boolean;
  established: boolean;
  /** It was before the packet that is looked at. */
  wasEstablished: boolean;
  /** What it talks; null if nothing that is known. */
  app: AppProtocol | null | undefined;
  http: HttpConnection | undefined;
  /** Transactions that have changed with the last packet of each direction. */
  readonly open: Map<Transaction, ReadonlySet<Side>>;
  readonly bits: Set<string>;
  /** What a rule has decided for all of it. */
  action: 'drop' | 'pass' | undefined;
  /** Who has sent its last byte first. */
  endedFirst: Direction | undefined;
  /** Who has sent a reset. */
  resetBy: Direction | undefined;
  lastTime: bigint;
}

/** What may be wrong with a stream, by Suricata's names. */
export const STREAM_EVENTS: ReadonlySet<string> = new Set(['reassembly_seq_gap', 'suspected_rst_inject']);

/** What a packet is in its flow. */
export interface FlowPacket {
  readonly flow: Flow;
  readonly direction: Direction;
  /** It went into a stream, or was there before. */
  readonly inStream: boolean;
  /** Bytes that it has put in order. */
  readonly fresh: Uint8Array;
  /** Inline: what it carries as it stands in the stream, where other bytes may have come before. */
  readonly payload: Uint8Array | undefined;
  /** Of the stream, those that are looked at with it. */
  readonly raw: Look | undefined;
  /** The first of its direction. */
  readonly isFirst: boolean;
  /** What is wrong with it in its stream. */
  readonly events: ReadonlySet<string>;
}

const FLAG = { fin: 1, syn: 2, reset: 4, ack: 16 } as const;
const MOST_FLOWS = 65_536;
/** A flow of which nothing is heard for so long has ended, in nanoseconds; of TCP it is longer. */
const IDLE = { tcp: 600_000_000_000n, other: 300_000_000_000n } as const;
const DNS_PORTS = [53] as const;

type InStream = Pick<FlowPacket, 'inStream' | 'fresh' | 'payload' | 'raw' | 'events'>;
const OUTSIDE: InStream = { inStream: false, fresh: EMPTY, payload: undefined, raw: undefined, events: new Set() };

export class FlowTable {
  readonly #options: FlowOptions;
  readonly #flows = new Map<string, Flow>();
  /** Those that others have followed between the same ends, with bytes that nobody has looked at. */
  readonly #left: Flow[] = [];
  #count = 0;

  constructor(options: FlowOptions) {
    this.#options = options;
  }

  /** When all is over: a packet for each direction of which bytes were not looked at, as if it had been acknowledged. */
  *rest(): Generator<{ frame: Uint8Array; flowPacket: FlowPacket }> {
    for (const flow of [...this.#left, ...this.#flows.values()]) {
      for (const direction of ['to_server', 'to_client'] as const) {
        const { stream, raw, headers } = flow[direction];
        if (stream === undefined || flow.action !== undefined) continue;
        flow.open.clear();
        flow.wasEstablished = flow.established;
        // What lies ahead of a gap, too, each piece by itself.
        while (isUnread(flow, direction)) {
          if (!raw.isBehind) skip(flow[direction], Number.POSITIVE_INFINITY);
          const view = raw.listening(stream, { flush: true, all: true });
          const flowPacket = { ...OUTSIDE, flow, direction, isFirst: false, inStream: true, raw: view };
          yield { frame: acknowledgementOf(headers), flowPacket };
        }
      }
    }
  }

  /** The flow that a packet will be of, if there is one. */
  peek(frame: Uint8Array, packet: DecodedPacket, time: bigint): Flow | undefined {
    if (packet.kind !== 'transport') return undefined;
    const flow = this.#flows.get(keyOf(frame, packet, ends(frame, packet)));
    return flow === undefined || this.#isOver(flow, packet, time) ? undefined : flow;
  }

  /**
   * Whether it is a segment with a wrong checksum: whoever gets it throws it away. One that nobody has filled in is wrong where
   * others of its sender are right.
   */
  isJunk(frame: Uint8Array, packet: DecodedPacket, time: bigint): boolean {
    const checksum = segmentChecksum(frame, packet);
    if (checksum !== 'absent') return checksum === 'wrong';
    const flow = this.peek(frame, packet, time);
    return flow !== undefined && flow[directionOf(flow, ends(frame, packet)[0])].hasChecksums;
  }

  /**
   * Undefined for what has no flow: protocols without ends to tell apart, and what is no packet. Junk is nothing to its flow, and does
   * not begin one.
   */
  see(
    frame: Uint8Array,
    packet: DecodedPacket,
    time: bigint,
    isJunk: boolean = this.isJunk(frame, packet, time),
  ): FlowPacket | undefined {
    if (packet.kind !== 'transport') return undefined;
    const [source, destination] = ends(frame, packet);
    const key = keyOf(frame, packet, [source, destination]);
    let flow = this.peek(frame, packet, time);
    if (isJunk) {
      if (flow === undefined) return undefined;
      flow.open.clear();
      flow.wasEstablished = flow.established;
      return { flow, direction: directionOf(flow, source), isFirst: false, ...OUTSIDE };
    }
    if (flow === undefined) {
      // Who answers a SYN is the server, if connections may have begun before.
      const answers =
        (this.#options.midstream || this.#options.oneSided === true) &&
        packet.protocol === PROTOCOL.tcp &&
        (packet.flags & (FLAG.syn | FLAG.ack)) === (FLAG.syn | FLAG.ack);
      flow = this.#open(answers ? destination : source, answers ? packet.sourcePort : packet.destinationPort);
      const before = this.#flows.get(key);
      const isLeft = before !== undefined && (isUnread(before, 'to_server') || isUnread(before, 'to_client'));
      if (isLeft && !this.#isInline && this.#left.length < MOST_FLOWS) this.#left.push(before);
      this.#flows.delete(key);
      this.#flows.set(key, flow);
      if (this.#flows.size > MOST_FLOWS) this.#flows.delete(this.#flows.keys().next().value!);
    }
    flow.lastTime = time;
    const direction = directionOf(flow, source);
    const half = flow[direction];
    half.packets++;
    half.bytes += frame.length;
    half.headers = Uint8Array.from(frame.subarray(0, packet.payload));
    flow.open.clear();
    for (const [transaction, sides] of half.late) flow.open.set(transaction, sides);
    half.late.clear();
    flow.wasEstablished = flow.established;
    const payload = frame.subarray(packet.payload, packet.payload + packet.payloadLength);
    const isFirst = half.packets === 1;
    if (packet.protocol === PROTOCOL.tcp) {
      // Some fill in those of a reset or of an acknowledgement, and leave others to the network card.
      const counts = payload.length > 0 || (packet.flags & FLAG.syn) !== 0;
      if (counts && !half.hasChecksums) half.hasChecksums = segmentChecksum(frame, packet) === 'right';
      return { flow, direction, isFirst, ...this.#segment(flow, direction, packet, frame, payload) };
    }
    if (flow.to_server.packets > 0 && flow.to_client.packets > 0) flow.established = true;
    if (packet.protocol === PROTOCOL.udp) this.#datagram(flow, packet, payload);
    return { flow, direction, isFirst, ...OUTSIDE };
  }

  #open(client: string, serverPort: number): Flow {
    const half = (): Half => ({
      stream: undefined,
      raw: new RawStream(),
      headers: EMPTY,
      packets: 0,
      bytes: 0,
      first: undefined,
      isAnswered: false,
      isForeign: false,
      isDisordered: false,
      ended: false,
      hasChecksums: false,
      pending: EMPTY,
      late: new Map(),
    });
    return {
      number: this.#count++,
      client,
      serverPort,
      to_server: half(),
      to_client: half(),
      isTracked: false,
      established: false,
      wasEstablished: false,
      app: undefined,
      http: undefined,
      open: new Map(),
      bits: new Set(),
      action: undefined,
      endedFirst: undefined,
      resetBy: undefined,
      lastTime: 0n,
    };
  }

  /** A new connection has begun between the same ends. */
  #isOver(flow: Flow, packet: DecodedPacket, time: bigint): boolean {
    const isTcp = packet.protocol === PROTOCOL.tcp;
    if (time - flow.lastTime > (isTcp ? IDLE.tcp : IDLE.other)) return true;
    if (!isTcp || (packet.flags & (FLAG.syn | FLAG.ack)) !== FLAG.syn) return false;
    return flow.resetBy !== undefined || (flow.to_server.ended && flow.to_client.ended);
  }

  #segment(flow: Flow, direction: Direction, packet: DecodedPacket, frame: Uint8Array, payload: Uint8Array): InStream {
    const wasOver = flow.to_server.ended && flow.to_client.ended;
    const seen = this.#advance(flow, direction, packet, frame, payload);
    const { stream, raw } = flow[direction];
    if (stream === undefined) return seen;
    if (this.#isInline) {
      const sequence = (packet.flags & FLAG.syn) === 0 ? packet.sequence : (packet.sequence + 1) >>> 0;
      if (!seen.inStream || payload.length === 0) return seen;
      const standing = stream.read(stream.placeOf(sequence), payload.length) ?? payload;
      return { ...seen, payload: standing, raw: raw.inline(stream, sequence, standing) };
    }
    const flush = flow.resetBy !== undefined || flow.endedFirst === 'to_server' || wasOver;
    const isOneSided = this.#options.oneSided === true && this.#other(flow, direction).packets === 0;
    return { ...seen, raw: raw.listening(stream, { flush, all: isOneSided }) };
  }

  get #isInline(): boolean {
    return this.#options.inline === true;
  }

  #other(flow: Flow, direction: Direction): Half {
    return flow[direction === 'to_server' ? 'to_client' : 'to_server'];
  }

  #advance(flow: Flow, direction: Direction, packet: DecodedPacket, frame: Uint8Array, payload: Uint8Array): InStream {
    const half = flow[direction];
    const other = this.#other(flow, direction);
    const [isSyn, isReset] = [(packet.flags & FLAG.syn) !== 0, (packet.flags & FLAG.reset) !== 0];
    const events = new Set<string>();
    if (isSyn) {
      flow.isTracked = true;
      half.first ??= (packet.sequence + 1) >>> 0;
    } else if (this.#options.midstream && !flow.isTracked) {
      flow.isTracked = true;
      flow.established = true;
    }
    if (!flow.isTracked) return OUTSIDE;
    const answered = acknowledgement(frame, packet);
    if (answered !== undefined) {
      other.raw.acknowledge(answered);
      if (answered === other.first) other.isAnswered = true;
      if (this.#acknowledge(flow, direction, other, answered)) events.add('reassembly_seq_gap');
    }
    if (half.isAnswered && other.isAnswered) flow.established = true;
    if (this.#options.oneSided === true && !isSyn && other.packets === 0) flow.established = true;
    if (isReset) {
      // What was sent before it was.
      half.raw.acknowledge(packet.sequence);
      flow.resetBy ??= direction;
      this.#end(flow, direction);
      return { ...OUTSIDE, events };
    }
    // Data with a SYN is none to those who do not know the option for it.
    const carries = payload.length > 0 && (isSyn ? hasFastOpen(frame, packet) : flow.established);
    if (!carries && (packet.flags & FLAG.fin) === 0) return { ...OUTSIDE, events };
    const first = isSyn ? (packet.sequence + 1) >>> 0 : packet.sequence;
    half.stream ??= new StreamAssembler(half.first ?? first);
    if (carries && half.stream.placeOf(first) !== half.stream.length) half.isDisordered = true;
    const fresh = carries ? half.stream.add(first, payload) : EMPTY;
    if (!this.#isInline) half.raw.feed(half.stream.length - fresh.length, fresh);
    if (fresh.length > 0 && flow.resetBy === direction) {
      // Who has ended a connection does not go on: somebody else has sent the reset.
      events.add('suspected_rst_inject');
      flow.resetBy = undefined;
    }
    if (fresh.length > 0) this.#feed(flow, direction, fresh, false);
    if ((packet.flags & FLAG.fin) !== 0) this.#end(flow, direction);
    return { ...OUTSIDE, inStream: true, fresh, events };
  }

  /** What the other end has got was sent, though it was not seen. True if it was not. */
  #acknowledge(flow: Flow, direction: Direction, other: Half, number: number): boolean {
    const { stream } = other;
    if (stream === undefined || flow.resetBy !== undefined) return false;
    const rest = skip(other, stream.placeOf(number) - 1);
    if (rest === undefined) return false;
    const side = direction === 'to_server' ? 'response' : 'request';
    flow.http?.skip(side, rest);
    this.#feed(flow, direction === 'to_server' ? 'to_client' : 'to_server', rest, false);
    return true;
  }

  #end(flow: Flow, direction: Direction): void {
    const half = flow[direction];
    if (half.ended) return;
    half.ended = true;
    flow.endedFirst ??= direction;
    this.#feed(flow, direction, EMPTY, true);
  }

  #feed(flow: Flow, direction: Direction, bytes: Uint8Array, ended: boolean): void {
    const { stream } = flow[direction];
    if (flow.app !== undefined || stream === undefined) {
      this.#give(flow, direction, bytes, ended);
      return;
    }
    const known = isHttp(stream.tail);
    if (this.#isDnsPort(flow.serverPort)) {
      flow.app = 'dns';
      this.#give(flow, direction, stream.tail, ended);
    } else if (known === true) {
      flow.app = 'http';
      flow.http = new HttpConnection(this.#options.decode);
      // The other end's words were not known by themselves.
      const other = direction === 'to_server' ? 'to_client' : 'to_server';
      const earlier = flow[other].stream?.tail ?? EMPTY;
      if (earlier.length > 0) {
        this.#give(flow, other, earlier, flow[other].ended);
        flow[other].late = new Map(flow.open);
        flow.open.clear();
      }
      this.#give(flow, direction, stream.tail, ended);
    } else if (known === false) {
      flow[direction].isForeign = true;
      flow.app = otherApp(stream.tail);
      if (flow.app !== undefined) this.#endMessage(flow, direction);
      // It may still be known by what the other end says.
      if (flow.app === undefined && flow.to_server.isForeign && flow.to_client.isForeign) flow.app = null;
    }
  }

  #give(flow: Flow, direction: Direction, bytes: Uint8Array, ended: boolean): void {
    if (flow.app === 'dns') {
      this.#messages(flow, direction, bytes);
      return;
    }
    const side = direction === 'to_server' ? 'request' : 'response';
    for (const transaction of flow.http?.feed(side, bytes, ended) ?? []) {
      if (transaction[side]?.complete === true) this.#endMessage(flow, direction);
      flow.open.set(transaction, new Set([...(flow.open.get(transaction) ?? []), side]));
    }
  }

  #endMessage(flow: Flow, direction: Direction): void {
    const { raw, stream } = flow[direction];
    if (stream !== undefined) raw.endMessage(stream.length);
  }

  #isDnsPort(port: number): boolean {
    return (this.#options.dnsPorts ?? DNS_PORTS).includes(port);
  }

  /** RFC 7766, section 8: each message behind its length. */
  #messages(flow: Flow, direction: Direction, bytes: Uint8Array): void {
    const half = flow[direction];
    half.pending = join([half.pending, bytes]);
    while (half.pending.length >= 2) {
      const size = (half.pending[0]! << 8) | half.pending[1]!;
      if (half.pending.length < 2 + size) break;
      const message = readDnsMessage(half.pending.subarray(2, 2 + size));
      half.pending = half.pending.subarray(2 + size);
      if (message !== undefined) this.#say(flow, message);
      this.#endMessage(flow, direction);
    }
  }

  #say(flow: Flow, message: DnsMessage): void {
    flow.open.set(new DnsTransaction(message), new Set([message.isResponse ? 'response' : 'request']));
  }

  #datagram(flow: Flow, { sourcePort, destinationPort }: DecodedPacket, payload: Uint8Array): void {
    if (!this.#isDnsPort(sourcePort) && !this.#isDnsPort(destinationPort)) return;
    const message = readDnsMessage(payload);
    if (message === undefined) return;
    flow.app ??= 'dns';
    this.#say(flow, message);
  }
}

function directionOf(flow: Flow, source: string): Direction {
  return flow.client === source ? 'to_server' : 'to_client';
}

function isUnread(flow: Flow, direction: Direction): boolean {
  const { stream, raw } = flow[direction];
  return stream !== undefined && (raw.isBehind || stream.hasAhead);
}

/** Gives up on what is missing before a place. @returns what is in order then and was not before; undefined if nothing is missing */
function skip({ stream, raw }: Half, place: number): Uint8Array | undefined {
  const rest = stream?.skipTo(place);
  if (rest !== undefined) raw.feed(stream!.length - rest.length, rest);
  return rest;
}

/** A bare one with the same headers as a packet. */
function acknowledgementOf(headers: Uint8Array): Uint8Array {
  const frame = Uint8Array.from(headers);
  const view = new DataView(frame.buffer);
  const { version, network } = decodePacket(frame);
  if (version === 4) view.setUint16(network + 2, frame.length - network);
  else view.setUint16(network + 4, frame.length - network - 40);
  frame[decodePacket(frame).transport + 13] = FLAG.ack;
  return frame;
}

/** A record of TLS' handshake (RFC 8446, section 5.1), or SSH's first line (RFC 4253, section 4.2). */
function otherApp(bytes: Uint8Array): AppProtocol | undefined {
  if (bytes[0] === 0x16 && bytes[1] === 3 && bytes[2]! <= 4) return 'tls';
  return latin1(bytes.subarray(0, 4)) === 'SSH-' ? 'ssh' : undefined;
}

/** Address and port of both ends, as texts that are different for different ends. */
function ends(frame: Uint8Array, packet: DecodedPacket): [source: string, destination: string] {
  const { version, network, protocol } = packet;
  const [at, size] = version === 4 ? [network + 12, 4] : [network + 8, 16];
  const isIcmp = protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmp6;
  const [from, to] = isIcmp ? messageKinds(packet) : [packet.sourcePort, packet.destinationPort];
  return [
    `${frame.subarray(at, at + size).join('.')}:${from}`,
    `${frame.subarray(at + size, at + 2 * size).join('.')}:${to}`,
  ];
}

/** Of ICMP: its type, and that of the answer to it; 0 for what has none. */
function messageKinds({ protocol, sourcePort: type }: DecodedPacket): [own: number, other: number] {
  const pairs = protocol === PROTOCOL.icmp ? MESSAGES : MESSAGES6;
  const pair = pairs.find((one) => one.includes(type));
  return [type, pair === undefined ? 0 : pair[0] === type ? pair[1] : pair[0]];
}

/** Questions and answers (RFC 792, RFC 950; RFC 4443, RFC 4861, RFC 4620). */
const MESSAGES: readonly (readonly [number, number])[] = [
  [8, 0],
  [13, 14],
  [15, 16],
  [17, 18],
  [10, 9],
];
const MESSAGES6: readonly (readonly [number, number])[] = [
  [128, 129],
  [133, 134],
  [135, 136],
  [139, 140],
];

/** The same for both directions; other tags are another network. */
function keyOf(frame: Uint8Array, packet: DecodedPacket, [source, destination]: readonly [string, string]): string {
  const network = `${packet.protocol} ${tagsOf(frame)}`;
  return source < destination ? `${network} ${source} ${destination}` : `${network} ${destination} ${source}`;
}

/** Numbers of its virtual networks. */
function tagsOf(frame: Uint8Array): string {
  const tags: number[] = [];
  const word = (at: number): number => (frame[at]! << 8) | frame[at + 1]!;
  for (
    let at = 12;
    tags.length < MOST_TAGS && [ETHERTYPE.vlan, ETHERTYPE.serviceVlan].some((type) => type === word(at));
    at += 4
  )
    tags.push(word(at + 2) & 0xfff);
  return tags.join('.');
}

/** The option of RFC 7413, or the one that was tried before it. */
function hasFastOpen(frame: Uint8Array, { transport, payload }: DecodedPacket): boolean {
  for (let at = transport + 20; at + 1 < payload;) {
    const kind = frame[at]!;
    if (kind === 0) return false;
    if (kind === 34 || (kind === 254 && frame[at + 2] === 0xf9 && frame[at + 3] === 0x89)) return true;
    const size = kind === 1 ? 1 : frame[at + 1]!;
    if (size === 0) return false;
    at += size;
  }
  return false;
}

function acknowledgement(frame: Uint8Array, packet: DecodedPacket): number | undefined {
  if ((packet.flags & FLAG.ack) === 0) return undefined;
  const at = packet.transport + 8;
  return ((frame[at]! << 24) | (frame[at + 1]! << 16) | (frame[at + 2]! << 8) | frame[at + 3]!) >>> 0;
}

// SPDX-License-Identifier: Apache-2.0
// Connections as `PlainInspector` remembers them: who is the client, how far they have come, and what each direction has sent.

import { type DecodedPacket, PROTOCOL } from './decode-packet.js';
import { type ConnectionOptions, IDLE, IDLE_TCP, TCP_FLAG } from './program/connection-code.js';
import type { FlowFacts } from './packet-event.js';

/** One direction of TCP. */
export interface PlainStream {
  /** Numbers of its first byte and of the next one; undefined before it has begun. */
  begin: number | undefined;
  next: number;
  /** The bytes before `next`, those that a content may begin in. */
  bytes: Uint8Array;
  /** The last segments that went on, the latest last. */
  segments: PlainSegment[];
}

/** What a second copy of it is compared with. */
interface PlainSegment {
  /** Number of its first byte. */
  readonly number: number;
  /** As `PlainStream.bytes` were before it. */
  readonly before: Uint8Array;
  /** Those that were new. */
  readonly bytes: Uint8Array;
}

interface PlainConnection {
  last: bigint;
  /** The end that has asked for it, as `endOf` writes it. */
  client: string;
  readonly seen: Set<string>;
  syn: boolean;
  answered: boolean;
  established: boolean;
  midstream: boolean;
  /** An end has closed it, in a packet that was not dropped. */
  closing: boolean;
  /** Of ends that have sent a SYN into it, the number of the byte that would follow. */
  readonly asked: Map<string, number>;
  dropped: boolean;
  /** Ends of which it was told that they send in vain. */
  readonly told: Set<string>;
  /** Of a rule and an end, where segments ended that had its contents, by their numbers. */
  readonly spans: Map<string, Map<number, number>>;
  /** Packets that were cleared. */
  readonly cleared: Set<string>;
  /** Names that rules have set. */
  readonly bits: Set<string>;
  readonly streams: Map<string, PlainStream>;
}

/** What a packet finds. */
export interface PlainFlow {
  readonly connection: PlainConnection;
  /** The end that has sent the packet. */
  readonly from: string;
  /** What its sender has sent. */
  readonly stream: PlainStream;
  readonly facts: Omit<FlowFacts, 'position'>;
}

export class PlainConnections {
  readonly #all: boolean;
  readonly #streams: boolean;
  readonly #midstream: boolean;
  readonly #oneWay: boolean;
  readonly #closes: boolean;
  readonly #connections = new Map<string, PlainConnection>();

  constructor({ all, streams, midstream, oneWay, closes }: Omit<ConnectionOptions, 'dropped'>) {
    this.#all = all;
    this.#streams = streams;
    this.#midstream = midstream;
    this.#oneWay = oneWay;
    this.#closes = closes;
  }

  /** That of the packet, as far as it is known. */
  find(packet: DecodedPacket, frame: Uint8Array): PlainConnection | undefined {
    return this.#connections.get(keyOf(packet, frame));
  }

  /** Brings the packet's connection up to date; the facts are those before it, but for UDP and ICMP. */
  follow(packet: DecodedPacket, frame: Uint8Array, time: bigint): PlainFlow | undefined {
    const { protocol } = packet;
    const isTcp = protocol === PROTOCOL.tcp;
    const isDatagram = protocol === PROTOCOL.udp || protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmp6;
    const isFollowed = isTcp ? this.#all || this.#streams : isDatagram && this.#all;
    if (!isFollowed) return undefined;
    const [from, to] = ends(packet, frame);
    let connection = this.find(packet, frame);
    const isNew =
      connection === undefined ||
      (isTcp ? this.#beginsAnew(connection, packet, from, time) : time - connection.last > idle(connection));
    if (connection === undefined || isNew) {
      // What was cleared stays so between the same ends.
      connection = begin(packet, from, to, connection?.cleared ?? new Set());
      this.#connections.set(keyOf(packet, frame), connection);
    } else if (isTcp) connection = this.#answered(connection, packet, frame, from, to);
    if (!isTcp || !connection.dropped) connection.last = time;
    const stream = streamOf(connection, from);
    if (!isTcp) {
      connection.seen.add(from);
      if (connection.seen.size === 2) connection.established = true;
    }
    const { client, established, midstream } = connection;
    const facts = { direction: client === from ? 'to_server' : 'to_client', established, midstream } as const;
    if (isTcp) this.#update(connection, stream, packet, client === from);
    return { connection, from, stream, facts };
  }

  #beginsAnew(connection: PlainConnection, packet: DecodedPacket, from: string, time: bigint): boolean {
    if ((packet.flags & (TCP_FLAG.syn | TCP_FLAG.ack)) !== TCP_FLAG.syn) return false;
    const isOver = this.#closes && (connection.closing || time - connection.last > IDLE_TCP);
    if (!isOver && (connection.established || connection.midstream)) {
      if (!this.#oneWay) connection.asked.set(from, (packet.sequence + 1) >>> 0);
      return false;
    }
    const stream = connection.streams.get(from);
    const isRepeated = stream?.begin !== undefined && stream.next === (packet.sequence + 1) >>> 0;
    return !(this.#streams && isRepeated && connection.syn);
  }

  /** Another connection, if the packet answers a SYN into this one. */
  #answered(
    connection: PlainConnection,
    packet: DecodedPacket,
    frame: Uint8Array,
    from: string,
    to: string,
  ): PlainConnection {
    const { syn, ack } = TCP_FLAG;
    if ((packet.flags & (syn | ack)) !== (syn | ack)) return connection;
    const asked = connection.asked.get(to);
    if (asked === undefined || asked !== packet.acknowledged) return connection;
    const answered = { ...begin(packet, from, to, connection.cleared), syn: true, midstream: false };
    if (this.#streams) streamOf(answered, to, asked);
    this.#connections.set(keyOf(packet, frame), answered);
    return answered;
  }

  #update(connection: PlainConnection, stream: PlainStream, packet: DecodedPacket, fromClient: boolean): void {
    const has = (flag: number): boolean => (packet.flags & flag) !== 0;
    const { syn, ack, rst, fin } = TCP_FLAG;
    if (!fromClient && has(syn) && has(ack)) connection.answered = true;
    const isAnswered = connection.syn && (connection.answered || this.#oneWay);
    if (fromClient && has(ack) && !has(syn) && !has(rst) && isAnswered) connection.established = true;
    if (this.#midstream && connection.midstream && !has(syn)) connection.established = true;
    const isExpected = !this.#streams || stream.begin === undefined || stream.next === packet.sequence;
    if ((has(fin) || has(rst)) && isExpected) connection.closing = true;
  }
}

/** What an end has sent; it begins with byte `begin` if it is new, or has not begun. */
function streamOf({ streams }: PlainConnection, from: string, begin?: number): PlainStream {
  const known = streams.get(from);
  if (known !== undefined) return known;
  const stream = { begin, next: begin ?? 0, bytes: new Uint8Array(0), segments: [] };
  streams.set(from, stream);
  return stream;
}

function keyOf(packet: DecodedPacket, frame: Uint8Array): string {
  return [packet.version, packet.protocol, ...ends(packet, frame).sort()].join(' ');
}

function idle({ seen }: PlainConnection): bigint {
  return seen.size === 2 ? IDLE.established : IDLE.fresh;
}

/** Source and destination: address and port. */
function ends(packet: DecodedPacket, frame: Uint8Array): [string, string] {
  const [at, size] = packet.version === 4 ? [packet.network + 12, 4] : [packet.network + 8, 16];
  const isIcmp = packet.protocol === PROTOCOL.icmp || packet.protocol === PROTOCOL.icmp6;
  const end = (n: number, port: number): string =>
    `${frame.subarray(at + n * size, at + (n + 1) * size).join('.')} ${isIcmp ? 0 : port}`;
  return [end(0, packet.sourcePort), end(1, packet.destinationPort)];
}

function begin(packet: DecodedPacket, from: string, to: string, cleared: Set<string>): PlainConnection {
  const isSyn = (packet.flags & TCP_FLAG.syn) !== 0;
  const isAnswer = isSyn && (packet.flags & TCP_FLAG.ack) !== 0;
  const isTcp = packet.protocol === PROTOCOL.tcp;
  return {
    last: 0n,
    client: isAnswer && isTcp ? to : from,
    seen: new Set(),
    syn: isTcp && isSyn && !isAnswer,
    answered: false,
    established: false,
    midstream: isTcp && (!isSyn || isAnswer),
    closing: false,
    asked: new Map(),
    dropped: false,
    told: new Set(),
    cleared,
    spans: new Map(),
    bits: new Set(),
    streams: new Map(),
  };
}

// SPDX-License-Identifier: Apache-2.0
// Reads captures: pcap (draft-ietf-opsawg-pcap) of either byte order and either resolution of time, and pcapng
// (draft-ietf-opsawg-pcapng). Frames come as Ethernet frames; those of other links get a header where that can be.

import { ByteReader, PlinthError } from '@plinth/core';

export interface CapturedFrame {
  /** From 1, as other tools count them. */
  readonly number: number;
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  /** From the Ethernet header on. May be cut: then `length` is more than it has. */
  readonly bytes: Uint8Array;
  /** Bytes that it had on the wire, with its Ethernet header. */
  readonly length: number;
}

const PCAP = { micro: 0xa1b2_c3d4, nano: 0xa1b2_3c4d } as const;
const BLOCK = { section: 0x0a0d_0d0a, interface: 1, simple: 3, enhanced: 6 } as const;
const BYTE_ORDER_MAGIC = 0x1a2b_3c4d;
/** Option of an interface: the resolution of its times. */
const IF_TSRESOL = 9;
/** Link types (LINKTYPE_ numbers): Ethernet, raw IP in three numbers, and Linux' cooked captures. */
const LINK = { ethernet: 1, raw: [12, 14, 101, 228, 229], cooked: 113, loopback: 0 } as const;
/** Of a frame; more is damage. */
const MOST_BYTES = 0x40_0000;

/** `what` names the file in messages. Throws a typed error for what is no capture, and for damage, after the frames before it. */
export function* readCapture(bytes: Uint8Array, what: string): Generator<CapturedFrame> {
  const reader = new ByteReader(bytes, what);
  if (bytes.length < 4) throw notOne(what);
  const magic = reader.u32();
  if (magic === BLOCK.section) {
    yield* readBlocks(reader, what);
    return;
  }
  for (const littleEndian of [true, false]) {
    reader.littleEndian = littleEndian;
    const read = reader.seek(0).u32();
    if (read !== PCAP.micro && read !== PCAP.nano) continue;
    yield* readPcap(reader, what, read === PCAP.nano ? 1n : 1000n);
    return;
  }
  throw notOne(what);
}

function notOne(what: string): PlinthError {
  return new PlinthError('input', 'capture', `${what}: not a capture: it begins neither as pcap nor as pcapng does`);
}

function* readPcap(reader: ByteReader, what: string, unit: bigint): Generator<CapturedFrame> {
  const link = reader.seek(20).u32() & 0xffff;
  for (let number = 1; reader.remaining > 0; number++) {
    const time = BigInt(reader.u32()) * 1_000_000_000n + BigInt(reader.u32()) * unit;
    const captured = reader.u32();
    const length = reader.u32();
    if (captured > MOST_BYTES) throw tooLong(what, number, captured);
    yield frame(number, time, reader.take(captured), length, link, what);
  }
}

interface Interface {
  readonly link: number;
  /** Nanoseconds of a unit are multiplied by this and divided by that. */
  readonly multiply: bigint;
  readonly divide: bigint;
}

function* readBlocks(reader: ByteReader, what: string): Generator<CapturedFrame> {
  let interfaces: Interface[] = [];
  let number = 0;
  reader.seek(0);
  while (reader.remaining > 0) {
    const begin = reader.offset;
    const type = reader.u32();
    if (type === BLOCK.section) {
      // The length is in the byte order that the word behind it shows.
      reader.littleEndian = true;
      if (reader.seek(begin + 8).u32() !== BYTE_ORDER_MAGIC) reader.littleEndian = false;
      if (reader.seek(begin + 8).u32() !== BYTE_ORDER_MAGIC) throw damaged(what, begin, 'no byte order');
      interfaces = [];
    }
    const length = reader.seek(begin + 4).u32();
    if (length < 12 || length % 4 !== 0 || length > MOST_BYTES)
      throw damaged(what, begin, `a block of ${length} bytes`);
    const end = begin + length;
    reader.seek(begin).take(length);
    reader.seek(begin + 8);
    if (type === BLOCK.interface) interfaces.push(readInterface(reader, end - 4));
    else if (type === BLOCK.enhanced) {
      const on = interfaces[reader.u32()];
      if (on === undefined) throw damaged(what, begin, 'a frame of no interface');
      const units = (BigInt(reader.u32()) << 32n) | BigInt(reader.u32());
      const captured = reader.u32();
      const original = reader.u32();
      if (captured > length) throw tooLong(what, number + 1, captured);
      yield frame(++number, (units * on.multiply) / on.divide, reader.take(captured), original, on.link, what);
    } else if (type === BLOCK.simple) {
      const on = interfaces[0];
      if (on === undefined) throw damaged(what, begin, 'a frame of no interface');
      const original = reader.u32();
      yield frame(++number, 0n, reader.take(Math.min(original, length - 16)), original, on.link, what);
    }
    reader.seek(end);
  }
}

function readInterface(reader: ByteReader, end: number): Interface {
  const link = reader.u16();
  reader.take(6);
  let [multiply, divide] = [1000n, 1n];
  while (reader.offset + 4 <= end) {
    const option = reader.u16();
    const size = reader.u16();
    if (option === 0) break;
    if (option === IF_TSRESOL && size >= 1) {
      const value = reader.u8();
      reader.seek(reader.offset - 1);
      // A power of ten, or with the upper bit of two.
      multiply = 1_000_000_000n;
      divide = (value & 0x80) === 0 ? 10n ** BigInt(value & 0x7f) : 1n << BigInt(value & 0x7f);
    }
    reader.take((size + 3) & ~3);
  }
  return { link, multiply, divide };
}

function damaged(what: string, at: number, why: string): PlinthError {
  return new PlinthError('input', 'capture', `${what}: byte ${at}: ${why}: the capture is damaged`);
}

function tooLong(what: string, number: number, size: number): PlinthError {
  return new PlinthError('input', 'capture', `${what}: frame ${number} has ${size} bytes: the capture is damaged`);
}

function frame(
  number: number,
  time: bigint,
  bytes: Uint8Array,
  length: number,
  link: number,
  what: string,
): CapturedFrame {
  if (link === LINK.ethernet) return { number, time, bytes, length };
  const [from, type] = linkHeader(bytes, link, what);
  const ethernet = new Uint8Array(14 + bytes.length - from);
  ethernet[12] = type >> 8;
  ethernet[13] = type & 0xff;
  ethernet.set(bytes.subarray(from), 14);
  return { number, time, bytes: ethernet, length: Math.max(0, length - from) + 14 };
}

/** Where the packet begins, and its EtherType. */
function linkHeader(bytes: Uint8Array, link: number, what: string): [from: number, type: number] {
  if (LINK.raw.some((raw) => raw === link)) return [0, (bytes[0] ?? 0) >> 4 === 6 ? 0x86dd : 0x0800];
  if (link === LINK.cooked && bytes.length >= 16) return [16, (bytes[14]! << 8) | bytes[15]!];
  // The address family in the byte order of the machine that captured.
  if (link === LINK.loopback && bytes.length >= 4) return [4, (bytes[4] ?? 0) >> 4 === 6 ? 0x86dd : 0x0800];
  if (link === LINK.cooked || link === LINK.loopback) return [bytes.length, 0];
  throw new PlinthError(
    'input',
    'capture',
    `${what}: frames of link type ${link}; Ethernet, raw IP and Linux' cooked ones are read`,
  );
}

// SPDX-License-Identifier: Apache-2.0
// Unpacks one .xz stream (The .xz File Format 1.1.0): LZMA2, alone or behind the ARM branch filter, with CRC-32, CRC-64
// or no check. That is what kernels are packed with. SHA-256 checks and the other filters are refused by name.

import { ByteReader, crc32, PlinthError } from '@plinth/core';
import { crc64 } from './crc.js';
import { Lzma2Decoder, Output } from './lzma2.js';

export interface UnpackedXz {
  readonly data: Uint8Array;
  /** How many input bytes the stream took; what follows it is not looked at. */
  readonly consumed: number;
}

const MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const CHECK_SIZES = new Map([
  [0, 0],
  [1, 4],
  [4, 8],
]);
const FILTER_ARM = 0x07;
const FILTER_LZMA2 = 0x21;

/** True if a whole, undamaged stream header stands at `offset`: the magic alone also occurs in the code of unpackers. */
export function isXzStream(bytes: Uint8Array, offset: number = 0): boolean {
  const header = bytes.subarray(offset, offset + 12);
  if (header.length < 12 || MAGIC.some((value, i) => header[i] !== value)) return false;
  return new ByteReader(header, 'xz').seek(8).u32() === crc32(header.subarray(6, 8));
}

/**
 * Unpacks the stream at the start of `bytes`. `what` names the input in errors, `maximumSize` bounds the result in bytes.
 * Throws a PlinthError of kind `input` for anything that is not an undamaged stream of a supported form.
 */
export function unxz(bytes: Uint8Array, what: string, maximumSize: number): UnpackedXz {
  if (!isXzStream(bytes)) {
    throw new PlinthError('input', 'xz-header', `${what}: no XZ stream here, or its header is damaged`);
  }
  const reader = new ByteReader(bytes, what).seek(7);
  const checkType = reader.u8();
  const checkSize = CHECK_SIZES.get(checkType);
  if (checkSize === undefined) throw unsupported(what, `check type ${checkType} (CRC32, CRC64 and none are)`);
  reader.seek(12);
  const output = new Output(maximumSize, what);
  const records: (readonly [unpadded: number, unpacked: number])[] = [];
  for (;;) {
    const start = reader.offset;
    const sizeByte = reader.u8();
    if (sizeByte === 0) {
      readIndex(reader, start, records, what);
      break;
    }
    const unpackedStart = output.length;
    const filters = readBlockHeader(reader, start, (sizeByte + 1) * 4, what);
    const decoder = new Lzma2Decoder(bytes, reader.offset, output, filters.dictionarySize, what);
    decoder.decode();
    reader.seek(decoder.offset);
    const packedEnd = reader.offset;
    readZeros(reader, start, what);
    const block = output.bytes.subarray(unpackedStart, output.length);
    if (filters.armStart !== undefined) unfilterArm(block, filters.armStart);
    if (checkType === 1 && reader.u32() !== crc32(block)) throw damaged(what, 'the checksum of a block is wrong');
    if (checkType === 4 && reader.u64() !== crc64(block)) throw damaged(what, 'the checksum of a block is wrong');
    records.push([packedEnd - start + checkSize, block.length]);
  }
  readFooter(reader, checkType, what);
  return { data: output.bytes.slice(0, output.length), consumed: reader.offset };
}

function damaged(what: string, detail: string): PlinthError {
  return new PlinthError('input', 'xz-damaged', `${what}: XZ data damaged: ${detail}`);
}

function unsupported(what: string, detail: string): PlinthError {
  return new PlinthError('input', 'xz-unsupported', `${what}: XZ ${detail} is not supported`);
}

/** A number in groups of 7 bits, least significant first; sizes past 2^53 do not occur in what fits in memory. */
function readNumber(reader: ByteReader, what: string): number {
  let value = 0;
  for (let scale = 1, i = 0; i < 9; i++, scale *= 128) {
    const byte = reader.u8();
    value += (byte & 0x7f) * scale;
    if ((byte & 0x80) === 0) {
      if ((byte === 0 && i > 0) || !Number.isSafeInteger(value)) break;
      return value;
    }
  }
  throw damaged(what, 'a number is out of range');
}

/** Zero bytes up to the next multiple of 4, counted from `start`. */
function readZeros(reader: ByteReader, start: number, what: string): void {
  while (((reader.offset - start) & 3) !== 0) if (reader.u8() !== 0) throw damaged(what, 'padding is not zero');
}

interface Filters {
  readonly dictionarySize: number;
  /** Address of the first byte for the ARM branch filter, if the block uses it. */
  readonly armStart: number | undefined;
}

function readBlockHeader(reader: ByteReader, start: number, size: number, what: string): Filters {
  const header = new ByteReader(reader.seek(start).take(size), what);
  const body = header.bytes.subarray(0, size - 4);
  if (header.seek(size - 4).u32() !== crc32(body)) throw damaged(what, 'the checksum of a block header is wrong');
  const flags = header.seek(1).u8();
  if ((flags & 0x3c) !== 0) throw unsupported(what, 'block with unknown flags');
  if ((flags & 0x40) !== 0) readNumber(header, what);
  if ((flags & 0x80) !== 0) readNumber(header, what);
  let armStart: number | undefined;
  for (let left = (flags & 3) + 1; left > 0; left--) {
    const id = readNumber(header, what);
    const properties = new ByteReader(header.take(readNumber(header, what)), what);
    if (left === 1 && id === FILTER_LZMA2) return { dictionarySize: dictionarySize(properties.u8(), what), armStart };
    if (left === 1 || id !== FILTER_ARM || armStart !== undefined) {
      throw unsupported(what, `filter ${id} at this place (LZMA2, alone or behind the ARM filter, is)`);
    }
    armStart = properties.remaining === 0 ? 0 : properties.u32();
  }
  throw damaged(what, 'a block has no filter');
}

/** Bit 0 chooses 2 or 3, the other bits the power of two; 40 means 4 GiB - 1. */
function dictionarySize(code: number, what: string): number {
  if (code > 40) throw damaged(what, 'impossible dictionary size');
  return code === 40 ? 0xffffffff : (2 + (code & 1)) * 2 ** ((code >> 1) + 11);
}

/** Turns the absolute targets of BL instructions back into relative ones. */
function unfilterArm(bytes: Uint8Array, start: number): void {
  for (let i = 0; i + 4 <= bytes.length; i += 4) {
    if (bytes[i + 3] !== 0xeb) continue;
    const absolute = (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16)) << 2;
    const relative = (absolute - (start + i + 8)) >> 2;
    bytes[i] = relative;
    bytes[i + 1] = relative >> 8;
    bytes[i + 2] = relative >> 16;
  }
}

function readIndex(
  reader: ByteReader,
  start: number,
  records: readonly (readonly [number, number])[],
  what: string,
): void {
  if (readNumber(reader, what) !== records.length) throw damaged(what, 'the index does not fit the blocks');
  for (const [unpadded, unpacked] of records) {
    if (readNumber(reader, what) !== unpadded || readNumber(reader, what) !== unpacked) {
      throw damaged(what, 'the index does not fit the blocks');
    }
  }
  readZeros(reader, start, what);
  const index = reader.bytes.subarray(start, reader.offset);
  if (reader.u32() !== crc32(index)) throw damaged(what, 'the checksum of the index is wrong');
}

function readFooter(reader: ByteReader, checkType: number, what: string): void {
  const expected = reader.u32();
  const fields = reader.take(6);
  if (crc32(fields) !== expected || fields[4] !== 0 || fields[5] !== checkType) {
    throw damaged(what, 'the stream footer does not fit the header');
  }
  if (reader.u8() !== 0x59 || reader.u8() !== 0x5a) throw damaged(what, 'the stream does not end with its magic');
}

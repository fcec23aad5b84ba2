// SPDX-License-Identifier: Apache-2.0
// The ARM Linux zImage, a program that unpacks the kernel inside it (Linux arch/arm/boot/compressed: head.S has the
// header, vmlinux.lds.S the table behind it). This finds the compressed kernel so that the host can unpack it, which
// saves the guest most of a boot. Unpacking itself is the caller's: this room brings no decompressor.

import { ByteReader, hex32, PlinthError } from '@plinth/core';

export type Compression = 'gzip' | 'xz' | 'lz4' | 'zstd';

export interface CompressedKernel {
  readonly kind: Compression;
  /** A view of the compressed bytes, to the end of the zImage when the table does not tell more. */
  readonly payload: Uint8Array;
}

export interface ZImage {
  /** A view of the zImage proper, without what may be appended to it. */
  readonly bytes: Uint8Array;
  /** `undefined` when no known compression was found. */
  readonly kernel: CompressedKernel | undefined;
  /** From the table, which kernels since 4.15 have: size of the unpacked Image and of its zeroed data, in bytes. */
  readonly unpackedSize: number | undefined;
  readonly bssSize: number | undefined;
  /** From the table of kernels since 5.11: where the Image wants to be, from the start of RAM. */
  readonly textOffset: number | undefined;
}

const MAGIC = 0x016f_2818;
const ENDIAN_MARK = 0x0403_0201;
const EXTENSION_MAGIC = 0x4545_4545;
/** "KLSZ": kernel sizes. */
const TABLE_TAG = 0x5a53_4c4b;
/** Header words, by offset. */
const AT_MAGIC = 0x24;
const AT_START = 0x28;
const AT_EXTENSION = 0x34;

export function isZImage(bytes: Uint8Array): boolean {
  if (bytes.length < AT_EXTENSION + 8) return false;
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(AT_MAGIC, true) === MAGIC;
}

/** `what` names the file in messages. */
export function readZImage(file: Uint8Array, what: string): ZImage {
  if (!isZImage(file)) {
    throw new PlinthError('input', 'zimage-magic', `${what}: not an ARM Linux zImage (no 016f2818 at byte 0x24)`);
  }
  const header = new ByteReader(file, what).seek(AT_START);
  const start = header.u32();
  const end = header.u32();
  const mark = header.u32();
  if (mark !== ENDIAN_MARK) {
    throw new PlinthError('input', 'zimage-endian', `${what}: a big-endian zImage; take a little-endian kernel`);
  }
  const size = end - start;
  if (size <= AT_EXTENSION || size > file.length) {
    throw new PlinthError(
      'input',
      'zimage-truncated',
      `${what}: a zImage of ${size} bytes in a file of ${file.length}: it is cut short or damaged`,
    );
  }
  const bytes = file.subarray(0, size);
  const table = readTable(new ByteReader(bytes, what));
  return { bytes, kernel: findPayload(bytes, table.sizeAt), ...table };
}

interface SizeTable {
  /** Offset of the unpacked size, a word that follows the compressed data. */
  readonly sizeAt: number | undefined;
  readonly unpackedSize: number | undefined;
  readonly bssSize: number | undefined;
  readonly textOffset: number | undefined;
}

const NO_TABLE: SizeTable = { sizeAt: undefined, unpackedSize: undefined, bssSize: undefined, textOffset: undefined };

/** The table is a list of words: their number, the tag, where the unpacked size is, size of the bss, text offset ... */
function readTable(reader: ByteReader): SizeTable {
  const { length } = reader.bytes;
  const word = (offset: number): number | undefined =>
    offset >= 0 && offset + 4 <= length ? reader.seek(offset).u32() : undefined;
  if (word(AT_EXTENSION) !== EXTENSION_MAGIC) return NO_TABLE;
  const at = word(AT_EXTENSION + 4) ?? length;
  const words = word(at) ?? 0;
  if (words < 3 || word(at + 4) !== TABLE_TAG) return NO_TABLE;
  const sizeAt = word(at + 8) ?? length;
  const unpackedSize = word(sizeAt);
  if (unpackedSize === undefined) return NO_TABLE;
  return {
    sizeAt,
    unpackedSize,
    bssSize: words >= 4 ? word(at + 12) : undefined,
    textOffset: words >= 5 ? word(at + 16) : undefined,
  };
}

/**
 * The first place that begins like compressed data. The unpacking program in front of it carries the same magic numbers
 * as constants, so each kind is also asked for a sane header.
 */
function findPayload(bytes: Uint8Array, sizeAt: number | undefined): CompressedKernel | undefined {
  const end = sizeAt ?? bytes.length;
  for (let at = AT_EXTENSION; at + 16 <= end; at++) {
    const kind = compressionAt(bytes, at);
    if (kind === undefined) continue;
    // The size that the table points to is gzip's own last word, but an extra one behind the others.
    const last = kind === 'gzip' && sizeAt !== undefined ? Math.min(sizeAt + 4, bytes.length) : end;
    return { kind, payload: bytes.subarray(at, last) };
  }
  return undefined;
}

function compressionAt(bytes: Uint8Array, at: number): Compression | undefined {
  switch (bytes[at]) {
    case 0x1f:
      return isGzip(bytes, at) ? 'gzip' : undefined;
    case 0xfd:
      return isXz(bytes, at) ? 'xz' : undefined;
    case 0x02:
      return isLz4(bytes, at) ? 'lz4' : undefined;
    case 0x28:
      return isZstd(bytes, at) ? 'zstd' : undefined;
    default:
      return undefined;
  }
}

function word32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/** RFC 1952: deflate, no reserved flags, extra flags of a real compressor, a known system. */
function isGzip(bytes: Uint8Array, at: number): boolean {
  return (
    (word32(bytes, at) & 0xe0ff_ffff) === 0x0008_8b1f &&
    [0, 2, 4].includes(bytes[at + 8]!) &&
    [0, 3, 255].includes(bytes[at + 9]!)
  );
}

/** XZ format 1.1, 2.1.1: magic, two bytes of flags, their CRC32. */
function isXz(bytes: Uint8Array, at: number): boolean {
  if (word32(bytes, at) !== 0x587a_37fd || bytes[at + 4] !== 0x5a || bytes[at + 5] !== 0) return false;
  let crc = 0xffff_ffff;
  for (let byte = 0; byte < 2; byte++) {
    crc ^= bytes[at + 6 + byte]!;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) * 0xedb8_8320);
  }
  return ~crc >>> 0 === word32(bytes, at + 8);
}

/** LZ4 legacy frame, as the kernel is packed: magic, then a block no larger than 8 MiB can become. */
function isLz4(bytes: Uint8Array, at: number): boolean {
  const block = word32(bytes, at + 4);
  return word32(bytes, at) === 0x184c_2102 && block > 0 && block <= 0x0080_8090 && at + 8 + block <= bytes.length;
}

/** Zstandard frame (RFC 8878, 3.1.1): magic, no reserved bit, and a first block that is one and is not the last. */
function isZstd(bytes: Uint8Array, at: number): boolean {
  if (word32(bytes, at) !== 0xfd2f_b528) return false;
  const descriptor = bytes[at + 4]!;
  if ((descriptor & 0x18) !== 0) return false;
  const singleSegment = (descriptor & 0x20) !== 0;
  const contentSize = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6]!;
  const dictionary = [0, 1, 2, 4][descriptor & 3]!;
  const block = word32(bytes, at + 5 + (singleSegment ? 0 : 1) + dictionary + contentSize) & 0xff_ffff;
  return (block & 1) === 0 && ((block >>> 1) & 3) !== 3 && block >>> 3 <= 128 * 1024;
}

/** How the caller unpacks, by kind; one that is missing is an error that says so. */
export type Decompressors = Readonly<Partial<Record<Compression, (bytes: Uint8Array) => Uint8Array>>>;

/** The Image inside a zImage. */
export function unpackZImage(image: ZImage, what: string, decompressors: Decompressors): Uint8Array {
  const { kernel, unpackedSize } = image;
  if (kernel === undefined) {
    throw new PlinthError('input', 'zimage-payload', `${what}: no gzip, xz, lz4 or zstd data inside: boot it as it is`);
  }
  const decompress = decompressors[kernel.kind];
  if (decompress === undefined) {
    throw new PlinthError(
      'host',
      'no-decompressor',
      `${what}: packed with ${kernel.kind}, which this host cannot unpack`,
    );
  }
  const unpacked = decompress(kernel.payload);
  if (unpackedSize !== undefined && unpacked.length !== unpackedSize) {
    throw new PlinthError(
      'input',
      'zimage-payload',
      `${what}: unpacks to ${unpacked.length} bytes, but says ${unpackedSize} (${hex32(unpackedSize)}): it is damaged`,
    );
  }
  return unpacked;
}

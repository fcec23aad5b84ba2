// SPDX-License-Identifier: Apache-2.0
// CRC-32 (IEEE 802.3, reflected), four bytes at a step: table n is the effect of a byte that n more bytes follow.

const TABLES: Uint32Array = new Uint32Array(4 * 256);
for (let byte = 0; byte < 256; byte++) {
  let value = byte;
  for (let i = 0; i < 8; i++) value = (value & 1) !== 0 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  TABLES[byte] = value;
}
for (let at = 256; at < TABLES.length; at++) {
  const shorter = TABLES[at - 256]!;
  TABLES[at] = (shorter >>> 8) ^ TABLES[shorter & 0xff]!;
}

/** Unsigned. `before` is the checksum of what came before these bytes. */
export function crc32(bytes: Uint8Array, before: number = 0): number {
  let crc = ~before;
  let at = 0;
  for (const end = bytes.length - 3; at < end; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      TABLES[768 + (crc & 0xff)]! ^
      TABLES[512 + ((crc >>> 8) & 0xff)]! ^
      TABLES[256 + ((crc >>> 16) & 0xff)]! ^
      TABLES[crc >>> 24]!;
  }
  for (; at < bytes.length; at++) crc = TABLES[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

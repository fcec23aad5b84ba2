// SPDX-License-Identifier: Apache-2.0
// The two cyclic redundancy checks of the .xz format: CRC-32 (IEEE 802.3) and CRC-64 (ECMA-182), both reflected.

const CRC32_TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let i = 0; i < 8; i++) value = (value & 1) !== 0 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

const CRC64_TABLE: BigUint64Array = BigUint64Array.from({ length: 256 }, (_, byte) => {
  let value = BigInt(byte);
  for (let i = 0; i < 8; i++) value = (value & 1n) !== 0n ? (value >> 1n) ^ 0xc96c5795d7870f42n : value >> 1n;
  return value;
});
// The same table as halves, since 64-bit arithmetic on bigints is slow.
const CRC64_HALVES: Uint32Array = new Uint32Array(CRC64_TABLE.buffer);

/** Unsigned 32-bit CRC. */
export function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (let i = 0; i < bytes.length; i++) crc = CRC32_TABLE[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

export function crc64(bytes: Uint8Array): bigint {
  let low = ~0;
  let high = ~0;
  for (let i = 0; i < bytes.length; i++) {
    const at = ((low ^ bytes[i]!) & 0xff) << 1;
    low = CRC64_HALVES[at]! ^ ((low >>> 8) | (high << 24));
    high = CRC64_HALVES[at + 1]! ^ (high >>> 8);
  }
  return (BigInt(~high >>> 0) << 32n) | BigInt(~low >>> 0);
}

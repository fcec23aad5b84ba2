// SPDX-License-Identifier: Apache-2.0
// The cyclic redundancy check CRC-64 (ECMA-182, reflected) of the .xz format; its CRC-32 is everybody's.

const CRC64_TABLE: BigUint64Array = BigUint64Array.from({ length: 256 }, (_, byte) => {
  let value = BigInt(byte);
  for (let i = 0; i < 8; i++) value = (value & 1n) !== 0n ? (value >> 1n) ^ 0xc96c5795d7870f42n : value >> 1n;
  return value;
});
// The same table as halves, since 64-bit arithmetic on bigints is slow.
const CRC64_HALVES: Uint32Array = new Uint32Array(CRC64_TABLE.buffer);

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

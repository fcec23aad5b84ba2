// SPDX-License-Identifier: Apache-2.0
// The Marvin hash (as in .NET's string hashing), with the seed that the entries of transaction logs use.

/** The bytes 82 EF 4D 88 7A 4E 55 C5, as the two words that the hash begins with. */
const SEED = [0x7a4e_55c5, 0x82ef_4d88] as const;

/** 64 bits. */
export function marvin(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let [low, high]: [number, number] = [...SEED];
  const mix = (word: number): void => {
    low = (low + word) | 0;
    high ^= low;
    low = (rotate(low, 20) + high) | 0;
    high = rotate(high, 9) ^ low;
    low = (rotate(low, 27) + high) | 0;
    high = rotate(high, 19);
  };
  const whole = bytes.length & ~3;
  for (let at = 0; at < whole; at += 4) mix(view.getInt32(at, true));
  let last = 0x80;
  for (let at = bytes.length - 1; at >= whole; at--) last = (last << 8) | bytes[at]!;
  mix(last);
  mix(0);
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

// SPDX-License-Identifier: Apache-2.0
// Damage to files, as it happens and as somebody would do it: bytes changed, taken out, put in, repeated, numbers that are at a limit.

import type { Random } from './random.js';

const LIMITS = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffc, 0xffff_ffff];

/** A copy with one to eight damages. */
export function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  let out = Uint8Array.from(bytes);
  for (let n = random.below(random.pick([1, 3, 8])); n >= 0; n--) out = damage(random, out);
  return out;
}

function damage(random: Random, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const at = random.below(bytes.length + 1);
  const size = random.below(random.pick([2, 9, 200]));
  const piece = bytes.subarray(at, at + size);
  switch (random.below(6)) {
    case 0:
      return bytes.slice(0, at);
    case 1:
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + size)]);
    case 2:
      return Uint8Array.from([...bytes.subarray(0, at), ...piece, ...bytes.subarray(at)]);
    case 3: {
      const width = random.pick([1, 2, 4, 8]);
      if (at + width > bytes.length) return bytes;
      const value = BigInt(random.pick(LIMITS) + random.pick([0, 0, 1, 4]));
      const view = new DataView(bytes.buffer);
      const little = random.chance(0.5);
      for (let n = 0; n < width; n++) {
        view.setUint8(at + (little ? n : width - 1 - n), Number((value >> BigInt(8 * n)) & 0xffn));
      }
      return bytes;
    }
    case 4:
      if (at < bytes.length) bytes[at]! ^= 1 << random.below(8);
      return bytes;
    default:
      piece.fill(random.below(256));
      return bytes;
  }
}

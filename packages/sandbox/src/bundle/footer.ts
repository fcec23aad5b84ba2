// SPDX-License-Identifier: Apache-2.0
// The last 128 bytes of a program in one file, from which a reader finds everything else. Numbers are little-endian:
//
//     0  "PLINTHAP"              32  manifest: offset, bytes      96  size of the file
//     8  version, 32 bits        48  layers: offset, bytes       104  zeroes
//    12  zero, 32 bits           64  hashes: offset, bytes
//    16  tools: offset, bytes    80  signature: offset, bytes    each 64 bits

import type { Section, Sections } from './launcher.js';

export const FOOTER_BYTES = 128;
export const SIGNATURE_BYTES: number = 32 + 64;
const MAGIC = 'PLINTHAP';
const VERSION = 1;
const ORDER = ['tools', 'manifest', 'layers', 'hashes', 'signature'] as const;

export interface Footer extends Sections {
  /** No bytes if it is not signed. */
  readonly signature: Section;
  readonly size: number;
}

export function writeFooter(footer: Footer): Uint8Array {
  const bytes = Buffer.alloc(FOOTER_BYTES);
  bytes.write(MAGIC, 'latin1');
  bytes.writeUInt32LE(VERSION, 8);
  ORDER.forEach((name, n) => {
    bytes.writeBigUInt64LE(BigInt(footer[name].offset), 16 + 16 * n);
    bytes.writeBigUInt64LE(BigInt(footer[name].bytes), 24 + 16 * n);
  });
  bytes.writeBigUInt64LE(BigInt(footer.size), 96);
  return bytes;
}

/** The footer, or in words what is wrong with it. Sections lie one behind the other, inside of the file. */
export function readFooter(given: Uint8Array, size: number): Footer | string {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  if (bytes.length !== FOOTER_BYTES || bytes.toString('latin1', 0, 8) !== MAGIC)
    return 'it does not end as such a file does';
  if (bytes.readUInt32LE(8) !== VERSION) return `it is of version ${bytes.readUInt32LE(8)}, and this Plinth reads 1`;
  const section = (n: number): Section => ({ offset: number(bytes, 16 + 16 * n), bytes: number(bytes, 24 + 16 * n) });
  const [tools, manifest, layers, hashes, signature] = [section(0), section(1), section(2), section(3), section(4)];
  if (number(bytes, 96) !== size) return 'it was cut off, or something was appended to it';
  let end = 0;
  for (const [n, one] of [tools, manifest, layers, hashes, signature].entries()) {
    if (one.offset < end || one.offset + one.bytes > size - FOOTER_BYTES)
      return `its ${ORDER[n]} lie where they cannot be`;
    end = one.offset + one.bytes;
  }
  for (const [n, one] of [tools, manifest, layers, hashes].entries())
    if (one.offset % 4096 !== 0) return `its ${ORDER[n]} begin at no multiple of 4096`;
  if (signature.bytes !== 0 && signature.bytes !== SIGNATURE_BYTES) return 'its signature has no size of one';
  return { tools, manifest, layers, hashes, signature, size };
}

/** What is too large for a file becomes a number that no file has. */
function number(bytes: Buffer, at: number): number {
  const value = bytes.readBigUInt64LE(at);
  return value < 2n ** 52n ? Number(value) : 2 ** 52;
}

// SPDX-License-Identifier: Apache-2.0
// Raw deflate by Node's zlib, off the main thread. Level 1: a snapshot's pages are packed while somebody waits. Buffers of
// the size that is expected, since small ones are collected, joined and thrown away on the main thread.

import { promisify } from 'node:util';
import { crc32, deflateRaw, inflateRaw } from 'node:zlib';
import type { SectionCodec } from '@plinth/core';

const deflateAsync = promisify<Uint8Array, { level: number; chunkSize: number }, Buffer>(deflateRaw);
const inflateAsync = promisify<Uint8Array, { maxOutputLength: number; chunkSize: number }, Buffer>(inflateRaw);

/** zlib's least. */
const MIN_CHUNK = 64;

export const zlibCodec: SectionCodec = {
  crc32: (bytes, before) => crc32(bytes, before),
  deflate: (bytes) => deflateAsync(bytes, { level: 1, chunkSize: Math.max(MIN_CHUNK, bytes.length >> 2) }),
  // One byte more than is expected: zlib asks for another buffer when one is full.
  inflate: (bytes, length) =>
    inflateAsync(bytes, { maxOutputLength: Math.max(1, length), chunkSize: Math.max(MIN_CHUNK, length + 1) }),
};

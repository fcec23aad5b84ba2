// SPDX-License-Identifier: Apache-2.0
// Raw deflate by Node's zlib, off the main thread. Level 1: a snapshot's pages are packed while somebody waits.

import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import type { SectionCodec } from '@plinth/core';

const deflateAsync = promisify<Uint8Array, { level: number }, Buffer>(deflateRaw);
const inflateAsync = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(inflateRaw);

export const zlibCodec: SectionCodec = {
  deflate: (bytes) => deflateAsync(bytes, { level: 1 }),
  inflate: (bytes, length) => inflateAsync(bytes, { maxOutputLength: Math.max(1, length) }),
};

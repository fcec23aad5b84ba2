// SPDX-License-Identifier: Apache-2.0
// Raw deflate and gzip by the browser's own streams.

import { concatenate, PlinthError, type SectionCodec } from '@plinth/core';

export const streamCodec: SectionCodec = {
  deflate: (bytes) => collect(through(bytes, new CompressionStream('deflate-raw')), Infinity),
  inflate: (bytes, length) => collect(through(bytes, new DecompressionStream('deflate-raw')), length),
};

/** @throws PlinthError if the bytes are damaged or unpack to more than `limit`; `name` is what they are called */
export async function gunzip(bytes: Uint8Array, limit: number, name: string): Promise<Uint8Array> {
  try {
    return await collect(through(bytes, new DecompressionStream('gzip')), limit);
  } catch (cause) {
    throw new PlinthError('input', 'gzip', `${name}: cannot be unpacked, it is damaged: load the page again`, {
      cause,
    });
  }
}

function through(bytes: Uint8Array, transform: GenericTransformStream): ReadableStream<Uint8Array> {
  // A view of shared memory would be refused, and a snapshot's sections are none.
  return new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(transform as ReadableWritablePair);
}

/** Rejects as soon as there is more than `limit`. */
async function collect(stream: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array> {
  const reader = stream.getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return concatenate(pieces);
    length += value.length;
    if (length > limit) {
      await reader.cancel();
      throw new RangeError('more data than there may be');
    }
    pieces.push(value);
  }
}

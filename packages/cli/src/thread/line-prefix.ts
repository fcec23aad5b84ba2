// SPDX-License-Identifier: Apache-2.0
// Output of several guests on one stream: whole lines, each with its guest's name in front.

import { once } from 'node:events';

const LINE_FEED = 10;
/** A longer line is broken, so that no guest keeps its output from being seen. */
const LONGEST_LINE = 8192;

export class LinePrefix {
  readonly #prefix: Buffer;
  readonly #stream: NodeJS.WritableStream;
  #rest: Buffer = Buffer.alloc(0);

  constructor(name: string, stream: NodeJS.WritableStream) {
    this.#prefix = Buffer.from(`${name}: `);
    this.#stream = stream;
  }

  /** Resolves when there is room for more. */
  async write(bytes: Uint8Array): Promise<void> {
    const all = Buffer.concat([this.#rest, bytes]);
    const pieces: Buffer[] = [];
    let from = 0;
    for (;;) {
      const end = all.indexOf(LINE_FEED, from);
      const to = end < 0 || end - from > LONGEST_LINE ? from + LONGEST_LINE : end;
      if (to >= all.length) break;
      pieces.push(this.#prefix, all.subarray(from, to), Buffer.of(LINE_FEED));
      from = to === end ? to + 1 : to;
    }
    this.#rest = all.subarray(from);
    if (pieces.length > 0 && !this.#stream.write(Buffer.concat(pieces))) await once(this.#stream, 'drain');
  }

  /** Writes a last line that has no end. */
  async end(): Promise<void> {
    if (this.#rest.length > 0) await this.write(Buffer.of(LINE_FEED));
  }
}

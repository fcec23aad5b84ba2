// SPDX-License-Identifier: Apache-2.0
// Files in memory that all threads of a process see: each is read once, whoever runs it. Nobody writes to these bytes;
// what a machine loads is copied into its own RAM.

import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { resolve } from 'node:path';

/** The bytes of a file; throws what the file system throws. */
export type ReadFile = (path: string) => Uint8Array;

/** Into memory of its own. */
export const readPrivately: ReadFile = (path) => readFileSync(path);

export class SharedFiles {
  readonly #contents: Map<string, Uint8Array>;

  /** With what another thread has read already. */
  constructor(contents: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.#contents = new Map(contents);
  }

  /** By full path: for the constructor in another thread, to which this map can be sent. */
  get contents(): ReadonlyMap<string, Uint8Array> {
    return this.#contents;
  }

  readonly read: ReadFile = (path) => {
    const name = resolve(path);
    const known = this.#contents.get(name);
    if (known !== undefined) return known;
    const bytes = readShared(name);
    this.#contents.set(name, bytes);
    return bytes;
  };
}

function readShared(path: string): Uint8Array {
  const file = openSync(path, 'r');
  try {
    const stats = fstatSync(file);
    // What is no plain file, or a file of /proc, has no size that can be relied on.
    if (!stats.isFile() || stats.size === 0) return readFileSync(path);
    const bytes = new Uint8Array(new SharedArrayBuffer(stats.size));
    let length = 0;
    while (length < bytes.length) {
      const count = readSync(file, bytes, length, bytes.length - length, length);
      if (count === 0) break; // cut short meanwhile
      length += count;
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

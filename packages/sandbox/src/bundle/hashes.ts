// SPDX-License-Identifier: Apache-2.0
// The hashes of a program in one file, as text that its launcher reads too: `blocks SIZE of ALL`, and for each block of SIZE bytes the
// SHA-256 of what lies before the hashes, in hexadecimal. The last block is shorter.

import { createHash, type Hash } from 'node:crypto';

export const HASHED_BLOCK: number = 1 << 20;

export interface HashList {
  readonly blockBytes: number;
  readonly hashes: readonly string[];
}

/** Takes bytes in order. */
export class BlockHasher {
  readonly #done: string[] = [];
  #block: Hash = createHash('sha256');
  #inBlock: number = 0;
  #all: number = 0;

  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const piece = bytes.subarray(at, at + HASHED_BLOCK - this.#inBlock);
      this.#block.update(piece);
      at += piece.length;
      this.#inBlock += piece.length;
      if (this.#inBlock === HASHED_BLOCK) this.#next();
    }
    this.#all += bytes.length;
  }

  #next(): void {
    this.#done.push(this.#block.digest('hex'));
    this.#block = createHash('sha256');
    this.#inBlock = 0;
  }

  text(): string {
    if (this.#inBlock > 0) this.#next();
    return `blocks ${HASHED_BLOCK} of ${this.#all}\n${this.#done.map((hash) => `${hash}\n`).join('')}`;
  }
}

/** How many bytes `text` has for so many bytes of a file. */
export function hashesBytes(all: number): number {
  return `blocks ${HASHED_BLOCK} of ${all}\n`.length + 65 * Math.ceil(all / HASHED_BLOCK);
}

/** The list, or in words what is wrong with it. `all` are the bytes that it has to cover. */
export function parseHashes(text: string, all: number): HashList | string {
  const [first = '', ...hashes] = text.split('\n');
  const [, size, covered] = /^blocks (\d{1,15}) of (\d{1,15})$/.exec(first) ?? [];
  if (hashes.pop() !== '' || covered === undefined || hashes.some((hash) => !/^[0-9a-f]{64}$/.test(hash)))
    return 'its list of hashes cannot be read';
  if (Number(size) !== HASHED_BLOCK) return `its blocks are not of ${HASHED_BLOCK} bytes`;
  if (Number(covered) !== all || hashes.length !== Math.ceil(all / HASHED_BLOCK))
    return 'its hashes are not of all that lies before them';
  return { blockBytes: HASHED_BLOCK, hashes };
}

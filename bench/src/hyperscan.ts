// SPDX-License-Identifier: Apache-2.0
// Hyperscan, as Debian has it: a peer of our matcher, and an oracle for its tests.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import type { Match, Pattern } from '@plinth/match';
import { buildProgram } from './c-program.js';

const SOURCE = join(import.meta.dirname, '..', 'match', 'hyperscan.c');

export interface Speed {
  /** Bytes in a second of CPU time. */
  readonly rate: number;
  /** In the text, once. */
  readonly matches: number;
}

export class Hyperscan implements Disposable {
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'plinth-hyperscan-'));

  /** Builds the program; raises a typed error, `host`, where it cannot be had. */
  constructor() {
    try {
      const packages = 'gcc libc6-dev libhyperscan-dev';
      buildProgram({ compiler: 'gcc', source: SOURCE, libraries: ['-lhs'], packages }, this.#program);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  get #program(): string {
    return join(this.#folder, 'hyperscan');
  }

  #run(patterns: readonly Pattern[], chunks: readonly Uint8Array[], ...args: string[]): string {
    const { status, stdout, stderr } = spawnSync(this.#program, args, {
      input: input(patterns, chunks),
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    if (status === 0) return stdout;
    throw new PlinthError('internal', 'bench-hyperscan', stderr.trim());
  }

  /** All matches in the chunks as one stream, by their ends, then by their patterns. */
  find(patterns: readonly Pattern[], chunks: readonly Uint8Array[]): Match[] {
    const lines = this.#run(patterns, chunks, 'matches').split('\n').filter(Boolean);
    const found = lines.map((line): Match => {
      const [pattern, end] = line.split(' ').map(Number);
      return { pattern: pattern!, end: end! };
    });
    return found.sort((a, b) => a.end - b.end || a.pattern - b.pattern);
  }

  /** How fast it goes over a text, again and again for so many seconds of CPU time. */
  speed(patterns: readonly Pattern[], text: Uint8Array, seconds: number): Speed {
    const [bytes, taken, matches] = this.#run(patterns, [text], 'speed', String(seconds)).split(' ').map(Number);
    return { rate: bytes! / taken!, matches: matches! };
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** As hyperscan.c reads it. */
function input(patterns: readonly Pattern[], chunks: readonly Uint8Array[]): Buffer {
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };
  return Buffer.concat([
    number(patterns.length),
    ...patterns.flatMap(({ bytes, nocase }) => [number(nocase ? 1 : 0), number(bytes.length), bytes]),
    number(chunks.length),
    ...chunks.flatMap((chunk) => [number(chunk.length), chunk]),
  ]);
}

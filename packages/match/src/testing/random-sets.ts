// SPDX-License-Identifier: Apache-2.0
// Sets of patterns and texts that are hard on matchers: few letters, patterns inside patterns, texts made of their pieces.

import { foldByte, type Match, type Pattern } from '../pattern.js';

/** A small generator that can be told again: xorshift32. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 1;
  }

  /** 0 to below - 1. */
  below(below: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % below;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }
}

const ALPHABETS = ['ab', 'abAB', 'abcdefABCDEF01', '\u0000\u00ff\u0041\u0061'];

export interface Scene {
  readonly patterns: Pattern[];
  readonly text: Uint8Array;
}

export function randomScene(random: Random): Scene {
  const alphabet = random.below(5) === 0 ? undefined : random.pick(ALPHABETS);
  const byte = (): number =>
    alphabet === undefined ? random.below(256) : alphabet.charCodeAt(random.below(alphabet.length));
  const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, byte);
  const shortest = random.pick([1, 1, 2, 3, 4, 5, 8, 12]);
  const nocase = random.below(3);
  const patterns: Pattern[] = [];
  const count = 1 + random.below(random.pick([3, 20, 200]));
  while (patterns.length < count) {
    const length = shortest + random.below(random.pick([1, 4, 12]));
    const from = patterns.length > 0 && random.below(3) === 0 ? random.pick(patterns).bytes : undefined;
    // A piece of another pattern, or one that goes on behind it.
    const piece =
      from === undefined
        ? bytes(length)
        : random.below(2) === 0
          ? from.subarray(random.below(from.length))
          : Uint8Array.of(...from, ...bytes(1 + random.below(4)));
    if (piece.length < shortest) continue;
    patterns.push({ bytes: piece, nocase: nocase === 2 ? random.below(2) === 0 : nocase === 1 });
  }
  const parts: number[] = [];
  const size = random.pick([0, 3, 50, 2000]);
  while (parts.length < size) {
    if (random.below(2) === 0) parts.push(...bytes(1 + random.below(20)));
    else {
      const { bytes: whole } = random.pick(patterns);
      const upper = random.below(2) === 0;
      const piece = whole.subarray(0, 1 + random.below(whole.length));
      parts.push(
        ...piece.map((value) =>
          upper && foldByte(value) === value && value >= 0x61 && value <= 0x7a ? value - 32 : value,
        ),
      );
    }
  }
  return { patterns, text: Uint8Array.from(parts) };
}

/** By comparing every pattern everywhere. */
export function findNaively(patterns: readonly Pattern[], text: Uint8Array): Match[] {
  const found: Match[] = [];
  for (let end = 1; end <= text.length; end++) {
    patterns.forEach(({ bytes, nocase }, pattern) => {
      const from = end - bytes.length;
      if (from < 0) return;
      for (let n = 0; n < bytes.length; n++) {
        const [a, b] = [text[from + n]!, bytes[n]!];
        if (a !== b && !(nocase && foldByte(a) === foldByte(b))) return;
      }
      found.push({ pattern, end });
    });
  }
  return found;
}

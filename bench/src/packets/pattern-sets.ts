// SPDX-License-Identifier: Apache-2.0
// Sets of patterns for benchmark `packets`: seeded samples of the OWASP phrase files, and beyond what those have, phrases that are
// made with the same lengths and the same letters.

import { foldByte, type Pattern } from '@plinth/match';
import type { Phrase } from './owasp-phrases.js';

export const SIZES = [10, 100, 1000, 10_000] as const;

/** `long` has no pattern of less than 8 bytes. */
export type SetKind = 'owasp' | 'long';

export const LEAST_LENGTH: Readonly<Record<SetKind, number>> = { owasp: 2, long: 8 };

/** Of the phrases that are made for `owasp`, one in as many has two bytes: there are rule sets that have some. */
const TWO_BYTES_IN = 200;

/** The same for the same arguments: all of them different, whatever the case of their letters. */
export function patternSet(phrases: readonly Phrase[], kind: SetKind, count: number, seed: number): Pattern[] {
  const random = mulberry(seed);
  const known = new Set<string>();
  const isNew = (bytes: Uint8Array): boolean => {
    const key = String.fromCharCode(...bytes.map(foldByte));
    if (bytes.length < LEAST_LENGTH[kind] || known.has(key)) return false;
    known.add(key);
    return true;
  };
  const all = phrases.map(({ bytes }) => bytes).filter(isNew);
  const sample: Uint8Array[] = [];
  while (sample.length < count && all.length > 0) {
    const at = Math.floor(random() * all.length);
    sample.push(all[at]!);
    all[at] = all.at(-1)!;
    all.pop();
  }
  const letters = Buffer.concat(phrases.map(({ bytes }) => bytes));
  const given = sample.map(({ length }) => length);
  while (sample.length < count) {
    const two = kind === 'owasp' && random() < 1 / TWO_BYTES_IN;
    const length = two ? 2 : given[Math.floor(random() * given.length)]!;
    const bytes = Uint8Array.from({ length }, () => letters[Math.floor(random() * letters.length)]!);
    if (isNew(bytes)) sample.push(bytes);
  }
  return sample.map((bytes) => ({ bytes, nocase: true }));
}

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function mulberry(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

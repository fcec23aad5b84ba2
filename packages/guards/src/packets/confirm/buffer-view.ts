// SPDX-License-Identifier: Apache-2.0
// What a condition looks in, and what it answers.

/** Bytes of a buffer. Of one that is not complete more may come: what is not in it yet may still be. */
export interface BufferView {
  readonly bytes: Uint8Array;
  readonly complete: boolean;
}

/** `unknown`: what is at hand does not decide it. */
export type Outcome = 'match' | 'none' | 'unknown';

export const EMPTY: Uint8Array = new Uint8Array(0);

/** All of them have to match. */
export function every(outcomes: Iterable<Outcome>): Outcome {
  let all: Outcome = 'match';
  for (const outcome of outcomes) {
    if (outcome === 'none') return 'none';
    if (outcome === 'unknown') all = 'unknown';
  }
  return all;
}

/** One of them has to match. */
export function some(outcomes: Iterable<Outcome>): Outcome {
  let any: Outcome = 'none';
  for (const outcome of outcomes) {
    if (outcome === 'match') return 'match';
    if (outcome === 'unknown') any = 'unknown';
  }
  return any;
}

/** Of a string whose characters are bytes each. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

export function join(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

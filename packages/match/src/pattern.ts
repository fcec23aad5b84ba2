// SPDX-License-Identifier: Apache-2.0
// What is looked for: byte strings, with or without regard to the case of ASCII letters.

import { PlinthError } from '@plinth/core';

export interface Pattern {
  /** At least one byte. */
  readonly bytes: Uint8Array;
  /** A-Z and a-z are the same. */
  readonly nocase: boolean;
}

/** An occurrence. Positions count from the beginning of the stream. */
export interface Match {
  /** Index in the list of patterns. */
  readonly pattern: number;
  /** Of the first byte behind the occurrence. */
  readonly end: number;
}

/** Bytes of the longest pattern that is taken: a seam of two chunks has to keep as many. */
export const LONGEST_PATTERN = 0xffff;

/** Raises what a list of patterns cannot have. */
export function checkPatterns(patterns: readonly Pattern[]): void {
  patterns.forEach(({ bytes }, index) => {
    if (bytes.length > 0 && bytes.length <= LONGEST_PATTERN) return;
    const what = bytes.length === 0 ? 'is empty' : `has ${bytes.length} bytes`;
    throw new PlinthError(
      'input',
      'pattern-length',
      `pattern ${index} ${what}: a pattern has 1 to ${LONGEST_PATTERN} bytes`,
    );
  });
}

/** A-Z to a-z. */
export function foldByte(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

/** The other case of an ASCII letter, or the byte itself. */
export function otherCase(byte: number): number {
  const folded = foldByte(byte);
  if (folded < 0x61 || folded > 0x7a) return byte;
  return byte === folded ? byte - 0x20 : folded;
}

// SPDX-License-Identifier: Apache-2.0
// Torture tests that fail on the reference for reasons that lie in the test, newlib or the compiler.

export interface KnownFailure {
  /** Path below the suite's folder, without `.c`. */
  readonly test: string;
  /** All modes unless given. */
  readonly modes?: readonly string[];
  readonly reason: string;
}

export const KNOWN_FAILURES: readonly KnownFailure[] = [
  { test: 'pr78622', reason: 'newlib 3.3 as Debian builds it has no C99 formats: %hhd prints the whole int' },
];

/** The entry for a test in a mode. */
export function knownFailure(test: string, mode: string): KnownFailure | undefined {
  return KNOWN_FAILURES.find((known) => known.test === test && (known.modes?.includes(mode) ?? true));
}

// SPDX-License-Identifier: Apache-2.0
// The one error type that outside input and host limits may raise. A message says what, where and how to mend it,
// in one line; the shell maps `kind` to an exit status.

/**
 * - `input`: wrong use or an unusable input (exit status 2)
 * - `host`: this host cannot do it (exit status 3)
 * - `internal`: a broken invariant of our own
 */
export type PlinthErrorKind = 'input' | 'host' | 'internal';

/** Raised for host and input failures only; what a guest does wrong is a value, never an exception. */
export class PlinthError extends Error {
  readonly kind: PlinthErrorKind;
  /** Stable, machine-readable name of the failure, for example `elf-truncated`. */
  readonly code: string;

  constructor(kind: PlinthErrorKind, code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'PlinthError';
    this.kind = kind;
    this.code = code;
  }
}

/** Throws when one of our own invariants is broken: a bug of ours, not of a guest or of an input. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new PlinthError('internal', 'assertion', message);
}

// SPDX-License-Identifier: Apache-2.0
// A file operation that failed, as its caller in another process is told: by an error number. It is part of usual work (a file that is not
// there), so it never becomes an error of Plinth's own.

import { errorName } from '../bpf/refusal.js';
import type { Result } from '../system-calls.js';

export class FileError extends Error {
  /** Positive, as FILE_ERROR has it. */
  readonly number: number;

  constructor(number: number) {
    super(errorName(number));
    this.name = 'FileError';
    this.number = number;
  }
}

/** The result of a call that has to succeed. @throws FileError */
export function done(result: Result): number {
  if (result < 0) throw new FileError(-result);
  return result;
}

// SPDX-License-Identifier: Apache-2.0
// Where a run's findings go besides the user's eyes: `--events FILE`, as JSON lines.

import { closeSync, openSync, writeSync } from 'node:fs';
import { type Finding, PlinthError } from '@plinth/core';
import { reasonOf } from '../host/reason.js';

/** How the user wants to see a run. */
export interface RunOutput {
  readonly json: boolean;
  /** File for findings, `-` for standard output. */
  readonly events?: string;
}

/** Findings as JSON lines, written at once so that none is lost whatever happens next. */
export class EventLog implements Disposable {
  readonly #path: string;
  readonly #fd: number | undefined;

  constructor(path: string | undefined) {
    this.#path = path ?? '-';
    if (path === undefined || path === '-') {
      this.#fd = path === undefined ? undefined : 1;
      return;
    }
    try {
      this.#fd = openSync(path, 'a');
    } catch (cause) {
      throw new PlinthError('input', 'events-file', `events: ${path}: cannot be written: ${reasonOf(cause)}`, {
        cause,
      });
    }
  }

  write(finding: Finding): void {
    if (this.#fd === undefined) return;
    const bytes = Buffer.from(`${JSON.stringify(finding)}\n`);
    try {
      for (let done = 0; done < bytes.length;) done += writeSync(this.#fd, bytes, done);
    } catch (cause) {
      // A run that should be recorded and is not goes no further.
      throw new PlinthError('host', 'events-file', `events: ${this.#path}: cannot be written: ${reasonOf(cause)}`, {
        cause,
      });
    }
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined && this.#fd > 2) closeSync(this.#fd);
  }
}

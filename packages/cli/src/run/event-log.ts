// SPDX-License-Identifier: Apache-2.0
// Where a run's findings go besides the user's eyes: `--events FILE`, as JSON lines.

import { closeSync, openSync, writeSync } from 'node:fs';
import { type Finding, PlinthError } from '@plinth/core';

/** How the user wants to see a run. */
export interface RunOutput {
  readonly json: boolean;
  /** File for findings, `-` for standard output. */
  readonly events?: string;
}

/** Findings as JSON lines, written at once so that none is lost whatever happens next. */
export class EventLog implements Disposable {
  readonly #fd: number | undefined;

  constructor(path: string | undefined) {
    if (path === undefined || path === '-') {
      this.#fd = path === undefined ? undefined : 1;
      return;
    }
    try {
      this.#fd = openSync(path, 'a');
    } catch (cause) {
      throw new PlinthError('input', 'events-file', `events: ${path}: cannot be written: ${(cause as Error).message}`, {
        cause,
      });
    }
  }

  write(finding: Finding): void {
    if (this.#fd !== undefined) writeSync(this.#fd, `${JSON.stringify(finding)}\n`);
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined && this.#fd > 2) closeSync(this.#fd);
  }
}

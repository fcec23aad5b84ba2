// SPDX-License-Identifier: Apache-2.0
// What passes between a machine's thread (machine-thread.ts) and the one that has started it (machine-worker.ts).

import type { Finding, PlinthError } from '@plinth/core';
import type { RunExit, RunResult, RunSpec } from '@plinth/machine';

/** All that a thread begins with; the bytes and the module are shared, not copied. */
export interface MachineJob {
  readonly spec: RunSpec;
  /** Contents of files that the run reads, by full path. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly interpreter: WebAssembly.Module;
  /** Someone may type at the console, so a machine that only waits does not end the run. */
  readonly live: boolean;
  /** Word 0 becomes 1 once the machine is gone and everything that it wrote has been stored. */
  readonly gone: Int32Array;
}

export type ToMachine =
  | { readonly kind: 'input'; readonly bytes: Uint8Array }
  /** So many bytes of console output have been taken. */
  | { readonly kind: 'taken'; readonly count: number }
  | { readonly kind: 'leave' };

export interface MachineEnd {
  readonly result: RunResult;
  /** How the machine ended; with `exec`, `result.exit` is how the command did. */
  readonly machineExit: RunExit;
  /** The last lines before the command of `exec`. */
  readonly bootTail: string;
}

/** A PlinthError as what can be sent. */
export type Failure = Pick<PlinthError, 'kind' | 'code' | 'message'>;

export type FromMachine =
  /** Console output; with `exec`, standard output of the command. */
  | { readonly kind: 'output'; readonly bytes: Uint8Array }
  /** Standard error of the command, or of a program by semihosting. */
  | { readonly kind: 'errors'; readonly bytes: Uint8Array }
  /** A line for the user. */
  | { readonly kind: 'say'; readonly line: string }
  | { readonly kind: 'finding'; readonly finding: Finding }
  | { readonly kind: 'end'; readonly end: MachineEnd }
  | { readonly kind: 'failed'; readonly failure: Failure };

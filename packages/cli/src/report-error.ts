// SPDX-License-Identifier: Apache-2.0
// One line for each failure, and the exit status that goes with it. A stack trace only with PLINTH_DEBUG=1.

import { PlinthError } from '@plinth/core';
import { hostTrouble } from './host/reason.js';

/** Exit statuses of every verb. */
export const EXIT = {
  clean: 0,
  /** Something was found, or the guest's command failed. */
  found: 1,
  /** Wrong use, or an unusable input. */
  input: 2,
  /** This host cannot do it. */
  host: 3,
  /** Our own failure where a program's status is passed on, as in Docker. */
  ours: 125,
} as const;

/** Prints the failure, of one guest among several if it has a name, to standard error; gives the exit status for it. */
export function reportError(error: unknown, guest?: string): number {
  const failure = error instanceof PlinthError ? error : (hostTrouble(error) ?? error);
  const known = failure instanceof PlinthError;
  const message = failure instanceof Error ? failure.message : String(failure);
  const line = message.replace(/\s*\n\s*/g, '; ').replace(/\p{Cc}/gu, '?');
  const ours = !known || failure.kind === 'internal';
  const suffix = ours ? ' (this is a mistake in Plinth: please report it, with the output of PLINTH_DEBUG=1)' : '';
  process.stderr.write(`plinth: ${guest === undefined ? '' : `${guest}: `}${line}${suffix}\n`);
  if (process.env['PLINTH_DEBUG'] === '1' && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  return known && failure.kind === 'host' ? EXIT.host : EXIT.input;
}

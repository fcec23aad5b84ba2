// SPDX-License-Identifier: Apache-2.0
// A command in a workspace that somebody waits for. It has our terminal, and it ends when we do, whatever ends us.

import { spawn, type StdioOptions } from 'node:child_process';
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { PlinthError } from '@plinth/core';
import { takeSignals } from '../host/take-signals.js';
import { environmentRecord } from './environment.js';

/** What a terminal sends to both of us is the command's affair. */
const TERMINAL_SIGNALS = { SIGINT: () => undefined, SIGQUIT: () => undefined };

export interface EndOptions {
  /** A socket, which is the child's from then on: it has it as WATCHER_DESCRIPTOR. */
  readonly watcher?: number | undefined;
  /** Where its standard output goes, as a descriptor of ours. */
  readonly output?: number;
}

/** Gives its status, 128 and the signal if one has ended it. */
export async function runToEnd(
  launcher: string,
  words: readonly string[],
  environment: readonly string[],
  { watcher, output = 1 }: EndOptions,
): Promise<number> {
  const stdio: StdioOptions = ['inherit', output, 'inherit', ...(watcher === undefined ? [] : [watcher])];
  // The kernel sees to it that the launch program goes with us, and that all behind it goes with that.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', launcher, ...words], {
    stdio,
    env: environmentRecord(environment),
  });
  if (watcher !== undefined) closeSync(watcher);
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  process.prependOnceListener('exit', kill);
  try {
    const end = new Promise<number>((resolve, reject) => {
      child.once('error', (cause) =>
        reject(new PlinthError('host', 'no-program', 'setpriv: package util-linux is needed', { cause })),
      );
      child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
    });
    return await takeSignals(TERMINAL_SIGNALS, () => end);
  } finally {
    process.removeListener('exit', kill);
  }
}

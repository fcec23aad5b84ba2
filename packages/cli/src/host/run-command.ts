// SPDX-License-Identifier: Apache-2.0
// Runs a program of the host to its end, without a shell, and collects what it prints.

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { PlinthError } from '@plinth/core';
import { takeSignals } from './take-signals.js';

export interface CommandResult {
  readonly status: number;
  readonly output: Uint8Array;
  /** `output` as text. */
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  /** Added to our own environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What to say if the program does not exist: what is missing and how to get it. */
  readonly missing: string;
  /** Called with each whole line of standard output while the program runs. */
  readonly onLine?: (line: string) => void;
  /** Called once in a second while the program runs; what it throws ends the program, and is thrown by `run`. */
  readonly watch?: () => void;
}

const WATCH_INTERVAL = 1000;

/** A status other than 0 is for the caller to judge; a program that cannot be started is a `host` error. */
export async function run(program: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const child = spawn(program, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = (): void => {
    child.kill();
  };
  process.once('exit', stop);
  const output: Buffer[] = [];
  let line = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output.push(chunk);
    if (options.onLine === undefined) return;
    const lines = (line + chunk.toString('latin1')).split('\n');
    line = lines.pop() ?? '';
    lines.forEach(options.onLine);
  });
  let trouble: unknown;
  const { watch } = options;
  const timer =
    watch === undefined
      ? undefined
      : setInterval(() => {
          try {
            watch();
          } catch (error) {
            trouble ??= error;
            child.kill('SIGKILL');
          }
        }, WATCH_INTERVAL);
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  try {
    const status = await new Promise<number>((resolve, reject) => {
      child.once('error', (cause) =>
        reject(new PlinthError('host', 'no-program', `${program}: ${options.missing}`, { cause })),
      );
      child.once('close', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
    });
    if (trouble !== undefined) throw trouble;
    const bytes = Buffer.concat(output);
    return { status, output: bytes, stdout: options.onLine === undefined ? bytes.toString('latin1') : '', stderr };
  } finally {
    clearInterval(timer);
    process.removeListener('exit', stop);
  }
}

/**
 * Runs a program on our own streams and gives its exit status, 128 + n if signal n ended it. It may do with a signal what it likes, and
 * we end after it: a terminal sends its own to both, the others are passed on.
 */
export async function passThrough(program: string, args: readonly string[], cwd: string): Promise<number> {
  const child = spawn(program, args, { cwd, stdio: 'inherit' });
  const stop = (): void => {
    child.kill();
  };
  process.once('exit', stop);
  const answers = {
    SIGINT: () => undefined,
    SIGQUIT: () => undefined,
    SIGTERM: () => child.kill('SIGTERM'),
    SIGHUP: () => child.kill('SIGHUP'),
  };
  try {
    const end = new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
    });
    return await takeSignals(answers, () => end);
  } finally {
    process.removeListener('exit', stop);
  }
}

// SPDX-License-Identifier: Apache-2.0
// `plinth run` in a process of its own, with a shell at the other end of its standard streams: what is awaited is searched
// for behind what was seen before.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { PLINTH } from './guest.js';

/** Milliseconds in which what is awaited comes on the slowest of hosts. */
const HANG = 1_200_000;

export class LiveGuest implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<void>;
  #unseen: string = '';
  #cpuSeconds: number = 0;
  /** Standard error. */
  errors: string = '';

  /** `options` are those of `plinth run`; `within` a program, with its arguments, that becomes what it is told to run. */
  constructor(options: readonly string[], within: readonly string[] = []) {
    const [program = '', ...args] = [...within, process.execPath, PLINTH, 'run', ...options];
    this.#child = spawn(program, args);
    this.#child.stdout.setEncoding('latin1').on('data', (text: string) => (this.#unseen += text));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
    // The guest may switch off while it is written to.
    this.#child.stdin.on('error', () => undefined);
    this.#ended = new Promise((resolve) => this.#child.once('close', () => resolve()));
  }

  /** User and system, of all threads, up to now; of a process that has ended, up to when it was last asked or awaited. */
  get cpuSeconds(): number {
    try {
      // proc(5): fields 14 and 15, in hundredths of a second. The name in field 2 may have blanks.
      const fields = readFileSync(`/proc/${this.#child.pid!}/stat`, 'latin1')
        .replace(/^.*\) /, '')
        .split(' ');
      this.#cpuSeconds = (Number(fields[11]) + Number(fields[12])) / 100;
    } catch {
      // It has ended.
    }
    return this.#cpuSeconds;
  }

  pause(): Promise<void> {
    return sleep(20);
  }

  /** Waits for a text of the console, and gives all that came before it. */
  async until(text: string): Promise<string> {
    for (const begun = performance.now(); ;) {
      const at = this.#unseen.indexOf(text);
      if (at >= 0) {
        const before = this.#unseen.slice(0, at);
        this.#unseen = this.#unseen.slice(at + text.length);
        return before;
      }
      const hangs = performance.now() - begun > HANG;
      if (hangs || this.#child.exitCode !== null || this.#child.signalCode !== null) {
        if (!hangs) await this.#ended;
        if (this.#unseen.includes(text)) continue;
        const why = hangs ? 'hangs' : 'ended';
        throw new Error(`${why} before "${text}" was seen in:\n${this.#unseen}\n${this.errors}`);
      }
      void this.cpuSeconds;
      await this.pause();
    }
  }

  type(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** What a command prints, of whatever the shell and the terminal say around it. */
  async run(command: string): Promise<string> {
    // In two pieces, so that the echo of the line has neither.
    this.type(`echo "com""mand"; ${command}; echo "com""pleted"`);
    await this.until('command\r\n');
    return (await this.until('completed\r\n')).replaceAll('\r', '');
  }

  /** Waits for the end of the process. */
  async end(): Promise<number | null> {
    await this.#ended;
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

// SPDX-License-Identifier: Apache-2.0
// `plinth run` in a process of its own, with a shell at the other end of its standard streams: what is awaited is searched
// for behind what was seen before.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { PLINTH } from './guest.js';

export class LiveGuest implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<void>;
  #unseen: string = '';
  /** Standard error. */
  errors: string = '';

  /** `options` are those of `plinth run`. */
  constructor(options: readonly string[]) {
    this.#child = spawn(process.execPath, [PLINTH, 'run', ...options]);
    this.#child.stdout.setEncoding('latin1').on('data', (text: string) => (this.#unseen += text));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
    // The guest may switch off while it is written to.
    this.#child.stdin.on('error', () => undefined);
    this.#ended = new Promise((resolve) => this.#child.once('close', () => resolve()));
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Waits for a text of the console, and gives all that came before it. */
  async until(text: string): Promise<string> {
    for (;;) {
      const at = this.#unseen.indexOf(text);
      if (at >= 0) {
        const before = this.#unseen.slice(0, at);
        this.#unseen = this.#unseen.slice(at + text.length);
        return before;
      }
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        await this.#ended;
        if (this.#unseen.includes(text)) continue;
        throw new Error(`ended before "${text}" was seen in:\n${this.#unseen}\n${this.errors}`);
      }
      await sleep(20);
    }
  }

  type(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** What a command prints, between the echo of its line and the prompt. */
  async run(command: string, prompt: string): Promise<string> {
    this.type(command);
    await this.until('\n');
    return (await this.until(prompt)).replaceAll('\r', '');
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

// SPDX-License-Identifier: Apache-2.0
// The console on our own standard input and output. On a terminal it is raw, so that every key reaches the guest; it is
// restored on every way out: return, exception, signal.

import type { Console, ConsoleEvents } from '@plinth/machine';
import { EscapeKeys, ESCAPE_HELP } from './escape-keys.js';
import { flush } from './console.js';

export class StdioConsole implements Console {
  readonly live: boolean;
  readonly #stdin: NodeJS.ReadStream = process.stdin;
  readonly #output: NodeJS.WritableStream;
  readonly #keys: EscapeKeys = new EscapeKeys();
  readonly #raw: () => void = () => this.#stdin.setRawMode(true);
  readonly #restore: () => void = () => this.#stdin.setRawMode(false);
  readonly #onData: (bytes: Uint8Array) => void = (bytes) => this.#typed(bytes);
  readonly #processes: () => string;
  #events: ConsoleEvents | undefined;
  #atLineStart: boolean = true;

  /** `processes` gives the text for Ctrl-A P. */
  constructor(output: NodeJS.WritableStream, processes: () => string) {
    this.#output = output;
    this.#processes = processes;
    this.live = this.#stdin.isTTY;
  }

  start(events: ConsoleEvents): void {
    this.#events = events;
    if (this.live) {
      this.#raw();
      // 'exit' also follows the signals that main.ts turns into process.exit.
      process.once('exit', this.#restore);
      process.on('SIGCONT', this.#raw);
    }
    this.#stdin.on('data', this.#onData);
    this.#stdin.once('error', () => events.leave());
    if (this.live) this.#stdin.once('end', () => events.leave());
  }

  #typed(bytes: Uint8Array): void {
    const events = this.#events;
    if (events === undefined) return;
    if (!this.live) {
      events.input(bytes);
      return;
    }
    const { forward, commands } = this.#keys.push(bytes);
    if (forward.length > 0) events.input(forward);
    for (const command of commands) {
      if (command === 'leave') events.leave();
      else if (command === 'save') events.save();
      else this.#tell(command === 'processes' ? this.#processes() : ESCAPE_HELP);
    }
  }

  #tell(text: string): void {
    this.#output.write(`\r\n${text.replaceAll('\n', '\r\n')}\r\n`);
  }

  write(bytes: Uint8Array): boolean {
    this.#atLineStart = bytes.at(-1) === 0x0a;
    const room = this.#output.write(bytes);
    if (!room) this.#output.once('drain', () => this.#events?.drain());
    return room;
  }

  async close(): Promise<void> {
    this.#stdin.off('data', this.#onData);
    this.#stdin.pause();
    // A pipe that nobody has closed would keep this process alive.
    this.#stdin.unref?.();
    // Whoever left in the middle of a line gets the prompt of their own shell on a new one.
    if (this.live && !this.#atLineStart) this.#output.write('\r\n');
    await flush(this.#output);
    if (!this.live) return;
    process.off('SIGCONT', this.#raw);
    process.off('exit', this.#restore);
    this.#restore();
  }
}

// SPDX-License-Identifier: Apache-2.0
// What is going on, on standard error: one line that is rewritten on a terminal, plain lines elsewhere.

export interface Progress {
  /** A new step begins; elsewhere than on a terminal this is the only thing printed. */
  step(text: string): void;
  /** Detail of the current step; `fraction` is between 0 and 1. */
  update(text: string, fraction?: number): void;
  warn(text: string): void;
  /** Leaves the last step's text on its line. */
  done(): void;
}

export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export class LineProgress implements Progress {
  readonly #stream: ProgressStream;
  #step: string = '';
  #shown: boolean = false;

  constructor(stream: ProgressStream) {
    this.#stream = stream;
  }

  step(text: string): void {
    if (this.#stream.isTTY !== true) {
      this.#stream.write(`${text}\n`);
      return;
    }
    this.done();
    this.#step = text;
    this.#rewrite(text);
  }

  update(text: string, fraction?: number): void {
    if (this.#stream.isTTY !== true) return;
    this.#rewrite(`${this.#step}: ${text}${fraction === undefined ? '' : ` ${Math.round(fraction * 100)} %`}`);
  }

  warn(text: string): void {
    this.done();
    this.#stream.write(`plinth: warning: ${text}\n`);
  }

  done(): void {
    if (!this.#shown) return;
    this.#rewrite(this.#step);
    this.#stream.write('\n');
    this.#shown = false;
  }

  #rewrite(text: string): void {
    this.#stream.write(`\r\x1b[K${text.slice(0, (this.#stream.columns ?? 80) - 1)}`);
    this.#shown = true;
  }
}

// SPDX-License-Identifier: Apache-2.0
// What a command of `--exec` prints, on its way from the guest's console to our own streams.

import { ExecFrameParser } from './exec-frame.js';

/** Takes the command's output out of the console: to our own streams, or kept for the JSON result. */
export class ExecCapture {
  readonly #parser: ExecFrameParser;
  readonly #output: Buffer[] = [];
  readonly #errors: Buffer[] = [];

  constructor(marker: string, keep: boolean) {
    const into = (kept: Buffer[], stream: NodeJS.WriteStream) => (bytes: Uint8Array) => {
      const copy = Buffer.from(bytes);
      if (keep) kept.push(copy);
      else stream.write(copy);
    };
    this.#parser = new ExecFrameParser(marker, {
      output: into(this.#output, process.stdout),
      errors: into(this.#errors, process.stderr),
    });
  }

  /** True when everything has come. */
  push(bytes: Uint8Array): boolean {
    this.#parser.push(bytes);
    return this.#parser.phase === 'end';
  }

  get exit(): { readonly kind: 'exit'; readonly status: number } | undefined {
    const { phase, exitStatus } = this.#parser;
    return phase === 'end' && exitStatus !== undefined ? { kind: 'exit', status: exitStatus } : undefined;
  }

  get bootTail(): string {
    return this.#parser.bootTail;
  }

  get texts(): { readonly output: string; readonly errors: string } {
    return { output: Buffer.concat(this.#output).toString(), errors: Buffer.concat(this.#errors).toString() };
  }
}

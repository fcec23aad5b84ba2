// SPDX-License-Identifier: Apache-2.0
// Takes the output of one command out of a console. The guest's /init (image/init-script.ts) writes
//   [plinth MARKER begin]\n OUTPUT [plinth MARKER status N]\n ERRORS [plinth MARKER end]\n
// on a transparent line; the marker is random, so nothing that the command prints by accident looks like a frame.
// Bytes are handed on as soon as they cannot belong to a mark. What comes before the frame is kept back, bounded.

export interface ExecFrameSink {
  /** Standard output of the command; the bytes are only good during the call. */
  output(bytes: Uint8Array): void;
  /** Standard error of the command, which comes after its output. */
  errors(bytes: Uint8Array): void;
}

/** `boot`: the command has not begun; `end`: everything has come. */
export type ExecPhase = 'boot' | 'output' | 'status' | 'errors' | 'end';

const BOOT_TAIL = 4096;
const MAX_STATUS_DIGITS = 10;

export class ExecFrameParser {
  readonly #sink: ExecFrameSink;
  readonly #begin: Buffer;
  readonly #status: Buffer;
  readonly #end: Buffer;
  #phase: ExecPhase = 'boot';
  #pending: Buffer = Buffer.alloc(0);
  #boot: Buffer = Buffer.alloc(0);
  #exitStatus: number | undefined;

  constructor(marker: string, sink: ExecFrameSink) {
    this.#sink = sink;
    this.#begin = Buffer.from(`[plinth ${marker} begin]\n`);
    this.#status = Buffer.from(`[plinth ${marker} status `);
    this.#end = Buffer.from(`[plinth ${marker} end]\n`);
  }

  get phase(): ExecPhase {
    return this.#phase;
  }

  /** What the command left with, once that is known; 128 + n if signal n ended it. */
  get exitStatus(): number | undefined {
    return this.#exitStatus;
  }

  /** The last lines before the command began, for when it never does. */
  get bootTail(): string {
    return this.#boot.toString('latin1');
  }

  push(bytes: Uint8Array): void {
    this.#pending = this.#pending.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#pending, bytes]);
    while (this.#step());
  }

  /** True if a mark was passed, so that there may be more to do. */
  #step(): boolean {
    switch (this.#phase) {
      case 'boot':
        return this.#passUntil(this.#begin, 'output', (bytes) => {
          this.#boot = Buffer.concat([this.#boot, bytes]).subarray(-BOOT_TAIL);
        });
      case 'output':
        return this.#passUntil(this.#status, 'status', (bytes) => this.#sink.output(bytes));
      case 'status':
        return this.#readStatus();
      case 'errors':
        return this.#passUntil(this.#end, 'end', (bytes) => this.#sink.errors(bytes));
      case 'end':
        this.#pending = Buffer.alloc(0);
        return false;
    }
  }

  #passUntil(mark: Buffer, next: ExecPhase, pass: (bytes: Uint8Array) => void): boolean {
    const at = this.#pending.indexOf(mark);
    const ready = at >= 0 ? at : this.#pending.length - partialLength(this.#pending, mark);
    if (ready > 0) pass(this.#pending.subarray(0, ready));
    this.#pending = this.#pending.subarray(at >= 0 ? at + mark.length : ready);
    if (at >= 0) this.#phase = next;
    return at >= 0;
  }

  #readStatus(): boolean {
    const end = this.#pending.indexOf(']\n');
    if (end < 0 && this.#pending.length <= MAX_STATUS_DIGITS + 1) return false;
    const digits = this.#pending.toString('latin1', 0, Math.max(end, 0));
    // Only our own init writes here, so anything else means that the frame is broken: the command counts as failed.
    this.#exitStatus = /^\d{1,10}$/.test(digits) ? Number(digits) : 255;
    this.#pending = this.#pending.subarray(end < 0 ? this.#pending.length : end + 2);
    this.#phase = 'errors';
    return true;
  }
}

/** Length of the longest end of `bytes` that `mark` begins with, short of the whole mark. */
function partialLength(bytes: Buffer, mark: Buffer): number {
  for (let length = Math.min(mark.length - 1, bytes.length); length > 0; length--) {
    if (bytes.compare(mark, 0, length, bytes.length - length) === 0) return length;
  }
  return 0;
}

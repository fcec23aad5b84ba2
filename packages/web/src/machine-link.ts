// SPDX-License-Identifier: Apache-2.0
// The page's end of the worker: requests as promises, everything else as calls of a listener.

import type { Command, MachineState, Report, Request, TerminalSize } from './protocol.js';

export interface MachineListener {
  output(bytes: Uint8Array): void;
  state(state: MachineState): void;
  progress(text: string, fraction: number): void;
  finding(message: string): void;
  /** The worker itself has failed: nothing will come any more. */
  broken(message: string): void;
}

interface Asked {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class MachineLink {
  readonly #worker: Worker;
  readonly #asked = new Map<number, Asked>();
  #lastId: number = 0;

  constructor(listener: MachineListener) {
    this.#worker = new Worker(new URL('./worker/worker.ts', import.meta.url), { type: 'module', name: 'plinth' });
    this.#worker.addEventListener('message', ({ data }: MessageEvent<Report>) => this.#take(data, listener));
    this.#worker.addEventListener('error', (event) => {
      const message = `the machine’s thread failed: ${event.message || 'it could not be loaded'}`;
      for (const asked of this.#asked.values()) asked.reject(new Error(message));
      this.#asked.clear();
      listener.broken(message);
    });
  }

  /** Rejects with an error of one line. */
  ask(request: Request): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      this.#post({ kind: 'request', id, request });
    });
  }

  input(bytes: Uint8Array): void {
    this.#post({ kind: 'input', bytes });
  }

  resized(size: TerminalSize): void {
    this.#post({ kind: 'size', size });
  }

  /** So much of the output is on the terminal. */
  shown(bytes: number): void {
    this.#post({ kind: 'shown', bytes });
  }

  #post(command: Command): void {
    this.#worker.postMessage(command);
  }

  #take(report: Report, listener: MachineListener): void {
    switch (report.kind) {
      case 'output':
        return listener.output(report.bytes);
      case 'state':
        return listener.state(report.state);
      case 'progress':
        return listener.progress(report.text, report.fraction);
      case 'finding':
        return listener.finding(report.message);
      default: {
        const asked = this.#asked.get(report.id);
        this.#asked.delete(report.id);
        if (report.kind === 'answer') asked?.resolve(report.value);
        else asked?.reject(new Error(report.message));
      }
    }
  }
}

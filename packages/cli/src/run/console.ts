// SPDX-License-Identifier: Apache-2.0
// Consoles that take no input: to a stream, and to nowhere.

import type { Console, ConsoleEvents } from '@plinth/machine';

/** Output to a stream, input from nowhere. */
export class OutputConsole implements Console {
  readonly live: boolean = false;
  readonly #stream: NodeJS.WritableStream;
  #events: ConsoleEvents | undefined;

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
  }

  start(events: ConsoleEvents): void {
    this.#events = events;
  }

  write(bytes: Uint8Array): boolean {
    const room = this.#stream.write(bytes);
    if (!room) this.#stream.once('drain', () => this.#events?.drain());
    return room;
  }

  async close(): Promise<void> {
    await flush(this.#stream);
  }
}

export class NullConsole implements Console {
  readonly live: boolean = false;
  start(): void {
    // nothing will come
  }
  write(): boolean {
    return true;
  }
  async close(): Promise<void> {
    // nothing was kept
  }
}

export async function flush(stream: NodeJS.WritableStream): Promise<void> {
  await new Promise<void>((resolve) => {
    stream.write('', () => resolve());
  });
}

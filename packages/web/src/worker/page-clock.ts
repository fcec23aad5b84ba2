// SPDX-License-Identifier: Apache-2.0
// A worker's clock, timers and event loop, for runs; and a pause, in which this clock stands still and a run with it. The
// run is not ended by that, so that nothing that it holds is lost.

import type { HostClock } from '@plinth/machine';

interface Timer {
  /** On this clock. */
  readonly due: number;
  readonly action: () => void;
  handle: ReturnType<typeof setTimeout> | undefined;
}

export class PageClock implements HostClock {
  readonly #channel = new MessageChannel();
  readonly #timers = new Set<Timer>();
  #yielded: (() => void) | undefined;
  /** Where it stands still, while it does. */
  #stopped: number | undefined;
  /** How much it is behind the host's. */
  #behind: number = 0;
  /** The run is before its next slice, and waits for the clock to go on. */
  #held: (() => void) | undefined;
  #onHeld: (() => void) | undefined;

  constructor() {
    // A timer of zero is made one of 4 ms when timers are nested; a message to oneself is not.
    this.#channel.port1.addEventListener('message', () => this.#yielded?.());
    this.#channel.port1.start();
  }

  now(): number {
    return this.#stopped ?? performance.now() - this.#behind;
  }

  after(milliseconds: number, action: () => void): () => void {
    const timer: Timer = { due: this.now() + milliseconds, action, handle: undefined };
    this.#timers.add(timer);
    if (this.#stopped === undefined) this.#arm(timer);
    return () => this.#drop(timer);
  }

  async yield(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#yielded = resolve;
      this.#channel.port2.postMessage(undefined);
    });
    while (this.#stopped !== undefined) {
      await new Promise<void>((resolve) => {
        this.#held = resolve;
        this.#onHeld?.();
      });
    }
  }

  get paused(): boolean {
    return this.#stopped !== undefined;
  }

  /** Resolves when a run, if there is one, executes nothing more. */
  async pause(): Promise<void> {
    if (this.#stopped === undefined) {
      this.#stopped = this.now();
      for (const timer of this.#timers) clearTimeout(timer.handle);
    }
    // A run that sleeps is at rest already.
    if (this.#held !== undefined || this.#timers.size > 0) return;
    await new Promise<void>((resolve) => {
      this.#onHeld = resolve;
    });
    this.#onHeld = undefined;
  }

  resume(): void {
    if (this.#stopped === undefined) return;
    this.#behind = performance.now() - this.#stopped;
    this.#stopped = undefined;
    for (const timer of this.#timers) this.#arm(timer);
    const held = this.#held;
    this.#held = undefined;
    held?.();
  }

  #arm(timer: Timer): void {
    timer.handle = setTimeout(() => {
      this.#timers.delete(timer);
      timer.action();
    }, timer.due - this.now());
  }

  #drop(timer: Timer): void {
    clearTimeout(timer.handle);
    this.#timers.delete(timer);
  }
}

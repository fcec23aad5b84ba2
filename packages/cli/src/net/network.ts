// SPDX-License-Identifier: Apache-2.0
// The wire between a card and a backend: a bounded queue for what comes, a capture of what passes, counts of what is lost.
// Frames enter the machine between slices, through its inputs; they leave it at once.

import { linkPort, type LiveSource, macBytes, type NetSpec, type PacketDirection, VirtioNet } from '@plinth/machine';
import type { NetworkBackend } from './backend.js';
import type { Capture } from './capture.js';

/** Bytes of frames that the guest has not had room for; the other end is asked to wait then. */
const MAX_QUEUED = 4 * 1024 * 1024;
/** Milliseconds after a frame for which more of them are expected. */
const BUSY_TIME = 50;

/** What the wire needs of a machine. */
export interface NetworkMachine {
  /** Nanoseconds since power-on. */
  readonly virtualTime: number;
  send(port: string, bytes: Uint8Array): number;
  /** It does again what it has done: nothing of that is sent, and nothing enters. */
  readonly past?: boolean;
}

export interface NetworkOptions {
  readonly spec: Exclude<NetSpec, { kind: 'none' }>;
  readonly backend: NetworkBackend;
  readonly capture?: Capture;
  /** Asked of each frame, once: one that may not pass is lost on the wire, and is in no capture. */
  readonly guard?: FrameGuard;
  /** Seconds since 1970 at power-on: the capture's times begin there. */
  readonly wallClock: number;
  /** Milliseconds, monotonic. */
  now(): number;
  /** Tells the user of what happened to the network, in one line. */
  say(line: string): void;
}

/** Lets frames pass, or not; `in` is to the guest. */
export interface FrameGuard {
  passes(direction: PacketDirection, frame: Uint8Array): boolean;
}

const CARD = 'net0';

export class Network implements LiveSource, Disposable {
  readonly #options: NetworkOptions;
  #card: VirtioNet | undefined;
  #machine: NetworkMachine | undefined;
  #queue: Uint8Array[] = [];
  #queuedBytes: number = 0;
  #paused: boolean = false;
  #down: boolean = false;
  #lastFrame: number = -Infinity;
  #spoken: boolean = false;
  #wake: () => void = () => undefined;
  /** Frames that were lost: the guest heard nothing yet, or the other end had no room. */
  readonly lost: { in: number; out: number } = { in: 0, out: 0 };

  readonly #close = (): void => this[Symbol.dispose]();

  constructor(options: NetworkOptions) {
    this.#options = options;
    // However we end, short of kill -9.
    process.once('exit', this.#close);
  }

  /** A card for the machine; a second one, of a machine that runs the same beside it, sends to nobody. */
  createCard(): VirtioNet {
    const first = this.#card === undefined;
    const card = new VirtioNet({
      name: CARD,
      mac: macBytes(this.#options.spec.mac),
      mtu: this.#options.spec.mtu,
      onFrame: (frame) => {
        if (first) this.#transmit(frame);
      },
    });
    this.#card ??= card;
    return card;
  }

  connect(machine: NetworkMachine): void {
    this.#machine = machine;
  }

  start(wake: () => void): void {
    this.#wake = wake;
    this.#options.backend.start({
      frame: (frame) => this.#queueFrame(frame),
      down: (why) => {
        this.#down = true;
        this.#options.say(`${why}: the guest’s network is unplugged`);
        this.#wake();
      },
    });
  }

  get busy(): boolean {
    return this.#options.now() - this.#lastFrame < BUSY_TIME;
  }

  get connected(): boolean {
    return this.#spoken && !this.#down;
  }

  get waiting(): boolean {
    return this.#queue.length > 0 || this.#linkDiffers;
  }

  /** A snapshot may be of a card without a link, too. */
  get #linkDiffers(): boolean {
    return this.#card!.linkUp === this.#down;
  }

  offer(): boolean {
    const card = this.#card!;
    const machine = this.#machine!;
    if (machine.past === true) return false;
    let entered = false;
    if (this.#linkDiffers) entered = machine.send(linkPort(CARD), Uint8Array.of(this.#down ? 0 : 1)) > 0;
    let taken = 0;
    for (const frame of this.#queue) {
      // A card that nobody has set up hears nothing; what comes is lost, and does not wait to be heard of later.
      if (!card.listening) this.lost.in++;
      else if (machine.send(CARD, frame) === 0) break;
      else {
        entered = true;
        this.#capture('in', frame);
      }
      taken++;
      this.#queuedBytes -= frame.length;
    }
    this.#queue.splice(0, taken);
    this.#options.capture?.flush();
    if (this.#paused && this.#queuedBytes < MAX_QUEUED / 2) {
      this.#paused = false;
      this.#options.backend.resume();
    }
    return entered;
  }

  #queueFrame(frame: Uint8Array): void {
    this.#lastFrame = this.#options.now();
    // What is dropped here never was an input, so a recording repeats without the guard.
    if (this.#options.guard?.passes('in', frame) === false) return;
    this.#queue.push(frame);
    this.#queuedBytes += frame.length;
    if (this.#queuedBytes > MAX_QUEUED && !this.#paused) {
      this.#paused = true;
      this.#options.backend.pause();
    }
    this.#wake();
  }

  #transmit(frame: Uint8Array): void {
    if (this.#machine?.past === true) return;
    this.#lastFrame = this.#options.now();
    this.#spoken = true;
    if (this.#options.guard?.passes('out', frame) === false) return;
    this.#capture('out', frame);
    if (this.#down || !this.#options.backend.send(frame)) this.lost.out++;
  }

  #capture(direction: 'in' | 'out', frame: Uint8Array): void {
    const { capture, wallClock } = this.#options;
    if (capture === undefined) return;
    const nanoseconds = BigInt(wallClock) * 1_000_000_000n + BigInt(Math.round(this.#machine!.virtualTime));
    capture.add(direction, nanoseconds, frame);
  }

  [Symbol.dispose](): void {
    process.removeListener('exit', this.#close);
    this.#options.backend[Symbol.dispose]();
    this.#options.capture?.[Symbol.dispose]();
  }
}

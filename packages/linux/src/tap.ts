// SPDX-License-Identifier: Apache-2.0
// A tap interface (Documentation/networking/tuntap.rst): a network card of the kernel whose other end of the wire is a
// file descriptor. The interface is there already; nothing of the host is made, changed or left here.

import { PlinthError } from '@plinth/core';
import { deviceRefusal, TUN_DEVICE } from './device-file.js';
import { ERROR, OPEN, POLL, POLL_SIZE, polled, setPoll, type SystemCalls } from './system-calls.js';

const TUNSETIFF = 0x4004_54ca;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const IFREQ_SIZE = 40;
const IFREQ_FLAGS = 16;
/** Milliseconds after which `poll` is begun anew even if nobody woke it. */
const POLL_TIME = 10_000;
/** Frames that are read before the event loop turns. */
const MOST_FRAMES = 256;

export interface TapEvents {
  /** A frame has come; it may be kept. */
  frame(frame: Uint8Array): void;
  /** The interface is gone. */
  down(why: string): void;
}

export class Tap implements Disposable {
  readonly #calls: SystemCalls;
  readonly #name: string;
  readonly #fd: number;
  /** Written to end a `poll` that runs on another thread. */
  readonly #wake: number;
  readonly #buffer: Uint8Array;
  #paused: boolean = false;
  #resume: (() => void) | undefined;
  #closed: boolean = false;

  /** @throws PlinthError `host` or `input` where this cannot be had */
  constructor(calls: SystemCalls, name: string, longestFrame: number) {
    this.#calls = calls;
    this.#name = name;
    this.#buffer = new Uint8Array(longestFrame);
    if (calls.interfaceIndex(name) === 0) {
      const how = `make it with "ip tuntap add dev ${name} mode tap user $USER" and "ip link set ${name} up"`;
      throw new PlinthError('input', 'net-tap', `net: tap:${name}: there is no such interface: ${how}`);
    }
    const { readWrite, nonBlocking, closeOnExec } = OPEN;
    this.#fd = calls.open(TUN_DEVICE.path, readWrite | nonBlocking | closeOnExec);
    if (this.#fd < 0) {
      throw new PlinthError('host', 'net-tap', `net: tap:${name}: ${deviceRefusal(TUN_DEVICE, -this.#fd)}`);
    }
    const request = new Uint8Array(IFREQ_SIZE);
    for (let i = 0; i < name.length; i++) request[i] = name.charCodeAt(i);
    new DataView(request.buffer).setUint16(IFREQ_FLAGS, IFF_TAP | IFF_NO_PI, true);
    const attached = calls.ioctl(this.#fd, TUNSETIFF, request);
    this.#wake = attached < 0 ? attached : calls.eventfd(0, nonBlocking | closeOnExec);
    if (this.#wake < 0) {
      calls.close(this.#fd);
      throw refused(name, -this.#wake);
    }
  }

  start(events: TapEvents): void {
    void this.#watch(events);
  }

  async #watch(events: TapEvents): Promise<void> {
    const descriptors = new Uint8Array(2 * POLL_SIZE);
    while (!this.#closed) {
      if (this.#paused) {
        await new Promise<void>((resolve) => (this.#resume = resolve));
        continue;
      }
      setPoll(descriptors, 0, this.#fd, POLL.in);
      setPoll(descriptors, 1, this.#wake, POLL.in);
      await this.#calls.poll(descriptors, POLL_TIME);
      if (this.#closed) break;
      const gone = (polled(descriptors, 0) & POLL.error) !== 0 || !this.#drain(events);
      if (!gone) continue;
      events.down(`net: tap:${this.#name}: the interface is gone`);
      break;
    }
    this.#release();
  }

  /** Reads what has come; false if there is no interface any more. */
  #drain(events: TapEvents): boolean {
    for (let n = 0; n < MOST_FRAMES && !this.#paused; n++) {
      const size = this.#calls.read(this.#fd, this.#buffer);
      if (size < 0) return size === -ERROR.EAGAIN || size === -ERROR.EINTR;
      events.frame(this.#buffer.slice(0, size));
    }
    return true;
  }

  /** False if the kernel did not take it: the interface is down, or its queue full. */
  send(frame: Uint8Array): boolean {
    return !this.#closed && this.#calls.write(this.#fd, frame) === frame.length;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#resume?.();
  }

  /** May be called again, and from an `exit` handler: what runs on the other thread ends at once. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#calls.write(this.#wake, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0));
    this.#resume?.();
  }

  /** No descriptor is closed while `poll` has it: another file could get its number. */
  #release(): void {
    this.#closed = true;
    this.#calls.close(this.#fd);
    this.#calls.close(this.#wake);
  }
}

function refused(name: string, error: number): PlinthError {
  const reasons: Readonly<Record<number, string>> = {
    [ERROR.EPERM]: `it may not be used: "ip tuntap add dev ${name} mode tap user $USER" makes one that may`,
    [ERROR.EBUSY]: 'another program uses it',
    [ERROR.EINVAL]: 'this is no tap interface',
  };
  // An interface that was made by others may be refused as a whole, or as busy.
  const kind = error === ERROR.EINVAL || error === ERROR.EBUSY ? 'input' : 'host';
  return new PlinthError(kind, 'net-tap', `net: tap:${name}: ${reasons[error] ?? `error ${error}`}`);
}

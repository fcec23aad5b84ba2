// SPDX-License-Identifier: Apache-2.0
// virtio-console (Virtual I/O Device 1.2, section 5.3) with one port: bytes out by buffers, bytes in as far as the
// driver has given room, the size of the terminal, and the emergency write. Not modelled: more ports.

import type { StateReader, StateWriter } from '@plinth/core';
import type { AccessSize } from '../device.js';
import { readBytes, type VirtioDevice, type VirtioPort } from './device.js';

const FEATURE = { size: 0, emergencyWrite: 2 } as const;
const RECEIVE = 0;
const TRANSMIT = 1;
const QUEUE_SIZE = 256;
/** Of the configuration space: columns, rows, number of ports, emergency write. */
const CONFIGURATION_SIZE = 12;
const EMERGENCY_WRITE = 8;
/** Bytes taken out of one buffer at a time. */
const PIECE = 65536;
/** Bytes that one request may send, so that it is over in bounded time; drivers send a page. */
const MAX_SEND = 1024 * 1024;

export interface VirtioConsoleOptions {
  readonly name: string;
  readonly columns?: number;
  readonly rows?: number;
  /** The guest has sent bytes; they are only lent. */
  onBytes(bytes: Uint8Array): void;
  /** The driver has given more room for input. */
  onRoom?(): void;
}

export class VirtioConsole implements VirtioDevice {
  readonly name: string;
  readonly type: number = 3;
  readonly features: readonly number[] = [FEATURE.size, FEATURE.emergencyWrite];
  readonly queueSizes: readonly number[] = [QUEUE_SIZE, QUEUE_SIZE];
  readonly #options: VirtioConsoleOptions;
  readonly #configuration = new Uint8Array(CONFIGURATION_SIZE);
  #port: VirtioPort | undefined;
  readonly #piece = new Uint8Array(PIECE);

  constructor(options: VirtioConsoleOptions) {
    this.name = options.name;
    this.#options = options;
    this.#configuration[4] = 1;
    this.#setSize(options.columns ?? 80, options.rows ?? 25);
  }

  connect(port: VirtioPort): void {
    this.#port = port;
  }

  readConfiguration(offset: number, size: AccessSize): number {
    return readBytes(this.#configuration, offset, size);
  }

  writeConfiguration(offset: number, _size: AccessSize, value: number): void {
    if (offset === EMERGENCY_WRITE) this.#options.onBytes(Uint8Array.of(value));
  }

  reset(): void {}

  save(writer: StateWriter): void {
    writer.raw(this.#configuration);
  }

  restore(reader: StateReader): void {
    this.#configuration.set(reader.raw(CONFIGURATION_SIZE));
  }

  /** The terminal at the other end has another size now. */
  resize(columns: number, rows: number): void {
    this.#setSize(columns, rows);
    this.#port?.configurationChanged();
  }

  #setSize(columns: number, rows: number): void {
    const view = new DataView(this.#configuration.buffer);
    view.setUint16(0, columns, true);
    view.setUint16(2, rows, true);
  }

  /** Hands bytes to the guest; returns how many there was room for. `onRoom` tells when to go on. */
  receive(bytes: Uint8Array): number {
    const queue = this.#port!.queues[RECEIVE]!;
    const broken = this.#port!.isBroken();
    let done = 0;
    while (!broken && done < bytes.length) {
      const chain = queue.take();
      if (chain === undefined) break;
      const size = chain.writeAt(0, bytes.subarray(done));
      queue.give(chain, size);
      done += size;
    }
    queue.signal();
    // What has brought out that something is wrong with the queue has not come in vain: a replay has to do it, too.
    return this.#port!.isBroken() && !broken ? bytes.length : done;
  }

  notify(index: number): void {
    if (index === RECEIVE) {
      this.#options.onRoom?.();
      return;
    }
    const port = this.#port!;
    const queue = port.queues[TRANSMIT]!;
    for (let chain = queue.take(); chain !== undefined; chain = queue.take()) {
      if (chain.readableLength > MAX_SEND) {
        port.fail(`${chain.readableLength} bytes at once for the console`);
        return;
      }
      for (let done = 0; done < chain.readableLength;) {
        const size = chain.readAt(done, this.#piece);
        this.#options.onBytes(this.#piece.subarray(0, size));
        done += size;
      }
      queue.give(chain, 0);
    }
    queue.signal();
  }
}

// SPDX-License-Identifier: Apache-2.0
// Requests of one queue that complete in order, each at a virtual time that is fixed when the driver hands it over: so a
// run is the same whatever the host takes. For devices over something of the host's.

import type { Alarm, StateReader, StateWriter } from '@plinth/core';
import type { DescriptorChain } from './chain.js';
import type { VirtioPort } from './device.js';

/** A request takes `latency`; data pass one request after another at a nanosecond per byte (1 GB/s). */
export const REQUEST_TIMING = { latency: 25_000, nanosecondsPerByte: 1 } as const;

interface Timed<Request> {
  readonly request: Request;
  /** Virtual time at which it completes. */
  readonly due: number;
}

export class TimedRequests<Request extends { readonly chain: DescriptorChain }> {
  readonly #port: VirtioPort;
  /** Does what is asked for and gives the chain back; called in order, when a request is due. */
  readonly #serve: (request: Request) => void;
  #requests: Timed<Request>[] = [];
  #alarm: Alarm | undefined;
  /** When the last byte that has been asked for will have passed. */
  #busyUntil = 0;

  constructor(port: VirtioPort, serve: (request: Request) => void) {
    this.#port = port;
    this.#serve = serve;
  }

  /** `bytes` are what the request moves between guest and host. */
  add(request: Request, bytes: number): void {
    const time = bytes * REQUEST_TIMING.nanosecondsPerByte;
    this.#busyUntil = Math.max(this.#busyUntil, this.#port.clock.now()) + time;
    this.#requests.push({ request, due: this.#busyUntil + REQUEST_TIMING.latency });
  }

  /** To be called when a batch has been added. */
  schedule(): void {
    const first = this.#requests[0];
    if (first === undefined || this.#alarm !== undefined) return;
    this.#alarm = this.#port.events.schedule(first.due, () => this.#dueNow());
  }

  #dueNow(): void {
    this.#alarm = undefined;
    const now = this.#port.clock.now();
    for (let first = this.#requests[0]; first !== undefined && first.due <= now; first = this.#requests[0]) {
      this.#requests.shift();
      this.#serve(first.request);
    }
    this.#port.queues[0]!.signal();
    this.schedule();
  }

  reset(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
    this.#requests = [];
    this.#busyUntil = 0;
  }

  /** `more` saves what a request has besides its chain. */
  save(writer: StateWriter, more: (request: Request) => void): void {
    writer.f64(this.#busyUntil);
    writer.list(this.#requests, ({ request, due }) => {
      this.#port.queues[0]!.saveChain(writer, request.chain);
      more(request);
      writer.f64(due);
    });
    writer.alarm(this.#alarm);
  }

  /** `make` reads what `more` saved, and checks the chain. */
  restore(reader: StateReader, make: (chain: DescriptorChain) => Request): void {
    this.reset();
    this.#busyUntil = reader.time();
    this.#requests = reader.list(() => {
      const request = make(this.#port.queues[0]!.restoreChain(reader));
      return { request, due: reader.time() };
    });
    this.#alarm = reader.alarm(this.#port.events, () => this.#dueNow());
    reader.check((this.#alarm === undefined) === (this.#requests.length === 0), 'requests without an alarm');
  }
}

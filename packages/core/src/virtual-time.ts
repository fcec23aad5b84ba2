// SPDX-License-Identifier: Apache-2.0
// One line of virtual time with its events. What one scheduler drives, be it a machine, several, or partitions, shares
// one; only one of them runs at a time, and its run loop moves the time on.

import { EventQueue, type VirtualNanoseconds } from './event-queue.js';
import type { StateReader, StateWriter } from './state.js';

export class VirtualTime {
  readonly events: EventQueue = new EventQueue();
  /** What has passed. A machine in the midst of a slice adds what it has executed of it. */
  elapsed: VirtualNanoseconds = 0;

  /** The alarms are saved by their owners. */
  save(writer: StateWriter): void {
    writer.f64(this.elapsed);
    writer.f64(this.events.sequence);
  }

  restore(reader: StateReader): void {
    this.elapsed = reader.time();
    this.events.sequence = reader.count();
  }
}

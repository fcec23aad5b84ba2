// SPDX-License-Identifier: Apache-2.0
// Virtual time and the events that happen in it. The queue is injected wherever time is needed, so that one scheduler
// can drive several machines or partitions; nothing here reads a host clock.

/** Virtual nanoseconds since the machine was switched on. Integers below 2^53 (104 days). */
export type VirtualNanoseconds = number;

/** Tells the virtual time; devices and system registers read it, only the run loop advances it. */
export interface VirtualClock {
  now(): VirtualNanoseconds;
}

/** A pending event. `cancel` is idempotent and may be called after the event has happened. */
export interface Alarm {
  readonly time: VirtualNanoseconds;
  /** Its place among alarms of the same time. */
  readonly sequence: number;
  /** False once it has happened or was cancelled. */
  readonly pending: boolean;
  cancel(): void;
}

interface Entry extends Alarm {
  action: (() => void) | undefined;
}

/** Binary heap ordered by (time, order of scheduling), so that equal times keep a deterministic order. */
export class EventQueue {
  readonly #heap: Entry[] = [];
  #sequence = 0;

  /** Calls `action` once when the clock reaches `time`; an event in the past happens at the next `runUntil`. */
  schedule(time: VirtualNanoseconds, action: () => void): Alarm {
    return this.#add(time, this.#sequence++, action);
  }

  /** Makes a saved alarm anew, at its old place among equal times. The counter is restored apart, with `sequence`. */
  reschedule(time: VirtualNanoseconds, sequence: number, action: () => void): Alarm {
    return this.#add(time, sequence, action);
  }

  /** What the next alarm's sequence will be: saved and restored with the alarms. */
  get sequence(): number {
    return this.#sequence;
  }

  set sequence(value: number) {
    this.#sequence = value;
  }

  #add(time: VirtualNanoseconds, sequence: number, action: () => void): Alarm {
    const entry: Entry = {
      time,
      sequence,
      action,
      get pending() {
        return entry.action !== undefined;
      },
      cancel() {
        entry.action = undefined;
      },
    };
    this.#heap.push(entry);
    this.#up(this.#heap.length - 1);
    return entry;
  }

  /** Time of the earliest live event, or `Infinity`. */
  next(): VirtualNanoseconds {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined) return Infinity;
      if (first.action !== undefined) return first.time;
      this.#pop();
    }
  }

  /** Runs, in order, every event due at or before `time`, including those that these events schedule. */
  runUntil(time: VirtualNanoseconds): void {
    while (this.next() <= time) {
      const entry = this.#pop();
      const action = entry?.action;
      if (entry !== undefined) entry.action = undefined;
      action?.();
    }
  }

  #before(a: Entry, b: Entry): boolean {
    return a.time < b.time || (a.time === b.time && a.sequence < b.sequence);
  }

  #up(index: number): void {
    const heap = this.#heap;
    const entry = heap[index]!;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#before(entry, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#before(heap[child + 1]!, heap[child]!)) child++;
      if (!this.#before(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

// SPDX-License-Identifier: Apache-2.0
// Reads what the programs of an inspection tell, from the ring buffer that is pinned with it. What one has read is gone for others,
// so one reads at a time.

import { statSync } from 'node:fs';
import { PlinthError } from '@plinth/core';
import { type PacketEvent, readEvent } from '@plinth/guards';
import { KernelMap, POLL, POLL_SIZE, RingBufferReader, setPoll, type SystemCalls } from '@plinth/linux';
import { type GenerationFacts, type InspectionSubject, type KnownRule, readFacts, readGeneration } from './facts.js';
import { InspectionFiles, type InspectionPlaces, PLACES } from './places.js';
import { tryLock } from './running.js';

export interface InspectionEvent {
  /** Of the inspection. */
  readonly id: string;
  readonly subject: InspectionSubject | undefined;
  /** Name of the interface. */
  readonly interface: string;
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  /** Its frame is a view, valid until the listener returns. */
  readonly packet: PacketEvent;
  /** For each match its rule; undefined where the rules of that time are not known any more. */
  readonly rules: readonly (KnownRule | undefined)[];
}

export class EventReader implements Disposable {
  readonly id: string;
  readonly #files: InspectionFiles;
  readonly #map: KernelMap;
  readonly #ring: RingBufferReader;
  readonly #lock: Disposable;
  /** Inode of the pin. */
  readonly #pin: number | undefined;
  readonly #generations = new Map<number, GenerationFacts | undefined>();

  private constructor(calls: SystemCalls, files: InspectionFiles, map: KernelMap, lock: Disposable) {
    this.id = files.id;
    this.#files = files;
    this.#map = map;
    this.#lock = lock;
    this.#pin = pinOf(files);
    this.#ring = new RingBufferReader(calls, map);
  }

  /** Undefined where nothing is told, since nothing is attached. @throws PlinthError `host` if another process reads */
  static open(calls: SystemCalls, id: string, places: InspectionPlaces = PLACES): EventReader | undefined {
    const files = new InspectionFiles(places, id);
    const map = KernelMap.pinned(calls, 'events', files.map('events'));
    if (map === undefined) return undefined;
    const lock = tryLock(calls, files.reader);
    if (lock !== undefined) return new EventReader(calls, files, map, lock);
    map[Symbol.dispose]();
    throw new PlinthError('host', 'events-read', `${id}: another process reads its events: end that one first`);
  }

  /** Its ring buffer is no more the one of the inspection: that has ended, and another of the name may have begun. */
  get stale(): boolean {
    return pinOf(this.#files) !== this.#pin;
  }

  /** Tells what is there, in order; gives how many events it were. */
  drain(tell: (event: InspectionEvent) => void): number {
    // Records have the time since the start of the machine.
    const start = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
    const facts = readFacts(this.#files);
    return this.#ring.drain((record) => {
      const packet = readEvent(record);
      const point = facts?.points.find(({ index }) => index === packet.interface);
      const known = this.#rulesOf(packet.generation);
      tell({
        id: this.id,
        subject: facts?.subject,
        interface: point?.name ?? String(packet.interface),
        time: start + packet.time,
        packet,
        rules: packet.matches.map(({ rule }) => known?.rules[rule]),
      });
    });
  }

  #rulesOf(generation: number): GenerationFacts | undefined {
    if (!this.#generations.has(generation)) {
      this.#generations.set(generation, readGeneration(this.#files, generation));
    }
    return this.#generations.get(generation);
  }

  /** Waits until one of them has something, at most so many milliseconds. */
  static async wait(readers: readonly EventReader[], calls: SystemCalls, milliseconds: number): Promise<void> {
    const descriptors = new Uint8Array(POLL_SIZE * readers.length);
    readers.forEach((reader, n) => setPoll(descriptors, n, reader.#map.fd, POLL.in));
    await calls.poll(descriptors, milliseconds);
  }

  [Symbol.dispose](): void {
    this.#ring[Symbol.dispose]();
    this.#map[Symbol.dispose]();
    this.#lock[Symbol.dispose]();
  }
}

function pinOf(files: InspectionFiles): number | undefined {
  return statSync(files.map('events'), { throwIfNoEntry: false })?.ino;
}

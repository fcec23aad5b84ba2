// SPDX-License-Identifier: Apache-2.0
// What happens in a recorded run, and a chunk of it as bytes. A chunk stands for itself: it begins with its place, and
// names its ports anew.
//
//   chunk   count varint, time f64 (nanoseconds), events up to the end
//   event   head u8: kind (bits 2:0) and form of the time (bits 5:3); instructions since the event before, varint; time:
//           form 0 as the instructions say, 1 so many nanoseconds later (varint), 2 as it is (f64); then by kind
//   sent, answer         port varint, followed by its name if it is new; bytes
//   checkpoint           PC u32, hash of the CPUs (8 bytes), and with kind 3 the hash of RAM (8 bytes)
//   reset                nothing

import { assert, fromHex, type StateReader, StateWriter, toHex } from '@plinth/core';
import type { Input } from '@plinth/machine';

/** Where in a run: instructions since power-on, and virtual nanoseconds, which pass in waits without instructions. */
export interface Place {
  readonly count: number;
  readonly time: number;
}

/** A place at which the run was compared with itself; shadow tables are emptied there (`Machine.checkpoint`). */
export interface Checkpoint extends Place {
  readonly kind: 'checkpoint';
  /** PC of the CPU that executed. */
  readonly address: number;
  /** `Machine.cpuHash`. */
  readonly cpus: string;
  /** `RamHash.value`; seldom, since it costs more. */
  readonly ram?: string;
}

/** The guest has reset its machine, which started again. */
export interface MachineReset extends Place {
  readonly kind: 'reset';
}

export type RunEvent = Input | Checkpoint | MachineReset;

/** Of the bytes of events. */
export const CHUNK_VERSION = 1;

/** What the section of a chunk is called. */
export const chunkTag = (n: number): string => `chunk.${n}`;

const KINDS = ['sent', 'answer', 'checkpoint', 'checkpoint', 'reset'] as const;
const KIND = { sent: 0, answer: 1, checkpoint: 2, checkpointWithRam: 3, reset: 4 } as const;
const TIME = { asCounted: 0, later: 1, whole: 2 } as const;
const HASH_SIZE = 8;

export class ChunkWriter {
  readonly #writer = new StateWriter(4096);
  readonly #ports: string[] = [];
  readonly #nanoseconds: number;
  #place: Place;
  #empty = true;

  /** `nanoseconds` are those that an instruction takes; `place` is not after the first event. */
  constructor(nanoseconds: number, place: Place) {
    this.#nanoseconds = nanoseconds;
    this.#place = place;
    this.#writer.varint(place.count);
    this.#writer.f64(place.time);
  }

  get empty(): boolean {
    return this.#empty;
  }

  /** Bytes. */
  get length(): number {
    return this.#writer.length;
  }

  add(event: RunEvent): void {
    const writer = this.#writer;
    switch (event.kind) {
      case 'checkpoint':
        this.#head(event.ram === undefined ? KIND.checkpoint : KIND.checkpointWithRam, event);
        writer.u32(event.address >>> 0);
        writer.raw(fromHex(event.cpus));
        if (event.ram !== undefined) writer.raw(fromHex(event.ram));
        break;
      case 'reset':
        this.#head(KIND.reset, event);
        break;
      default:
        this.#head(KIND[event.kind], event);
        this.#port(event.port);
        writer.varint(event.bytes.length);
        writer.raw(event.bytes);
    }
  }

  #head(kind: number, { count, time }: Place): void {
    const writer = this.#writer;
    const executed = count - this.#place.count;
    const counted = this.#place.time + executed * this.#nanoseconds;
    const later = time - counted;
    assert(executed >= 0 && later >= 0, 'events are added in their order');
    const whole = !Number.isSafeInteger(later) || counted + later !== time;
    const form = later === 0 ? TIME.asCounted : whole ? TIME.whole : TIME.later;
    writer.u8(kind | (form << 3));
    writer.varint(executed);
    if (form === TIME.later) writer.varint(later);
    if (form === TIME.whole) writer.f64(time);
    this.#place = { count, time };
    this.#empty = false;
  }

  #port(name: string): void {
    const known = this.#ports.indexOf(name);
    this.#writer.varint(known < 0 ? this.#ports.length : known);
    if (known >= 0) return;
    this.#writer.string(name);
    this.#ports.push(name);
  }

  /** A view of the chunk; nothing is added after it. */
  take(): Uint8Array {
    return this.#writer.take();
  }
}

/**
 * The events of a chunk, one after the other; their bytes are views of the chunk.
 *
 * @param from where the chunk before ended: it must not begin earlier
 * @throws PlinthError `state-invalid` for what is no chunk
 */
export function* readChunk(reader: StateReader, nanoseconds: number, from?: Place): Generator<RunEvent> {
  let count = reader.varint();
  let time = reader.time();
  reader.check(from === undefined || (count >= from.count && time >= from.time), 'a chunk that begins too early');
  const ports: string[] = [];
  while (reader.remaining > 0) {
    const head = reader.u8();
    const kind = KINDS[head & 7];
    const form = head >> 3;
    reader.check(kind !== undefined && form <= TIME.whole, `${head} is no event`);
    const executed = reader.varint();
    count += executed;
    const counted = time + executed * nanoseconds;
    time = form === TIME.whole ? reader.time() : counted + (form === TIME.later ? reader.varint() : 0);
    reader.check(Number.isSafeInteger(count), 'too many instructions');
    reader.check(time >= counted && time <= Number.MAX_SAFE_INTEGER, 'time goes backwards, or on without end');
    if (kind === 'checkpoint') {
      const address = reader.u32();
      const cpus = toHex(reader.raw(HASH_SIZE));
      const ram = (head & 7) === KIND.checkpointWithRam ? toHex(reader.raw(HASH_SIZE)) : undefined;
      yield { kind, count, time, address, cpus, ...(ram === undefined ? {} : { ram }) };
    } else if (kind === 'reset') yield { kind, count, time };
    else {
      const number = reader.varint();
      reader.check(number <= ports.length, `port ${number}, which has no name`);
      if (number === ports.length) ports.push(reader.string());
      const bytes = reader.raw(reader.varint());
      yield { kind, port: ports[number]!, count, time, bytes };
    }
  }
}

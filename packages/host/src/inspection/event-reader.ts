// SPDX-License-Identifier: Apache-2.0
// Reads what the programs of an inspection tell, from the ring buffer that is pinned with it, and decides what they only flag. What
// one has read is gone for others, so one reads at a time.

import { statSync } from 'node:fs';
import { PlinthError } from '@plinth/core';
import { type DecodeContent, decideAlerts, type PacketEvent, readEvent, Thresholds } from '@plinth/guards';
import { KernelMap, pollToRead, RingBufferReader, type SystemCalls } from '@plinth/linux';
import { type InspectionSubject, type KnownRule, readFacts, readGeneration } from './facts.js';
import { GenerationRules } from './generation-rules.js';
import { InspectionFiles, type InspectionPlaces, PLACES } from './places.js';
import { tryLock } from './running.js';

/** A rule that matched, as far as it is known. */
export interface InspectionMatch {
  /** Undefined where the rules of that time are not known any more. */
  readonly rule: KnownRule | undefined;
  /** Its number among those of its generation. */
  readonly number: number;
  /** Where in the payload the content begins that was found last; below 0 in a packet before. */
  readonly offset: number | undefined;
  /** False for a rule that the packet alone does not decide. */
  readonly sure: boolean;
}

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
  /** What is told of the rules that matched: confirmed, and as often as their thresholds say. */
  readonly matches: readonly InspectionMatch[];
  /** It was held, nothing was confirmed, and it passes when it is sent again. */
  readonly cleared: boolean;
}

export interface EventReaderOptions {
  readonly places?: InspectionPlaces;
  /** For bodies of HTTP that are compressed. */
  readonly decode?: DecodeContent;
}

export class EventReader implements Disposable {
  readonly id: string;
  readonly #files: InspectionFiles;
  readonly #map: KernelMap;
  readonly #ring: RingBufferReader;
  readonly #lock: Disposable;
  /** Inode of the pin. */
  readonly #pin: number | undefined;
  readonly #cleared: KernelMap | undefined;
  readonly #decode: DecodeContent | undefined;
  readonly #thresholds = new Thresholds();
  readonly #generations = new Map<number, GenerationRules | undefined>();

  private constructor(
    calls: SystemCalls,
    files: InspectionFiles,
    map: KernelMap,
    lock: Disposable,
    decode: DecodeContent | undefined,
  ) {
    this.id = files.id;
    this.#decode = decode;
    this.#cleared = KernelMap.pinned(calls, 'cleared', files.map('cleared'));
    this.#files = files;
    this.#map = map;
    this.#lock = lock;
    this.#pin = pinOf(files);
    this.#ring = new RingBufferReader(calls, map);
  }

  /** Undefined where nothing is told, since nothing is attached. @throws PlinthError `host` if another process reads */
  static open(
    calls: SystemCalls,
    id: string,
    { places = PLACES, decode }: EventReaderOptions = {},
  ): EventReader | undefined {
    const files = new InspectionFiles(places, id);
    const map = KernelMap.pinned(calls, 'events', files.map('events'));
    if (map === undefined) return undefined;
    const lock = tryLock(calls, files.reader);
    if (lock !== undefined) return new EventReader(calls, files, map, lock, decode);
    map[Symbol.dispose]();
    throw new PlinthError('host', 'events-read', `${id}: another process reads its events: end that one first`);
  }

  /** Its ring buffer is no more the one of the inspection: that has ended, and another of the name may have begun. */
  get stale(): boolean {
    return pinOf(this.#files) !== this.#pin;
  }

  /** Tells what is there, in order; gives how many records it were, also of those that nothing is told of. */
  drain(tell: (event: InspectionEvent) => void): number {
    // Records have the time since the start of the machine.
    const start = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
    const facts = readFacts(this.#files);
    return this.#ring.drain((record) => {
      const packet = readEvent(record);
      const time = start + packet.time;
      const point = facts?.points.find(({ index }) => index === packet.interface);
      const { matches, cleared } = this.#judge(packet, time);
      if (matches.length === 0 && packet.reason === 0) return;
      tell({
        id: this.id,
        subject: facts?.subject,
        interface: point?.name ?? String(packet.interface),
        time,
        packet,
        matches,
        cleared,
      });
    });
  }

  #judge(packet: PacketEvent, time: bigint): Pick<InspectionEvent, 'matches' | 'cleared'> {
    const rules = this.#rulesOf(packet.generation);
    if (rules === undefined) {
      const matches = packet.matches.map(({ rule, offset }) => ({
        rule: undefined,
        number: rule,
        offset,
        sure: false,
      }));
      return { matches, cleared: false };
    }
    const confirmed = rules.confirm(packet);
    const stops = confirmed.some(({ known }) => known.action === 'drop' || known.action === 'reject');
    const clears = packet.clearance !== undefined && packet.verdict === 'drop' && !stops && this.#cleared !== undefined;
    if (clears) this.#cleared!.set(packet.clearance, new Uint8Array(this.#cleared!.definition.valueSize));
    const { source, destination } = packet.ends;
    const subject = { source: source.join(), destination: destination.join(), flow: undefined };
    const matched = confirmed.flatMap((one) =>
      one.rule === undefined ? [] : [{ rule: one.rule, order: one.order, where: one, inStream: false, ofFlow: false }],
    );
    const { told } = decideAlerts(matched, this.#thresholds, subject, time);
    const unread = confirmed.filter(({ rule }) => rule === undefined);
    const matches = [...told.map(({ where }) => where), ...unread].map(({ known, order, offset, sure }) => ({
      rule: known,
      number: order,
      offset,
      sure,
    }));
    return { matches, cleared: clears };
  }

  #rulesOf(generation: number): GenerationRules | undefined {
    if (!this.#generations.has(generation)) {
      const facts = readGeneration(this.#files, generation);
      this.#generations.set(generation, facts === undefined ? undefined : new GenerationRules(facts, this.#decode));
    }
    return this.#generations.get(generation);
  }

  /** Waits until one of them has something or another descriptor can be read, at most so many milliseconds. */
  static async wait(
    readers: readonly EventReader[],
    others: readonly number[],
    calls: SystemCalls,
    milliseconds: number,
  ): Promise<void> {
    await calls.poll(pollToRead([...readers.map((reader) => reader.#map.fd), ...others]), milliseconds);
  }

  [Symbol.dispose](): void {
    this.#ring[Symbol.dispose]();
    this.#map[Symbol.dispose]();
    this.#cleared?.[Symbol.dispose]();
    this.#lock[Symbol.dispose]();
  }
}

function pinOf(files: InspectionFiles): number | undefined {
  return statSync(files.map('events'), { throwIfNoEntry: false })?.ino;
}

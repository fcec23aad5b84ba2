// SPDX-License-Identifier: Apache-2.0
// Reads a recording: total, whatever the bytes are. A file that ends in the middle of a section, because its recorder was
// killed, is good up to there; other damage is an error.

import {
  decodeOpenSections,
  type FileWords,
  fromUtf8,
  PlinthError,
  type Section,
  type SectionCodec,
  Sections,
  type StateReader,
} from '@plinth/core';
import type { Input, MachineIdentity, RunExit } from '@plinth/machine';
import {
  type Checkpoint,
  CHUNK_VERSION,
  chunkTag,
  type MachineReset,
  type Place,
  readChunk,
  type RunEvent,
} from './events.js';
import type { RecordedEnd } from './recorder.js';
import { END_VERSION, RECORDING_KIND } from './recording-file.js';
import { decodeStart, type RecordingStart } from './start.js';

/** What a recording is in messages. */
const WORDS: FileWords = { noun: 'recording', advice: 'record it again' };

/** The part of a run up to a checkpoint, a reset, or the place where the file ends. */
export interface Segment {
  readonly from: Place;
  /** What enters in it, in order; made anew at each call. */
  inputs(): Iterable<Input>;
  readonly end: Checkpoint | MachineReset | ({ readonly kind: 'cut' } & Place);
}

/** What has happened in a run. */
export interface RecordedRun {
  /** The first ends where the recording begins. */
  readonly segments: readonly Segment[];
  /** Not of a recorder that was killed, or that goes on. */
  readonly end?: RecordedEnd | undefined;
}

export interface Recording extends RecordedRun {
  /** For messages. */
  readonly name: string;
  readonly start: RecordingStart;
  readonly identity: MachineIdentity;
  /** What the machine had loaded, as `restorePlan` takes it; only of an embedded start. */
  readonly plan: Sections;
  /** Offset of the first byte in the file that is of no whole section, if there is one. */
  readonly cut: number | undefined;
}

/** @throws PlinthError `input` for what is no recording, or is damaged */
export async function openRecording(bytes: Uint8Array, name: string, codec: SectionCodec): Promise<Recording> {
  const { sections, cut } = await decodeOpenSections(RECORDING_KIND, bytes, name, codec, WORDS);
  const chunks = sections.filter(({ tag }) => tag.startsWith('chunk.'));
  const plan = sections.filter(({ tag }) => /^plan(\.|$)/.test(tag));
  const others = new Sections(
    name,
    sections.filter((section) => !chunks.includes(section) && !plan.includes(section)),
    WORDS,
  );
  const { start, identity } = decodeStart(others);
  const end = others.has('end') ? readEnd(others) : undefined;
  others.end();
  const segments = segmentsOf(chunks, identity.nanosecondsPerInstruction, name);
  const [first] = segments;
  if (first?.end.kind !== 'checkpoint' || first.from.count !== first.end.count) {
    throw new PlinthError('input', 'recording-empty', `${name}: this recording has no beginning: ${WORDS.advice}`);
  }
  return { name, start, identity, plan: new Sections(name, plan, WORDS), segments, end, cut };
}

function segmentsOf(chunks: readonly Section[], nanoseconds: number, name: string): readonly Segment[] {
  const list = new SegmentList(nanoseconds, name);
  for (const chunk of chunks) list.add(chunk);
  return list.finish();
}

/** The segments of a run, as its chunks come. */
export class SegmentList {
  readonly segments: Segment[] = [];
  readonly #nanoseconds: number;
  readonly #name: string;
  #chunks = 0;
  #open: Section[] = [];
  #from: Place | undefined;
  #place: Place = { count: 0, time: 0 };

  /** `nanoseconds` are those that an instruction takes; `name` is for messages. */
  constructor(nanoseconds: number, name: string) {
    this.#nanoseconds = nanoseconds;
    this.#name = name;
  }

  /**
   * Reads all events of the next chunk once, so that nothing can be wrong with them later, and keeps only where segments end.
   *
   * @throws PlinthError `input` or `state-invalid` for what is not the next chunk
   */
  add(chunk: Section): void {
    const n = this.#chunks++;
    const reader: StateReader = new Sections(this.#name, [chunk], WORDS).take(chunkTag(n), CHUNK_VERSION);
    this.#open.push(chunk);
    let last: RunEvent | undefined;
    for (const event of readChunk(reader, this.#nanoseconds, n === 0 ? undefined : this.#place)) {
      reader.check(last === undefined || isInput(last), 'a chunk goes on after its checkpoint');
      this.#place = { count: event.count, time: event.time };
      last = event;
      this.#from ??= this.#place;
    }
    if (last === undefined || isInput(last)) return;
    this.#close(last);
    this.#from = this.#place;
  }

  #close(end: Segment['end']): void {
    this.segments.push(segment(this.#open, this.#from ?? this.#place, end, this.#nanoseconds, this.#name));
    this.#open = [];
  }

  /** No more chunks come: what is open is cut. */
  finish(): readonly Segment[] {
    if (this.#open.length > 0) this.#close({ kind: 'cut', ...this.#place });
    return this.segments;
  }
}

function segment(
  chunks: readonly Section[],
  from: Place,
  end: Segment['end'],
  nanoseconds: number,
  name: string,
): Segment {
  return {
    from,
    end,
    *inputs() {
      for (const chunk of chunks) {
        const reader = new Sections(name, [chunk], WORDS).take(chunk.tag, CHUNK_VERSION);
        for (const event of readChunk(reader, nanoseconds)) if (isInput(event)) yield event;
      }
    },
  };
}

function isInput(event: RunEvent): event is Input {
  return event.kind === 'sent' || event.kind === 'answer';
}

const EXITS: readonly string[] = ['shutdown', 'reset', 'exit', 'limit', 'idle', 'finding', 'user'];

function readEnd(sections: Sections): RecordedEnd {
  const reader: StateReader = sections.take('end', END_VERSION);
  let value: Partial<RecordedEnd> | null;
  try {
    value = JSON.parse(fromUtf8(reader.raw(reader.remaining))) as Partial<RecordedEnd> | null;
  } catch {
    return reader.fail('this is no JSON');
  }
  const { count, time, exit, stateHash } = value ?? {};
  const kind = (exit as RunExit | undefined)?.kind;
  reader.check(Number.isSafeInteger(count) && typeof time === 'number' && time >= 0, 'no place');
  reader.check(typeof stateHash === 'string' && /^[0-9a-f]{16}$/.test(stateHash), 'no hash');
  reader.check(kind !== undefined && EXITS.includes(kind), 'no way to end');
  return { count: count!, time: time!, exit: exit!, stateHash: stateHash! };
}

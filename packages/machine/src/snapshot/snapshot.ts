// SPDX-License-Identifier: Apache-2.0
// A whole machine as a file of sections (core/sections.ts): what it is, time, CPUs, timers, devices by name, what was loaded,
// RAM, and if given the run that it belongs to. The same file goes on in either engine, in Node and in a page.

import {
  decodeSections,
  encodeSections,
  fromUtf8,
  PlinthError,
  type Section,
  type SectionCodec,
  Sections,
  type StateReader,
  StateWriter,
  utf8,
} from '@plinth/core';
import type { Machine } from '../machine.js';
import { parseRunSpec, type RunSpec } from '../run-spec.js';

const KIND = 'SNAP';
const RUN_VERSION = 1;
/** The machine's first section: see `MachineIdentity`. */
const IDENTITY_VERSION = 1;

/** What a machine must be like to take a snapshot over. */
export interface MachineIdentity {
  readonly board: string;
  readonly cpu: string;
  readonly cpus: number;
  /** Bytes. */
  readonly ramSize: number;
  readonly nanosecondsPerInstruction: number;
}

export function saveIdentity(identity: MachineIdentity): Section {
  const writer = new StateWriter();
  writer.string(identity.board);
  writer.string(identity.cpu);
  writer.u8(identity.cpus);
  writer.f64(identity.ramSize);
  writer.f64(identity.nanosecondsPerInstruction);
  return { tag: 'machine', version: IDENTITY_VERSION, payload: writer.take() };
}

export function readIdentity(sections: Sections): MachineIdentity {
  const reader: StateReader = sections.take('machine', IDENTITY_VERSION);
  const board = reader.string();
  const cpu = reader.string();
  const cpus = reader.u8();
  const ramSize = reader.count();
  const nanosecondsPerInstruction = reader.f64();
  reader.check(ramSize > 0 && ramSize % 4096 === 0, `${ramSize} is no size of RAM`);
  reader.check(nanosecondsPerInstruction > 0, 'instructions take no time');
  reader.end();
  return { board, cpu, cpus, ramSize, nanosecondsPerInstruction };
}

/** Refuses to put a snapshot into another machine than it was taken of. */
export function checkIdentity(saved: MachineIdentity, here: MachineIdentity): void {
  const names = {
    board: 'board',
    cpu: 'CPU',
    cpus: 'number of CPUs',
    ramSize: 'bytes of RAM',
    nanosecondsPerInstruction: 'nanoseconds per instruction',
  } as const;
  for (const key of Object.keys(names) as (keyof typeof names)[]) {
    if (saved[key] === here[key]) continue;
    const message = `snapshot: it was taken of a machine with ${names[key]} ${saved[key]}, this one has ${here[key]}`;
    throw new PlinthError('input', 'snapshot-machine', message);
  }
}

/** The pieces of a snapshot file; without a codec they are not compressed. The machine's state is copied before this returns for the first time: it may run on. */
export function saveSnapshot(
  machine: Pick<Machine, 'save'>,
  codec: SectionCodec | undefined,
  run?: RunSpec,
): Promise<Uint8Array[]> {
  const sections = machine.save();
  if (run !== undefined) sections.unshift({ tag: 'run', version: RUN_VERSION, payload: utf8(JSON.stringify(run)) });
  return encodeSections(KIND, sections, codec);
}

/** A snapshot file, unpacked and with all checksums right; what is in the sections shows when it is restored. */
export class Snapshot {
  /** For messages. */
  readonly name: string;
  readonly identity: MachineIdentity;
  /** The run that it was taken from. */
  readonly run: RunSpec | undefined;
  readonly #sections: readonly Section[];

  private constructor(name: string, sections: readonly Section[]) {
    this.name = name;
    const first = new Sections(name, sections);
    this.identity = readIdentity(first);
    const run = sections.find(({ tag }) => tag === 'run');
    this.run = run === undefined ? undefined : readRun(first);
    this.#sections = sections.filter((section) => section !== run);
  }

  static async open(bytes: Uint8Array, name: string, codec: SectionCodec): Promise<Snapshot> {
    return new Snapshot(name, await decodeSections(KIND, bytes, name, codec));
  }

  /** Makes a new machine with this identity what the saved one was. After an error it is of no use. */
  restore(machine: Machine): void {
    const sections = new Sections(this.name, this.#sections);
    machine.restore(sections);
    sections.end();
  }
}

function readRun(sections: Sections): RunSpec {
  const reader = sections.take('run', RUN_VERSION);
  const text = fromUtf8(reader.raw(reader.remaining));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return reader.fail('this is no JSON');
  }
  return parseRunSpec(value);
}

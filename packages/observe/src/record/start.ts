// SPDX-License-Identifier: Apache-2.0
// What a recorded run began with: the RunSpec, and either the hashes of the files that it names, or what the machine had
// loaded, so that the recording needs no other file. Disks are told by proofs (machine/block/file-proof.ts).

import { fromUtf8, PlinthError, type Section, type Sections, splitSection, utf8 } from '@plinth/core';
import {
  type Machine,
  type MachineIdentity,
  parseRunSpec,
  type PowerOn,
  readIdentity,
  type RunSpec,
  saveIdentity,
  savePlan,
} from '@plinth/machine';

const VERSION = 1;

export const FILE_ROLES = ['kernel', 'initrd', 'dtb', 'program', 'snapshot'] as const;
export type FileRole = (typeof FILE_ROLES)[number];

/** A file that the run was started with, or what was made of one. */
export interface RecordedFile {
  readonly role: FileRole;
  /** For messages. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

export interface RecordingStart {
  /** Names of files are absolute. */
  readonly spec: RunSpec;
  /** What the machine is called in findings, and a program by itself. */
  readonly name: string;
  /** What it was switched on with; not of a run that began with a snapshot. */
  readonly powerOn?: PowerOn;
  /** Of the terminal that was the guest's console, if one was: the image's initrd says so. */
  readonly size?: { readonly rows: number; readonly columns: number };
  readonly files: readonly RecordedFile[];
  /** Drives whose overlay the run has made. */
  readonly freshOverlays: readonly number[];
  /** What `BlockDevice.save` has written of each disk. */
  readonly disks: readonly Uint8Array[];
  /** Whether the recording holds what was loaded. */
  readonly embedded: boolean;
  /** The bytes of the snapshot that the run began with, if the recording holds it. */
  readonly snapshot?: Uint8Array;
}

/** As sections. The machine has been started with it and has not run. */
export function encodeStart(start: RecordingStart, machine: Machine): Section[] {
  const { disks, snapshot, ...plain } = start;
  const whole = start.embedded && snapshot === undefined;
  return [
    { tag: 'start', version: VERSION, payload: utf8(JSON.stringify(plain)) },
    saveIdentity(machine.identity),
    ...disks.flatMap((payload, n) => splitSection({ tag: `disk.${n}`, version: VERSION, payload })),
    ...(whole ? savePlan(machine.plan) : []),
    ...(snapshot === undefined ? [] : splitSection({ tag: 'snapshot', version: VERSION, payload: snapshot })),
  ];
}

/** Takes those sections back; those of the plan are left, for who makes the machine. */
export function decodeStart(sections: Sections): {
  readonly start: RecordingStart;
  readonly identity: MachineIdentity;
} {
  const reader = sections.take('start', VERSION);
  let plain: RecordingStart;
  try {
    plain = parseStart(JSON.parse(fromUtf8(reader.raw(reader.remaining))));
  } catch (error) {
    if (error instanceof PlinthError) throw error;
    return reader.fail('this is no JSON');
  }
  const identity = readIdentity(sections);
  const rest = (tag: string): Uint8Array => {
    const piece = sections.takeSplit(tag, VERSION);
    return piece.raw(piece.remaining);
  };
  const disks = plain.spec.drives.map((_, n) => rest(`disk.${n}`));
  const snapshot = sections.has('snapshot') ? { snapshot: rest('snapshot') } : {};
  return { start: { ...plain, disks, ...snapshot }, identity };
}

function parseStart(value: unknown): RecordingStart {
  const input = object(value, 'it');
  const name = input['name'];
  const { powerOn, size, files, freshOverlays, embedded } = input;
  check(typeof name === 'string', 'name');
  check(typeof embedded === 'boolean', 'embedded');
  check(Array.isArray(files) && Array.isArray(freshOverlays) && freshOverlays.every(isCount), 'its lists');
  return {
    spec: parseRunSpec(input['spec']),
    name,
    embedded,
    files: files.map(parseFile),
    freshOverlays: freshOverlays as number[],
    disks: [],
    ...(powerOn === undefined ? {} : { powerOn: parsePowerOn(object(powerOn, 'powerOn')) }),
    ...(size === undefined ? {} : { size: parseSize(object(size, 'size')) }),
  };
}

function parseFile(value: unknown): RecordedFile {
  const { role, name, size, sha256 } = object(value, 'a file');
  const known = FILE_ROLES.find((one) => one === role);
  check(known !== undefined && typeof name === 'string' && isCount(size), 'a file');
  check(typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256), 'the hash of a file');
  return { role: known, name, size, sha256 };
}

function parsePowerOn({ seed, wallClock }: Record<string, unknown>): PowerOn {
  check(typeof seed === 'string' && /^([0-9a-f]{2}){1,64}$/.test(seed) && isCount(wallClock), 'powerOn');
  return { seed, wallClock };
}

function parseSize({ rows, columns }: Record<string, unknown>): { rows: number; columns: number } {
  check(isCount(rows) && isCount(columns), 'size');
  return { rows, columns };
}

function object(value: unknown, what: string): Record<string, unknown> {
  check(typeof value === 'object' && value !== null && !Array.isArray(value), what);
  return value as Record<string, unknown>;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function check(condition: boolean, what: string): asserts condition {
  if (condition) return;
  throw new PlinthError('input', 'recording-start', `recording: ${what} is not as a recording has it: record it again`);
}

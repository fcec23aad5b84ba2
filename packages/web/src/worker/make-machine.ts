// SPDX-License-Identifier: Apache-2.0
// The machines of a page: a guest of the site, from power-on or as the site has it booted, and what a snapshot is of.

import { PlinthError } from '@plinth/core';
import {
  createDriver,
  DIGEST_NEEDED,
  type DriverHost,
  type DriveSpec,
  type MachineDriver,
  parseRunSpec,
  resumedSpec,
  resumeDriver,
  type RunSpec,
  Snapshot,
  takesRequests,
} from '@plinth/machine';
import type { EngineChoice } from '../page-options.js';
import { type BootOptions, startsBooted } from '../protocol.js';
import type { WantedFile } from '../wanted-files.js';
import { loadBooted, loadGuest, type ShowProgress } from './load-guest.js';
import { type DriveFiles, pageDrives, unplug } from './page-devices.js';
import { PageFile } from './page-file.js';
import { streamCodec } from './stream-codec.js';

/** A machine and what it was made from. */
export interface Made {
  readonly driver: MachineDriver;
  readonly spec: RunSpec;
  /** Of its drives, in their order. */
  readonly files: readonly DriveFiles[];
  /** For a guest that says when it is ready: whether it has been told what to do (`RunLoopOptions.ready`). */
  ready: 'booting' | 'ready' | 'unknown' | undefined;
}

/** What a driver gets here, with the files of its drives, and the drives that a snapshot has if one is resumed. */
export type HostOf = (files: readonly DriveFiles[], saved: readonly DriveSpec[] | undefined) => DriverHost;

export async function bootMachine(options: BootOptions, host: HostOf, show: ShowProgress): Promise<Made> {
  const { guest, base } = options;
  const spec = bootSpec(options);
  if (guest.booted !== undefined && startsBooted(options)) {
    const bytes = await loadBooted(guest, guest.booted, base, show);
    show(`starting ${guest.name}`, 1);
    const snapshot = await Snapshot.open(bytes, guest.booted.file, streamCodec);
    return { driver: resumeDriver(spec, snapshot, host([], undefined)), spec, files: [], ready: 'ready' };
  }
  const files = options.disks.map((file) => ({ disk: new PageFile(file) }));
  const loaded = await loadGuest(spec, options, show);
  const ready = loaded.powerOn === undefined ? undefined : 'booting';
  return { driver: createDriver(spec, loaded, host(files, undefined)), spec, files, ready };
}

function bootSpec({
  guest,
  engine,
  seed,
  wallClock,
  memory = guest.memory,
  append,
  until,
  disks,
}: BootOptions): RunSpec {
  return parseRunSpec({
    image: guest.name,
    engine,
    seed,
    wallClock,
    realtime: until === undefined,
    drives: disks.map(({ name }) => ({ file: name, snapshot: true })),
    ...(memory === undefined ? {} : { memory }),
    ...(append === undefined ? {} : { append }),
  });
}

export interface ResumeSetting {
  readonly engine: EngineChoice;
  readonly files: readonly DriveFiles[];
  readonly host: HostOf;
  readonly show: ShowProgress;
}

/** The machine of a snapshot, from a file or from another engine. */
export async function resumeMachine(snapshot: Snapshot, { engine, files, host, show }: ResumeSetting): Promise<Made> {
  const own = resumedSpec(parseRunSpec({ snapshot: snapshot.name, engine, realtime: true }), snapshot);
  const spec = { ...own, drives: pageDrives(own.drives) };
  const { run } = snapshot;
  const ready = run !== undefined && takesRequests(run) ? 'unknown' : undefined;
  const resume = (): MachineDriver => resumeDriver(spec, snapshot, host(files, own.drives));
  let driver: MachineDriver;
  try {
    driver = resume();
  } catch (error) {
    if (!(error instanceof PlinthError) || error.code !== DIGEST_NEEDED) throw error;
    await compareFiles(files, show);
    driver = resume();
  }
  unplug(spec, driver);
  return { driver, spec, files, ready };
}

/** Reads files of disks whole, as a snapshot notes them, unless that was done. */
export async function compareFiles(files: readonly DriveFiles[], show: ShowProgress): Promise<void> {
  for (const { disk, overlay } of files) {
    for (const file of overlay === undefined ? [disk] : [disk, overlay]) {
      await file.computeDigest((fraction) => show(`reading ${file.name}`, fraction));
    }
  }
}

/** The chosen files, which are in the order of the wanted ones, by drive. */
export function driveFiles(wanted: readonly WantedFile[], chosen: readonly File[]): DriveFiles[] {
  const files: { disk: PageFile; overlay?: PageFile }[] = [];
  wanted.forEach(({ drive, role }, n) => {
    const file = new PageFile(chosen[n]!);
    if (role === 'disk') files[drive] = { disk: file };
    else files[drive]!.overlay = file;
  });
  return files;
}

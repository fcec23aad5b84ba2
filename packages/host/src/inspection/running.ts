// SPDX-License-Identifier: Apache-2.0
// What of an inspection the kernel has: its links, and which generation of rules is run at them.

import { closeSync, fstatSync, openSync, rmSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlinthError } from '@plinth/core';
import { KernelMap, Link, lockFile, openPinned, type Place, programInfo, type SystemCalls } from '@plinth/linux';
import type { PlacedTables } from '@plinth/guards';
import type { AttachmentPoint } from '../containers/attachment-points.js';
import { readGeneration } from './facts.js';
import { filesTrouble, type InspectionFiles, makeFolder } from './places.js';

export interface RunningLink {
  readonly path: string;
  readonly place: Place;
  /** Of the interface, as its name in the BPF file system has it. */
  readonly index: number;
  readonly inside: boolean;
  /** Its interface is there. */
  readonly alive: boolean;
  /** Identifiers of the kernel's. */
  readonly id: number;
  readonly program: number;
}

/** By their pins. */
export function runningLinks(calls: SystemCalls, files: InspectionFiles): RunningLink[] {
  return files.pinned().flatMap((name) => {
    const match = /^(ingress|egress|xdp)-(\d+)(-inside)?$/.exec(name);
    const path = `${files.pins}/${name}`;
    using link = match === null ? undefined : Link.pinned(calls, path);
    if (match === null || link === undefined) return [];
    const info = link.info();
    return [
      {
        path,
        place: match[1] as Place,
        index: Number(match[2]),
        inside: match[3] !== undefined,
        alive: info.interface !== 0,
        id: info.id,
        program: info.program,
      },
    ];
  });
}

/** Whether an interface is, in both directions or at XDP. */
export function isInspected({ index, inside }: AttachmentPoint, links: readonly RunningLink[]): boolean {
  const here = links.filter((link) => link.index === index && link.inside === inside && link.alive);
  return here.length === 2 || here.some(({ place }) => place === 'xdp');
}

/**
 * Whose program these links run. Of several, which a change leaves that was killed, it is the last: it knows what the others
 * remember. Undefined if none is pinned.
 */
export function runningGeneration(
  calls: SystemCalls,
  files: InspectionFiles,
  links: readonly RunningLink[],
): number | undefined {
  const programs = new Set(links.filter(({ alive }) => alive).map(({ program }) => program));
  if (programs.size === 0) return undefined;
  return files.known().findLast((generation) => {
    const fd = openPinned(calls, files.program(generation));
    if (fd === undefined) return false;
    const { id } = programInfo(calls, fd);
    calls.close(fd);
    return programs.has(id);
  });
}

/** Takes a program away from its place for good. */
export function removeLink(calls: SystemCalls, path: string): void {
  using link = Link.pinned(calls, path);
  // Without its last name it would go too, but only some time later.
  if (link !== undefined && link.info().interface !== 0) link.detach();
  rmSync(path, { force: true });
}

/** The tables of a generation, as the kernel has them; undefined if something of it is gone. */
export function placedTables(calls: SystemCalls, files: InspectionFiles, generation: number): PlacedTables | undefined {
  const facts = readGeneration(files, generation);
  using map = KernelMap.pinned(calls, 'tables', files.tables(generation));
  const bytes = map?.lookup(new Uint8Array(4));
  return facts === undefined || bytes === undefined ? undefined : { shape: facts.shape, bytes };
}

const LOCK_TRIES = 100;
const LOCK_PAUSE = 100;

/** Keeps others from changing an inspection, until it is disposed of; waits ten seconds for who does. */
export async function lockInspection(calls: SystemCalls, folder: string, files: InspectionFiles): Promise<Disposable> {
  makeFolder(folder);
  for (let tries = 0; tries < LOCK_TRIES; tries++) {
    const lock = tryLock(calls, files.lock);
    if (lock !== undefined) return lock;
    await sleep(LOCK_PAUSE);
  }
  throw new PlinthError('host', 'inspection-locked', `${files.id}: another plinth is changing its inspection`);
}

/** Undefined if another process has it. */
export function tryLock(calls: SystemCalls, path: string): Disposable | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'a', 0o600);
  } catch (cause) {
    throw filesTrouble(path, 'opened', cause);
  }
  // Whoever had it may have removed the file, and others may lock another of its name.
  const isOfPath = (): boolean => statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino;
  if (!lockFile(calls, fd) || !isOfPath()) {
    closeSync(fd);
    return undefined;
  }
  return { [Symbol.dispose]: () => closeSync(fd) };
}

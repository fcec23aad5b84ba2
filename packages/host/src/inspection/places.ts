// SPDX-License-Identifier: Apache-2.0
// Where an inspection is kept while no process of ours runs: its links, maps and programs by names in a BPF file system, and beside
// them, in files that the next boot removes as it removes those, what is known of it.
//
//   PINS/ID/  ingress-INDEX egress-INDEX (…-inside)   links; or xdp-INDEX
//             map-NAME                                what goes on when rules are changed
//             tables-N program-N                      of generation N of its rules
//   FACTS/ID.json ID.lock ID.reader                   facts.ts; locks
//   FACTS/ID/N.json                                   the rules of generation N

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { BPF_FILES, type Place } from '@plinth/linux';
import type { AttachmentPoint } from '../containers/attachment-points.js';

export interface InspectionPlaces {
  readonly pins: string;
  readonly facts: string;
}

export const PLACES: InspectionPlaces = { pins: join(BPF_FILES, 'plinth/inspect'), facts: '/run/plinth/inspect' };

/** Names of one inspection. */
export class InspectionFiles {
  readonly id: string;
  readonly pins: string;
  readonly facts: string;
  readonly generations: string;
  readonly lock: string;
  readonly reader: string;

  constructor(places: InspectionPlaces, id: string) {
    this.id = id;
    this.pins = join(places.pins, id);
    this.facts = join(places.facts, `${id}.json`);
    this.generations = join(places.facts, id);
    this.lock = join(places.facts, `${id}.lock`);
    this.reader = join(places.facts, `${id}.reader`);
  }

  link({ index, inside }: Pick<AttachmentPoint, 'index' | 'inside'>, place: Place): string {
    return join(this.pins, `${place}-${index}${inside ? '-inside' : ''}`);
  }

  map(name: string): string {
    return join(this.pins, `map-${name}`);
  }

  tables(generation: number): string {
    return join(this.pins, `tables-${generation}`);
  }

  program(generation: number): string {
    return join(this.pins, `program-${generation}`);
  }

  generation(generation: number): string {
    return join(this.generations, `${generation}.json`);
  }

  /** Names of pins; none if there is no folder of them. */
  pinned(): string[] {
    return entries(this.pins);
  }

  /** Generations of which something is pinned or kept. */
  known(): number[] {
    const pinned = this.pinned().flatMap((name) => /^(?:tables|program)-(\d+)$/.exec(name)?.[1] ?? []);
    const kept = entries(this.generations).flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? []);
    return [...new Set([...pinned, ...kept].map(Number))].sort((a, b) => a - b);
  }
}

/** A name of inspection from what it is of: no dots, which a BPF file system does not take, and no two alike. */
export function inspectionId(text: string): string {
  const plain = text.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 64);
  return plain === text ? text : `${plain}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
}

/** All that there are, whole or not. */
export function inspectionIds(places: InspectionPlaces): string[] {
  const kept = entries(places.facts).flatMap((name) => /^([\w-]+)\.json$/.exec(name)?.[1] ?? []);
  return [...new Set([...entries(places.pins), ...kept])].sort();
}

/** Makes a folder that only root looks into; the host's refusal is one line. */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw filesTrouble(path, 'made', cause);
  }
}

/** Names in a folder; none if there is no such folder. */
function entries(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw filesTrouble(path, 'read', cause);
  }
}

/** A `host` error for a file or folder of inspections. */
export function filesTrouble(path: string, what: string, cause: unknown): PlinthError {
  const { code = String(cause) } = cause as NodeJS.ErrnoException;
  const why = code === 'EACCES' || code === 'EPERM' ? 'this needs root' : code;
  return new PlinthError('host', 'inspection-files', `${path}: cannot be ${what}: ${why}`, { cause });
}

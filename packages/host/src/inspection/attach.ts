// SPDX-License-Identifier: Apache-2.0
// Attaches rules to the interfaces of a container, or changes those that are there. All or nothing: each step says how it is undone,
// and what fails undoes those before it.
//
// A change loads the new program and its tables beside the old ones, with the maps that last. Then each link goes over to it at
// once, between two packets. The old program is let go when all have.

import { createHash } from 'node:crypto';
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import {
  type KernelRule,
  type PacketPlace,
  type PacketProgram,
  packetProgram,
  ruleTables,
  type Variables,
} from '@plinth/guards';
import {
  KernelMap,
  KernelProgram,
  mountBpfFiles,
  type Place,
  requirePrograms,
  type SystemCalls,
  unmountBpfFiles,
} from '@plinth/linux';
import type { AttachmentPoint } from '../containers/attachment-points.js';
import {
  type GenerationFacts,
  type InspectionFacts,
  type InspectionSubject,
  knownRule,
  readFacts,
  writeJson,
} from './facts.js';
import { INSTEAD, linkAll, LINKS } from './linking.js';
import { InspectionFiles, inspectionId, type InspectionPlaces, makeFolder, PLACES } from './places.js';
import { removeInspection } from './remove.js';
import {
  lockInspection,
  placedTables,
  removeLink,
  runningGeneration,
  type RunningLink,
  runningLinks,
} from './running.js';
import { oldestUnread } from './unread.js';

/** Rules as they were read, and what of them is taken. */
export interface RuleSource {
  readonly file: string;
  readonly text: string;
  readonly variables: Variables;
  /** As the kernel gets them. */
  readonly rules: readonly KernelRule[];
  /** Rules of the file that these stand for, and those that are not looked for. */
  readonly taken: number;
  readonly refused: number;
}

export interface AttachOptions {
  readonly failClosed?: boolean;
  /** `tcx`, both directions, if it is left out; at `xdp` only what the interfaces receive, before the kernel has made anything of it. */
  readonly place?: PacketPlace;
  readonly places?: InspectionPlaces;
}

export interface Attached {
  readonly id: string;
  readonly subject: InspectionSubject;
  readonly points: readonly AttachmentPoint[];
  readonly generation: number;
  /** Others were there before. */
  readonly replaced: boolean;
  /** What was known of connections is not known any more: a content that began before is not found. */
  readonly forgotten: boolean;
  /** A BPF file system had to be mounted. */
  readonly mounted: boolean;
}

const KEY = new Uint8Array(4);

/** @throws PlinthError `host` where the kernel refuses it, with nothing changed */
export async function attachInspection(
  calls: SystemCalls,
  subject: InspectionSubject,
  points: readonly AttachmentPoint[],
  source: RuleSource,
  options: AttachOptions = {},
): Promise<Attached> {
  requireRights(calls);
  const mounted = mountBpfFiles(calls);
  try {
    return { ...(await attachWhole(calls, subject, points, source, options)), mounted };
  } catch (error) {
    if (mounted) unmountBpfFiles(calls);
    throw error;
  }
}

async function attachWhole(
  calls: SystemCalls,
  subject: InspectionSubject,
  points: readonly AttachmentPoint[],
  source: RuleSource,
  { failClosed = false, place = 'tcx', places = PLACES }: AttachOptions,
): Promise<Omit<Attached, 'mounted'>> {
  const files = new InspectionFiles(places, inspectionId(subject.id));
  using lock = await lockInspection(calls, places.facts, files);
  void lock;
  const links = runningLinks(calls, files);
  const running = runningGeneration(calls, files, links);
  const facts = readFacts(files);
  const generation = Math.max(0, facts?.tried ?? 0, ...files.known()) + 1;
  const undo: (() => void)[] = [];
  const written = (path: string): void => void undo.push(() => rmSync(path, { force: true }));
  if (facts === undefined && links.length === 0) undo.push(() => removeInspection(calls, files, places));
  using held = new Held();
  try {
    const before = running === undefined ? undefined : placedTables(calls, files, running);
    const tables = ruleTables(source.rules, before === undefined ? { generation } : { generation, before });
    const program = packetProgram(tables, { failClosed, place });
    // Rules without contents follow no stream: what is remembered of those is old.
    const follows = before !== undefined && before.shape.automata.length > 0;
    const hadFlows = files.pinned().includes('map-flows');
    makeFolder(files.pins);
    makeFolder(files.generations);
    const { loaded, fresh } = load(calls, files, program, follows, held);
    for (const map of fresh) {
      // Under another name until it is sure to be used; what was killed may have left it.
      const path = files.map(`new-${map.definition.name}`);
      rmSync(path, { force: true });
      map.pin(path);
      written(path);
    }
    loaded.map(program.tablesMap).pin(files.tables(generation));
    written(files.tables(generation));
    loaded.pin(files.program(generation));
    written(files.program(generation));
    writeJson(files.generation(generation), generationFacts(source, generation, failClosed, program));
    written(files.generation(generation));
    const now = new Date().toISOString();
    const since = running === undefined ? now : (facts?.since ?? now);
    const next: InspectionFacts = { version: 1, subject, since, changed: now, tried: generation, points, whole: true };
    // What was tried once is never tried again as another, whatever comes of this.
    writeJson(files.facts, facts === undefined ? { ...next, whole: false } : { ...facts, tried: generation });
    if (facts === undefined) written(files.facts);
    await linkAll(calls, files, { points, at: LINKS[place], links, subject, loaded, running, undo });
    writeJson(files.facts, next);
    undo.length = 0;
    settle(calls, files, { points, at: LINKS[place], generation, links, fresh, program });
    const forgotten = hadFlows && fresh.some(({ definition: { name } }) => name === 'flows');
    return { id: files.id, subject, points, generation, replaced: running !== undefined, forgotten };
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  }
}

/** That it is not allowed at all is said before anything is looked for or changed. */
export function requireRights(calls: SystemCalls): void {
  try {
    requirePrograms(calls);
  } catch (cause) {
    if (!(cause instanceof PlinthError)) throw cause;
    const why = process.getuid?.() === 0 ? cause.message : 'it needs root, or CAP_BPF and CAP_NET_ADMIN';
    throw new PlinthError('host', 'inspect-rights', `inspecting at an interface: ${why}; ${INSTEAD}`, { cause });
  }
}

/** What is open while it lasts. */
class Held implements Disposable {
  readonly #all: Disposable[] = [];

  add<T extends Disposable>(one: T): T {
    this.#all.push(one);
    return one;
  }

  [Symbol.dispose](): void {
    for (const one of this.#all.reverse()) one[Symbol.dispose]();
  }
}

function generationFacts(
  { file, text, variables, rules, taken, refused }: RuleSource,
  generation: number,
  failClosed: boolean,
  { tables: { shape } }: PacketProgram,
): GenerationFacts {
  const hash = createHash('sha256').update(text, 'latin1').digest('hex');
  const known = rules.map(knownRule);
  return { version: 1, generation, failClosed, file, hash, text, variables, rules: known, taken, refused, shape };
}

/** The program with the maps that last, and those of them that are new. */
function load(
  calls: SystemCalls,
  files: InspectionFiles,
  program: PacketProgram,
  goesOn: boolean,
  held: Held,
): { loaded: KernelProgram; fresh: KernelMap[] } {
  const shared = new Map<string, KernelMap>();
  const fresh: KernelMap[] = [];
  for (const definition of program.lasting) {
    const { name } = definition;
    // What is known of connections is so by tables; where those are not known, it means nothing.
    const known = goesOn || name !== 'flows' ? KernelMap.pinned(calls, name, files.map(name)) : undefined;
    if (known !== undefined) held.add(known);
    const map = known?.serves(definition) === true ? known : held.add(KernelMap.create(calls, definition));
    if (map !== known) fresh.push(map);
    shared.set(name, map);
  }
  const loaded = KernelProgram.load(calls, program.program, shared, (maps) => {
    maps.get(program.tablesMap.name)!.set(KEY, program.tables.bytes);
  });
  return { loaded: held.add(loaded), fresh };
}

interface Settling {
  readonly points: readonly AttachmentPoint[];
  readonly at: readonly Place[];
  readonly generation: number;
  readonly links: readonly RunningLink[];
  readonly fresh: readonly KernelMap[];
  readonly program: PacketProgram;
}

/** Lets go of what was before. */
function settle(calls: SystemCalls, files: InspectionFiles, settling: Settling): void {
  const { points, at, generation, links, fresh, program } = settling;
  for (const { definition } of fresh) {
    renameSync(files.map(`new-${definition.name}`), files.map(definition.name));
  }
  const kept = new Set([
    ...points.flatMap((point) => at.map((place) => files.link(point, place))),
    ...program.lasting.map(({ name }) => files.map(name)),
    files.tables(generation),
    files.program(generation),
  ]);
  for (const { path, alive } of links) if (alive && !kept.has(path)) removeLink(calls, path);
  for (const name of files.pinned()) {
    const path = join(files.pins, name);
    if (!kept.has(path)) rmSync(path, { force: true });
  }
  // Rules that unread events name are still needed.
  const oldest = oldestUnread(calls, files) ?? generation;
  for (const one of files.known()) if (one < oldest && one < generation) rmSync(files.generation(one), { force: true });
}

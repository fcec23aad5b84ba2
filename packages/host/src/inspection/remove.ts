// SPDX-License-Identifier: Apache-2.0
// Ends inspections: those that a user names, and those whose interface or container is gone.

import { rmdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { PlinthError } from '@plinth/core';
import type { SystemCalls } from '@plinth/linux';
import { findContainer } from '../containers/find-container.js';
import { namespaceOf, processStart } from '../containers/container.js';
import { type InspectionFacts, readableFacts } from './facts.js';
import { InspectionFiles, inspectionIds, type InspectionPlaces, makeFolder, PLACES } from './places.js';
import { lockInspection, removeLink, type RunningLink, runningLinks, tryLock } from './running.js';

/** Ends one, and leaves nothing of it. */
export async function detachInspection(
  calls: SystemCalls,
  id: string,
  places: InspectionPlaces = PLACES,
): Promise<void> {
  const files = new InspectionFiles(places, id);
  using lock = await lockInspection(calls, places.facts, files);
  void lock;
  removeInspection(calls, files, places);
}

/** Whoever calls has the lock. */
export function removeInspection(calls: SystemCalls, files: InspectionFiles, places: InspectionPlaces): void {
  for (const { path } of runningLinks(calls, files)) removeLink(calls, path);
  for (const path of [files.pins, files.facts, files.generations, files.reader, files.lock]) {
    rmSync(path, { recursive: true, force: true });
  }
  // Folders that had only this one; what others have in them stays.
  for (const folder of [places.pins, dirname(places.pins), places.facts, dirname(places.facts)]) {
    try {
      rmdirSync(folder);
    } catch {
      // Others are in it.
    }
  }
}

/** The inspections that a name means: of a container by its name or the beginning of its id, or by what `status` calls it. */
export function inspectionsNamed(name: string, places: InspectionPlaces = PLACES): string[] {
  const found = inspectionIds(places).filter((id) => {
    if (id === name) return true;
    const subject = readableFacts(new InspectionFiles(places, id))?.subject;
    return subject !== undefined && (subject.name === name || (name.length >= 4 && subject.id.startsWith(name)));
  });
  if (found.length === 1) return found;
  const why = found.length === 0 ? 'nothing of that name is inspected' : `${found.join(' and ')} are meant`;
  throw new PlinthError('input', 'not-inspected', `${name}: ${why}: "plinth inspect status" lists what is`);
}

export interface StaleInspection {
  readonly id: string;
  readonly why: string;
}

/** Those that inspect nothing any more; none that somebody is changing right now. */
export async function staleInspections(
  calls: SystemCalls,
  places: InspectionPlaces = PLACES,
): Promise<StaleInspection[]> {
  const stale: StaleInspection[] = [];
  const ids = inspectionIds(places);
  if (ids.length > 0) makeFolder(places.facts);
  for (const id of ids) {
    const files = new InspectionFiles(places, id);
    const lock = tryLock(calls, files.lock);
    if (lock === undefined) continue;
    using held = lock;
    void held;
    const facts = readableFacts(files);
    const why = await reasonOfStale(facts, runningLinks(calls, files));
    if (why !== undefined) stale.push({ id, why });
  }
  return stale;
}

async function reasonOfStale(
  facts: InspectionFacts | undefined,
  links: readonly RunningLink[],
): Promise<string | undefined> {
  if (links.length === 0) return 'nothing is attached any more';
  if (links.every(({ alive }) => !alive)) return 'its interface is gone';
  // With files that are gone or damaged it inspects all the same.
  if (facts === undefined) return undefined;
  if (!facts.whole) return 'its attaching was killed';
  const { kind, id, pid, start } = facts.subject;
  if (kind === 'interface' || (pid !== undefined && processStart(pid) === start)) return undefined;
  if (kind === 'process') return 'its process has ended';
  // It may have been started again, in the same network.
  try {
    const again = await findContainer(id);
    return namespaceOf(again.pid) === facts.subject.namespace ? undefined : 'its container has another network now';
  } catch (error) {
    if (error instanceof PlinthError && error.kind === 'input') return 'its container is gone';
    throw error;
  }
}

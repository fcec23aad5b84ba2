// SPDX-License-Identifier: Apache-2.0
// Takes an inspection to interfaces that have come since it was attached: the program that runs at the others runs there, too. Rules,
// connections and counters stay as they are.

import { PlinthError } from '@plinth/core';
import { openPinned, type SystemCalls } from '@plinth/linux';
import type { AttachmentPoint } from '../containers/attachment-points.js';
import { type InspectionFacts, readFacts, writeJson } from './facts.js';
import { linkMissing, LINKS } from './linking.js';
import { InspectionFiles, type InspectionPlaces, PLACES } from './places.js';
import { isInspected, lockInspection, removeLink, runningGeneration, runningLinks } from './running.js';
import type { Subject } from './subjects.js';

/**
 * All of the subject's interfaces, or none more than before.
 * @returns those that were not inspected before
 * @throws PlinthError `host` where the kernel refuses it, or nothing is inspected any more
 */
export async function coverInterfaces(
  calls: SystemCalls,
  id: string,
  { subject, points }: Subject,
  places: InspectionPlaces = PLACES,
): Promise<AttachmentPoint[]> {
  const files = new InspectionFiles(places, id);
  using lock = await lockInspection(calls, places.facts, files);
  void lock;
  const links = runningLinks(calls, files);
  const running = runningGeneration(calls, files, links);
  const facts = readFacts(files);
  const fd = running === undefined ? undefined : openPinned(calls, files.program(running));
  if (facts === undefined || fd === undefined) {
    throw new PlinthError('host', 'not-inspected', `${id}: its inspection went away meanwhile: attach again`);
  }
  const fresh = points.filter((point) => !isInspected(point, links));
  const undo: (() => void)[] = [];
  try {
    await linkMissing(calls, files, { points: fresh, at: LINKS.tcx, links, subject, loaded: { fd }, undo });
    writeJson(files.facts, { ...facts, subject, points } satisfies InspectionFacts);
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  } finally {
    calls.close(fd);
  }
  const isWanted = ({ index, inside }: Pick<AttachmentPoint, 'index' | 'inside'>): boolean =>
    points.some((point) => point.index === index && point.inside === inside);
  for (const one of links) if (!isWanted(one)) removeLink(calls, one.path);
  return fresh;
}

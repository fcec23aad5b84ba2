// SPDX-License-Identifier: Apache-2.0
// What is inspected now: the kernel is asked, so any process can tell.

import { readFileSync } from 'node:fs';
import { PlinthError } from '@plinth/core';
import { COUNTER, REASON, reasonCounter } from '@plinth/guards';
import { KernelMap, possibleProcessors, type SystemCalls } from '@plinth/linux';
import type { AttachmentPoint } from '../containers/attachment-points.js';
import { Coverage } from './coverage.js';
import {
  type GenerationFacts,
  type InspectionFacts,
  type InspectionSubject,
  readFacts,
  readGeneration,
} from './facts.js';
import { InspectionFiles, inspectionIds, type InspectionPlaces, PLACES } from './places.js';
import { isInspected, runningGeneration, type RunningLink, runningLinks } from './running.js';

export interface InspectionCounts {
  readonly packets: number;
  /** Of frames. */
  readonly bytes: number;
  /** Packets. */
  readonly dropped: number;
  /** Packets that were told, and those for which there was no room. */
  readonly told: number;
  readonly lost: number;
  /** Packets that could not be inspected as they should, or were remarkable, by why. */
  readonly reasons: Readonly<Record<keyof typeof REASON, number>>;
}

export interface RulesSummary {
  readonly file: string;
  /** SHA-256 of the file. */
  readonly hash: string;
  readonly taken: number;
  readonly refused: number;
  readonly failClosed: boolean;
}

export interface InspectionStatus {
  readonly id: string;
  /** Undefined where its files are gone. */
  readonly subject?: InspectionSubject;
  /** RFC 3339. */
  readonly since?: string;
  readonly changed?: string;
  /** `attached` with all of its links, `partly` where some are missing, run other rules, or have come since, `gone` with none. */
  readonly state: 'attached' | 'partly' | 'gone';
  readonly points: readonly (AttachmentPoint & { readonly alive: boolean })[];
  /** Interfaces that it has now, and that pass all uninspected. */
  readonly uninspected: readonly AttachmentPoint[];
  readonly generation?: number;
  readonly rules?: RulesSummary;
  readonly counts?: InspectionCounts;
  /** Why something is not known. */
  readonly trouble?: string;
}

export async function inspectionStatuses(
  calls: SystemCalls,
  places: InspectionPlaces = PLACES,
): Promise<InspectionStatus[]> {
  using coverage = new Coverage(calls, places);
  const holes = await coverage.look();
  return inspectionIds(places).map((id) => {
    const uninspected = holes.filter((hole) => hole.id === id).map(({ point }) => point);
    return statusOf(calls, new InspectionFiles(places, id), uninspected);
  });
}

function statusOf(
  calls: SystemCalls,
  files: InspectionFiles,
  uninspected: readonly AttachmentPoint[],
): InspectionStatus {
  const links = runningLinks(calls, files);
  const generation = runningGeneration(calls, files, links);
  let facts: InspectionFacts | undefined;
  let rules: GenerationFacts | undefined;
  let trouble: string | undefined;
  try {
    facts = readFacts(files);
    rules = generation === undefined ? undefined : readGeneration(files, generation);
    if (facts === undefined) trouble = `${files.facts} is gone`;
  } catch (error) {
    if (!(error instanceof PlinthError)) throw error;
    trouble = error.message;
  }
  const points = (facts?.points ?? []).map((point) => ({ ...point, alive: isInspected(point, links) }));
  const counts = readCounts(calls, files);
  return {
    id: files.id,
    ...(facts === undefined ? {} : { subject: facts.subject, since: facts.since, changed: facts.changed }),
    state: stateOf(points, links, uninspected),
    points,
    uninspected,
    ...(generation === undefined ? {} : { generation }),
    ...(rules === undefined ? {} : { rules: summaryOf(rules) }),
    ...(counts === undefined ? {} : { counts }),
    ...(trouble === undefined ? {} : { trouble }),
  };
}

function summaryOf({ file, hash, taken, refused, failClosed }: GenerationFacts): RulesSummary {
  return { file, hash, taken, refused, failClosed };
}

function stateOf(
  points: readonly { alive: boolean }[],
  links: readonly RunningLink[],
  uninspected: readonly AttachmentPoint[],
): InspectionStatus['state'] {
  const alive = links.filter((link) => link.alive);
  if (alive.length === 0) return 'gone';
  const same = new Set(alive.map(({ program }) => program)).size === 1;
  return same && uninspected.length === 0 && points.every((point) => point.alive) ? 'attached' : 'partly';
}

function readCounts(calls: SystemCalls, files: InspectionFiles): InspectionCounts | undefined {
  using map = KernelMap.pinned(calls, 'counters', files.map('counters'));
  if (map === undefined) return undefined;
  const processors = possibleProcessors(readFileSync('/sys/devices/system/cpu/possible', 'latin1'));
  const bytes = map.lookup(new Uint8Array(4), processors);
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer);
  const size = bytes.length / processors;
  const sum = (at: number): number => {
    let all = 0n;
    for (let n = 0; n < processors; n++) all += view.getBigUint64(n * size + at, true);
    return Number(all);
  };
  const names = Object.keys(REASON) as (keyof typeof REASON)[];
  return {
    packets: sum(COUNTER.packets),
    bytes: sum(COUNTER.bytes),
    dropped: sum(COUNTER.dropped),
    told: sum(COUNTER.told),
    lost: sum(COUNTER.lost),
    reasons: Object.fromEntries(
      names.map((name) => [name, sum(reasonCounter(REASON[name]))]),
    ) as InspectionCounts['reasons'],
  };
}

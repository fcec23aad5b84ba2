// SPDX-License-Identifier: Apache-2.0
// `plinth inspect status`, `events`, `detach` and `metrics`: what is inspected at the interfaces of containers of this host.

import { PlinthError } from '@plinth/core';
import {
  detachInspection,
  EventReader,
  inspectionIds,
  inspectionsNamed,
  type InspectionStatus,
  inspectionStatuses,
  PLACES,
  prometheusText,
  requireRights,
} from '@plinth/host';
import { nativeCalls, type SystemCalls } from '@plinth/linux';
import { eveEvents, eventFindings, eventLines } from '../inspect/host-event.js';
import { decodeContent } from '../inspect/inspect-capture.js';
import {
  uninspectedEvent,
  uninspectedFinding,
  uninspectedLine,
  UninspectedTeller,
  uninspectedText,
} from '../inspect/uninspected.js';
import { EXIT } from '../report-error.js';
import { EventLog } from '../run/event-log.js';

export async function statusVerb({ json = false }: { readonly json?: boolean }): Promise<number> {
  const statuses = await inspectionStatuses(nativeCalls());
  if (json) {
    process.stdout.write(`${JSON.stringify({ inspections: statuses })}\n`);
    return EXIT.clean;
  }
  if (statuses.length === 0) process.stdout.write('nothing is inspected\n');
  for (const status of statuses) process.stdout.write(describe(status));
  return EXIT.clean;
}

function describe(status: InspectionStatus): string {
  const { id, subject, state, since, points, uninspected, rules, counts, trouble } = status;
  const name = subject === undefined ? id : `${subject.kind} ${subject.name} (${id})`;
  const at = points.map(
    (point) => `${point.name}${point.inside ? ' inside' : ''}${point.alive ? '' : ' (not attached)'}`,
  );
  const lines = [
    `${name}: ${state}${at.length === 0 ? '' : ` at ${at.join(', ')}`}${since === undefined ? '' : ` since ${since}`}`,
  ];
  if (rules !== undefined) {
    const left = rules.refused === 0 ? '' : `, ${rules.refused} refused`;
    lines.push(`rules ${rules.file}: ${rules.taken}${left}; ${rules.failClosed ? 'fail-closed' : 'fail-open'}`);
  }
  if (counts !== undefined) {
    const { packets, bytes, dropped, told, lost, reasons } = counts;
    lines.push(`${packets} packets, ${bytes} bytes, ${dropped} dropped, ${told} events, ${lost} lost`);
    const odd = Object.entries(reasons).filter(([, count]) => count > 0);
    if (odd.length > 0) lines.push(odd.map(([reason, count]) => `${reason} ${count}`).join(', '));
  }
  if (subject !== undefined) for (const point of uninspected) lines.push(uninspectedText({ id, subject, point }));
  if (trouble !== undefined) lines.push(trouble);
  return `${lines.join('\n  ')}\n`;
}

export interface EventsOptions {
  readonly container?: string;
  readonly follow?: boolean;
  readonly json?: boolean;
  readonly events?: string;
}

/** Milliseconds after which what is newly attached is listened to, too, and interfaces are looked at. */
const LOOK_AGAIN = 1000;

export async function eventsVerb({ container, follow = false, json = false, events }: EventsOptions): Promise<number> {
  const calls = nativeCalls();
  const wanted = (): string[] => (container === undefined ? inspectionIds(PLACES) : inspectionsNamed(container));
  using log = new EventLog(events);
  const print = (lines: readonly (string | object)[]): void => {
    for (const line of lines) process.stdout.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
  };
  using holes = new UninspectedTeller(calls);
  const readers = new Map<string, EventReader>();
  let found = 0;
  try {
    do {
      const ids = wanted();
      openReaders(calls, readers, ids);
      for (const reader of readers.values()) {
        reader.drain((event) => {
          found += event.matches.length;
          for (const one of eventFindings(event)) log.write(one);
          print(json ? eveEvents(event) : eventLines(event));
        });
      }
      for (const hole of await holes.fresh(ids)) {
        found++;
        log.write(uninspectedFinding(hole));
        print([json ? uninspectedEvent(hole) : uninspectedLine(hole)]);
      }
      if (follow) await EventReader.wait([...readers.values()], holes.descriptors, calls, LOOK_AGAIN);
    } while (follow);
  } finally {
    for (const reader of readers.values()) reader[Symbol.dispose]();
  }
  return found > 0 ? EXIT.found : EXIT.clean;
}

/** What is there now is read; what is gone no more. */
function openReaders(calls: SystemCalls, readers: Map<string, EventReader>, ids: readonly string[]): void {
  for (const [id, reader] of readers) {
    if (ids.includes(id) && !reader.stale) continue;
    reader[Symbol.dispose]();
    readers.delete(id);
  }
  for (const id of ids) {
    if (readers.has(id)) continue;
    const reader = EventReader.open(calls, id, { decode: decodeContent });
    if (reader !== undefined) readers.set(id, reader);
  }
}

export interface DetachOptions {
  readonly container?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

export async function detachVerb({ container, all = false, json = false }: DetachOptions): Promise<number> {
  if ((container !== undefined) === all) {
    throw new PlinthError('input', 'subject', 'one of --container NAME and --all says what is detached');
  }
  const calls = nativeCalls();
  requireRights(calls);
  const ids = all ? inspectionIds(PLACES) : inspectionsNamed(container!);
  for (const id of ids) {
    await detachInspection(calls, id);
    if (!json) process.stdout.write(`${id}: detached\n`);
  }
  if (json) process.stdout.write(`${JSON.stringify({ detached: ids })}\n`);
  return EXIT.clean;
}

export async function metricsVerb(): Promise<number> {
  process.stdout.write(prometheusText(await inspectionStatuses(nativeCalls())));
  return EXIT.clean;
}

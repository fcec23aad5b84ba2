// SPDX-License-Identifier: Apache-2.0
// What a user names to be inspected: a container, a process, or an interface, with the interfaces at which that is done.

import type { SystemCalls } from '@plinth/linux';
import { type AttachmentPoint, pointOfInterface } from '../containers/attachment-points.js';
import { pointsOfContainer } from '../containers/container-network.js';
import { type Container, namespaceOf, processStart } from '../containers/container.js';
import { findContainer } from '../containers/find-container.js';
import type { InspectionSubject } from './facts.js';

export type SubjectName = { readonly container: string } | { readonly pid: number } | { readonly interface: string };

export interface Subject {
  readonly subject: InspectionSubject;
  readonly points: readonly AttachmentPoint[];
}

/** @throws PlinthError `input` for what is not there, or has no interface of its own */
export async function findSubject(calls: SystemCalls, named: SubjectName): Promise<Subject> {
  if ('interface' in named) {
    const name = named.interface;
    const point = pointOfInterface(calls, name);
    return { subject: { kind: 'interface', id: `interface-${name}`, name }, points: [point] };
  }
  if ('pid' in named) return within(calls, 'process', processContainer(named.pid));
  const container = await findContainer(named.container);
  return within(calls, 'container', container);
}

/** A process as if it were a container. */
export function processContainer(pid: number): Container {
  return { id: `process-${pid}`, name: String(pid), pid };
}

async function within(calls: SystemCalls, kind: 'container' | 'process', container: Container): Promise<Subject> {
  const points = await pointsOfContainer(calls, container);
  return { subject: subjectOf(kind, container), points };
}

/** @throws PlinthError `input` if its process has ended */
export function subjectOf(kind: 'container' | 'process', { id, name, pid }: Container): InspectionSubject {
  const namespace = namespaceOf(pid);
  const start = processStart(pid);
  return { kind, id: shortId(id), name, pid, ...(start === undefined ? {} : { start }), namespace };
}

/** Docker's ids are told by their first twelve digits. */
export function shortId(id: string): string {
  return /^[0-9a-f]{64}$/.test(id) ? id.slice(0, 12) : id;
}

// SPDX-License-Identifier: Apache-2.0
// Links of an inspection: a program at each interface, in each direction. What is done says how it is undone.

import { rmSync } from 'node:fs';
import { PlinthError } from '@plinth/core';
import type { PacketPlace } from '@plinth/guards';
import {
  ERROR,
  errorName,
  Link,
  linkCreate,
  NetworkNamespace,
  openPinned,
  type KernelProgram,
  type Place,
  type SystemCalls,
} from '@plinth/linux';
import type { AttachmentPoint } from '../containers/attachment-points.js';
import { networkNamespace } from '../containers/container.js';
import type { InspectionSubject } from './facts.js';
import type { InspectionFiles } from './places.js';
import type { RunningLink } from './running.js';

/** By where a program runs. */
export const LINKS: Readonly<Record<PacketPlace, readonly Place[]>> = { tcx: ['ingress', 'egress'], xdp: ['xdp'] };
/** For hosts that refuse it. */
export const INSTEAD = '"plinth inspect pcap FILE --rules F" runs the same rules over a capture without it';

export interface Linking {
  readonly points: readonly AttachmentPoint[];
  /** Where at each of them. */
  readonly at: readonly Place[];
  readonly links: readonly RunningLink[];
  readonly subject: InspectionSubject;
  readonly loaded: Pick<KernelProgram, 'fd'>;
  /** Generation that is run now. */
  readonly running: number | undefined;
  readonly undo: (() => void)[];
}

/** Those that are missing are made, and those that are there run this program from the next packet on. */
export async function linkAll(calls: SystemCalls, files: InspectionFiles, linking: Linking): Promise<void> {
  const { loaded, running, undo } = linking;
  // New links first: they fail more easily.
  await linkMissing(calls, files, linking);
  for (const { path } of placesOf(files, linking).filter(({ old }) => old)) {
    using known = Link.pinned(calls, path);
    if (known === undefined)
      throw new PlinthError('host', 'link-gone', `${path}: it went away meanwhile: attach again`);
    known.replace(loaded);
    if (running !== undefined) undo.push(() => putBack(calls, path, files.program(running)));
  }
}

/** Those that are there stay as they are. */
export async function linkMissing(
  calls: SystemCalls,
  files: InspectionFiles,
  linking: Omit<Linking, 'running'>,
): Promise<void> {
  const { points, subject, loaded, undo } = linking;
  const inside = points.some((point) => point.inside);
  using namespace = inside ? new NetworkNamespace(networkNamespace(subject.pid!)) : undefined;
  for (const { point, place, path } of placesOf(files, linking).filter(({ old }) => !old)) {
    const fd =
      namespace !== undefined && point.inside
        ? await namespace.link(loaded.fd, point.index, place)
        : place === 'xdp'
          ? linkAtXdp(calls, loaded.fd, point.index)
          : linkCreate(calls, loaded.fd, point.index, place);
    if (fd < 0) throw refusedLink(point, place, -fd);
    using made = Link.of(calls, fd);
    // One whose interface is gone may have the name.
    rmSync(path, { force: true });
    made.pin(path);
    undo.push(() => rmSync(path, { force: true }));
  }
}

interface LinkPlace {
  readonly point: AttachmentPoint;
  readonly place: Place;
  readonly path: string;
  /** It is there. */
  readonly old: boolean;
}

function placesOf(
  files: InspectionFiles,
  { points, at, links }: Pick<Linking, 'points' | 'at' | 'links'>,
): LinkPlace[] {
  return points.flatMap((point) =>
    at.map((place) => {
      const path = files.link(point, place);
      return { point, place, path, old: links.some((one) => one.path === path && one.alive) };
    }),
  );
}

/** In the driver, or behind it where that has no XDP or cannot have it now. */
function linkAtXdp(calls: SystemCalls, program: number, index: number): number {
  const fd = linkCreate(calls, program, index, 'xdp');
  return fd === -ERROR.EBUSY || fd >= 0 ? fd : linkCreate(calls, program, index, 'xdp', { mode: 'generic' });
}

function refusedLink({ name }: AttachmentPoint, place: Place, error: number): PlinthError {
  const why: Readonly<Record<number, string>> = {
    [ERROR.EINVAL]: `this kernel has no ${place === 'xdp' ? 'XDP links' : 'tcx, which came with Linux 6.6'}; ${INSTEAD}`,
    [ERROR.EBUSY]: 'another program is at XDP there: "ip link" shows it',
    [ERROR.ENODEV]: 'it is gone',
  };
  const said = why[error] ?? `the kernel says ${errorName(error)}`;
  return new PlinthError('host', 'inspect-link', `interface ${name}: nothing can be attached: ${said}`);
}

function putBack(calls: SystemCalls, path: string, program: string): void {
  const fd = openPinned(calls, program);
  if (fd === undefined) return;
  using known = Link.pinned(calls, path);
  known?.replace({ fd });
  calls.close(fd);
}

// SPDX-License-Identifier: Apache-2.0
// Whether what is inspected has interfaces at which nothing is: a container gets some after it was attached to, or all of them anew
// when it is started again. What they carry passes, and no program is there that could tell.

import { PlinthError } from '@plinth/core';
import { anyReadable, type SystemCalls } from '@plinth/linux';
import type { AttachmentPoint } from '../containers/attachment-points.js';
import { ContainerNetwork } from '../containers/container-network.js';
import { isHostNetwork, processStart } from '../containers/container.js';
import { findContainer } from '../containers/find-container.js';
import { type InspectionSubject, readableFacts } from './facts.js';
import { InspectionFiles, inspectionIds, type InspectionPlaces, PLACES } from './places.js';
import { isInspected, runningLinks } from './running.js';

/** An interface of what inspection `id` is of, at which nothing is inspected. */
export interface Uninspected {
  readonly id: string;
  readonly subject: InspectionSubject;
  readonly point: AttachmentPoint;
}

/** Looks as often as it is asked to; what it has found out of processes is kept in between. */
export class Coverage implements Disposable {
  readonly #calls: SystemCalls;
  readonly #places: InspectionPlaces;
  /** By inspection, while their processes run. */
  readonly #networks = new Map<string, ContainerNetwork>();

  constructor(calls: SystemCalls, places: InspectionPlaces = PLACES) {
    this.#calls = calls;
    this.#places = places;
  }

  /** To wait for: one is readable when a look may tell something else, or when a namespace is to be let go of. */
  get descriptors(): readonly number[] {
    return [...this.#networks.values()].flatMap(({ descriptors }) => descriptors);
  }

  /** Whether one of them can be read now. */
  get changed(): boolean {
    return anyReadable(this.#calls, this.descriptors);
  }

  async look(): Promise<Uninspected[]> {
    const ids = inspectionIds(this.#places);
    for (const [id, network] of this.#networks) {
      network.forgetChanges();
      if (!ids.includes(id) || network.ended) this.#letGo(id);
    }
    return (await Promise.all(ids.map((id) => this.#lookAt(id)))).flat();
  }

  async #lookAt(id: string): Promise<Uninspected[]> {
    const files = new InspectionFiles(this.#places, id);
    const facts = readableFacts(files);
    // One that is not whole is being attached right now, or its attaching was killed, which is told otherwise.
    if (facts === undefined || facts.subject.kind === 'interface' || !facts.whole) return [];
    const { subject } = facts;
    const network = await this.#networkOf(id, subject);
    if (network === undefined) return [];
    const points = network.points();
    const links = runningLinks(this.#calls, files);
    return points.filter((point) => !isInspected(point, links)).map((point) => ({ id, subject, point }));
  }

  /** Undefined where nothing of it runs, or it has the network of the host now. */
  async #networkOf(id: string, subject: InspectionSubject): Promise<ContainerNetwork | undefined> {
    const known = this.#networks.get(id);
    if (known !== undefined) return known;
    try {
      const pid = await processOf(subject);
      if (pid === undefined || isHostNetwork(pid)) return undefined;
      const network = await ContainerNetwork.open(this.#calls, pid);
      this.#networks.set(id, network);
      return network;
    } catch (error) {
      // It ends at this moment, or a service cannot say.
      if (error instanceof PlinthError) return undefined;
      throw error;
    }
  }

  #letGo(id: string): void {
    this.#networks.get(id)?.[Symbol.dispose]();
    this.#networks.delete(id);
  }

  [Symbol.dispose](): void {
    for (const id of this.#networks.keys()) this.#letGo(id);
  }
}

/** A process of what was inspected, or of the container of its id or its name now; undefined if there is none. */
async function processOf({ kind, id, name, pid, start }: InspectionSubject): Promise<number | undefined> {
  if (pid !== undefined && processStart(pid) === start) return pid;
  if (kind !== 'container') return undefined;
  for (const one of new Set([id, name])) {
    try {
      return (await findContainer(one)).pid;
    } catch (error) {
      if (!(error instanceof PlinthError) || error.kind !== 'input') throw error;
    }
  }
  return undefined;
}

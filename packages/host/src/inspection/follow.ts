// SPDX-License-Identifier: Apache-2.0
// Attaches what is chosen now, and what comes later: containers that start or start again, and interfaces that they get. Changes of
// interfaces are told by the kernel, here and in each container's network; for containers it is asked now and then.

import { PlinthError } from '@plinth/core';
import { interfaceSockets, InterfaceWatch, networkInterfaces, pollToRead, type SystemCalls } from '@plinth/linux';
import { type AttachmentPoint, pointOfInterface } from '../containers/attachment-points.js';
import { type Container, isHostNetwork, processStart } from '../containers/container.js';
import { ContainerNetwork } from '../containers/container-network.js';
import { findContainer, listContainers } from '../containers/find-container.js';
import { type Attached, attachInspection, type AttachOptions, type RuleSource } from './attach.js';
import { coverInterfaces } from './cover.js';
import type { InspectionSubject } from './facts.js';
import { InspectionFiles, inspectionId, PLACES } from './places.js';
import { detachInspection } from './remove.js';
import { isInspected, runningLinks } from './running.js';
import { findSubject, processContainer, shortId, type SubjectName, subjectOf } from './subjects.js';
import { oldestUnread } from './unread.js';

/** One thing by its name, or each container, or each with a label (NAME or NAME=VALUE). */
export type Choice = SubjectName | { readonly all: true } | { readonly label: string };

/** What has become of one of them. */
export type FollowStep =
  | { readonly what: 'attached'; readonly attached: Attached }
  /** Interfaces have come, and are inspected like the others. */
  | { readonly what: 'covered'; readonly subject: InspectionSubject; readonly points: readonly AttachmentPoint[] }
  /** Somebody has detached it: it is left alone until it starts again. */
  | { readonly what: 'left'; readonly subject: InspectionSubject }
  /** It has ended, and so has its inspection. */
  | { readonly what: 'ended'; readonly subject: InspectionSubject }
  | { readonly what: 'failed'; readonly subject: InspectionSubject; readonly error: PlinthError };

interface Followed {
  readonly subject: InspectionSubject;
  /** Undefined for an interface of the host. */
  readonly network: ContainerNetwork | undefined;
  /** It was inspected once. */
  met: boolean;
  left: boolean;
  /** What was told of a failure, not to be told again. */
  failure: string | undefined;
}

export class Follower implements Disposable {
  readonly #calls: SystemCalls;
  readonly #choice: Choice;
  readonly #source: RuleSource;
  readonly #options: AttachOptions;
  /** Of our own namespace, where the other ends of veths come and go. */
  readonly #watch: InterfaceWatch;
  /** By inspection, what is there now. */
  readonly #followed = new Map<string, Followed>();
  /** Inspections of what has ended, until they can be ended as well. */
  readonly #ended = new Map<string, InspectionSubject>();

  constructor(calls: SystemCalls, choice: Choice, source: RuleSource, options: AttachOptions = {}) {
    this.#calls = calls;
    this.#choice = choice;
    this.#source = source;
    this.#options = options;
    this.#watch = new InterfaceWatch(calls, interfaceSockets(calls));
  }

  /**
   * Attaches all that is there; where something is attached, its rules are changed.
   * @throws PlinthError as `attachInspection`, for what was chosen by its name
   */
  async begin(): Promise<FollowStep[]> {
    const steps: FollowStep[] = [];
    await this.#meet();
    for (const [id, followed] of this.#followed) {
      const points = this.#pointsOf(followed);
      if (points.length === 0) continue;
      try {
        steps.push(await this.#attach(id, followed, points));
      } catch (error) {
        if (!(error instanceof PlinthError) || isNamed(this.#choice)) throw error;
        followed.failure = error.message;
        steps.push({ what: 'failed', subject: followed.subject, error });
      }
    }
    return steps;
  }

  /** Does what there is to do now. */
  async look(): Promise<FollowStep[]> {
    this.#watch.forgetChanges();
    for (const [id, followed] of this.#followed) {
      followed.network?.forgetChanges();
      if (this.#isGone(followed)) this.#letGo(id);
    }
    await this.#meet();
    const steps = await this.#removeEnded();
    for (const [id, followed] of this.#followed) {
      try {
        const step = await this.#cover(id, followed);
        if (step !== undefined) steps.push(step);
        followed.failure = undefined;
      } catch (error) {
        if (!(error instanceof PlinthError)) throw error;
        // What ends at this moment is met by the next look.
        if (this.#isGone(followed) || followed.failure === error.message) continue;
        followed.failure = error.message;
        steps.push({ what: 'failed', subject: followed.subject, error });
      }
    }
    return steps;
  }

  /** Nothing can come any more: the process has ended. */
  get over(): boolean {
    return 'pid' in this.#choice && this.#followed.size === 0 && this.#ended.size === 0;
  }

  /** Until something may have changed, at most so many milliseconds. */
  async wait(milliseconds: number): Promise<void> {
    const networks = [...this.#followed.values()].flatMap(({ network }) => network?.descriptors ?? []);
    await this.#calls.poll(pollToRead([this.#watch.fd, ...networks]), milliseconds);
  }

  #isGone({ subject, network }: Followed): boolean {
    if (network === undefined) return !networkInterfaces(this.#calls).some(({ name }) => name === subject.name);
    return network.ended || processStart(subject.pid!) !== subject.start;
  }

  #letGo(id: string): void {
    const { subject, network, met } = this.#followed.get(id)!;
    network?.[Symbol.dispose]();
    this.#followed.delete(id);
    if (met) this.#ended.set(id, subject);
  }

  /** Finds what is there and not followed yet. */
  async #meet(): Promise<void> {
    const choice = this.#choice;
    if ('interface' in choice) {
      if (this.#followed.size > 0) return;
      const found = await unlessInput(() => findSubject(this.#calls, choice));
      if (found !== undefined) this.#add(found.subject, undefined);
      return;
    }
    for (const container of await this.#containers(choice)) {
      const kind = 'pid' in choice ? 'process' : 'container';
      const subject = await unlessInput(() => (isHostNetwork(container.pid) ? undefined : subjectOf(kind, container)));
      if (subject === undefined) continue;
      const shared = [...this.#followed.values()].some((other) => other.subject.namespace === subject.namespace);
      if (!shared) this.#add(subject, await ContainerNetwork.open(this.#calls, container.pid));
    }
  }

  #add(subject: InspectionSubject, network: ContainerNetwork | undefined): void {
    const id = inspectionId(subject.id);
    this.#followed.set(id, { subject, network, met: false, left: false, failure: undefined });
    // It was started again, and its inspection goes on, or begins anew.
    this.#ended.delete(id);
  }

  /** Those that are chosen; what is followed needs no service to be known. */
  async #containers(choice: Exclude<Choice, { interface: string }>): Promise<Container[]> {
    if ('pid' in choice) return [processContainer(choice.pid)];
    if ('container' in choice) {
      if (this.#followed.size > 0) return [];
      const found = await unlessInput(() => findContainer(choice.container));
      return found === undefined ? [] : [found];
    }
    const known = (id: string): Container | undefined => {
      const subject = [...this.#followed.values()].find((one) => one.subject.id === shortId(id))?.subject;
      return subject === undefined ? undefined : { id, name: subject.name, pid: subject.pid! };
    };
    const list = await listContainers('label' in choice ? choice.label : undefined, known);
    // Of several with one network, as those of a pod, the first one stands for all.
    const startOf = ({ pid }: Container): number => Number(processStart(pid) ?? Infinity);
    return list.sort((one, other) => startOf(one) - startOf(other));
  }

  #pointsOf({ subject, network }: Followed): readonly AttachmentPoint[] {
    return network === undefined ? [pointOfInterface(this.#calls, subject.name)] : network.points();
  }

  async #cover(id: string, followed: Followed): Promise<FollowStep | undefined> {
    const { subject, met, left } = followed;
    if (left) return undefined;
    const points = this.#pointsOf(followed);
    const files = new InspectionFiles(this.#options.places ?? PLACES, id);
    const links = runningLinks(this.#calls, files);
    if (points.every((point) => isInspected(point, links))) {
      followed.met = points.length > 0;
      return undefined;
    }
    if (links.some(({ alive }) => alive)) {
      const fresh = await coverInterfaces(this.#calls, id, { subject, points }, this.#options.places);
      return { what: 'covered', subject, points: fresh };
    }
    if (!met || links.length > 0) return this.#attach(id, followed, points);
    followed.left = true;
    return { what: 'left', subject };
  }

  async #attach(id: string, followed: Followed, points: readonly AttachmentPoint[]): Promise<FollowStep> {
    const attached = await attachInspection(this.#calls, followed.subject, points, this.#source, this.#options);
    followed.met = true;
    this.#ended.delete(id);
    return { what: 'attached', attached };
  }

  /** Inspections of what has ended go once nothing waits to be read of them. */
  async #removeEnded(): Promise<FollowStep[]> {
    const steps: FollowStep[] = [];
    for (const [id, subject] of this.#ended) {
      const files = new InspectionFiles(this.#options.places ?? PLACES, id);
      // A network may outlive its container; then it stays inspected until another one of that network is.
      const replaced = [...this.#followed.values()].some(
        (one) => one.met && one.subject.namespace === subject.namespace,
      );
      if (!replaced && runningLinks(this.#calls, files).some(({ alive }) => alive)) continue;
      if (oldestUnread(this.#calls, files) !== undefined) continue;
      await detachInspection(this.#calls, id, this.#options.places);
      this.#ended.delete(id);
      steps.push({ what: 'ended', subject });
    }
    return steps;
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
    for (const { network } of this.#followed.values()) network?.[Symbol.dispose]();
  }
}

/** One thing by its name. */
export function isNamed(choice: Choice): choice is SubjectName {
  return !('all' in choice) && !('label' in choice);
}

/** Undefined for what is not there, or not now. */
async function unlessInput<T>(ask: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof PlinthError && error.kind === 'input') return undefined;
    throw error;
  }
}

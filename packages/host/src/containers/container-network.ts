// SPDX-License-Identifier: Apache-2.0
// The network of a container while it is looked after: what its interfaces are, when that changes, and when the container ends. It
// has to be let go of then, since its sockets keep the namespace, and all interfaces in it.

import { PlinthError } from '@plinth/core';
import { anyReadable, InterfaceWatch, NetworkNamespace, type SystemCalls } from '@plinth/linux';
import { type AttachmentPoint, pointsAmong } from './attachment-points.js';
import { type Container, isHostNetwork, networkNamespace } from './container.js';

/** @throws PlinthError `input` for a container that has the host's network, or none */
export async function pointsOfContainer(calls: SystemCalls, container: Container): Promise<AttachmentPoint[]> {
  const { name, pid } = container;
  if (isHostNetwork(pid)) {
    throw new PlinthError(
      'input',
      'host-network',
      `container ${name}: it has the network of the host, no interface is its own: inspect one of the host's with --interface`,
    );
  }
  using network = await ContainerNetwork.open(calls, pid);
  const points = network.points();
  if (points.length === 0) {
    throw new PlinthError('input', 'no-interface', `container ${name}: it has no network interface but its loopback`);
  }
  return points;
}

export class ContainerNetwork implements Disposable {
  readonly #calls: SystemCalls;
  readonly #path: string;
  readonly #watch: InterfaceWatch;
  /** Descriptor of the process; negative on a kernel without. */
  readonly #process: number;

  private constructor(calls: SystemCalls, path: string, watch: InterfaceWatch, process: number) {
    this.#calls = calls;
    this.#path = path;
    this.#watch = watch;
    this.#process = process;
  }

  /** Of a process in it. @throws PlinthError `host` where it cannot be entered */
  static async open(calls: SystemCalls, pid: number): Promise<ContainerNetwork> {
    const path = networkNamespace(pid);
    const process = calls.pidfdOpen(pid);
    try {
      using namespace = new NetworkNamespace(path);
      const sockets = await namespace.interfaceSockets();
      return new ContainerNetwork(calls, path, new InterfaceWatch(calls, sockets), process);
    } catch (error) {
      if (process >= 0) calls.close(process);
      throw error;
    }
  }

  /** To wait for: readable once an interface came, went or changed, or the process has ended. */
  get descriptors(): readonly number[] {
    return [this.#watch.fd, this.#process];
  }

  get ended(): boolean {
    return anyReadable(this.#calls, [this.#process]);
  }

  forgetChanges(): void {
    this.#watch.forgetChanges();
  }

  points(): AttachmentPoint[] {
    return pointsAmong(this.#calls, this.#path, this.#watch.interfaces());
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
    if (this.#process >= 0) this.#calls.close(this.#process);
  }
}

// SPDX-License-Identifier: Apache-2.0
// A network namespace that is not ours, worked in by a thread of its own: setns(2) holds for the thread that calls it, so no
// other is ever anywhere else. Descriptors that it makes are the process's.

import { Worker } from 'node:worker_threads';
import { PlinthError } from '@plinth/core';
import type { Place } from './bpf/link.js';
import type { InterfaceSockets } from './interface-watch.js';

/** What the thread can do there. */
export type NamespaceTask =
  | { readonly do: 'watch' }
  | { readonly do: 'link'; readonly program: number; readonly interface: number; readonly place: Place };

/** A result of a system call, or what it was asked for. */
export type NamespaceAnswer =
  { readonly sockets: InterfaceSockets } | { readonly result: number } | { readonly failure: string };

export class NetworkNamespace implements Disposable {
  readonly #thread: Worker;
  readonly #what: string;

  /** `path` is of a file in nsfs, as /proc/PID/ns/net; without one the namespace is new, and has nothing but `lo`. */
  constructor(path?: string) {
    this.#what = path ?? 'a new network namespace';
    this.#thread = new Worker(new URL('./namespace-thread.js', import.meta.url), { workerData: path });
    this.#thread.unref();
  }

  /** For an InterfaceWatch, which needs this thread no more. */
  async interfaceSockets(): Promise<InterfaceSockets> {
    const answer = await this.#ask({ do: 'watch' });
    if ('sockets' in answer) return answer.sockets;
    throw new TypeError('the thread has answered something else');
  }

  /** Links a program to an interface there; the descriptor of the link, or a negative error number. */
  async link(program: number, to: number, place: Place): Promise<number> {
    const answer = await this.#ask({ do: 'link', program, interface: to, place });
    return 'result' in answer ? answer.result : 0;
  }

  /** One task at a time. */
  #ask(task: NamespaceTask): Promise<NamespaceAnswer> {
    this.#thread.ref();
    return new Promise<NamespaceAnswer>((resolve, reject) => {
      const failed = (why: string, cause?: unknown): void => {
        reject(new PlinthError('host', 'namespace', `${this.#what}: ${why}`, { cause }));
      };
      this.#thread.once('message', (answer: NamespaceAnswer) => {
        if ('failure' in answer) failed(answer.failure);
        else resolve(answer);
      });
      this.#thread.once('error', (error) => failed(error.message, error));
      this.#thread.once('exit', () => failed('its thread has ended'));
      this.#thread.postMessage(task);
    }).finally(() => {
      this.#thread.removeAllListeners('message').removeAllListeners('error').removeAllListeners('exit');
      this.#thread.unref();
    });
  }

  [Symbol.dispose](): void {
    void this.#thread.terminate();
  }
}

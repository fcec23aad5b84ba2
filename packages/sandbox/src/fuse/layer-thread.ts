// SPDX-License-Identifier: Apache-2.0
// A thread that serves layers by FUSE, as many mounts as there are. The watcher has one: it looks into those mounts itself, and would wait
// for itself if it served them. It is there as long as anything is mounted: of a large tree it knows much, and that goes with it.

import { Worker } from 'node:worker_threads';
import { OPEN, type SystemCalls } from '@plinth/linux';
import type { ServeRequest } from './serve-request.js';

export type ThreadTask =
  /** `fd`: an open /dev/fuse that is mounted and does not wait. */
  { readonly do: 'serve'; readonly fd: number; readonly request: ServeRequest } | { readonly do: 'end' };

export type ThreadNews =
  | { readonly is: 'served'; readonly fd: number }
  | { readonly is: 'refused'; readonly fd: number; readonly why: string }
  /** It is not mounted any more. */
  | { readonly is: 'gone'; readonly fd: number };

interface Thread {
  readonly worker: Worker;
  /** An eventfd: it waits in poll(2), where no message is heard. */
  readonly wake: number;
}

export class LayerThread {
  readonly #calls: SystemCalls;
  #thread: Thread | undefined;
  /** Descriptors are the process's, so what the thread leaves behind is closed here: who waits for an answer gets ENOTCONN then. */
  readonly #mounts = new Set<number>();
  readonly #asked = new Map<number, (refusal: string | undefined) => void>();

  constructor(calls: SystemCalls) {
    this.#calls = calls;
  }

  /** Whether anything is mounted that it serves. */
  get serves(): boolean {
    return this.#mounts.size > 0;
  }

  /** Resolves when it does: with nothing, or why it does not. It has the descriptor from then on. */
  serve(fd: number, request: ServeRequest): Promise<string | undefined> {
    this.#mounts.add(fd);
    return new Promise((resolve) => {
      this.#asked.set(fd, resolve);
      this.#thread ??= this.#begin();
      this.#tell(this.#thread, { do: 'serve', fd, request });
    });
  }

  #tell({ worker, wake }: Thread, task: ThreadTask): void {
    worker.postMessage(task);
    const one = new Uint8Array(8);
    one[0] = 1;
    this.#calls.write(wake, one);
  }

  #begin(): Thread {
    const wake = this.#calls.eventfd(0, OPEN.closeOnExec | OPEN.nonBlocking);
    const worker = new Worker(new URL('layer-thread-main.js', import.meta.url), { workerData: wake });
    const thread = { worker, wake };
    let why = 'its server has ended';
    worker.on('message', (news: ThreadNews) => this.#hear(news));
    worker.on('error', (error) => (why = error.message));
    worker.on('exit', () => {
      this.#calls.close(wake);
      // Unless it was told to.
      if (this.#thread !== thread) return;
      this.#thread = undefined;
      for (const fd of this.#mounts) this.#hear({ is: 'refused', fd, why });
    });
    return thread;
  }

  #hear(news: ThreadNews): void {
    if (news.is !== 'served') {
      this.#mounts.delete(news.fd);
      this.#calls.close(news.fd);
    }
    const answer = this.#asked.get(news.fd);
    this.#asked.delete(news.fd);
    answer?.(news.is === 'refused' ? news.why : undefined);
    const thread = this.#thread;
    if (this.serves || thread === undefined) return;
    this.#thread = undefined;
    this.#tell(thread, { do: 'end' });
  }
}

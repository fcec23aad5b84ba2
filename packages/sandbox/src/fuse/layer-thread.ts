// SPDX-License-Identifier: Apache-2.0
// A thread that serves layers by FUSE, as many mounts as there are. The watcher has one: it looks into those mounts itself, and would wait
// for itself if it served them.

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

export class LayerThread {
  readonly #calls: SystemCalls;
  #thread: Worker | undefined;
  /** An eventfd: the thread waits in poll(2), where no message is heard. */
  #wake = -1;
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
      this.#tell({ do: 'serve', fd, request });
    });
  }

  /** Resolves when the thread has ended. */
  async end(): Promise<void> {
    const thread = this.#thread;
    if (thread === undefined) return;
    const ended = new Promise((resolve) => thread.once('exit', resolve));
    this.#tell({ do: 'end' });
    await ended;
  }

  #tell(task: ThreadTask): void {
    this.#thread ??= this.#begin();
    this.#thread.postMessage(task);
    const one = new Uint8Array(8);
    one[0] = 1;
    this.#calls.write(this.#wake, one);
  }

  #begin(): Worker {
    this.#wake = this.#calls.eventfd(0, OPEN.closeOnExec | OPEN.nonBlocking);
    const thread = new Worker(new URL('layer-thread-main.js', import.meta.url), { workerData: this.#wake });
    let why = 'its server has ended';
    thread.on('message', (news: ThreadNews) => this.#hear(news));
    thread.on('error', (error) => (why = error.message));
    thread.on('exit', () => {
      for (const fd of this.#mounts) this.#hear({ is: 'refused', fd, why });
      this.#calls.close(this.#wake);
      this.#thread = undefined;
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
  }
}

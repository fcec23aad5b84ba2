// SPDX-License-Identifier: Apache-2.0
// What runs in the thread of a LayerThread: one request after the other, of whichever mount has one.

import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { FuseSession, nativeCalls, nativeFileCalls, POLL, POLL_SIZE, polled, setPoll } from '@plinth/linux';
import { LayeredFiles } from '../layers/layered-files.js';
import type { ThreadNews, ThreadTask } from './layer-thread.js';
import { CACHE_SECONDS, type ServeRequest } from './serve-request.js';

interface Served {
  readonly fd: number;
  readonly files: LayeredFiles;
  readonly session: FuseSession;
}

const calls = nativeCalls();
const port: MessagePort = parentPort!;
const wake = workerData as number;
let mounts: Served[] = [];
let ends = false;

function tell(news: ThreadNews): void {
  port.postMessage(news);
}

function serve(fd: number, { layers, numbers }: ServeRequest): void {
  try {
    const files = new LayeredFiles(nativeFileCalls(), layers);
    const options = { cacheSeconds: CACHE_SECONDS, writeback: false, ...(numbers === undefined ? {} : { numbers }) };
    mounts.push({ fd, files, session: new FuseSession(files, options) });
    tell({ is: 'served', fd });
  } catch (error) {
    tell({ is: 'refused', fd, why: (error as Error).message });
  }
}

function hear(): void {
  calls.read(wake, new Uint8Array(8));
  for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
    const task = got.message as ThreadTask;
    if (task.do === 'end') ends = true;
    else serve(task.fd, task.request);
  }
}

function answer(mount: Served): void {
  const { fd, files, session } = mount;
  try {
    if (session.serveOne(calls, fd)) return;
  } catch (error) {
    console.error(error);
  }
  files[Symbol.dispose]();
  mounts = mounts.filter((one) => one !== mount);
  tell({ is: 'gone', fd });
}

/** Of the eventfd, and then of the mounts. */
function descriptorsOf(all: readonly Served[]): Uint8Array {
  const descriptors = new Uint8Array(POLL_SIZE * (1 + all.length));
  setPoll(descriptors, 0, wake, POLL.in);
  all.forEach(({ fd }, n) => setPoll(descriptors, n + 1, fd, POLL.in));
  return descriptors;
}

while (!ends) {
  const all = mounts;
  const descriptors = descriptorsOf(all);
  while (!ends && mounts === all) {
    calls.wait(descriptors, -1);
    all.forEach((mount, n) => {
      if (polled(descriptors, n + 1) !== 0) answer(mount);
    });
    if (polled(descriptors, 0) === 0) continue;
    mounts = [...mounts];
    hear();
  }
}

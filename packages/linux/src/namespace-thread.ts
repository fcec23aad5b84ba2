// SPDX-License-Identifier: Apache-2.0
// The thread of a NetworkNamespace: it goes there as it begins, and never leaves.

import { parentPort, workerData } from 'node:worker_threads';
import { PlinthError } from '@plinth/core';
import { linkCreate } from './bpf/link.js';
import { errorName } from './bpf/refusal.js';
import { interfaceSockets } from './interface-watch.js';
import { nativeCalls } from './native-calls.js';
import type { NamespaceAnswer, NamespaceTask } from './network-namespace.js';
import { OPEN } from './system-calls.js';

const CLONE_NEWNET = 0x4000_0000;

const calls = nativeCalls();
let entered: number | undefined;

function enter(path: string | undefined): number {
  if (path === undefined) return calls.unshare(CLONE_NEWNET);
  const fd = calls.open(path, OPEN.readOnly | OPEN.closeOnExec);
  if (fd < 0) return fd;
  const result = calls.setns(fd, CLONE_NEWNET);
  calls.close(fd);
  return result;
}

function answer(task: NamespaceTask): NamespaceAnswer {
  entered ??= enter(workerData as string | undefined);
  if (entered < 0) return { failure: `it cannot be entered: the kernel says ${errorName(-entered)}` };
  if (task.do === 'watch') return { sockets: interfaceSockets(calls) };
  return { result: linkCreate(calls, task.program, task.interface, task.place) };
}

parentPort!.on('message', (task: NamespaceTask) => {
  let result: NamespaceAnswer;
  try {
    result = answer(task);
  } catch (error) {
    if (!(error instanceof PlinthError)) throw error;
    result = { failure: error.message };
  }
  parentPort!.postMessage(result);
});

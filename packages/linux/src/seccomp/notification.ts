// SPDX-License-Identifier: Apache-2.0
// Calls of a program that its filter tells a watcher before they are made (seccomp_unotify(2)): the program waits for the answer.

import type { Result, SystemCalls } from '../system-calls.js';

/** SECCOMP_IOCTL_NOTIF_RECV, _SEND and _ID_VALID. */
const RECEIVE = 0xc050_2100;
const SEND = 0xc018_2101;
const VALID = 0x4008_2102;
const NOTIFICATION_SIZE = 80;
const ANSWER_SIZE = 24;
const ARGUMENTS_AT = 32;
const CONTINUE = 1;

export interface CallNotification {
  readonly id: bigint;
  /** Of the thread, as this process sees it. */
  readonly thread: number;
  readonly call: number;
  readonly args: readonly bigint[];
}

/** Waits for the next one. A negative number is an error: ENOENT if the program was gone before we asked. */
export function receiveNotification(calls: SystemCalls, listener: number): CallNotification | Result {
  const bytes = new Uint8Array(NOTIFICATION_SIZE);
  const result = calls.ioctl(listener, RECEIVE, bytes);
  if (result < 0) return result;
  const view = new DataView(bytes.buffer);
  return {
    id: view.getBigUint64(0, true),
    thread: view.getUint32(8, true),
    call: view.getInt32(16, true),
    args: Array.from({ length: 6 }, (_, n) => view.getBigUint64(ARGUMENTS_AT + 8 * n, true)),
  };
}

/** Whether the program still waits: what was read of its memory by its number was its own. */
export function stillWaits(calls: SystemCalls, listener: number, id: bigint): boolean {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, id, true);
  return calls.ioctl(listener, VALID, bytes) >= 0;
}

/** The call is made, or fails with an error number. */
export function answerNotification(
  calls: SystemCalls,
  listener: number,
  id: bigint,
  answer: 'go-on' | { readonly error: number },
): Result {
  const bytes = new Uint8Array(ANSWER_SIZE);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, id, true);
  if (answer === 'go-on') view.setUint32(20, CONTINUE, true);
  else view.setInt32(16, -answer.error, true);
  return calls.ioctl(listener, SEND, bytes);
}

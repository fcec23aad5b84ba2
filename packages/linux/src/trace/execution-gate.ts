// SPDX-License-Identifier: Apache-2.0
// The kernel asks before it opens a file to execute it (fanotify(7), FAN_OPEN_EXEC_PERM): programs, scripts, their interpreters and
// loaders. What is asked for is an open file, so what is judged is what will run. Needs root, and Linux 5.0.

import { readlinkSync } from 'node:fs';
import { refusal } from '../bpf/refusal.js';
import { ERROR, OPEN, type SystemCalls } from '../system-calls.js';

/** FAN_CLOEXEC | FAN_NONBLOCK | FAN_CLASS_CONTENT. */
const INIT = 0x1 | 0x2 | 0x4;
/** FAN_MARK_ADD | FAN_MARK_MOUNT: what is mounted elsewhere too is nobody's business there. */
const MARK = 0x1 | 0x10;
const OPEN_TO_EXECUTE = 0x4_0000;
/** struct fanotify_event_metadata: its length, a mask, a descriptor, a process. */
const EVENT = { length: 0, mask: 8, fd: 16, process: 20, size: 24 } as const;
const ANSWER = { allow: 1, deny: 2 } as const;
const ROOM = 4096;

export interface AskedExecution {
  readonly process: number;
  /** As its own root has it. */
  readonly path: string;
  /** The open file, until the question is answered. */
  readonly fd: number;
}

export class ExecutionGate implements Disposable {
  readonly #calls: SystemCalls;
  /** To be polled: somebody asks. */
  readonly fd: number;

  private constructor(calls: SystemCalls, fd: number) {
    this.#calls = calls;
    this.fd = fd;
  }

  /** @throws PlinthError `host` where the kernel does not let us */
  static open(calls: SystemCalls): ExecutionGate {
    const fd = calls.fanotifyInit(INIT, OPEN.readOnly | OPEN.closeOnExec);
    if (fd < 0) throw refusal('asking before programs are executed', -fd);
    return new ExecutionGate(calls, fd);
  }

  /** From here on it is asked for all files of the mount that a path is in. Whoever answers must not execute any of them. */
  guard(path: string): void {
    const result = this.#calls.fanotifyMark(this.fd, MARK, OPEN_TO_EXECUTE, path);
    if (result < 0) throw refusal(`asking before programs of ${path} are executed`, -result);
  }

  /** Answers all that is asked. */
  answer(decide: (asked: AskedExecution) => 'allow' | 'deny'): void {
    const bytes = new Uint8Array(ROOM);
    for (;;) {
      const length = this.#calls.read(this.fd, bytes);
      if (length <= 0) {
        if (length === -ERROR.EINTR) continue;
        return;
      }
      const view = new DataView(bytes.buffer, 0, length);
      for (let at = 0; at + EVENT.size <= length; at += view.getUint32(at + EVENT.length, true)) {
        const fd = view.getInt32(at + EVENT.fd, true);
        // Some that were lost were never asked.
        if (fd < 0) continue;
        const verdict = decide({ process: view.getInt32(at + EVENT.process, true), path: pathOf(fd), fd });
        const answer = new Uint8Array(8);
        const answerView = new DataView(answer.buffer);
        answerView.setInt32(0, fd, true);
        answerView.setUint32(4, ANSWER[verdict], true);
        this.#calls.write(this.fd, answer);
        this.#calls.close(fd);
      }
    }
  }

  /** Whoever still waits may go on. */
  [Symbol.dispose](): void {
    this.#calls.close(this.fd);
  }
}

function pathOf(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}
